/* SPDX-License-Identifier: MIT
 * Helpers of the lexer's tests: a text's tokens, which must be the same for every cut of it.
 */
#ifndef SLUSE_TESTS_UNIT_LEXER_CASE_H
#define SLUSE_TESTS_UNIT_LEXER_CASE_H

#include "protocol/lexer.h"
#include "tests/unit/split.h"

#define TOKENS 256u

#define MARIADB {.mariadb = true, .version = 101119}
#define MYSQL {.version = 90704}

struct lexed {
    size_t count;
    bool unclear;
    struct token tokens[TOKENS];
};

/* Without an assertion a token: each is a message to the runner. */
static inline void take_tokens(struct lexer *l, struct lexed *to, enum token_kind until)
{
    struct token token;

    while (lexer_next(l, &token) != until) {
        if (token.kind == TOKEN_MORE || token.kind == TOKEN_END || to->count == TOKENS)
            ck_abort_msg("kind %d after %zu tokens", (int)token.kind, to->count);
        to->tokens[to->count++] = token;
    }
}

static inline void feed(const uint8_t *bytes, size_t length, void *context)
{
    void **both = context;
    lexer_piece(both[0], bytes, length);
    take_tokens(both[0], both[1], TOKEN_MORE);
}

/* In pieces of these lengths, the rest in one. */
static inline void lex(struct lexer_modes modes, const char *text, size_t length, const size_t *cuts, size_t count, struct lexed *to)
{
    struct lexer l;
    void *both[] = {&l, to};
    size_t at = 0;

    to->count = 0;
    lexer_begin(&l, modes);
    for (size_t i = 0; i < count; i++) {
        with_exact_copy((const uint8_t *)text + at, cuts[i], feed, both);
        at += cuts[i];
    }
    with_exact_copy((const uint8_t *)text + at, length - at, feed, both);
    lexer_end(&l);
    take_tokens(&l, to, TOKEN_END);
    take_tokens(&l, to, TOKEN_END);
    to->unclear = lexer_unclear(&l);
}

static inline bool same_token(const struct token *a, const struct token *b)
{
    return a->kind == b->kind && a->begin == b->begin && a->end == b->end && a->hash == b->hash && a->sign == b->sign && a->spaced == b->spaced &&
           a->beyond == b->beyond;
}

static inline void assert_same(const struct lexed *a, const struct lexed *b)
{
    size_t i = 0;

    while (i < a->count && i < b->count && same_token(&a->tokens[i], &b->tokens[i]))
        i++;
    if (i < a->count || i < b->count || a->unclear != b->unclear)
        ck_abort_msg("of %zu and %zu tokens, %zu are the same", a->count, b->count, i);
}

/* Every cut gives what no cut gives. */
static inline void lex_cut(struct lexer_modes modes, const char *text, size_t length, struct lexed *whole)
{
    static struct lexed cut;
    static size_t ones[4096];

    lex(modes, text, length, NULL, 0, whole);
    for (size_t at = 0; at <= length; at++) {
        size_t cuts[] = {at, 0};
        lex(modes, text, length, cuts, 2, &cut);
        assert_same(whole, &cut);
    }
    ck_assert_uint_le(length, 4096);
    for (size_t i = 0; i < length; i++)
        ones[i] = 1;
    lex(modes, text, length, ones, length, &cut);
    assert_same(whole, &cut);
}

#endif
