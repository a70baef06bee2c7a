/* SPDX-License-Identifier: MIT
 * The words that statement.c and its parts know, and the functions that are built into the servers; the rows are in word.def and function.def.
 */
#ifndef SLUSE_PROTOCOL_STATEMENT_WORD_H
#define SLUSE_PROTOCOL_STATEMENT_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/lexer.h"

enum word_symbol {
    SYMBOL_NONE, /* no word, one we don't know, or one that means nothing here */
#define SYMBOL(name) SYMBOL_##name,
#define WORD(name, symbol, mariadb, mysql)
#include "protocol/word.def"
#undef WORD
#undef SYMBOL
};

/* What a word is on one of the servers. */
enum word_class {
    WORD_NAME,     /* may be an identifier */
    WORD_OPENS,    /* likewise, and as a keyword it may stand in front of a parenthesis */
    WORD_RESERVED, /* an identifier only behind a dot */
};

struct word {
    uint64_t hash;
    uint8_t symbol, mariadb, mysql;
};

/* NULL: a word that we don't know. */
const struct word *word_find(uint64_t hash);

enum function_kind { FUNCTION_NATIVE, FUNCTION_TIGHT, FUNCTION_KEYWORD };

enum function_effect {
    FUNCTION_NONE,
    FUNCTION_LOCKS,
    FUNCTION_INSERT_ID, /* with an argument */
    FUNCTION_SEQUENCE,
    FUNCTION_ROW_COUNT,
    FUNCTION_FOUND_ROWS,
    FUNCTION_CONNECTION_ID,
    FUNCTION_GONE,       /* the youngest MySQL has it no more (or in a component): it may be somebody's own there */
    FUNCTION_AGGREGATE,
    FUNCTION_LOCK_OWNER, /* gives the server's id: the text's CONNECTION_ID() has to be the server's too */
};

struct function {
    uint64_t hash;
    uint32_t mariadb, mysql; /* first version that has it */
    uint8_t kind, effect;
};

/* NULL: not built into this server. */
const struct function *function_find(uint64_t hash, const struct lexer_modes *modes);

#endif
