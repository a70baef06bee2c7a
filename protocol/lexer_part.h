/* SPDX-License-Identifier: MIT
 * What lexer.c and its parts share; for nobody else.
 */
#ifndef SLUSE_PROTOCOL_LEXER_PART_H
#define SLUSE_PROTOCOL_LEXER_PART_H

#include "protocol/lexer.h"

#define LEXER_NO_BYTE (-1) /* in place of the next byte: the text is over */

/* What was read; the next byte decides. A state that says "behind" has taken the character already, and its token begins with it. */
enum lexer_state {
    STATE_START,
    STATE_WORD,
    STATE_PREFIX,          /* behind n, x, b: a quote makes it a string */
    STATE_NAME,            /* a word begins here, even with a digit or a prefix */
    STATE_WORD_END,        /* a dot follows a word at once */
    STATE_WORD_DOT,        /* behind that dot */
    STATE_DOT,             /* behind any other */
    STATE_SECOND_DOT,      /* MariaDB's .. */
    STATE_ZERO,            /* behind 0: x and b may follow */
    STATE_HEX,             /* 0x */
    STATE_BITS,            /* 0b */
    STATE_DIGITS,
    STATE_DIGITS_DOT,      /* behind 1. on MariaDB, where 1.. is no number with a dot */
    STATE_DIGITS_E,        /* behind 1e: number or name */
    STATE_DIGITS_E_SIGN,   /* behind 1e+ */
    STATE_REAL,            /* behind 1. or .1 */
    STATE_REAL_E,          /* behind 1.e */
    STATE_REAL_E_SIGN,
    STATE_EXPONENT,
    STATE_STRING,
    STATE_ESCAPE,          /* behind a backslash in a string */
    STATE_STRING_QUOTE,    /* behind a quote in a string: the end, or one of two */
    STATE_BARE_STRING,     /* x'..', b'..': nothing is doubled or escaped */
    STATE_QUOTED,
    STATE_QUOTED_QUOTE,
    STATE_AT,              /* behind @ */
    STATE_HOST,            /* a bare name behind @ */
    STATE_SYSTEM,          /* the name behind @@ */
    STATE_MINUS,           /* behind - */
    STATE_MINUS_MINUS,
    STATE_BACKSLASH,
    STATE_SIGN,            /* behind a character that is a token of its own, in lexer.quote */
    STATE_LINE,            /* in a comment up to the end of the line */
    STATE_STAR,            /* behind *, in an executed comment */
    STATE_SLASH,
    STATE_COMMENT_OPEN,    /* behind the two characters that open a comment */
    STATE_COMMENT_M,       /* behind M there */
    STATE_VERSION,         /* behind ! there */
    STATE_COMMENT,
    STATE_COMMENT_STAR,
    STATE_COMMENT_SLASH,
};

enum lexer_comment {
    COMMENT_PLAIN,
    COMMENT_HINT,    /* optimizer hints: MySQL reads quotes in them */
    COMMENT_SKIPPED, /* a version that is not the server's: comments may stand inside */
    COMMENT_NESTED,  /* such a one */
    COMMENT_MARIADB, /* its version is still to come */
};

enum lexer_step { STEP_GO, STEP_TOKEN };

/* What a byte is when a token begins, and, as flags, what it may be inside one. */
enum lexer_class {
    CLASS_SIGN,
    CLASS_SPACE,
    CLASS_LETTER,
    CLASS_DOLLAR,
    CLASS_PREFIX, /* n, x, b */
    CLASS_DIGIT,
    CLASS_QUOTE,
    CLASS_DOUBLE_QUOTE,
    CLASS_BACK_QUOTE,
    CLASS_DOT,
    CLASS_AT,
    CLASS_MINUS,
    CLASS_HASH,
    CLASS_SLASH,
    CLASS_STAR,
    CLASS_BACKSLASH,
    CLASS_SEMICOLON,
    CLASS_PARAMETER,
    CLASS_NUL,
    CLASS_MASK = 0x1F,
    CLASS_IN_HEX = 0x20,
    CLASS_IN_HOST = 0x40, /* letters, digits, _ $ . */
    CLASS_IN_NAME = 0x80,
};

extern const uint8_t lexer_classes[256];

static inline bool in_name(int c)
{
    return c >= 0 && (lexer_classes[c] & CLASS_IN_NAME);
}

static inline bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static inline bool based_digit(uint8_t c, bool hex)
{
    return hex ? (lexer_classes[c] & CLASS_IN_HEX) != 0 : c == '0' || c == '1';
}

static inline size_t lexer_position(const struct lexer *l)
{
    return l->before + l->at;
}

/* Takes the next byte. */
static inline enum lexer_step lexer_take(struct lexer *l, enum lexer_state state)
{
    l->at++;
    l->state = state;
    return STEP_GO;
}

/* The token ends `back` bytes in front of here. */
static inline enum lexer_step lexer_emit(struct lexer *l, enum token_kind kind, size_t back, enum lexer_state state)
{
    l->token.kind = kind;
    l->token.end = lexer_position(l) - back;
    if (kind != TOKEN_WORD && kind != TOKEN_QUOTED && kind != TOKEN_USER_VARIABLE)
        l->token.hash = 0;
    l->state = state;
    return STEP_TOKEN;
}

/* A character of its own that lies `back` bytes in front of here. */
static inline enum lexer_step lexer_emit_sign(struct lexer *l, uint8_t sign, size_t back, enum lexer_state state)
{
    l->token.sign = sign;
    l->token.begin = lexer_position(l) - back;
    return lexer_emit(l, TOKEN_SIGN, back - 1, state);
}

/* Adds to the name of the token under way. */
void lexer_name(struct lexer *l, const uint8_t *bytes, size_t length);

/* c: the next byte, not taken, or LEXER_NO_BYTE. */

/* lexer_string.c: strings and quoted names. */
enum lexer_step lexer_string(struct lexer *l, int c);

/* lexer_number.c: numbers and dots. */
enum lexer_step lexer_number(struct lexer *l, int c);

/* lexer_comment.c: comments, and the characters that may begin or end one. */
enum lexer_step lexer_comment(struct lexer *l, int c);

#endif
