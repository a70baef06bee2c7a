/* SPDX-License-Identifier: MIT
 * Packet headers.
 */
#include "protocol/packet.h"
#include "tests/unit/split.h"

Suite *packet_suite(void);

START_TEST(begin_and_end)
{
    uint8_t bytes[16];
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    uint8_t *first = packet_begin(&w);
    wire_put_bytes(&w, "abc", 3);
    packet_end(&w, first, 7);
    uint8_t *second = packet_begin(&w);
    packet_end(&w, second, 8);
    ck_assert_uint_eq(wire_written(&w), 11);
    ck_assert_mem_eq(bytes, "\3\0\0\7abc\0\0\0\10", 11);
}
END_TEST

START_TEST(header_fields)
{
    uint8_t header[PACKET_HEADER];
    packet_put_header(header, 0x030201, 0xFF);
    ck_assert_mem_eq(header, "\1\2\3\377", 4);
    ck_assert_uint_eq(packet_length(header), 0x030201);
    ck_assert_uint_eq(packet_sequence(header), 0xFF);
}
END_TEST

static void write_into(const uint8_t *bytes, size_t length, void *context)
{
    (void)context;
    struct wire_writer w = wire_writer((uint8_t *)(uintptr_t)bytes, length);
    uint8_t *header = packet_begin(&w);
    wire_put_bytes(&w, "abc", 3);
    packet_end(&w, header, 1);
    ck_assert_int_eq(w.full, length < 7);
    ck_assert_uint_eq(wire_written(&w), length < 7 ? 0 : 7);
}

START_TEST(full_writers)
{
    uint8_t bytes[7] = {0};
    for_each_split(bytes, sizeof(bytes), write_into, NULL);
}
END_TEST

START_TEST(longest_payload)
{
    size_t capacity = PACKET_HEADER + PACKET_MAX;
    uint8_t *bytes = malloc(capacity);
    ck_assert_ptr_nonnull(bytes);
    struct wire_writer w = wire_writer(bytes, capacity);
    uint8_t *header = packet_begin(&w);
    wire_put_zeros(&w, PACKET_MAX - 1);
    packet_end(&w, header, 0);
    ck_assert_uint_eq(wire_written(&w), capacity - 1);
    ck_assert_uint_eq(packet_length(bytes), PACKET_MAX - 1);
    w = wire_writer(bytes, capacity);
    header = packet_begin(&w);
    wire_put_zeros(&w, PACKET_MAX);
    packet_end(&w, header, 0);
    ck_assert(w.full);
    free(bytes);
}
END_TEST

static void cut_packet(const uint8_t *bytes, size_t length, void *context)
{
    const size_t *whole = context;
    struct wire_text payload = {NULL, 0};
    uint8_t sequence = 0;
    size_t consumed = 0;
    enum wire_status status = packet_take(bytes, length, 100, &payload, &sequence, &consumed);
    ck_assert_int_eq(status, length < *whole ? WIRE_SHORT : WIRE_OK);
    if (status != WIRE_OK)
        return;
    assert_text(payload, "\3use shop");
    ck_assert_uint_eq(sequence, 5);
    ck_assert_uint_eq(consumed, *whole);
}

START_TEST(take_cut_anywhere)
{
    /* with the beginning of the next one behind */
    static const char bytes[] = "\11\0\0\5\3use shop\1\0\0";
    size_t whole = 13;
    for_each_split((const uint8_t *)bytes, sizeof(bytes) - 1, cut_packet, &whole);
}
END_TEST

START_TEST(take_limits)
{
    struct wire_text payload;
    uint8_t sequence;
    size_t consumed;
    uint8_t bytes[PACKET_HEADER + 3] = {3, 0, 0, 1, 'a', 'b', 'c'};
    ck_assert_int_eq(packet_take(bytes, sizeof(bytes), 3, &payload, &sequence, &consumed), WIRE_OK);
    assert_text(payload, "abc");
    /* known from the header alone */
    ck_assert_int_eq(packet_take(bytes, PACKET_HEADER, 2, &payload, &sequence, &consumed), WIRE_BAD);
    ck_assert_int_eq(packet_take(bytes, PACKET_HEADER - 1, 2, &payload, &sequence, &consumed), WIRE_SHORT);
    packet_put_header(bytes, PACKET_MAX, 1);
    ck_assert_int_eq(packet_take(bytes, sizeof(bytes), SIZE_MAX, &payload, &sequence, &consumed), WIRE_BAD);
    packet_put_header(bytes, 0, 9);
    ck_assert_int_eq(packet_take(bytes, PACKET_HEADER, 0, &payload, &sequence, &consumed), WIRE_OK);
    ck_assert_uint_eq(payload.length, 0);
    ck_assert_uint_eq(sequence, 9);
    ck_assert_uint_eq(consumed, PACKET_HEADER);
}
END_TEST

static void take_anything(const uint8_t *bytes, size_t length, void *context)
{
    (void)context;
    struct wire_text payload;
    uint8_t sequence;
    size_t consumed;
    if (packet_take(bytes, length, 12, &payload, &sequence, &consumed) != WIRE_OK)
        return;
    assert_inside(payload, bytes, length);
    if (consumed > length || payload.length > 12)
        ck_abort_msg("more than there is, or than allowed");
}

START_TEST(fuzzed)
{
    static const char good[] = "\11\0\0\5\3use shop";
    fuzz((const uint8_t *)good, sizeof(good) - 1, FUZZ_ROUNDS, take_anything, NULL);
}
END_TEST

Suite *packet_suite(void)
{
    Suite *suite = suite_create("packet");
    TCase *tests = tcase_create("packet");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, begin_and_end);
    tcase_add_test(tests, header_fields);
    tcase_add_test(tests, full_writers);
    tcase_add_test(tests, longest_payload);
    tcase_add_test(tests, take_cut_anywhere);
    tcase_add_test(tests, take_limits);
    tcase_add_test(tests, fuzzed);
    suite_add_tcase(suite, tests);
    return suite;
}
