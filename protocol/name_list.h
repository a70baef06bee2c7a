/* SPDX-License-Identifier: MIT
 * The names that a text's verdict depends on, put down while it passes: so that it can be judged again when more is known of them.
 */
#ifndef SLUSE_PROTOCOL_NAME_LIST_H
#define SLUSE_PROTOCOL_NAME_LIST_H

#include "protocol/name_set.h"

#define NAME_LIST_MAX 64u

/* What a name is put down for; bits. */
enum name_use {
    NAME_USED = 1,   /* code of this name may be run */
    NAME_CALLED = 2, /* a routine that must be there, and be plain */
    NAME_SCHEMA = 4, /* the stored code of this schema must have been read */
};

struct name_list {
    bool full; /* there were more */
    uint8_t count;
    uint8_t uses[NAME_LIST_MAX];
    uint64_t hashes[NAME_LIST_MAX];
};

enum name_verdict {
    NAMES_PLAIN,
    NAMES_UNREAD, /* it can't be told */
    NAMES_OPAQUE,
};

void name_list_clear(struct name_list *list);
void name_list_add(struct name_list *list, uint64_t hash, uint8_t uses);
void name_list_join(struct name_list *list, const struct name_list *other);
/* What the set makes of them; NULL: nothing is known. */
enum name_verdict name_list_judge(const struct name_list *list, const struct name_set *set);
/* What the code of these names may read of the statement before (enum residue, or NAME_READS_ANYTHING). A routine that is
 * not in the set may have been made since. */
uint8_t name_list_reads(const struct name_list *list, const struct name_set *set);
/* Is one of them the name of a routine? */
bool name_list_calls(const struct name_list *list);

#endif
