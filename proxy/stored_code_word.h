/* SPDX-License-Identifier: MIT
 * The words that tell what stored code does; the rows are in stored_code_word.def.
 */
#ifndef SLUSE_PROXY_STORED_CODE_WORD_H
#define SLUSE_PROXY_STORED_CODE_WORD_H

#include <stdint.h>

enum code_word {
    CODE_WORD_OTHER,
#define CODE_WORD(symbol, use) CODE_WORD_##symbol,
#include "proxy/stored_code_word.def"
#undef CODE_WORD
    CODE_WORDS
};

enum code_word_use { USE_NONE, USE_START, USE_ITSELF, USE_NAME };

/* By name_hash; CODE_WORD_OTHER: not in the table. */
enum code_word code_word_find(uint64_t hash);
enum code_word_use code_word_use(enum code_word word);

#endif
