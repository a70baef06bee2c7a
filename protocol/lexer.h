/* SPDX-License-Identifier: MIT
 * Cuts a statement's text into tokens, as the servers do, in pieces of any size: a text is never kept.
 *
 * A token tells its kind, where it lies, and for words and quoted identifiers a hash of the name in lower case; nothing else of the text
 * survives. Comments are skipped; the inside of a versioned comment that the server executes is not.
 * Sources: sql/sql_lex.cc of MariaDB and MySQL; https://mariadb.com/kb/en/comment-syntax/ .
 */
#ifndef SLUSE_PROTOCOL_LEXER_H
#define SLUSE_PROTOCOL_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOKEN_MORE,      /* the piece is used up: lexer_piece, or lexer_end */
    TOKEN_END,       /* the text is over */
    TOKEN_WORD,      /* keyword or bare identifier; may begin with a digit, as the servers allow */
    TOKEN_QUOTED,    /* `identifier`; under ANSI_QUOTES also "identifier" */
    TOKEN_STRING,    /* '...', "...", and behind a prefix: n'..', x'..', b'..', _charset is a word of its own */
    TOKEN_NUMBER,
    TOKEN_USER_VARIABLE,   /* @name, @`name`, @'name', and a lone @ */
    TOKEN_SYSTEM_VARIABLE, /* the two @@; the name follows as words */
    TOKEN_PARAMETER, /* ? */
    TOKEN_SIGN,      /* any other character, alone */
};

struct token {
    enum token_kind kind;
    uint8_t sign;    /* TOKEN_SIGN: the character */
    bool spaced;     /* white space or a comment stands in front of it */
    bool commented;  /* a comment stands in front of it, or a mark of an executed one */
    bool beyond;     /* its name has characters beyond ASCII: servers find routines by such a name that have another, with or without accents */
    uint64_t hash;   /* WORD, QUOTED, USER_VARIABLE: name_hash of the name, quotes undone */
    size_t begin, end; /* offsets in the text, quotes included */
};

/* What "x" is, by sql_mode. */
enum quotes {
    QUOTES_UNKNOWN,
    QUOTES_STRINGS,
    QUOTES_NAMES,     /* ANSI_QUOTES */
};

/* MySQL: does white space behind a bare name belong to it, by sql_mode? */
enum spaces {
    SPACES_UNKNOWN,
    SPACES_APART,
    SPACES_TAKEN,     /* IGNORE_SPACE */
};

struct lexer_modes {
    bool ansi_quotes;
    bool unknown_quotes; /* whether they are names can't be told: a text that has some is unclear */
    bool no_backslash_escapes;
    bool mariadb;
    bool eight_bit;   /* the client's character set is not UTF-8: bytes from 0x80 on may be white space, too, so names with them are unclear */
    enum spaces spaces; /* tokens end in front of them all the same: only the names of columns have them */
    uint32_t version; /* as in versioned comments: 101119, 90704; 0 is none that we know, and versioned comments are unclear */
};

/* The fields are lexer.c's own. */
struct lexer {
    struct lexer_modes modes;
    const uint8_t *piece;  /* borrowed until it is used up */
    size_t length;
    size_t at;             /* in the piece */
    size_t before;         /* of the text, in front of the piece */
    bool ended;
    bool unclear;          /* NUL bytes, an unfinished string or comment, nested comments: a server may read it otherwise */
    bool in_executed;      /* inside a versioned comment that is executed */
    bool spaced;           /* white space or a comment was passed since the last token */
    bool commented;        /* a comment, or a mark of an executed one */
    uint8_t run;           /* enum lexer_run: the name under way ended in bytes from 0x80 on */
    uint8_t state;         /* enum lexer_state */
    uint8_t quote;         /* of the string under way; the character that turned out to be a token of its own */
    uint8_t comment;       /* enum lexer_comment */
    uint8_t digits;        /* of a version, of a number in base 16 or 2 */
    uint32_t number;       /* the version */
    struct token token;    /* under way */
};

uint64_t name_hash(const char *name, size_t length);

void lexer_begin(struct lexer *l, struct lexer_modes modes);
/* The next piece of the text; lexer_next must have said TOKEN_MORE before (or nothing yet). */
void lexer_piece(struct lexer *l, const uint8_t *bytes, size_t length);
/* There is no more: lexer_next gives what is left, then TOKEN_END for ever. */
void lexer_end(struct lexer *l);
enum token_kind lexer_next(struct lexer *l, struct token *token);
/* Is there any doubt that the server cuts the text as we did? Final after TOKEN_END. */
bool lexer_unclear(const struct lexer *l);

#endif
