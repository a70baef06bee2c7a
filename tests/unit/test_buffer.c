/* SPDX-License-Identifier: MIT
 * Stuck bytes: they leave in the order in which they came, and an empty buffer owns nothing.
 */
#include "proxy/buffer.h"

#include <signal.h>

#include "tests/unit/split.h"

Suite *buffer_suite(void);

#define LIMIT (64u << 20)

static void append(struct buffer *b, const char *text)
{
    ck_assert(buffer_append(b, text, strlen(text)));
}

START_TEST(empty)
{
    struct buffer b = {0};
    ck_assert_uint_eq(buffer_length(&b), 0);
    ck_assert(buffer_append(&b, "", 0));
    ck_assert(buffer_append(&b, NULL, 0));
    ck_assert_ptr_null(b.data);
    buffer_drop(&b, 0);
    buffer_free(&b);
    buffer_free(&b);
}
END_TEST

START_TEST(first_in_first_out)
{
    struct buffer b = {0};
    append(&b, "abc");
    append(&b, "defg");
    ck_assert_uint_eq(buffer_length(&b), 7);
    ck_assert_mem_eq(buffer_bytes(&b), "abcdefg", 7);
    buffer_drop(&b, 2);
    append(&b, "h");
    ck_assert_uint_eq(buffer_length(&b), 6);
    ck_assert_mem_eq(buffer_bytes(&b), "cdefgh", 6);
    buffer_drop(&b, 6);
    ck_assert_ptr_null(b.data); /* the last byte takes the memory along */
    ck_assert_uint_eq(b.size, 0);
    append(&b, "again");
    ck_assert_mem_eq(buffer_bytes(&b), "again", 5);
    buffer_free(&b);
    ck_assert_uint_eq(buffer_length(&b), 0);
}
END_TEST

START_TEST(more_than_there_is)
{
    struct buffer b = {0};
    append(&b, "abc");
    buffer_drop(&b, 4);
}
END_TEST

START_TEST(the_front_is_used_again)
{
    struct buffer b = {0};
    uint8_t bytes[400] = {1};
    ck_assert(buffer_append(&b, bytes, 400));
    buffer_drop(&b, 300);
    uint32_t size = b.size;
    ck_assert(buffer_append(&b, bytes, 300));
    ck_assert_uint_eq(b.size, size);
    ck_assert_uint_eq(buffer_length(&b), 400);
    buffer_free(&b);
}
END_TEST

START_TEST(no_more_than_the_limit)
{
    struct buffer b = {0};
    uint8_t *bytes = calloc(1, LIMIT + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert(!buffer_append(&b, bytes, LIMIT + 1));
    ck_assert(!buffer_append(&b, bytes, SIZE_MAX));
    ck_assert_uint_eq(buffer_length(&b), 0);
    ck_assert(buffer_append(&b, bytes, LIMIT - 1));
    ck_assert(!buffer_append(&b, bytes, 2));
    ck_assert(buffer_append(&b, bytes, 1));
    ck_assert(!buffer_append(&b, bytes, 1));
    ck_assert_uint_eq(buffer_length(&b), LIMIT); /* what could not be appended did no harm */
    buffer_drop(&b, 10);
    ck_assert(buffer_append(&b, "0123456789", 10));
    ck_assert(!buffer_append(&b, bytes, 1));
    ck_assert_mem_eq(buffer_bytes(&b) + LIMIT - 10, "0123456789", 10);
    buffer_free(&b);
    free(bytes);
}
END_TEST

/* Counting bytes in and counting bytes out. */
START_TEST(at_random)
{
    struct buffer b = {0};
    uint64_t state = 99;
    uint8_t chunk[3000], next_in = 0, next_out = 0;
    for (unsigned round = 0; round < 20000; round++) {
        size_t in = fuzz_random(&state) % (round % 100 == 0 ? sizeof(chunk) : 300);
        size_t out;
        for (size_t i = 0; i < in; i++)
            chunk[i] = next_in++;
        if (!buffer_append(&b, chunk, in))
            ck_abort_msg("no memory");
        out = fuzz_random(&state) % (buffer_length(&b) + 1);
        for (size_t i = 0; i < out; i++)
            if (buffer_bytes(&b)[i] != next_out++)
                ck_abort_msg("round %u: byte %zu of %zu", round, i, out);
        buffer_drop(&b, out);
        if ((buffer_length(&b) == 0) != (b.data == NULL) || b.end > b.size)
            ck_abort_msg("round %u: %zu bytes, %u of %u", round, buffer_length(&b), b.end, b.size);
    }
    ck_assert_uint_eq((uint8_t)(next_in - next_out), (uint8_t)buffer_length(&b));
    buffer_free(&b);
}
END_TEST

Suite *buffer_suite(void)
{
    Suite *suite = suite_create("buffer");
    TCase *tests = tcase_create("buffer");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, empty);
    tcase_add_test(tests, first_in_first_out);
    tcase_add_test_raise_signal(tests, more_than_there_is, SIGABRT);
    tcase_add_test(tests, the_front_is_used_again);
    tcase_add_test(tests, no_more_than_the_limit);
    tcase_add_test(tests, at_random);
    suite_add_tcase(suite, tests);
    return suite;
}
