/* SPDX-License-Identifier: MIT
 * Strings and quoted names.
 */
#include <string.h>

#include "protocol/lexer_part.h"

/* At the quote behind n, x or b: n'..' is a string like others, x'..' and b'..' have nothing but digits. */
static enum lexer_step prefixed(struct lexer *l)
{
    if ((l->quote | 0x20) == 'n') {
        l->quote = '\'';
        l->token.kind = TOKEN_STRING;
        return lexer_take(l, STATE_STRING);
    }
    return lexer_take(l, STATE_BARE_STRING);
}

static enum lexer_step unfinished(struct lexer *l)
{
    l->unclear = true;
    return lexer_emit(l, l->token.kind, 0, STATE_START);
}

static enum lexer_step bare_string(struct lexer *l)
{
    bool hex = (l->quote | 0x20) == 'x';

    while (l->at < l->length && based_digit(l->piece[l->at], hex))
        l->at++;
    l->token.kind = TOKEN_STRING;
    if (l->at == l->length)
        return l->ended ? unfinished(l) : STEP_GO;
    if (l->piece[l->at] != '\'') { /* the servers refuse it */
        l->unclear = true;
        l->at++;
        return STEP_GO;
    }
    l->at++;
    return lexer_emit(l, TOKEN_STRING, 0, STATE_START);
}

/* A byte of eight is zero. Bytes above one that is may count, too: who asks looks at each. */
static inline bool has_zero(uint64_t word)
{
    return ((word - 0x0101010101010101u) & ~word & 0x8080808080808080u) != 0;
}

/* Up to the first of two characters; nearly all of a long INSERT is passed here. */
static const uint8_t *string_run(const uint8_t *p, const uint8_t *end, uint8_t one, uint8_t other)
{
    const uint64_t ones = 0x0101010101010101u * one;
    const uint64_t others = 0x0101010101010101u * other;
    uint64_t word;

    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        if (has_zero(word ^ ones) || has_zero(word ^ others))
            break;
    }
    while (p < end && *p != one && *p != other)
        p++;
    return p;
}

static enum lexer_step string(struct lexer *l)
{
    const uint8_t *end = l->piece + l->length;
    const uint8_t *from = l->piece + l->at;
    const uint8_t *p = string_run(from, end, l->quote, l->modes.no_backslash_escapes ? l->quote : '\\');

    if (l->token.kind == TOKEN_USER_VARIABLE)
        lexer_name(l, from, (size_t)(p - from));
    l->at = (size_t)(p - l->piece);
    if (p == end)
        return l->ended ? unfinished(l) : STEP_GO;
    return lexer_take(l, *p == l->quote ? STATE_STRING_QUOTE : STATE_ESCAPE);
}

/* The character behind a backslash is none that ends the string; as part of a name it stands for itself. */
static enum lexer_step escape(struct lexer *l, int c)
{
    uint8_t byte = (uint8_t)c;

    if (c == LEXER_NO_BYTE)
        return unfinished(l);
    if (l->token.kind == TOKEN_USER_VARIABLE)
        lexer_name(l, &byte, 1);
    return lexer_take(l, STATE_STRING);
}

static enum lexer_step quoted(struct lexer *l)
{
    const uint8_t *from = l->piece + l->at;
    const uint8_t *end = l->piece + l->length;
    const uint8_t *p = string_run(from, end, l->quote, 0);

    lexer_name(l, from, (size_t)(p - from));
    l->at = (size_t)(p - l->piece);
    if (p == end)
        return l->ended ? unfinished(l) : STEP_GO;
    if (*p == l->quote)
        return lexer_take(l, STATE_QUOTED_QUOTE);
    l->unclear = true; /* NUL: the servers take the quote for a character then */
    lexer_name(l, p, 1);
    return lexer_take(l, STATE_QUOTED);
}

/* Behind a quote inside: two of them are one of the text, in strings and in names. */
static enum lexer_step second_quote(struct lexer *l, int c)
{
    bool is_string = l->state == STATE_STRING_QUOTE;

    if (c == l->quote) {
        if (l->token.kind != TOKEN_STRING)
            lexer_name(l, &l->quote, 1);
        return lexer_take(l, is_string ? STATE_STRING : STATE_QUOTED);
    }
    return lexer_emit(l, l->token.kind, 0, STATE_START);
}

enum lexer_step lexer_string(struct lexer *l, int c)
{
    switch ((enum lexer_state)l->state) {
    case STATE_PREFIX:
        return prefixed(l);
    case STATE_STRING:
        return string(l);
    case STATE_ESCAPE:
        return escape(l, c);
    case STATE_BARE_STRING:
        return bare_string(l);
    case STATE_QUOTED:
        return quoted(l);
    default:
        return second_quote(l, c);
    }
}
