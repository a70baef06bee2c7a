/* SPDX-License-Identifier: MIT
 * An OK where rows should be (MySQL, a statement that had a cursor) is known by its size: no row of those columns has it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/reply_case.h"

Suite *reply_row_suite(void);

#define OK_BARE "\x00\x00\x00\x02\x00\x00\x00"
#define PAYLOAD(text) (const uint8_t *)(text), sizeof(text) - 1

/* A column's definition, of which only the type counts. */
static size_t definition(uint8_t type, uint8_t at[32])
{
    static const uint8_t front[] = {3, 'd', 'e', 'f', 0, 0, 0, 1, 'x', 0, 0x0C, 63, 0, 21, 0, 0, 0};

    memcpy(at, front, sizeof front);
    at[sizeof front] = type;
    memset(at + sizeof front + 1, 0, 5);
    return sizeof front + 6;
}

static struct row_shape shape_of(const uint8_t *types, size_t count)
{
    struct row_shape shape = {.columns = 0};
    uint8_t bytes[32];

    for (size_t i = 0; i < count; i++) {
        size_t length = definition(types[i], bytes);

        ck_assert(row_shape_add(&shape, bytes, length));
        ck_assert(!row_shape_add(&(struct row_shape){.columns = 0}, bytes, length - 6));
    }
    return shape;
}
#define SHAPE(...) shape_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

START_TEST(rows_by_their_columns)
{
    struct row_shape bigint = SHAPE(8), text = SHAPE(253), both = SHAPE(3, 253), date = SHAPE(12), null = SHAPE(6, 1);
    struct row_shape many = SHAPE(3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3);

    ck_assert(row_shape_fits(&bigint, PAYLOAD("\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00")));
    ck_assert(row_shape_fits(&bigint, PAYLOAD("\x00\x04")));
    ck_assert(!row_shape_fits(&bigint, PAYLOAD(OK_BARE)));
    ck_assert(!row_shape_fits(&bigint, PAYLOAD("\xFE\x04")));
    ck_assert(row_shape_fits(&text, PAYLOAD("\x00\x00\x04" "text")));
    ck_assert(!row_shape_fits(&text, PAYLOAD(OK_BARE)));
    ck_assert(row_shape_fits(&date, PAYLOAD("\x00\x00\x04\xE4\x07\x01\x02")));
    ck_assert(!row_shape_fits(&date, PAYLOAD(OK_BARE)));
    ck_assert(row_shape_fits(&null, PAYLOAD("\x00\x00\x01")));
    ck_assert(!row_shape_fits(&null, PAYLOAD(OK_BARE)));
    ck_assert(!row_shape_fits(&many, PAYLOAD(OK_BARE)));
    ck_assert(row_shape_fits(&both, PAYLOAD(OK_BARE))); /* 512 and an empty text: it can't be told */
}
END_TEST

/* Feeds columns of that type and a payload behind them; returns how many bytes the client gets. */
static size_t answer(struct reply *r, uint8_t type, const uint8_t *payload, size_t length, uint8_t client[256])
{
    uint8_t server[256], bytes[32];
    struct wire_writer w = wire_writer(server, sizeof server);
    struct pieces p;
    size_t used, got = 0, size = definition(type, bytes);
    uint8_t *at = packet_begin(&w);

    wire_put_u8(&w, 1);
    packet_end(&w, at, 1);
    at = packet_begin(&w);
    wire_put_bytes(&w, bytes, size);
    packet_end(&w, at, 2);
    at = packet_begin(&w);
    wire_put_bytes(&w, payload, length);
    packet_end(&w, at, 3);
    pieces_clear(&p);
    ck_assert_int_ne(reply_feed(r, server, wire_written(&w), CASE_CAPACITY, &used, &p), REPLY_BAD);
    ck_assert_uint_eq(used, wire_written(&w));
    for (size_t i = 0; i < p.count; i++) {
        ck_assert_uint_le(got + p.list[i].iov_len, 256);
        memcpy(client + got, p.list[i].iov_base, p.list[i].iov_len);
        got += p.list[i].iov_len;
    }
    return got;
}

START_TEST(an_ok_ends_the_reply)
{
    for (int form = 0; form < CASE_FORMS; form++) {
        struct reply r;
        uint8_t client[256];
        size_t length;

        reply_begin(&r, REPLY_RESULT, case_capabilities(form), STATUS_AUTOCOMMIT);
        r.mysql = r.rowless = true;
        length = answer(&r, 8, PAYLOAD(OK_BARE), client);
        ck_assert_int_eq(r.state, REPLY_AT_END);
        ck_assert(r.rows_ended && r.warned && !r.failed);
        ck_assert_int_eq(memcmp(client + length - 7, OK_BARE, 7), 0); /* as it came, with no EOF in front */
        ck_assert_uint_eq(client[length - 8], 3);
    }
}
END_TEST

START_TEST(a_row_does_not)
{
    struct reply r;
    uint8_t client[256];

    reply_begin(&r, REPLY_RESULT, CAP_DEPRECATE_EOF, STATUS_AUTOCOMMIT);
    r.mysql = r.rowless = true;
    (void)answer(&r, 8, PAYLOAD("\x00\x04"), client);
    ck_assert_int_eq(r.state, REPLY_AT_ROWS);
    ck_assert_uint_eq(r.rows, 1);
    reply_begin(&r, REPLY_RESULT, CAP_DEPRECATE_EOF, STATUS_AUTOCOMMIT); /* it never had a cursor */
    (void)answer(&r, 8, PAYLOAD(OK_BARE), client);
    ck_assert_int_eq(r.state, REPLY_AT_ROWS);
}
END_TEST

Suite *reply_row_suite(void)
{
    Suite *suite = suite_create("reply_row");
    TCase *tests = tcase_create("reply_row");

    tcase_add_test(tests, rows_by_their_columns);
    tcase_add_test(tests, an_ok_ends_the_reply);
    tcase_add_test(tests, a_row_does_not);
    suite_add_tcase(suite, tests);
    return suite;
}
