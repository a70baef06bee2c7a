/* SPDX-License-Identifier: MIT
 * Tokens of a statement's text: words and variables; and which part of the lexer sees the next byte.
 */
#include "protocol/lexer.h"

#include "protocol/lexer_part.h"

#define FNV_BASIS 0xCBF29CE484222325u
#define FNV_PRIME 0x100000001B3u
#define HIGH 0x80u /* all bytes of names from here on */

#define NAME (CLASS_IN_NAME | CLASS_IN_HOST)
#define L (CLASS_LETTER | NAME)
#define A (L | CLASS_IN_HEX)
#define N (CLASS_PREFIX | NAME)
#define B (N | CLASS_IN_HEX)
#define D (CLASS_DIGIT | NAME | CLASS_IN_HEX)
#define U L
#define S CLASS_SPACE
#define UTF_8_ROW U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U

/* As the servers have them for UTF-8 and ASCII. */
const uint8_t lexer_classes[256] = {
    CLASS_NUL, 0, 0, 0, 0, 0, 0, 0, 0, S, S, S, S, S, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    S, 0, CLASS_DOUBLE_QUOTE, CLASS_HASH, CLASS_DOLLAR | NAME, 0, 0, CLASS_QUOTE,
    0, 0, CLASS_STAR, 0, 0, CLASS_MINUS, CLASS_DOT | CLASS_IN_HOST, CLASS_SLASH,
    D, D, D, D, D, D, D, D, D, D, 0, CLASS_SEMICOLON, 0, 0, 0, CLASS_PARAMETER,
    CLASS_AT, A, B, A, A, A, A, L, L, L, L, L, L, L, N, L,
    L, L, L, L, L, L, L, L, N, L, L, 0, CLASS_BACKSLASH, 0, 0, L,
    CLASS_BACK_QUOTE, A, B, A, A, A, A, L, L, L, L, L, L, L, N, L,
    L, L, L, L, L, L, L, L, N, L, L, 0, 0, 0, 0, 0,
    UTF_8_ROW, UTF_8_ROW, UTF_8_ROW, UTF_8_ROW, UTF_8_ROW, UTF_8_ROW, UTF_8_ROW, UTF_8_ROW,
};

static inline uint8_t fold(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c;
}

/* The bytes of a name from 0x80 on, up to the last one read. */
enum lexer_run {
    RUN_NONE,
    RUN_OTHER,
    RUN_C4,    /* may become U+0130, whose lower case is i */
    RUN_E2,    /* may become U+212A, whose lower case is k */
    RUN_E2_84,
    RUN_FOLDED, /* one of the two: the name may be one that has ASCII letters only */
};

static enum lexer_run run_with(enum lexer_run run, uint8_t c)
{
    if ((run == RUN_C4 && c == 0xB0) || (run == RUN_E2_84 && c == 0xAA))
        return RUN_FOLDED;
    if (run == RUN_E2 && c == 0x84)
        return RUN_E2_84;
    return c == 0xC4 ? RUN_C4 : c == 0xE2 ? RUN_E2 : RUN_OTHER;
}

/* Other letters than ASCII have lower cases of other lengths, and collations of their own: a run of them is as good as any other. */
static inline uint64_t hash_byte(uint64_t hash, uint8_t c, enum lexer_run *run)
{
    if (c >= HIGH) {
        enum lexer_run before = *run;
        *run = run_with(before, c);
        return before == RUN_NONE ? (hash ^ HIGH) * FNV_PRIME : hash;
    }
    *run = RUN_NONE;
    return (hash ^ fold(c)) * FNV_PRIME;
}

uint64_t name_hash(const char *name, size_t length)
{
    uint64_t hash = FNV_BASIS;
    enum lexer_run run = RUN_NONE;

    for (size_t i = 0; i < length; i++)
        hash = hash_byte(hash, (uint8_t)name[i], &run);
    return hash;
}

static void note_run(struct lexer *l, enum lexer_run run)
{
    l->token.beyond = true;
    if (run == RUN_FOLDED || l->modes.eight_bit)
        l->unclear = true;
}

void lexer_name(struct lexer *l, const uint8_t *bytes, size_t length)
{
    uint64_t hash = l->token.hash;
    enum lexer_run run = (enum lexer_run)l->run;

    for (size_t i = 0; i < length; i++) {
        hash = hash_byte(hash, bytes[i], &run);
        if (run)
            note_run(l, run);
    }
    l->token.hash = hash;
    l->run = (uint8_t)run;
}

static inline void begin_token(struct lexer *l)
{
    l->token.begin = lexer_position(l);
    l->token.hash = FNV_BASIS;
    l->token.sign = 0;
    l->token.spaced = l->spaced;
    l->token.commented = l->commented;
    l->token.beyond = false;
    l->spaced = l->commented = false;
    l->run = RUN_NONE;
}

static inline enum lexer_step word_end(struct lexer *l, int c)
{
    return lexer_emit(l, TOKEN_WORD, 0, c == '.' ? STATE_WORD_END : STATE_START);
}

static inline enum lexer_step word(struct lexer *l)
{
    const uint8_t *p = l->piece + l->at;
    const uint8_t *end = l->piece + l->length;
    uint64_t hash = l->token.hash;
    enum lexer_run run = (enum lexer_run)l->run;

    for (; p < end && (lexer_classes[*p] & CLASS_IN_NAME); p++) {
        hash = hash_byte(hash, *p, &run);
        if (run)
            note_run(l, run);
    }
    l->token.hash = hash;
    l->run = (uint8_t)run;
    l->at = (size_t)(p - l->piece);
    if (p < end)
        return word_end(l, *p);
    l->state = STATE_WORD;
    return l->ended ? word_end(l, LEXER_NO_BYTE) : STEP_GO;
}

/* The quote was not taken yet. kind: what it is if it is a string, and if it is a name. */
static enum lexer_step open_quote(struct lexer *l, uint8_t quote, enum token_kind string_kind, enum token_kind name_kind)
{
    bool name = quote == '`' || (quote == '"' && l->modes.ansi_quotes);

    l->quote = quote;
    l->token.kind = name ? name_kind : string_kind;
    return lexer_take(l, name ? STATE_QUOTED : STATE_STRING);
}

/* Behind @. */
static enum lexer_step at_sign(struct lexer *l, int c)
{
    l->token.kind = TOKEN_USER_VARIABLE;
    if (c == '@') {
        l->at++;
        return lexer_emit(l, TOKEN_SYSTEM_VARIABLE, 0, STATE_SYSTEM);
    }
    if (c == '\'' || c == '"' || c == '`')
        return open_quote(l, (uint8_t)c, TOKEN_USER_VARIABLE, TOKEN_USER_VARIABLE);
    l->state = STATE_HOST;
    return STEP_GO;
}

static enum lexer_step host(struct lexer *l)
{
    const uint8_t *from = l->piece + l->at;
    const uint8_t *end = l->piece + l->length;
    const uint8_t *p = from;

    while (p < end && (lexer_classes[*p] & CLASS_IN_HOST))
        p++;
    lexer_name(l, from, (size_t)(p - from));
    l->at += (size_t)(p - from);
    return p == end && !l->ended ? STEP_GO : lexer_emit(l, TOKEN_USER_VARIABLE, 0, STATE_START);
}

/* Behind @@ only a name may stand, and nothing in front of it. */
static enum lexer_step system_name(struct lexer *l, int c)
{
    if (!in_name(c) && c != '`')
        l->unclear = true;
    l->state = in_name(c) ? STATE_NAME : STATE_START;
    return STEP_GO;
}

/* \N is NULL on MariaDB; everything else with a backslash outside of strings is an error. */
static enum lexer_step backslash(struct lexer *l, int c)
{
    if (c == 'N' && l->modes.mariadb)
        l->at++;
    else
        l->unclear = true;
    l->token.sign = '\\';
    return lexer_emit(l, TOKEN_SIGN, 0, STATE_START);
}

/* A character that is a token, or may be part of a longer one with the state that follows it. */
static enum lexer_step other(struct lexer *l, uint8_t c)
{
    switch ((enum lexer_class)(lexer_classes[c] & CLASS_MASK)) {
    case CLASS_DOUBLE_QUOTE:
        l->unclear |= l->modes.unknown_quotes;
        return open_quote(l, c, TOKEN_STRING, TOKEN_QUOTED);
    case CLASS_QUOTE:
    case CLASS_BACK_QUOTE:
        return open_quote(l, c, TOKEN_STRING, TOKEN_QUOTED);
    case CLASS_DOT:
        return lexer_take(l, STATE_DOT);
    case CLASS_AT:
        return lexer_take(l, STATE_AT);
    case CLASS_MINUS:
        return lexer_take(l, STATE_MINUS);
    case CLASS_HASH:
        return lexer_take(l, STATE_LINE);
    case CLASS_SLASH:
        return lexer_take(l, STATE_SLASH);
    case CLASS_BACKSLASH:
        return lexer_take(l, STATE_BACKSLASH);
    case CLASS_PARAMETER:
        l->at++;
        return lexer_emit(l, TOKEN_PARAMETER, 0, STATE_START);
    case CLASS_STAR:
        if (l->in_executed)
            return lexer_take(l, STATE_STAR);
        break;
    case CLASS_SEMICOLON:
        l->unclear |= l->in_executed; /* the server forgets that it is in a comment */
        break;
    case CLASS_NUL:
        l->unclear = true;
        break;
    default:
        break;
    }
    l->at++;
    return lexer_emit_sign(l, c, 1, STATE_START);
}

static inline enum lexer_step start(struct lexer *l)
{
    uint8_t c = l->piece[l->at];

    while ((lexer_classes[c] & CLASS_MASK) == CLASS_SPACE) {
        l->spaced = true;
        if (++l->at == l->length)
            return STEP_GO;
        c = l->piece[l->at];
    }
    begin_token(l);
    switch ((enum lexer_class)(lexer_classes[c] & CLASS_MASK)) {
    case CLASS_DOLLAR:
        l->unclear |= !l->modes.mariadb; /* may open a string on MySQL, $tag$...$tag$ */
        return word(l);
    case CLASS_LETTER:
        return word(l);
    case CLASS_PREFIX:
        lexer_name(l, &c, 1);
        l->quote = c;
        return lexer_take(l, STATE_PREFIX);
    case CLASS_DIGIT:
        if (c != '0') {
            l->state = STATE_DIGITS;
            return lexer_number(l, c);
        }
        lexer_name(l, &c, 1);
        return lexer_take(l, STATE_ZERO);
    default:
        return other(l, c);
    }
}

/* All that is not looked at often. c: the next byte, not taken, or LEXER_NO_BYTE. */
static enum lexer_step rare(struct lexer *l, int c)
{
    switch ((enum lexer_state)l->state) {
    case STATE_NAME:
        begin_token(l);
        return word(l);
    case STATE_WORD_END:
        begin_token(l);
        return lexer_take(l, STATE_WORD_DOT);
    case STATE_ESCAPE:
    case STATE_BARE_STRING:
        return lexer_string(l, c);
    case STATE_AT:
        return at_sign(l, c);
    case STATE_HOST:
        return host(l);
    case STATE_SYSTEM:
        return system_name(l, c);
    case STATE_BACKSLASH:
        return backslash(l, c);
    case STATE_SIGN:
        return lexer_emit_sign(l, l->quote, 1, STATE_START);
    case STATE_WORD_DOT:
    case STATE_DOT:
    case STATE_SECOND_DOT:
        return lexer_number(l, c);
    default:
        return l->state >= STATE_ZERO && l->state <= STATE_EXPONENT ? lexer_number(l, c) : lexer_comment(l, c);
    }
}

static inline enum lexer_step next(struct lexer *l)
{
    int c = l->at < l->length ? l->piece[l->at] : LEXER_NO_BYTE;

    switch ((enum lexer_state)l->state) {
    case STATE_START:
        return start(l);
    case STATE_WORD:
        return word(l);
    case STATE_STRING:
    case STATE_QUOTED:
    case STATE_STRING_QUOTE:
    case STATE_QUOTED_QUOTE:
        return lexer_string(l, c);
    case STATE_PREFIX:
        return c == '\'' ? lexer_string(l, c) : word(l);
    default:
        return rare(l, c);
    }
}

static enum token_kind no_token(struct lexer *l, struct token *token, enum token_kind kind)
{
    if (kind == TOKEN_END && l->in_executed)
        l->unclear = true;
    *token = (struct token){.kind = kind, .begin = lexer_position(l), .end = lexer_position(l), .commented = l->commented};
    return kind;
}

enum token_kind lexer_next(struct lexer *l, struct token *token)
{
    do {
        if (l->at == l->length) {
            if (!l->ended)
                return no_token(l, token, TOKEN_MORE);
            if (l->state == STATE_START)
                return no_token(l, token, TOKEN_END);
        }
    } while (next(l) == STEP_GO);
    /* field by field: a copy of the whole would wait until the stores of its parts are done, which took a third of all time */
    token->kind = l->token.kind;
    token->sign = l->token.sign;
    token->spaced = l->token.spaced;
    token->commented = l->token.commented;
    token->beyond = l->token.beyond;
    token->hash = l->token.hash;
    token->begin = l->token.begin;
    token->end = l->token.end;
    l->token.spaced = l->token.commented = l->token.beyond = false; /* of a sign that was put back */
    return token->kind;
}

void lexer_begin(struct lexer *l, struct lexer_modes modes)
{
    static const uint8_t nothing;

    *l = (struct lexer){.modes = modes, .piece = &nothing};
}

void lexer_piece(struct lexer *l, const uint8_t *bytes, size_t length)
{
    l->before += l->length;
    l->at = 0;
    l->length = length;
    if (length)
        l->piece = bytes; /* adding to NULL, even 0, is undefined */
}

void lexer_end(struct lexer *l)
{
    l->ended = true;
}

bool lexer_unclear(const struct lexer *l)
{
    return l->unclear;
}
