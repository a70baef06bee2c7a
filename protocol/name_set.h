/* SPDX-License-Identifier: MIT
 * Names that mean more than they show: views, routines, sequences, tables with triggers. Read from the server by the control thread; immutable
 * once it is built, so that any thread may look.
 */
#ifndef SLUSE_PROTOCOL_NAME_SET_H
#define SLUSE_PROTOCOL_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum name_meaning {
    NAME_UNKNOWN = 0,   /* nothing is known of it */
    NAME_PLAIN = 1,     /* its code is known, and sets no state of the session; a routine of this name may be called */
    NAME_INSERTS = 2,   /* plain, but its code writes to tables */
    NAME_OPAQUE = 4,    /* its code may change anything, or is not readable */
};

#define NAME_READS_ANYTHING 0xFFu

struct name_entry {
    uint64_t hash; /* name_hash of the bare name, without its schema */
    uint8_t meaning;
    uint8_t reads; /* enum residue: what its code may read of the statement that runs it found; NAME_READS_ANYTHING: it can't be told */
};

struct name_set {
    bool complete;         /* false: not read yet, or out of date; then any name may mean anything */
    bool all_schemas;      /* every schema could be read, not only those in `schemas` */
    uint8_t reads;         /* of all of them */
    size_t count;
    struct name_entry *entries; /* sorted by hash; several things of one name are or-ed together */
    size_t schema_count;
    uint64_t *schemas;     /* sorted hashes of the names of schemas whose stored code was read */
};

/* Sorts, and puts entries of one hash together (their meanings are or-ed). For who has filled in the arrays. */
void name_set_finish(struct name_set *set);
/* NAME_UNKNOWN when it is not in the set. */
uint8_t name_set_find(const struct name_set *set, uint64_t hash);
/* What its code may read; 0 when it is not in the set. */
uint8_t name_set_reads(const struct name_set *set, uint64_t hash);
bool name_set_has_schema(const struct name_set *set, uint64_t hash);

#endif
