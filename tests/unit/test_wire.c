/* SPDX-License-Identifier: MIT
 * The cursors of protocol/wire.h.
 */
#include "tests/unit/split.h"

Suite *wire_suite(void);

START_TEST(fixed_integers_are_little_endian)
{
    uint8_t bytes[18];
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    wire_put_u8(&w, 0x01);
    wire_put_u16(&w, 0x0302);
    wire_put_u24(&w, 0x060504);
    wire_put_u32(&w, 0x0A090807);
    wire_put_u64(&w, 0x1211100F0E0D0C0Bu);
    ck_assert(!w.full);
    ck_assert_uint_eq(wire_written(&w), sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        ck_assert_uint_eq(bytes[i], i + 1);
    struct wire_reader r = wire_reader(bytes, sizeof(bytes));
    ck_assert_uint_eq(wire_u8(&r), 0x01);
    ck_assert_uint_eq(wire_u16(&r), 0x0302);
    ck_assert_uint_eq(wire_u24(&r), 0x060504);
    ck_assert_uint_eq(wire_u32(&r), 0x0A090807);
    ck_assert_uint_eq(wire_u64(&r), 0x1211100F0E0D0C0Bu);
    ck_assert_uint_eq(wire_left(&r), 0);
    ck_assert(!r.bad);
}
END_TEST

struct number {
    uint64_t value;
    const char *hex;
};

static const struct number numbers[] = {
    {0, "00"},
    {1, "01"},
    {250, "fa"},
    {251, "fcfb00"},
    {255, "fcff00"},
    {256, "fc0001"},
    {65535, "fcffff"},
    {65536, "fd000001"},
    {0xFFFFFF, "fdffffff"},
    {0x1000000, "fe0000000100000000"},
    {UINT64_MAX, "feffffffffffffffff"},
};

struct expected {
    size_t length;
    uint64_t value;
};

static void cut_lenenc(const uint8_t *bytes, size_t length, void *context)
{
    const struct expected *whole = context;
    struct wire_reader r = wire_reader(bytes, length);
    uint64_t value = wire_lenenc(&r);
    ck_assert_int_eq(r.bad, length < whole->length);
    ck_assert_uint_eq(value, r.bad ? 0 : whole->value);
}

START_TEST(length_encoded_integers)
{
    const struct number *n = &numbers[_i];
    uint8_t expected[9];
    uint8_t bytes[9];
    struct expected whole = {unhex(n->hex, expected, sizeof(expected)), n->value};
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    wire_put_lenenc(&w, n->value);
    ck_assert_uint_eq(wire_written(&w), whole.length);
    ck_assert_mem_eq(bytes, expected, whole.length);
    for_each_split(expected, whole.length, cut_lenenc, &whole);
}
END_TEST

START_TEST(null_and_err_are_no_lengths)
{
    static const uint8_t heads[] = {0xFB, 0xFF};
    for (size_t i = 0; i < sizeof(heads); i++) {
        uint8_t bytes[9] = {heads[i]};
        struct wire_reader r = wire_reader(bytes, sizeof(bytes));
        ck_assert_uint_eq(wire_lenenc(&r), 0);
        ck_assert(r.bad);
    }
}
END_TEST

START_TEST(bad_stays_bad)
{
    const uint8_t bytes[] = {3, 'a', 'b', 0};
    struct wire_reader r = wire_reader(bytes, sizeof(bytes));
    ck_assert_uint_eq(wire_u64(&r), 0);
    ck_assert(r.bad);
    ck_assert_uint_eq(wire_left(&r), 0);
    ck_assert_uint_eq(wire_u8(&r), 0);
    ck_assert_uint_eq(wire_lenenc(&r), 0);
    ck_assert_uint_eq(wire_bytes(&r, 0).length, 0);
    ck_assert_uint_eq(wire_nul_text(&r).length, 0);
    ck_assert_uint_eq(wire_lenenc_text(&r).length, 0);
    struct wire_text rest = wire_rest(&r);
    ck_assert_uint_eq(rest.length, 0);
    ck_assert_ptr_nonnull(rest.data);
    ck_assert(r.bad);
}
END_TEST

START_TEST(texts)
{
    uint8_t bytes[64];
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    wire_put_nul_text(&w, "app", 3);
    wire_put_nul_text(&w, "", 0);
    wire_put_lenenc_text(&w, "a\0b", 3);
    wire_put_lenenc_text(&w, NULL, 0);
    wire_put_bytes(&w, NULL, 0);
    wire_put_zeros(&w, 0);
    wire_put_bytes(&w, "tail", 4);
    struct wire_reader r = wire_reader(bytes, wire_written(&w));
    assert_text(wire_nul_text(&r), "app");
    assert_text(wire_nul_text(&r), "");
    struct wire_text middle = wire_lenenc_text(&r);
    ck_assert_uint_eq(middle.length, 3);
    ck_assert_mem_eq(middle.data, "a\0b", 3);
    assert_text(wire_lenenc_text(&r), "");
    assert_text(wire_bytes(&r, 2), "ta");
    assert_text(wire_rest(&r), "il");
    assert_text(wire_rest(&r), "");
    ck_assert(!r.bad);
    wire_nul_text(&r);
    ck_assert(r.bad);
}
END_TEST

START_TEST(lengths_beyond_the_end)
{
    static const char *const inputs[] = {"feffffffffffffffff6162", "fdffffff6162", "036162", "fe"};
    uint8_t bytes[16];
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        size_t length = unhex(inputs[i], bytes, sizeof(bytes));
        struct wire_reader r = wire_reader(bytes, length);
        ck_assert_uint_eq(wire_lenenc_text(&r).length, 0);
        ck_assert(r.bad);
    }
    struct wire_reader r = wire_reader(bytes, 1);
    ck_assert_uint_eq(wire_bytes(&r, UINT64_MAX).length, 0);
    ck_assert(r.bad);
}
END_TEST

START_TEST(nothing_at_all)
{
    struct wire_reader r = wire_reader(NULL, 0);
    ck_assert_uint_eq(wire_left(&r), 0);
    ck_assert_uint_eq(wire_rest(&r).length, 0);
    ck_assert(!r.bad);
    ck_assert_uint_eq(wire_u8(&r), 0);
    ck_assert(r.bad);
    struct wire_writer w = wire_writer(NULL, 0);
    wire_put_bytes(&w, NULL, 0);
    ck_assert(!w.full);
    wire_put_u8(&w, 1);
    ck_assert(w.full);
    ck_assert_uint_eq(wire_written(&w), 0);
}
END_TEST

static void put_all(struct wire_writer *w)
{
    wire_put_u8(w, 1);
    wire_put_u16(w, 2);
    wire_put_u24(w, 3);
    wire_put_u32(w, 4);
    wire_put_u64(w, 5);
    wire_put_lenenc(w, 70000);
    wire_put_zeros(w, 3);
    wire_put_lenenc_text(w, "lenenc", 6);
    wire_put_nul_text(w, "nul", 3);
}

static void write_into(const uint8_t *bytes, size_t length, void *context)
{
    const size_t *needed = context;
    struct wire_writer w = wire_writer((uint8_t *)(uintptr_t)bytes, length);
    put_all(&w);
    ck_assert_int_eq(w.full, length < *needed);
    ck_assert_uint_eq(wire_written(&w), w.full ? 0 : *needed);
    /* full is final: what would fit is not written either */
    wire_put_bytes(&w, "", 0);
    ck_assert(w.full || length >= *needed);
}

START_TEST(full_writers)
{
    uint8_t bytes[64] = {0};
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    put_all(&w);
    size_t needed = wire_written(&w);
    ck_assert_uint_eq(needed, 18 + 4 + 3 + 7 + 4);
    for_each_split(bytes, needed, write_into, &needed);
}
END_TEST

START_TEST(a_nul_can_not_be_smuggled)
{
    uint8_t bytes[16];
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    wire_put_nul_text(&w, "a\0b", 3);
    ck_assert(w.full);
    ck_assert_uint_eq(wire_written(&w), 0);
}
END_TEST

START_TEST(comparing)
{
    ck_assert(wire_text_is(text_of("abc"), "abc"));
    ck_assert(!wire_text_is(text_of("abc"), "ab"));
    ck_assert(!wire_text_is(text_of("ab"), "abc"));
    ck_assert(!wire_text_is((struct wire_text){"a\0b", 3}, "a"));
    ck_assert(wire_text_is((struct wire_text){NULL, 0}, ""));
}
END_TEST

static void read_anything(const uint8_t *bytes, size_t length, void *context)
{
    uint64_t *state = context;
    struct wire_reader r = wire_reader(bytes, length);
    for (unsigned i = 0; i < 16; i++) {
        switch (fuzz_random(state) % 6) {
        case 0:
            wire_u16(&r);
            break;
        case 1:
            wire_lenenc(&r);
            break;
        case 2:
            assert_inside(wire_lenenc_text(&r), bytes, length);
            break;
        case 3:
            assert_inside(wire_nul_text(&r), bytes, length);
            break;
        case 4:
            assert_inside(wire_bytes(&r, fuzz_random(state) % 8), bytes, length);
            break;
        default:
            wire_u8(&r);
        }
        if (r.at > r.end || r.at < bytes)
            ck_abort_msg("the cursor left its bytes");
    }
    assert_inside(wire_rest(&r), bytes, length);
}

START_TEST(fuzzed)
{
    uint8_t bytes[64];
    uint64_t state = 42;
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    put_all(&w);
    fuzz(bytes, wire_written(&w), FUZZ_ROUNDS, read_anything, &state);
}
END_TEST

Suite *wire_suite(void)
{
    Suite *suite = suite_create("wire");
    TCase *tests = tcase_create("wire");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, fixed_integers_are_little_endian);
    tcase_add_loop_test(tests, length_encoded_integers, 0, (int)(sizeof(numbers) / sizeof(numbers[0])));
    tcase_add_test(tests, null_and_err_are_no_lengths);
    tcase_add_test(tests, bad_stays_bad);
    tcase_add_test(tests, texts);
    tcase_add_test(tests, lengths_beyond_the_end);
    tcase_add_test(tests, nothing_at_all);
    tcase_add_test(tests, full_writers);
    tcase_add_test(tests, a_nul_can_not_be_smuggled);
    tcase_add_test(tests, comparing);
    tcase_add_test(tests, fuzzed);
    suite_add_tcase(suite, tests);
    return suite;
}
