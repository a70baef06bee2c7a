/* SPDX-License-Identifier: MIT
 * A short list of hashed names.
 */
#include "protocol/name_list.h"

#include <stddef.h>

void name_list_clear(struct name_list *list)
{
    list->full = false;
    list->count = 0;
}

void name_list_add(struct name_list *list, uint64_t hash, uint8_t uses)
{
    unsigned i;

    for (i = 0; i < list->count; i++)
        if (list->hashes[i] == hash)
            break;
    if (i == NAME_LIST_MAX) {
        list->full = true;
        return;
    }
    if (i == list->count) {
        list->hashes[i] = hash;
        list->uses[i] = 0;
        list->count++;
    }
    list->uses[i] |= uses;
}

void name_list_join(struct name_list *list, const struct name_list *other)
{
    list->full |= other->full;
    for (unsigned i = 0; i < other->count; i++)
        name_list_add(list, other->hashes[i], other->uses[i]);
}

enum name_verdict name_list_judge(const struct name_list *list, const struct name_set *set)
{
    enum name_verdict verdict = list->full ? NAMES_UNREAD : NAMES_PLAIN;

    if (!set || !set->complete)
        return NAMES_UNREAD;
    for (unsigned i = 0; i < list->count; i++) {
        uint8_t uses = list->uses[i], found = uses & (NAME_USED | NAME_CALLED) ? name_set_find(set, list->hashes[i]) : NAME_UNKNOWN;

        if (found & NAME_OPAQUE || (uses & NAME_CALLED && !(found & NAME_PLAIN)))
            return NAMES_OPAQUE;
        if (uses & NAME_SCHEMA && !set->all_schemas && !name_set_has_schema(set, list->hashes[i]))
            verdict = NAMES_UNREAD;
    }
    return verdict;
}

uint8_t name_list_reads(const struct name_list *list, const struct name_set *set)
{
    uint8_t reads = 0;

    if (name_list_judge(list, set) == NAMES_UNREAD)
        return NAME_READS_ANYTHING;
    for (unsigned i = 0; i < list->count; i++) {
        uint8_t uses = list->uses[i];

        if (uses & (NAME_USED | NAME_CALLED))
            reads |= name_set_reads(set, list->hashes[i]);
        if ((uses & NAME_CALLED && !(name_set_find(set, list->hashes[i]) & (NAME_PLAIN | NAME_OPAQUE))) ||
            (uses & NAME_SCHEMA && !set->all_schemas && !name_set_has_schema(set, list->hashes[i])))
            return NAME_READS_ANYTHING;
    }
    return reads;
}

bool name_list_calls(const struct name_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->uses[i] & NAME_CALLED)
            return true;
    return false;
}
