/* SPDX-License-Identifier: MIT
 * Numbers, and what looks like one: names may begin with digits, and a dot may belong to a number or stand between names.
 */
#include "protocol/lexer_part.h"

/* Behind the 0. */
static enum lexer_step zero(struct lexer *l, int c)
{
    uint8_t byte = (uint8_t)c;

    if (c != 'x' && c != 'b') {
        l->state = STATE_DIGITS;
        return STEP_GO;
    }
    lexer_name(l, &byte, 1);
    l->digits = 0;
    return lexer_take(l, c == 'x' ? STATE_HEX : STATE_BITS);
}

/* 0x12, 0b01: a name as soon as something else of a name follows, or nothing at all. */
static enum lexer_step based(struct lexer *l)
{
    const uint8_t *from = l->piece + l->at;
    const uint8_t *end = l->piece + l->length;
    const uint8_t *p = from;
    bool hex = l->state == STATE_HEX;

    while (p < end && based_digit(*p, hex))
        p++;
    if (p > from)
        l->digits = 1;
    lexer_name(l, from, (size_t)(p - from));
    l->at += (size_t)(p - from);
    if (p == end && !l->ended)
        return STEP_GO;
    if (p == end ? l->digits : l->digits && !in_name(*p))
        return lexer_emit(l, TOKEN_NUMBER, 0, STATE_START);
    l->state = STATE_WORD;
    return STEP_GO;
}

static enum lexer_step digits(struct lexer *l)
{
    const uint8_t *from = l->piece + l->at;
    const uint8_t *end = l->piece + l->length;
    const uint8_t *p = from;

    while (p < end && is_digit(*p))
        p++;
    l->at += (size_t)(p - from);
    if (p < end && !in_name(*p)) {
        if (*p == '.')
            return lexer_take(l, l->modes.mariadb ? STATE_DIGITS_DOT : STATE_REAL);
        return lexer_emit(l, TOKEN_NUMBER, 0, STATE_START);
    }
    if (p == end && l->ended)
        return lexer_emit(l, TOKEN_NUMBER, 0, STATE_START);
    /* a name after all, or the piece goes away: then it may still become one */
    lexer_name(l, from, (size_t)(p - from));
    if (p == end)
        return STEP_GO;
    if (*p != 'e' && *p != 'E') {
        l->state = STATE_WORD;
        return STEP_GO;
    }
    lexer_name(l, p, 1);
    return lexer_take(l, STATE_DIGITS_E);
}

static enum lexer_step exponent(struct lexer *l)
{
    while (l->at < l->length && is_digit(l->piece[l->at]))
        l->at++;
    return l->at == l->length && !l->ended ? STEP_GO : lexer_emit(l, TOKEN_NUMBER, 0, STATE_START);
}

static enum lexer_step real(struct lexer *l)
{
    while (l->at < l->length && is_digit(l->piece[l->at]))
        l->at++;
    if (l->at == l->length)
        return l->ended ? lexer_emit(l, TOKEN_NUMBER, 0, STATE_START) : STEP_GO;
    if (l->piece[l->at] == 'e' || l->piece[l->at] == 'E')
        return lexer_take(l, STATE_REAL_E);
    return lexer_emit(l, TOKEN_NUMBER, 0, STATE_START);
}

/* 1.e without a digit: the servers forget the number and go on with the character behind it. */
static enum lexer_step real_exponent(struct lexer *l, int c)
{
    if (is_digit(c)) {
        l->state = STATE_EXPONENT;
        return STEP_GO;
    }
    if (l->state == STATE_REAL_E && (c == '+' || c == '-'))
        return lexer_take(l, STATE_REAL_E_SIGN);
    l->unclear = true;
    return lexer_emit(l, TOKEN_NUMBER, 0, STATE_START);
}

static enum lexer_step digits_exponent(struct lexer *l, int c)
{
    if (is_digit(c)) {
        l->state = STATE_EXPONENT;
        return STEP_GO;
    }
    if (l->state == STATE_DIGITS_E) {
        if (c != '+' && c != '-') {
            l->state = STATE_WORD;
            return STEP_GO;
        }
        l->quote = (uint8_t)c;
        return lexer_take(l, STATE_DIGITS_E_SIGN);
    }
    /* 1e+a: the name 1e, and a sign */
    return lexer_emit(l, TOKEN_WORD, 1, l->quote == '-' ? STATE_MINUS : STATE_SIGN);
}

static enum lexer_step dot(struct lexer *l, int c)
{
    if (l->state == STATE_DOT && is_digit(c)) {
        l->token.begin = lexer_position(l) - 1;
        l->state = STATE_REAL;
        return STEP_GO;
    }
    if (in_name(c))
        return lexer_emit_sign(l, '.', 1, STATE_NAME);
    if (c == '.' && l->state == STATE_WORD_DOT)
        l->unclear = true; /* which of the two is part of what, depends on the word */
    return lexer_emit_sign(l, '.', 1, l->modes.mariadb && c == '.' ? STATE_SECOND_DOT : STATE_START);
}

enum lexer_step lexer_number(struct lexer *l, int c)
{
    switch ((enum lexer_state)l->state) {
    case STATE_ZERO:
        return zero(l, c);
    case STATE_HEX:
    case STATE_BITS:
        return based(l);
    case STATE_DIGITS:
        return digits(l);
    case STATE_DIGITS_DOT:
        if (c == '.')
            return lexer_emit(l, TOKEN_NUMBER, 1, STATE_DOT);
        l->state = STATE_REAL;
        return STEP_GO;
    case STATE_DIGITS_E:
    case STATE_DIGITS_E_SIGN:
        return digits_exponent(l, c);
    case STATE_REAL:
        return real(l);
    case STATE_REAL_E:
    case STATE_REAL_E_SIGN:
        return real_exponent(l, c);
    case STATE_EXPONENT:
        return exponent(l);
    case STATE_SECOND_DOT:
        l->at++;
        return lexer_emit_sign(l, '.', 1, STATE_START);
    default:
        return dot(l, c);
    }
}
