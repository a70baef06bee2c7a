/* SPDX-License-Identifier: MIT
 * From many texts to one set of names.
 */
#include "proxy/stored_code.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/invariant.h"

#define MENTIONS_MAX ((size_t)8 << 20) /* of all codes together: 64 MiB */
#define CODES_MAX ((size_t)1 << 20)

/* One text. */
struct code {
    uint64_t name;
    uint8_t meaning, reads;
    bool routine;
    size_t mentions, mention_count; /* in builder.mentions; of them, once resolved, what is in the set, as its index */
    size_t calls, call_count;       /* in builder.calls */
};

struct stored_code_builder {
    struct hash_list schemas; /* sorted */
    struct code *codes;
    size_t count, room;
    struct hash_list mentions, calls;
    struct code_findings found; /* of one text after the other */
};

/* --- the snapshot --- */

struct stored_code *stored_code_hold(struct stored_code *code)
{
    if (code)
        atomic_fetch_add_explicit(&code->references, 1, memory_order_relaxed);
    return code;
}

void stored_code_drop(struct stored_code *code)
{
    if (!code || atomic_fetch_sub_explicit(&code->references, 1, memory_order_acq_rel) != 1)
        return;
    free(code->names.entries);
    free(code->names.schemas);
    free(code);
}

bool stored_code_same(const struct stored_code *a, const struct stored_code *b)
{
    const struct name_set *x = &a->names, *y = &b->names;

    if (x->count != y->count || x->schema_count != y->schema_count)
        return false;
    for (size_t i = 0; i < x->count; i++)
        if (x->entries[i].hash != y->entries[i].hash || x->entries[i].meaning != y->entries[i].meaning || x->entries[i].reads != y->entries[i].reads)
            return false;
    return !x->schema_count || memcmp(x->schemas, y->schemas, x->schema_count * sizeof *x->schemas) == 0;
}

/* --- adding --- */

struct stored_code_builder *stored_code_builder(void)
{
    return zalloc(sizeof(struct stored_code_builder));
}

void stored_code_add_schema(struct stored_code_builder *b, uint64_t name)
{
    size_t at;

    hash_list_add(&b->schemas, name);
    for (at = b->schemas.count - 1; at && b->schemas.list[at - 1] > name; at--)
        b->schemas.list[at] = b->schemas.list[at - 1];
    b->schemas.list[at] = name;
}

bool stored_code_has_schema(const struct stored_code_builder *b, uint64_t name)
{
    return hash_list_has(&b->schemas, name);
}

static struct code *add_code(struct stored_code_builder *b, uint64_t name)
{
    struct code *code;

    if (b->count == b->room) {
        b->room = b->room ? b->room * 2 : 256;
        b->codes = realloc(b->codes, b->room * sizeof *b->codes);
        INVARIANT(b->codes);
    }
    code = &b->codes[b->count++];
    *code = (struct code){.name = name, .meaning = NAME_PLAIN, .mentions = b->mentions.count, .calls = b->calls.count};
    return code;
}

void stored_code_add_opaque(struct stored_code_builder *b, uint64_t name, bool reads)
{
    struct code *code;

    if (b->count >= CODES_MAX)
        return;
    code = add_code(b, name);
    code->meaning = NAME_OPAQUE;
    code->reads = reads ? NAME_READS_ANYTHING : 0;
}

static size_t append(struct hash_list *to, const struct hash_list *from)
{
    for (size_t i = 0; i < from->count; i++)
        hash_list_add(to, from->list[i]);
    return from->count;
}

/* Does it name something in a schema that was not read? */
static bool leaves_schemas(const struct stored_code_builder *b, const struct code_findings *found)
{
    for (size_t i = 0; i < found->schemas.count; i++)
        if (!hash_list_has(&b->schemas, found->schemas.list[i]))
            return true;
    for (size_t i = 0; i < found->prefixes.count; i++)
        if (!hash_list_has(&b->schemas, found->prefixes.list[i]) && !hash_list_has(&found->bare, found->prefixes.list[i]))
            return true;
    return false;
}

void stored_code_add(struct stored_code_builder *b, uint64_t name, const struct code_text *text)
{
    struct code_findings *found = &b->found;
    struct code *code;

    if (b->count >= CODES_MAX || b->mentions.count >= MENTIONS_MAX)
        return; /* stored_code_build will say so */
    code_scan(text, found);
    if (text->kind == CODE_EXPRESSION && !found->opaque && !found->calls.count)
        return; /* the table is as plain as any other */
    code = add_code(b, name);
    code->routine = text->kind == CODE_ROUTINE;
    code->reads = found->reads;
    if (found->inserts)
        code->meaning |= NAME_INSERTS;
    if (found->opaque)
        code->meaning = NAME_OPAQUE;
    if (leaves_schemas(b, found)) {
        code->meaning = NAME_OPAQUE;
        code->reads = NAME_READS_ANYTHING;
    }
    code->mention_count = append(&b->mentions, &found->mentions);
    code->call_count = append(&b->calls, &found->calls);
}

/* --- putting together --- */

static void free_builder(struct stored_code_builder *b)
{
    hash_list_free(&b->mentions);
    hash_list_free(&b->calls);
    code_findings_free(&b->found);
    free(b->schemas.list);
    free(b->codes);
    free(b);
}

static void gather(const struct stored_code_builder *b, struct hash_list *names, struct hash_list *routines)
{
    for (size_t i = 0; i < b->count; i++) {
        hash_list_add(names, b->codes[i].name);
        if (b->codes[i].routine)
            hash_list_add(routines, b->codes[i].name);
    }
    hash_list_sort(names);
    hash_list_sort(routines);
}

static size_t index_of(const struct hash_list *sorted, uint64_t hash)
{
    size_t low = 0, high = sorted->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sorted->list[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of what a code mentions only names in the set mean anything; what it calls must be there. */
static void resolve(struct stored_code_builder *b, struct code *code, const struct hash_list *names, const struct hash_list *routines)
{
    uint64_t *mentions = b->mentions.list + code->mentions;
    size_t kept = 0;

    for (size_t i = 0; i < code->call_count; i++)
        if (!hash_list_has(routines, b->calls.list[code->calls + i]))
            code->meaning = NAME_OPAQUE;
    for (size_t i = 0; i < code->mention_count; i++)
        if (hash_list_has(names, mentions[i]))
            mentions[kept++] = index_of(names, mentions[i]);
    code->mention_count = kept;
}

static uint8_t joined(uint8_t meaning, uint8_t other)
{
    meaning |= other & (NAME_INSERTS | NAME_OPAQUE);
    return meaning & NAME_OPAQUE ? NAME_OPAQUE : meaning;
}

/* Until nothing changes: each pass either marks a name or is the last. */
static void close_over(struct stored_code_builder *b, const struct hash_list *names, struct name_entry *entries)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < b->count; i++) {
            struct code *code = &b->codes[i];
            struct name_entry *own = &entries[index_of(names, code->name)];
            const struct name_entry before = *own;

            for (size_t m = 0; m < code->mention_count; m++) {
                const struct name_entry *mentioned = &entries[b->mentions.list[code->mentions + m]];

                code->meaning = joined(code->meaning, mentioned->meaning);
                code->reads |= mentioned->reads;
            }
            own->meaning = joined((uint8_t)(own->meaning | NAME_PLAIN), code->meaning);
            own->reads |= code->reads;
            changed |= own->meaning != before.meaning || own->reads != before.reads;
        }
    }
}

struct stored_code *stored_code_build(struct stored_code_builder *b)
{
    struct hash_list names = {0}, routines = {0};
    struct stored_code *code = NULL;

    if (b->count < CODES_MAX && b->mentions.count < MENTIONS_MAX) {
        code = zalloc(sizeof *code);
        atomic_init(&code->references, 1);
        gather(b, &names, &routines);
        for (size_t i = 0; i < b->count; i++)
            resolve(b, &b->codes[i], &names, &routines);
        code->names = (struct name_set){.complete = true, .count = names.count};
        code->names.entries = names.count ? zalloc(names.count * sizeof *code->names.entries) : NULL;
        for (size_t i = 0; i < names.count; i++)
            code->names.entries[i].hash = names.list[i];
        close_over(b, &names, code->names.entries);
        code->names.schemas = b->schemas.list;
        code->names.schema_count = b->schemas.count;
        b->schemas = (struct hash_list){0};
        name_set_finish(&code->names);
    }
    hash_list_free(&names);
    hash_list_free(&routines);
    free_builder(b);
    return code;
}
