/* SPDX-License-Identifier: MIT
 * The tables of words and functions, found by the hash of the name.
 */
#include "protocol/statement_word.h"

#include <stddef.h>
#include <string.h>

#define ALWAYS 0u
#define NEVER UINT32_MAX

static struct word words[] = {
#define SYMBOL(name)
#define WORD(name, symbol, mariadb, mysql) {0, SYMBOL_##symbol, WORD_##mariadb, WORD_##mysql},
#include "protocol/word.def"
#undef WORD
};

static const char *const word_names[] = {
#define WORD(name, symbol, mariadb, mysql) #name,
#include "protocol/word.def"
#undef WORD
#undef SYMBOL
};

static struct function functions[] = {
#define FUNCTION(name, kind, mariadb, mysql, effect) {0, mariadb, mysql, FUNCTION_##kind, FUNCTION_##effect},
#include "protocol/function.def"
#undef FUNCTION
};

static const char *const function_names[] = {
#define FUNCTION(name, kind, mariadb, mysql, effect) #name,
#include "protocol/function.def"
#undef FUNCTION
};

#define WORDS (sizeof(words) / sizeof(words[0]))
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))
#define SLOTS 2048u /* a power of two: the hash's low bits choose the slot */

_Static_assert(WORDS * 2 <= SLOTS && FUNCTIONS * 2 <= SLOTS, "half of the slots stay empty, so that searches are short and end");

/* Open addressing; row + 1, 0 is an empty slot. Written before main, only read after. */
static uint16_t word_slots[SLOTS], function_slots[SLOTS];

static void put(uint16_t *slots, uint64_t hash, size_t row)
{
    size_t slot = hash % SLOTS;

    while (slots[slot])
        slot = (slot + 1) % SLOTS;
    slots[slot] = (uint16_t)(row + 1);
}

/* Before main: so nobody can forget it, and no thread can see half of it. */
__attribute__((constructor)) static void build_index(void)
{
    for (size_t i = 0; i < WORDS; i++) {
        words[i].hash = name_hash(word_names[i], strlen(word_names[i]));
        put(word_slots, words[i].hash, i);
    }
    for (size_t i = 0; i < FUNCTIONS; i++) {
        functions[i].hash = name_hash(function_names[i], strlen(function_names[i]));
        put(function_slots, functions[i].hash, i);
    }
}

const struct word *word_find(uint64_t hash)
{
    for (size_t slot = hash % SLOTS; word_slots[slot]; slot = (slot + 1) % SLOTS) {
        const struct word *w = &words[word_slots[slot] - 1];
        if (w->hash == hash)
            return w;
    }
    return NULL;
}

const struct function *function_find(uint64_t hash, const struct lexer_modes *modes)
{
    for (size_t slot = hash % SLOTS; function_slots[slot]; slot = (slot + 1) % SLOTS) {
        const struct function *f = &functions[function_slots[slot] - 1];
        if (f->hash == hash)
            return modes->version >= (modes->mariadb ? f->mariadb : f->mysql) ? f : NULL;
    }
    return NULL;
}
