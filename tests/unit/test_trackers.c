/* SPDX-License-Identifier: MIT
 * What a client without DEPRECATE_EOF has not been told goes with the OK that its server would put it into.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/reply_case.h"

Suite *trackers_suite(void);

#define SCHEMA_A "\x01\x02\x01" "a"
#define SCHEMA_B "\x01\x02\x01" "b"
#define ZONE "\x00\x04\x01z\x01" "1"
#define CHANGED STATUS_STATE_CHANGED

static struct wire_text state_of(const char *bytes, size_t length)
{
    return (struct wire_text){bytes, length};
}
#define STATE_OF(text) state_of(text, sizeof(text) - 1)

/* Feeds one packet, an OK with that header, flags and state; returns the length of what the client gets, in `client`. */
static size_t feed(struct reply *r, uint8_t header, uint16_t status, struct wire_text state, uint8_t client[128])
{
    uint8_t server[128];
    struct wire_writer w = wire_writer(server, sizeof server);
    struct ok_packet ok = {.header = header, .status = status, .info = {"", 0}, .state = state};
    struct pieces p;
    size_t used, length = 0;

    ok_write(&w, &ok, true, 1);
    pieces_clear(&p);
    ck_assert_int_ne(reply_feed(r, server, wire_written(&w), CASE_CAPACITY, &used, &p), REPLY_BAD);
    ck_assert_uint_eq(used, wire_written(&w));
    for (size_t i = 0; i < p.count; i++) {
        ck_assert_uint_le(length + p.list[i].iov_len, 128);
        memcpy(client + length, p.list[i].iov_base, p.list[i].iov_len);
        length += p.list[i].iov_len;
    }
    return length;
}

static struct reply reply_to(struct trackers *t, enum reply_shape shape, bool mysql, bool track)
{
    struct reply r;

    reply_begin(&r, shape, track ? CAP_SESSION_TRACK : 0, 2);
    r.trackers = t;
    r.mysql = mysql;
    r.single = true;
    return r;
}

static void check_eof(struct trackers *t, bool mysql, bool track, uint16_t sent, struct wire_text state, uint16_t status)
{
    struct reply r = reply_to(t, REPLY_ROWS, mysql, track);
    uint8_t client[128];
    size_t length = feed(&r, 0xFE, sent, state, client);

    ck_assert_uint_eq(length, PACKET_HEADER + 5);
    ck_assert_uint_eq(client[7] | client[8] << 8, status);
}

static void check_ok(struct trackers *t, bool mysql, uint16_t sent, struct wire_text state, uint16_t status, struct wire_text told)
{
    struct reply r = reply_to(t, REPLY_RESULT, mysql, true);
    uint8_t client[128];
    struct ok_packet ok;
    size_t length = feed(&r, 0, sent, state, client);

    ck_assert_uint_eq(packet_length(client), length - PACKET_HEADER);
    ck_assert_int_eq(ok_parse(client + PACKET_HEADER, length - PACKET_HEADER, true, &ok), WIRE_OK);
    ck_assert_uint_eq(ok.status, status);
    ck_assert_uint_eq(ok.state.length, told.length);
    ck_assert(memcmp(ok.state.data, told.data, told.length) == 0);
}

START_TEST(mysql_tells_with_the_next)
{
    struct trackers t = {.packet = NULL};

    check_eof(&t, true, true, 2 | CHANGED, STATE_OF(SCHEMA_A), 2);
    check_eof(&t, true, true, 2 | CHANGED, STATE_OF(ZONE SCHEMA_B), 2);
    check_ok(&t, true, 2, STATE_OF(""), 2 | CHANGED, STATE_OF(ZONE SCHEMA_B));
    check_ok(&t, true, 2, STATE_OF(""), 2, STATE_OF(""));
    trackers_free(&t);
}
END_TEST

START_TEST(mariadb_tells_with_the_next_change)
{
    struct trackers t = {.packet = NULL};

    check_eof(&t, false, true, 2 | CHANGED, STATE_OF(SCHEMA_A), 2 | CHANGED);
    check_ok(&t, false, 2, STATE_OF(""), 2, STATE_OF(""));
    check_eof(&t, false, true, 2, STATE_OF(""), 2);
    check_ok(&t, false, 2 | CHANGED, STATE_OF(ZONE), 2 | CHANGED, STATE_OF(SCHEMA_A ZONE));
    check_ok(&t, false, 2 | CHANGED, STATE_OF(ZONE), 2 | CHANGED, STATE_OF(ZONE));
    trackers_free(&t);
}
END_TEST

START_TEST(all_results_of_a_statement)
{
    struct trackers t = {.packet = NULL};
    struct reply r = reply_to(&t, REPLY_ROWS, false, true);
    uint8_t client[128];

    ck_assert_uint_eq(feed(&r, 0xFE, 10 | CHANGED, STATE_OF(SCHEMA_A), client), PACKET_HEADER + 5);
    r.state = REPLY_AT_ROWS;
    ck_assert_uint_eq(feed(&r, 0xFE, 10, STATE_OF(""), client), PACKET_HEADER + 5);
    ck_assert_uint_eq(client[7] | client[8] << 8, 10 | CHANGED);
    ck_assert_uint_eq(feed(&r, 0, 2, STATE_OF(""), client), PACKET_HEADER + 13);
    ck_assert_uint_eq(client[7] | client[8] << 8, 2 | CHANGED);
    trackers_free(&t);
}
END_TEST

START_TEST(what_is_told_to_nobody)
{
    struct trackers t = {.packet = NULL};

    check_eof(&t, false, false, 2 | CHANGED, STATE_OF("\x05\x09\x08T_______"), 2 | CHANGED);
    check_eof(&t, false, false, 2 | CHANGED, STATE_OF("\x05\x09\x08________"), 2 | CHANGED);
    check_eof(&t, false, false, 2, STATE_OF(""), 2 | CHANGED);
    trackers_free(&t);
    check_eof(&t, false, false, 2 | CHANGED, STATE_OF("\x05\x09\x08I_R___S_"), 2 | CHANGED);
    t.in_transaction = false;
    check_eof(&t, false, false, 2, STATE_OF(""), 2);
}
END_TEST

#define CLIENT(value) "\x00\x1C\x14" "character_set_client" "\x06" value

static void check_routine(struct trackers *t, bool single, struct wire_text told)
{
    struct reply r = reply_to(t, REPLY_ROWS, true, true);
    uint8_t client[128];

    r.single = single;
    (void)feed(&r, 0xFE, 10 | CHANGED, STATE_OF(CLIENT("latin1") ZONE), client);
    check_ok(t, true, 2, STATE_OF(""), 2 | CHANGED, told);
}

/* Rows inside a routine, which puts the character set back: it is told as it was before. */
START_TEST(what_a_routine_puts_back)
{
    struct trackers t = {.packet = NULL};

    check_routine(&t, true, STATE_OF(ZONE));
    check_routine(&t, false, STATE_OF(CLIENT("latin1") ZONE));
    trackers_free(&t);
    trackers_login(&t, "cp1251");
    check_routine(&t, true, STATE_OF(CLIENT("cp1251") ZONE));
    check_ok(&t, true, 2 | CHANGED, STATE_OF(CLIENT("koi8-r")), 2 | CHANGED, STATE_OF(CLIENT("koi8-r")));
    check_routine(&t, true, STATE_OF(CLIENT("koi8-r") ZONE));
    check_routine(&t, false, STATE_OF(CLIENT("koi8-r") ZONE));
    trackers_forget_variables(&t);
    trackers_login(&t, "cp1251"); /* and perhaps another since, untold */
    check_routine(&t, true, STATE_OF(ZONE));
    check_eof(&t, true, true, 2 | CHANGED, STATE_OF(CLIENT("latin1")), 2);
    check_ok(&t, true, 2, STATE_OF(""), 2 | CHANGED, STATE_OF(CLIENT("latin1")));
    trackers_free(&t);
}
END_TEST

START_TEST(too_much_is_not_kept)
{
    struct trackers t = {.packet = NULL};
    uint8_t entry[256] = {TRACKER_VARIABLE, 253 - 6, 1};

    for (unsigned i = 0; i < 100; i++) {
        entry[3] = (uint8_t)i;
        trackers_keep(&t, (struct wire_text){(const char *)entry, 2 + 253 - 6}, TRACKER_AT_END);
        ck_assert_uint_le(t.kept.length, TRACKERS_MAX);
    }
    ck_assert_uint_gt(t.kept.length, TRACKERS_MAX - sizeof entry);
    trackers_forget_variables(&t);
    ck_assert_ptr_null(t.kept.bytes);
    trackers_free(&t);
}
END_TEST

Suite *trackers_suite(void)
{
    Suite *suite = suite_create("trackers");
    TCase *tests = tcase_create("trackers");

    tcase_add_test(tests, mysql_tells_with_the_next);
    tcase_add_test(tests, mariadb_tells_with_the_next_change);
    tcase_add_test(tests, all_results_of_a_statement);
    tcase_add_test(tests, what_is_told_to_nobody);
    tcase_add_test(tests, what_a_routine_puts_back);
    tcase_add_test(tests, too_much_is_not_kept);
    suite_add_tcase(suite, tests);
    return suite;
}
