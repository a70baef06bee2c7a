/* SPDX-License-Identifier: MIT
 * The table of words, and its index by hash.
 */
#include "proxy/stored_code_word.h"

#include <string.h>

#include "protocol/lexer.h"

#define SLOTS 512u /* a power of two: the hash's low bits choose the slot */

_Static_assert(CODE_WORDS * 2 <= SLOTS, "half of the slots stay empty, so that searches are short and end");

static const char *const names[] = {
    "",
#define CODE_WORD(symbol, use) #symbol,
#include "proxy/stored_code_word.def"
#undef CODE_WORD
};

static const uint8_t uses[] = {
    USE_NONE,
#define CODE_WORD(symbol, use) USE_##use,
#include "proxy/stored_code_word.def"
#undef CODE_WORD
};

/* Open addressing; CODE_WORD_OTHER is an empty slot. Written before main, only read after. */
static uint64_t hashes[SLOTS];
static uint16_t words[SLOTS];

__attribute__((constructor)) static void build_index(void)
{
    for (unsigned word = CODE_WORD_OTHER + 1; word < CODE_WORDS; word++) {
        uint64_t hash = name_hash(names[word], strlen(names[word]));
        size_t slot = hash % SLOTS;

        while (words[slot])
            slot = (slot + 1) % SLOTS;
        hashes[slot] = hash;
        words[slot] = (uint16_t)word;
    }
}

enum code_word code_word_find(uint64_t hash)
{
    for (size_t slot = hash % SLOTS; words[slot]; slot = (slot + 1) % SLOTS)
        if (hashes[slot] == hash)
            return (enum code_word)words[slot];
    return CODE_WORD_OTHER;
}

enum code_word_use code_word_use(enum code_word word)
{
    return (enum code_word_use)uses[word];
}
