/* SPDX-License-Identifier: MIT
 * The statement information of GET DIAGNOSTICS is two numbers: SET gives them to the same variables, and they have the same types (tried on MariaDB
 * 10.11 and MySQL 9.7: NUMBER is unsigned, ROW_COUNT is not). GET [CURRENT] DIAGNOSTICS @variable = NUMBER | ROW_COUNT, ...
 */
#include "protocol/residue_diagnostics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/residue_name.h"

#define KEPT_MAX 64u /* conditions that a server keeps by default; of more, NUMBER says how many were kept */

struct walk {
    struct lexer lexer;
    struct token token; /* the next one */
    const uint8_t *text;
};

static void next(struct walk *walk)
{
    residue_token(&walk->lexer, &walk->token);
}

static bool take_word(struct walk *walk, const char *word)
{
    if (walk->token.kind != TOKEN_WORD || walk->token.hash != name_hash(word, strlen(word)))
        return false;
    next(walk);
    return true;
}

static bool take_sign(struct walk *walk, uint8_t sign)
{
    if (walk->token.kind != TOKEN_SIGN || walk->token.sign != sign)
        return false;
    next(walk);
    return true;
}

static void put(struct wire_writer *w, const char *text)
{
    wire_put_bytes(w, text, strlen(text));
}

static bool take_item(struct walk *walk, struct wire_writer *w, const struct residue_values *values)
{
    char number[48];

    if (walk->token.kind != TOKEN_USER_VARIABLE)
        return false;
    wire_put_bytes(w, walk->text + walk->token.begin, walk->token.end - walk->token.begin);
    next(walk);
    if (!take_sign(walk, '='))
        return false;
    if (take_word(walk, "NUMBER"))
        (void)snprintf(number, sizeof number, "=CAST(%" PRIu64 " AS UNSIGNED)", values->warning_count);
    else if (take_word(walk, "ROW_COUNT"))
        (void)snprintf(number, sizeof number, "=%" PRId64, values->row_count);
    else
        return false;
    put(w, number);
    return true;
}

static bool ends(struct walk *walk)
{
    (void)take_sign(walk, ';');
    return walk->token.kind == TOKEN_END && !lexer_unclear(&walk->lexer);
}

bool residue_diagnostics_write(struct wire_writer *w, const uint8_t *text, size_t length, struct lexer_modes modes, const struct residue_values *values)
{
    struct walk walk = {.text = text};

    lexer_begin(&walk.lexer, modes);
    lexer_piece(&walk.lexer, text, length);
    next(&walk);
    if (!take_word(&walk, "GET"))
        return false;
    (void)take_word(&walk, "CURRENT");
    if (!take_word(&walk, "DIAGNOSTICS") || values->warning_count > KEPT_MAX)
        return false;
    put(w, "SET ");
    while (take_item(&walk, w, values)) {
        if (!take_sign(&walk, ','))
            return ends(&walk) && !w->full;
        put(w, ",");
    }
    return false;
}
