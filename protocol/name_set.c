/* SPDX-License-Identifier: MIT
 * A set of hashed names as sorted arrays.
 */
#include "protocol/name_set.h"

#include <stdlib.h>

static int compare_hashes(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_entries(const void *a, const void *b)
{
    return compare_hashes(((const struct name_entry *)a)->hash, ((const struct name_entry *)b)->hash);
}

static int compare_schemas(const void *a, const void *b)
{
    return compare_hashes(*(const uint64_t *)a, *(const uint64_t *)b);
}

void name_set_finish(struct name_set *set)
{
    size_t kept = 0;

    if (set->count)
        qsort(set->entries, set->count, sizeof(*set->entries), compare_entries);
    for (size_t i = 0; i < set->count; i++) {
        set->reads |= set->entries[i].reads;
        if (!kept || set->entries[kept - 1].hash != set->entries[i].hash) {
            set->entries[kept++] = set->entries[i];
            continue;
        }
        set->entries[kept - 1].meaning |= set->entries[i].meaning;
        set->entries[kept - 1].reads |= set->entries[i].reads;
    }
    set->count = kept;
    if (set->schema_count)
        qsort(set->schemas, set->schema_count, sizeof(*set->schemas), compare_schemas);
}

static const struct name_entry *find(const struct name_set *set, uint64_t hash)
{
    const struct name_entry key = {.hash = hash};

    return set->count ? bsearch(&key, set->entries, set->count, sizeof(key), compare_entries) : NULL;
}

uint8_t name_set_find(const struct name_set *set, uint64_t hash)
{
    const struct name_entry *found = find(set, hash);

    return found ? found->meaning : (uint8_t)NAME_UNKNOWN;
}

uint8_t name_set_reads(const struct name_set *set, uint64_t hash)
{
    const struct name_entry *found = find(set, hash);

    return found ? found->reads : 0;
}

bool name_set_has_schema(const struct name_set *set, uint64_t hash)
{
    return set->schema_count && bsearch(&hash, set->schemas, set->schema_count, sizeof(hash), compare_schemas);
}
