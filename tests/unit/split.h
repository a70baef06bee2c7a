/* SPDX-License-Identifier: MIT
 * Helpers of the protocol tests: inputs cut at every byte, inputs spoiled at random, bytes from hex.
 *
 * Each input is given in a heap block of exactly its size, so that AddressSanitizer sees the first byte read too far.
 */
#ifndef SLUSE_TESTS_UNIT_SPLIT_H
#define SLUSE_TESTS_UNIT_SPLIT_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"

#define FUZZ_ROUNDS 20000u

typedef void split_fn(const uint8_t *bytes, size_t length, void *context);

static inline void with_exact_copy(const uint8_t *bytes, size_t length, split_fn *fn, void *context)
{
    /* malloc(0) has one readable byte under ASan: the end of a block of one has none */
    uint8_t *block = malloc(length ? length : 1);
    if (!block)
        ck_abort_msg("no memory");
    if (length)
        memcpy(block, bytes, length);
    fn(length ? block : block + 1, length, context);
    free(block);
}

/* fn for every prefix, the empty one and the whole included. */
static inline void for_each_split(const uint8_t *bytes, size_t length, split_fn *fn, void *context)
{
    for (size_t cut = 0; cut <= length; cut++)
        with_exact_copy(bytes, cut, fn, context);
}

/* xorshift64*: the same numbers on every run. */
static inline uint32_t fuzz_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545F4914F6CDD1Du >> 32);
}

static inline size_t fuzz_mutate(uint8_t *bytes, size_t length, size_t capacity, uint64_t *state)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7F, 0x80, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF};
    size_t at = length ? fuzz_random(state) % length : 0;
    switch (fuzz_random(state) % 5) {
    case 0: /* one bit */
        if (length)
            bytes[at] ^= (uint8_t)(1u << fuzz_random(state) % 8);
        return length;
    case 1: /* a value that means something to length-encoded integers */
        if (length)
            bytes[at] = edges[fuzz_random(state) % sizeof(edges)];
        return length;
    case 2: /* cut */
        return at;
    case 3: /* a byte more */
        if (length == capacity)
            return length;
        memmove(bytes + at + 1, bytes + at, length - at);
        bytes[at] = (uint8_t)fuzz_random(state);
        return length + 1;
    default: /* a byte less */
        if (!length)
            return length;
        memmove(bytes + at, bytes + at + 1, length - at - 1);
        return length - 1;
    }
}

/* fn for `rounds` inputs, each some steps away from good. */
static inline void fuzz(const uint8_t *good, size_t good_len, unsigned rounds, split_fn *fn, void *context)
{
    uint64_t state = 0x9E3779B97F4A7C15u;
    size_t capacity = good_len + 16;
    uint8_t *bytes = malloc(capacity);
    ck_assert_ptr_nonnull(bytes);
    for (unsigned round = 0; round < rounds; round++) {
        size_t length = good_len;
        memcpy(bytes, good, good_len);
        for (uint32_t steps = 1 + fuzz_random(&state) % 6; steps; steps--)
            length = fuzz_mutate(bytes, length, capacity, &state);
        with_exact_copy(bytes, length, fn, context);
    }
    free(bytes);
}

/* Bytes of a hex string; returns how many. */
static inline size_t unhex(const char *hex, uint8_t *out, size_t capacity)
{
    size_t length = strlen(hex) / 2;
    ck_assert_uint_le(length, capacity);
    for (size_t i = 0; i < length; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return length;
}

/* What a parser lends must lie in what it was given. A plain `if`: each ck_assert is a system call, and the fuzzers ask often. */
static inline void assert_inside(struct wire_text text, const uint8_t *bytes, size_t length)
{
    const uint8_t *data = (const uint8_t *)text.data;
    if (text.length && (text.length > length || data < bytes || data + text.length > bytes + length))
        ck_abort_msg("a text of %zu bytes outside an input of %zu", text.length, length);
}

static inline void assert_text(struct wire_text text, const char *expected)
{
    ck_assert_msg(wire_text_is(text, expected), "\"%.*s\" is not \"%s\"", (int)text.length, text.data, expected);
}

static inline struct wire_text text_of(const char *string)
{
    return (struct wire_text){string, strlen(string)};
}

#endif
