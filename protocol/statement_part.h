/* SPDX-License-Identifier: MIT
 * What statement.c and its parts share; for nobody else.
 */
#ifndef SLUSE_PROTOCOL_STATEMENT_PART_H
#define SLUSE_PROTOCOL_STATEMENT_PART_H

#include "protocol/statement.h"
#include "protocol/statement_word.h"

enum statement_part {
    PART_VERB,    /* the first word is yet to come */
    PART_SECOND,  /* the word behind the first decides */
    PART_THIRD,   /* BACKUP STAGE: the one behind that */
    PART_PLAIN,   /* nothing but what every statement may contain */
    PART_EXPLAIN, /* EXPLAIN, ANALYZE: a statement may follow */
    PART_WITH,    /* WITH: SELECT, UPDATE or DELETE is yet to come */
    PART_USE,
    PART_OBJECT,  /* CREATE, ALTER, DROP: what, is yet to come */
    PART_TABLE,   /* CREATE TABLE, ALTER TABLE */
    PART_EVENT,   /* an event's head */
    PART_SET,
    PART_BODY,    /* of stored code: it is defined, and not run */
};

/* What a name may be for, told from the token in front of it. */
enum name_place {
    PLACE_ANY = 0,
    PLACE_TABLE = 1, /* a table is named, and used */
    PLACE_FREE = 2,  /* a parenthesis behind it is a list of columns */
};

/* One token, with what we know of the word. */
struct statement_token {
    const struct token *token;
    uint8_t symbol; /* enum word_symbol */
    uint8_t class;  /* enum word_class */
    bool name;
};

static inline void statement_pin(struct statement *s, enum pin pin)
{
    s->effects.pins |= PIN_BIT(pin);
}

static inline bool token_is(const struct statement_token *t, uint8_t sign)
{
    return t->token->kind == TOKEN_SIGN && t->token->sign == sign;
}

/* A bit for the depth of parentheses that we are at; none so deep that there is no bit. */
static inline uint64_t depth_bit(const struct statement *s)
{
    return s->depth < 64 ? (uint64_t)1 << s->depth : 0;
}

void statement_set_verb(struct statement *s, enum statement_verb verb);

/* statement_verb.c: the first words. */
void verb_token(struct statement *s, const struct statement_token *t);
/* Is it the first word of some statement, other than a query or a write? */
bool verb_begins(uint8_t symbol);
void second_token(struct statement *s, const struct statement_token *t);
/* true: the token is dealt with. */
bool object_token(struct statement *s, const struct statement_token *t);

/* statement_name.c: what the name before means, now that it is known what follows; and what the one that follows is for. */
void name_needed(struct statement *s); /* the verdict depends on what is known of names */
void name_judge(struct statement *s, const struct statement_token *next);
uint8_t name_place_of(const struct statement *s);
void name_sequence(struct statement *s);

/* statement_residue.c: the statement is over. */
void residue_judge(struct statement *s);

/* statement_set.c; true: the token is dealt with. */
bool set_token(struct statement *s, const struct statement_token *t);
void set_begin(struct statement *s);
void set_end(struct statement *s);
/* The piece is used up. */
void set_keep_tail(struct statement *s);

/* statement_body.c */
void body_begin(struct statement *s, bool trigger, bool simple);
/* false: a ; that ends the body, and the statement with it. */
bool body_token(struct statement *s, const struct statement_token *t);

#endif
