/* SPDX-License-Identifier: MIT
 * Follows the lists behind SELECT in a statement, from its tokens: where an item begins and ends, and whether it has an alias.
 *
 * Nothing is parsed: an alias is a name or a string behind something that is already whole. Every depth of parentheses may have a list under way.
 */
#ifndef SLUSE_PROTOCOL_SELECT_LIST_H
#define SLUSE_PROTOCOL_SELECT_LIST_H

#include "protocol/lexer.h"

#define SELECT_LIST_DEPTH 48u

struct select_item {
    size_t end;      /* of its last token */
    size_t name_end; /* of the last token that a server makes part of the name: MariaDB's parser has read a FOR behind the item by then */
    unsigned depth;
    bool marked;     /* select_list_mark was said of something in it */
    bool named;      /* it has an alias */
};

/* The list at one depth of parentheses. */
struct select_level {
    uint8_t at;              /* enum select_at */
    uint8_t word;            /* enum select_word of the token before */
    uint8_t kind;            /* its token_kind */
    bool select;             /* SELECT was seen here */
    bool dotted;             /* a name follows, whatever it is called */
    bool operand;            /* the token before ends something that may have an alias */
    bool introducer;         /* it belongs to a string behind it: _utf8, DATE */
    bool infix;              /* it wants more, unless it is the alias */
    bool named, marked, any; /* any: something was marked since the parenthesis */
    bool of_interval;        /* this is what stands in the parentheses behind INTERVAL */
    unsigned cases, intervals; /* CASE without END, INTERVAL without unit */
    size_t end;
};

struct select_list {
    const uint8_t *text; /* borrowed */
    struct lexer_modes modes;
    unsigned depth;
    bool deep;    /* deeper than we follow: what was said of items is void */
    bool begun;   /* with the last token an item began, at the depth that it found */
    bool another; /* a SELECT is over that is not around what comes next */
    bool tables;  /* a FROM names something else than DUAL */
    bool from;    /* FROM was the token before */
    struct select_level levels[SELECT_LIST_DEPTH];
};

void select_list_begin(struct select_list *s, const uint8_t *text, struct lexer_modes modes);
/* The statement's next token; TOKEN_END and ; end it. True: it ends an item. */
bool select_list_token(struct select_list *s, const struct token *t, struct select_item *item);
/* Marks the item in which the last token lies, and those around it. */
void select_list_mark(struct select_list *s);

#endif
