/* SPDX-License-Identifier: MIT
 * One text of stored code, and what was found in it.
 */
#ifndef SLUSE_PROXY_STORED_CODE_TEXT_H
#define SLUSE_PROXY_STORED_CODE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/lexer.h"

enum code_kind { CODE_VIEW, CODE_TRIGGER, CODE_ROUTINE, CODE_EXPRESSION };

struct code_text {
    enum code_kind kind;
    const char *text;
    size_t length;
    struct lexer_modes modes;
    const uint64_t *parameters; /* hashes of the names of a routine's parameters */
    size_t parameter_count;
};

struct hash_list {
    uint64_t *list;
    size_t count, room;
};

void hash_list_add(struct hash_list *list, uint64_t hash);
/* Sorts it and leaves one of each. */
void hash_list_sort(struct hash_list *list);
bool hash_list_has(const struct hash_list *sorted, uint64_t hash);
void hash_list_free(struct hash_list *list);

/* What one text was found to do. The lists are sorted; they keep their room from one text to the next. */
struct code_findings {
    const char *opaque;        /* why it may change anything; NULL: it does not, as long as what it names does not */
    bool inserts;
    uint8_t reads;             /* of what the statement that runs it found: enum residue; NAME_READS_ANYTHING: it can't be told */
    struct hash_list mentions; /* every word and identifier: any of them may be a view, a routine, a table with triggers */
    struct hash_list calls;    /* routines; none of them is built in */
    struct hash_list schemas;  /* what must be a schema's name */
    struct hash_list prefixes; /* other names in front of a dot: of a schema, unless they are of a table or an alias */
    struct hash_list bare;     /* names without a dot at either side, and of tables: what a prefix may be, too */
};

void code_findings_free(struct code_findings *found);

#endif
