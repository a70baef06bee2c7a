/* SPDX-License-Identifier: MIT
 * Lists of hashes, and what holds them.
 */
#include "proxy/stored_code_text.h"

#include <stdlib.h>

#include "proxy/invariant.h"

void hash_list_add(struct hash_list *list, uint64_t hash)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        uint64_t *bigger = realloc(list->list, room * sizeof *bigger);

        INVARIANT(bigger);
        list->list = bigger;
        list->room = room;
    }
    list->list[list->count++] = hash;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

void hash_list_sort(struct hash_list *list)
{
    size_t kept = 0;

    if (list->count)
        qsort(list->list, list->count, sizeof *list->list, compare);
    for (size_t i = 0; i < list->count; i++)
        if (!kept || list->list[kept - 1] != list->list[i])
            list->list[kept++] = list->list[i];
    list->count = kept;
}

bool hash_list_has(const struct hash_list *sorted, uint64_t hash)
{
    return sorted->count && bsearch(&hash, sorted->list, sorted->count, sizeof hash, compare);
}

void hash_list_free(struct hash_list *list)
{
    free(list->list);
    *list = (struct hash_list){0};
}

void code_findings_free(struct code_findings *found)
{
    hash_list_free(&found->mentions);
    hash_list_free(&found->calls);
    hash_list_free(&found->schemas);
    hash_list_free(&found->prefixes);
    hash_list_free(&found->bare);
}
