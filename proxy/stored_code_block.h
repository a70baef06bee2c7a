/* SPDX-License-Identifier: MIT
 * Follows the blocks of stored code: where statements begin, what each begins with, and which names are local.
 */
#ifndef SLUSE_PROXY_STORED_CODE_BLOCK_H
#define SLUSE_PROXY_STORED_CODE_BLOCK_H

#include "proxy/stored_code_text.h"
#include "proxy/stored_code_word.h"

#define CODE_DEPTH 64u
#define CODE_LOCALS 256u

/* The fields are stored_code_block.c's own. */
struct code_block {
    const struct code_text *text;
    struct code_findings *found;
    uint8_t place;         /* enum place */
    uint8_t open[CODE_DEPTH];
    bool in_handler[CODE_DEPTH];
    unsigned depth;
    bool handler;          /* the statement that begins is a handler's */
    bool changes;          /* the statement sets ROW_COUNT(), */
    bool has_changed;      /* and so has one before it, whatever way was taken here: MySQL's routines */
    bool calls;            /* the name that follows is CALLed; whoever reads it clears it */
    unsigned parens, set_parens;
    uint64_t target;       /* of the SET */
    bool target_is_new;
    unsigned local_count, pending; /* locals; the last `pending` are not declared yet */
    struct {
        uint64_t hash;
        unsigned depth;
    } locals[CODE_LOCALS];
};

void code_block_begin(struct code_block *b, const struct code_text *text, struct code_findings *found);
/* word: the token's, WORD_OTHER behind a dot and for all but bare words. parens: how many are open around it. */
void code_block_token(struct code_block *b, const struct token *token, enum code_word word, unsigned parens);
void code_block_end(struct code_block *b);

#endif
