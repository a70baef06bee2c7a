/* SPDX-License-Identifier: MIT
 * Comments, and which of the versioned ones a server executes.
 *
 * A character that may begin a comment was taken before its state is entered.
 */
#include <string.h>

#include "protocol/lexer_part.h"

/* Six digits need white space behind them there; older ones read five only. */
#define MYSQL_SIX_DIGITS 90000u
/* Executed by a member of a Galera cluster. */
#define GALERA_VERSION 99997u

static enum lexer_step comment_end(struct lexer *l)
{
    if (l->comment == COMMENT_HINT && l->quote)
        l->unclear = true; /* does the comment end inside a quoted name? */
    if (l->comment == COMMENT_NESTED) {
        l->comment = COMMENT_SKIPPED;
        return lexer_take(l, STATE_COMMENT);
    }
    l->spaced = l->commented = true;
    return lexer_take(l, STATE_START);
}

static enum lexer_step unfinished(struct lexer *l)
{
    l->unclear = true;
    l->state = STATE_START;
    return STEP_GO;
}

/* Up to the next character that may matter. */
static size_t comment_run(struct lexer *l)
{
    const uint8_t *bytes = l->piece + l->at;
    size_t left = l->length - l->at;
    const uint8_t *star;

    if (l->comment == COMMENT_PLAIN || l->comment == COMMENT_NESTED) {
        star = memchr(bytes, '*', left);
        return star ? (size_t)(star - bytes) : left;
    }
    for (size_t i = 0; i < left; i++) {
        uint8_t c = bytes[i];
        if (c == '*' || (c == '/' && l->comment == COMMENT_SKIPPED))
            return i;
        if (c == '\'' || c == '"' || c == '`')
            l->quote = l->quote == c ? 0 : l->quote ? l->quote : c;
    }
    return left;
}

static enum lexer_step comment(struct lexer *l, int c)
{
    if (c == LEXER_NO_BYTE)
        return unfinished(l);
    switch ((enum lexer_state)l->state) {
    case STATE_COMMENT_STAR:
        if (c == '/')
            return comment_end(l);
        break;
    case STATE_COMMENT_SLASH:
        if (c == '*') {
            l->unclear = true;
            l->comment = COMMENT_NESTED;
            return lexer_take(l, STATE_COMMENT);
        }
        break;
    default:
        break;
    }
    l->at += comment_run(l);
    l->state = STATE_COMMENT;
    if (l->at == l->length)
        return STEP_GO;
    return lexer_take(l, l->piece[l->at] == '*' ? STATE_COMMENT_STAR : STATE_COMMENT_SLASH);
}

static bool executes(struct lexer *l, int next)
{
    const struct lexer_modes *m = &l->modes;
    bool space = next == ' ' || (next >= '\t' && next <= '\r');

    if (l->digits == 0)
        return true;
    if (l->digits < 5 || l->digits > 6 || !m->version || (l->digits == 6 && !m->mariadb && (!space || m->version < MYSQL_SIX_DIGITS))) {
        l->unclear = true;
        return true;
    }
    if (l->number > m->version)
        return false;
    if (!m->mariadb || l->comment == COMMENT_MARIADB)
        return true;
    return l->number < 50700 || l->number > 99999;
}

static enum lexer_step version(struct lexer *l, int c)
{
    if (is_digit(c) && l->digits < 7) {
        l->number = l->number * 10 + (uint32_t)(c - '0');
        l->digits++;
        return lexer_take(l, STATE_VERSION);
    }
    if (l->modes.mariadb && l->number == GALERA_VERSION)
        l->unclear = true;
    if (!executes(l, c)) {
        l->comment = COMMENT_SKIPPED;
        l->quote = 0;
        l->state = STATE_COMMENT;
        return STEP_GO;
    }
    if (l->in_executed)
        l->unclear = true; /* the first end closes both */
    l->in_executed = true;
    l->spaced = l->commented = true;
    l->state = STATE_START;
    return STEP_GO;
}

static enum lexer_step comment_kind(struct lexer *l, int c)
{
    if (c == '!') {
        l->digits = 0;
        l->number = 0;
        return lexer_take(l, STATE_VERSION);
    }
    if (l->state == STATE_COMMENT_OPEN && c == 'M' && l->modes.mariadb) {
        l->comment = COMMENT_MARIADB;
        return lexer_take(l, STATE_COMMENT_M);
    }
    l->comment = l->state == STATE_COMMENT_OPEN && c == '+' ? COMMENT_HINT : COMMENT_PLAIN;
    l->quote = 0;
    l->state = STATE_COMMENT;
    return STEP_GO;
}

static enum lexer_step line(struct lexer *l)
{
    const uint8_t *bytes = l->piece + l->at;
    size_t left = l->length - l->at;
    const uint8_t *end = left ? memchr(bytes, '\n', left) : NULL;
    size_t count = end ? (size_t)(end - bytes) : left;

    /* the servers end the comment there, and then find a character that they don't know */
    if (count && memchr(bytes, 0, count))
        l->unclear = true;
    l->spaced = l->commented = true;
    l->at += count;
    if (end || l->ended)
        l->state = STATE_START;
    return STEP_GO;
}

static enum lexer_step minus_minus(struct lexer *l, int c)
{
    if (c <= ' ' || c == 0x7F) { /* the end of the text, too */
        l->state = STATE_LINE;
        return STEP_GO;
    }
    if (c == ';')
        l->unclear = true; /* a server strips it, when it is the last */
    return lexer_emit_sign(l, '-', 2, STATE_MINUS);
}

enum lexer_step lexer_comment(struct lexer *l, int c)
{
    switch ((enum lexer_state)l->state) {
    case STATE_LINE:
        return line(l);
    case STATE_MINUS:
        return c == '-' ? lexer_take(l, STATE_MINUS_MINUS) : lexer_emit_sign(l, '-', 1, STATE_START);
    case STATE_MINUS_MINUS:
        return minus_minus(l, c);
    case STATE_STAR:
        if (c != '/')
            return lexer_emit_sign(l, '*', 1, STATE_START);
        l->in_executed = false;
        l->spaced = l->commented = true;
        return lexer_take(l, STATE_START);
    case STATE_SLASH:
        l->comment = COMMENT_PLAIN;
        return c == '*' ? lexer_take(l, STATE_COMMENT_OPEN) : lexer_emit_sign(l, '/', 1, STATE_START);
    case STATE_COMMENT_OPEN:
    case STATE_COMMENT_M:
        return comment_kind(l, c);
    case STATE_VERSION:
        return version(l, c);
    default:
        return comment(l, c);
    }
}
