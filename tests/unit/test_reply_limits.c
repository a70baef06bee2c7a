/* SPDX-License-Identifier: MIT
 * Replies at the protocol's limits and beyond: packets of 16 MiB, full lists, what is no reply, what was spoiled at random. Part of reply_suite.
 */
#include "tests/unit/reply_case.h"

TCase *reply_limit_tests(void);

#define STATE "\x05\x09\x08T_R_S___"

/* --- packets of 16 MiB --- */

static void put_filled(struct reply_case *c, uint8_t *filled, uint8_t first, size_t length)
{
    if (length)
        filled[0] = first;
    put_packet(c, filled, length);
}

/* Rows of PACKET_MAX, PACKET_MAX + 0 and 2 * PACKET_MAX + 5 bytes; what continues them looks like an end, an ERR and an OK. */
static void put_large_rows(struct reply_case *c, uint8_t *filled)
{
    put_columns(c, 1);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_filled(c, filled, 0xFE, PACKET_MAX);
    put_hex(c, "fe00000200000000");
    put_filled(c, filled, 0xFD, PACKET_MAX);
    put_hex(c, "");
    put_filled(c, filled, 0xFE, PACKET_MAX);
    put_filled(c, filled, 0xFF, PACKET_MAX);
    put_hex(c, "ff28040000");
    put_end(c, STATUS_AUTOCOMMIT, 1);
}

static void feed_in_steps(const struct reply_case *c, int form, size_t step, size_t taken)
{
    struct feeding f = feeding_new(c, REPLY_RESULT, form);
    for (size_t at = 0, length = wire_written(&c->server); at < length; at += step)
        (void)present(&f, c->server.begin + at, length - at < step ? length - at : step, taken);
    check_end(c, &f);
    feeding_free(&f);
}

START_TEST(large_rows)
{
    size_t capacity = 4 * (size_t)PACKET_MAX + 4096;
    uint8_t *filled = calloc(1, PACKET_MAX);
    struct reply_case c = case_new(_i, capacity);
    ck_assert_ptr_nonnull(filled);
    put_large_rows(&c, filled);
    feed_in_steps(&c, _i, capacity, CASE_ROOM);
    feed_in_steps(&c, _i, CASE_CAPACITY - 16, 0);
    feed_in_steps(&c, _i, PACKET_MAX / 2 + 1, 0);
    free(filled);
    case_free(&c);
}
END_TEST

/* --- the EOF behind the columns --- */

struct mid_row {
    const char *end; /* what ends the rows */
    uint16_t expected;
};

static const struct mid_row mid_rows[] = {
    {"07000009fe000028080000", 0x28},      /* flags of the statement; QUERY_SLOW is known at its end only */
    {"14000009fe000003400000000b050908545f525f5f5f535f", 0x03},
    {"05000009fe00002000", 2},             /* an EOF: no place to look for it */
    {"07000009ff25052337303130", 2},       /* ERR: the session's flags */
    {"07000009fe0000280000", 2},           /* not all of it is here */
    {"", 2},
};

START_TEST(flags_of_the_eof_behind_the_columns)
{
    const struct mid_row *row = &mid_rows[_i];
    struct reply_case c = case_new(1, 4096);
    struct feeding f;
    uint8_t end[64];
    put_columns(&c, 1);
    put_mid_eof(&c, row->expected);
    put_hex(&c, "0131");
    put_hex(&c, "00");
    f = feeding_new(&c, REPLY_RESULT, 1);
    wire_put_bytes(&c.server, end, unhex(row->end, end, sizeof(end)));
    (void)present(&f, c.server.begin, wire_written(&c.server), 0);
    ck_assert_uint_ge(f.out_length, c.mids[0].at + 9);
    ck_assert_mem_eq(f.out + c.mids[0].at, c.client.begin + c.mids[0].at, 9);
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* An error behind the columns: the EOF in between tells whether there is another statement, as long as it is known. */
START_TEST(more_results_in_the_eof_before_an_error)
{
    for (unsigned followed = 0; followed < 3; followed++) {
        struct reply_case c = case_new(1, 4096);
        struct feeding f;

        put_columns(&c, 1);
        put_mid_eof(&c, STATUS_AUTOCOMMIT);
        put_end(&c, STATUS_AUTOCOMMIT | STATUS_MORE_RESULTS, 0);
        put_columns(&c, 1);
        put_mid_eof(&c, (uint16_t)(STATUS_AUTOCOMMIT | (followed == 1 ? 0 : STATUS_MORE_RESULTS)));
        put_err(&c, 1242);
        f = feeding_new(&c, REPLY_RESULT, 1);
        f.reply.followed = followed;
        (void)present(&f, c.server.begin, wire_written(&c.server), 0);
        ck_assert_mem_eq(f.out + c.mids[1].at, c.client.begin + c.mids[1].at, 9);
        feeding_free(&f);
        case_free(&c);
    }
}
END_TEST

START_TEST(lasting_flags_only)
{
    struct reply r;
    reply_begin(&r, REPLY_PREPARE, case_capabilities(1), 0xFFFF);
    ck_assert_uint_eq(r.status, STATUS_LASTING);
    ck_assert(r.keep_eof && r.keep_track && reply_at_border(&r));
    reply_begin(&r, REPLY_RESULT, 0, 0);
    ck_assert(r.keep_eof && !r.keep_track && !r.local_files);
}
END_TEST

/* What the caller says in place of 0 warnings, in an OK, an EOF, and an OK that becomes one. */
START_TEST(conditions_are_told)
{
    static const struct {
        const char *packet, *expected;
        size_t length;
        uint32_t capabilities;
    } rows[] = {
        {"\x07\0\0\x01\0\0\0\x02\0\0\0", "\x07\0\0\x01\0\0\0\x02\0\x34\x12", 11, CAP_DEPRECATE_EOF},
        {"\x07\0\0\x01\0\0\0\x02\0\x05\0", "\x07\0\0\x01\0\0\0\x02\0\x05\0", 11, CAP_DEPRECATE_EOF},
        {"\x07\0\0\x01\xfe\0\0\x02\0\0\0", "\x05\0\0\x01\xfe\x34\x12\x02\0", 9, 0},
        {"\x05\0\0\x01\xfe\0\0\x02\0", "\x05\0\0\x01\xfe\x34\x12\x02\0", 9, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reply_case c = case_new(0, 4096);
        struct feeding f = feeding_new(&c, REPLY_RESULT, 0);

        reply_begin(&f.reply, REPLY_RESULT, rows[i].capabilities, 2);
        f.reply.conditions = 0x1234;
        ck_assert_int_eq(present(&f, (const uint8_t *)rows[i].packet, 4 + (size_t)rows[i].packet[0], 0), REPLY_END);
        ck_assert_uint_eq(f.out_length, rows[i].length);
        ck_assert_mem_eq(f.out, rows[i].expected, rows[i].length);
        ck_assert(f.reply.warned == (rows[i].packet[9] == 5)); /* nothing new was warned of */
        feeding_free(&f);
        case_free(&c);
    }
}
END_TEST

/* MySQL's EOFs show less than the OKs that they are made from. */
START_TEST(mysql_eofs)
{
    static const char rows[] = "\x01\0\0\x01\x01\x01\0\0\x02" "c" "\x09\0\0\x03\xfe\0\0\x0a\x50\0\0\0\0" "\x07\0\0\x04\0\0\0\x02\0\0\0";
    static const uint16_t expected[] = {0x500a, 0x0002};

    for (unsigned mysql = 0; mysql < 2; mysql++) {
        struct reply_case c = case_new(0, 4096);
        struct feeding f = feeding_new(&c, REPLY_RESULT, 0);

        reply_begin(&f.reply, REPLY_RESULT, CAP_SESSION_TRACK, 2);
        f.reply.mysql = mysql;
        ck_assert_int_eq(present(&f, (const uint8_t *)rows, sizeof(rows) - 1, 0), REPLY_END);
        ck_assert_uint_eq(f.out_length, 5 + 5 + 9 + 9 + 11);
        ck_assert_uint_eq(f.out[19 + 7] | f.out[19 + 8] << 8, expected[mysql]);
        feeding_free(&f);
        case_free(&c);
    }
}
END_TEST

START_TEST(border)
{
    struct reply_case c = case_new(0, 4096);
    struct feeding f = feeding_new(&c, REPLY_TEXT, 0);
    ck_assert(reply_at_border(&f.reply));
    ck_assert_int_eq(present(&f, (const uint8_t *)"\x03\0\0\x01u", 5, 0), REPLY_MORE);
    ck_assert(!reply_at_border(&f.reply));
    ck_assert_int_eq(present(&f, (const uint8_t *)"pt", 2, 0), REPLY_END);
    ck_assert(reply_at_border(&f.reply));
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* The client counts the EOF that it gets last. */
START_TEST(sequence_of_the_last_packet)
{
    struct reply_case c = case_new(_i, 4096);
    struct feeding f;
    put_hex(&c, "000700000000000100000000");
    put_definitions(&c, 1);
    put_mid_eof(&c, STATUS_AUTOCOMMIT);
    f = feeding_new(&c, REPLY_PREPARE, _i);
    (void)present(&f, c.server.begin, wire_written(&c.server), 0);
    check_end(&c, &f);
    ck_assert_uint_eq(f.reply.sequence, (uint8_t)(client_sequence(&c) - 1));
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* my_eof() of a server that speaks DEPRECATE_EOF. */
START_TEST(stream_ended_by_an_ok)
{
    struct reply_case c = case_new(_i, 4096);
    struct feeding f;
    put_hex(&c, "000102030405060708090a");
    put_ok(&c, (struct ok_packet){.header = 0xFE, .status = 2 | STATUS_STATE_CHANGED, .state = text_of(STATE)});
    f = feeding_new(&c, REPLY_STREAM, _i);
    (void)present(&f, c.server.begin, wire_written(&c.server), 0);
    check_end(&c, &f);
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* --- full lists --- */

START_TEST(no_room_at_all)
{
    static const size_t taken[][2] = {{CASE_ROOM + 1, 0}, {4, PIECES_STORE - 47}, {63, 0}};
    uint8_t packet[] = {7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0};
    struct pieces p = {.count = 0};
    struct reply r;
    size_t used;
    reply_begin(&r, REPLY_RESULT, case_capabilities(0), 2);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        p.count = taken[i][0];
        p.stored = taken[i][1];
        ck_assert_int_eq(reply_feed(&r, packet, sizeof(packet), CASE_CAPACITY, &used, &p), REPLY_FULL);
        ck_assert_uint_eq(used, 0);
        ck_assert_uint_eq(p.count, taken[i][0]);
    }
    p.count = CASE_ROOM;
    p.stored = PIECES_STORE - 48;
    ck_assert_int_eq(reply_feed(&r, packet, sizeof(packet), CASE_CAPACITY, &used, &p), REPLY_END);
    ck_assert_uint_eq(used, sizeof(packet));
}
END_TEST

/* Results without rows make the most pieces a byte: the list fills of itself. */
START_TEST(many_results_fill_the_list)
{
    struct reply_case c = case_new(_i, 64 * 1024);
    c.begun_with = c.fallback = STATUS_AUTOCOMMIT;
    for (int i = 0; i < 100; i++)
        put_ok(&c, (struct ok_packet){.status = 10 | STATUS_STATE_CHANGED, .affected_rows = 5, .state = text_of(STATE)});
    put_err(&c, 1064);
    struct feeding f = feeding_new(&c, REPLY_RESULT, _i);
    (void)present(&f, c.server.begin, wire_written(&c.server), 0);
    check_end(&c, &f);
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* --- what is no reply --- */

struct bad_row {
    const char *hex; /* one packet; its length is filled in */
    enum reply_shape shape;
};

static const struct bad_row bad_rows[] = {
    {"00000001", REPLY_RESULT},                       /* empty */
    {"01000001fb", REPLY_RESULT},                     /* a file; this client does not offer it */
    {"06000001000000020000", REPLY_RESULT},           /* half an OK */
    {"0a0000010000000200000005ab", REPLY_RESULT},     /* a text beyond the end */
    {"02000001ff28", REPLY_RESULT},                   /* half an ERR */
    {"020000010101", REPLY_RESULT},                   /* a count and more */
    {"01000001fc", REPLY_RESULT},                     /* half a count */
    {"03000001fc0000", REPLY_RESULT},                 /* no columns */
    {"080000010000000000000000", REPLY_PREPARE},
    {"00000001", REPLY_PREPARE},
    {"06000001fe0000020000", REPLY_ROWS},
    {"01000001fe", REPLY_FIELDS},
    {"02000001ff28", REPLY_STREAM},
};

START_TEST(not_a_reply)
{
    const struct bad_row *row = &bad_rows[_i / CASE_FORMS];
    uint8_t bytes[64];
    size_t length = unhex(row->hex, bytes, sizeof(bytes)), used;
    struct pieces p;
    struct reply r;
    bytes[0] = (uint8_t)(length - PACKET_HEADER);
    reply_begin(&r, row->shape, case_capabilities(_i % CASE_FORMS) & ~(uint32_t)CAP_LOCAL_FILES, 2);
    pieces_clear(&p);
    ck_assert_int_eq(reply_feed(&r, bytes, length, CASE_CAPACITY, &used, &p), REPLY_BAD);
    ck_assert_uint_eq(used, 0);
    ck_assert_uint_eq(p.bytes, 0);
}
END_TEST

START_TEST(larger_than_can_be_seen)
{
    uint8_t header[] = {0xFE, 0xFF, 0xFF, 1, 0xFF}, fits[] = {16, 0, 0, 1, 0xFF};
    size_t used;
    struct pieces p;
    struct reply r;
    pieces_clear(&p);
    reply_begin(&r, REPLY_RESULT, 0, 2);
    ck_assert_int_eq(reply_feed(&r, header, 5, CASE_CAPACITY, &used, &p), REPLY_BAD);
    ck_assert_int_eq(reply_feed(&r, fits, 5, 20, &used, &p), REPLY_MORE);
    ck_assert_int_eq(reply_feed(&r, fits, 5, 19, &used, &p), REPLY_BAD);
    reply_begin(&r, REPLY_ROWS, 0, 2);
    header[4] = 0xFD; /* rows may have any size */
    ck_assert_int_eq(reply_feed(&r, header, 5, CASE_CAPACITY, &used, &p), REPLY_MORE);
    ck_assert_uint_eq(used, 5);
}
END_TEST

/* A packet that has to be seen whole can't be continued. */
START_TEST(sixteen_mib_where_none_can_be)
{
    static const uint8_t firsts[] = {0x00, 0xFE, 0xFF, 0xFC, 0x01};
    enum reply_shape shape = _i % 2 ? REPLY_PREPARE : REPLY_RESULT;
    struct reply_case c = case_new(_i / 2 % CASE_FORMS, 4096);
    uint8_t bytes[] = {0xFF, 0xFF, 0xFF, 1, firsts[_i / 2 / CASE_FORMS]};
    struct feeding f = feeding_new(&c, shape, _i / 2 % CASE_FORMS);
    ck_assert_int_eq(present(&f, bytes, sizeof(bytes), 0), REPLY_BAD);
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* Our EOF would land inside it. */
START_TEST(sixteen_mib_of_definition)
{
    uint8_t bytes[] = {12, 0, 0, 1, 0, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 2, 3};
    struct reply_case c = case_new(1, 4096);
    struct feeding f = feeding_new(&c, REPLY_PREPARE, 1);
    ck_assert_int_eq(present(&f, bytes, sizeof(bytes), 0), REPLY_BAD);
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* Five bytes have no session state, whatever the flags say. */
START_TEST(eof_with_a_flag_of_session_state)
{
    static const char *const hex[] = {"05000001fe00000240", "05000001fefe000240", "05000001fefcfc0240"};
    uint8_t bytes[16];
    struct reply_case c = case_new(_i % CASE_FORMS, 4096);
    struct feeding f = feeding_new(&c, REPLY_RESULT, _i % CASE_FORMS);
    size_t length = unhex(hex[_i / CASE_FORMS], bytes, sizeof(bytes));
    ck_assert_int_eq(present(&f, bytes, length, 0), REPLY_END);
    ck_assert_uint_eq(f.out_length, length);
    ck_assert_mem_eq(f.out, bytes, 7);
    feeding_free(&f);
    case_free(&c);
}
END_TEST

/* --- what was spoiled at random --- */

struct spoiled {
    enum reply_shape shape;
    uint64_t state;
};

static void check_pieces(const struct pieces *p, const uint8_t *bytes, size_t length)
{
    size_t borrowed = 0;
    for (size_t i = 0; i < p->count; i++) {
        const uint8_t *at = p->list[i].iov_base;
        bool stored = at >= p->store && at + p->list[i].iov_len <= p->store + p->stored;
        bool lent = at >= bytes + borrowed && at + p->list[i].iov_len <= bytes + length;
        if (!stored && !lent)
            ck_abort_msg("piece %zu is nobody's, or not in order", i);
        if (!stored)
            borrowed = (size_t)(at - bytes) + p->list[i].iov_len;
    }
}

static void follow(const uint8_t *bytes, size_t length, void *context)
{
    struct spoiled *s = context;
    static struct pieces pieces;
    enum reply_status status = REPLY_MORE;
    size_t at = 0, end = 0, used;
    struct reply r;
    reply_begin(&r, s->shape, case_capabilities((int)(fuzz_random(&s->state) % CASE_FORMS)), (uint16_t)fuzz_random(&s->state));
    while (status == REPLY_FULL || status == REPLY_FILE || (status == REPLY_MORE && end < length)) {
        if (status == REPLY_MORE)
            end = fuzz_random(&s->state) % 2 ? length : end + 1 + fuzz_random(&s->state) % (length - end);
        pieces_prefill(&pieces, fuzz_random(&s->state) % 2 * CASE_ROOM);
        for (size_t i = 0; i < pieces.count; i++)
            pieces.list[i].iov_base = pieces.store;
        status = reply_feed(&r, (uint8_t *)(uintptr_t)bytes + at, end - at, fuzz_random(&s->state) % 2 ? CASE_CAPACITY : length, &used, &pieces);
        if (used > end - at || status > REPLY_BAD)
            ck_abort_msg("%zu of %zu bytes, status %d", used, end - at, status);
        check_pieces(&pieces, bytes + at, end - at);
        at += used;
    }
    if (status == REPLY_END && !reply_at_border(&r))
        ck_abort_msg("an end inside a packet");
}

static void spoil(void (*build)(struct reply_case *c), enum reply_shape shape)
{
    struct spoiled s = {shape, 1234567 + (uint64_t)shape};
    struct reply_case c = case_new(0, 4096);
    build(&c);
    fuzz(c.server.begin, wire_written(&c.server), FUZZ_ROUNDS, follow, &s);
    case_free(&c);
}

static void results(struct reply_case *c)
{
    put_columns(c, 1);
    put_hex(c, "0131");
    put_end(c, 10, 0);
    put_ok(c, (struct ok_packet){.status = 10 | STATUS_STATE_CHANGED, .info = text_of("info"), .state = text_of(STATE)});
    put_hex(c, "fb66");
    put_ok(c, (struct ok_packet){.status = 10 | STATUS_STATE_CHANGED, .affected_rows = 70000, .state = text_of(STATE)});
    put_columns(c, 2);
    put_end(c, STATUS_CURSOR_EXISTS | STATUS_MORE_RESULTS, 0);
    put_err(c, 1064);
}

static void prepared(struct reply_case *c)
{
    put_hex(c, "000700000002000100000000");
    put_definitions(c, 3);
}

static void rows(struct reply_case *c)
{
    put_hex(c, "0000fefefe");
    put_hex(c, "fb");
    put_ok(c, (struct ok_packet){.header = 0xFE, .status = STATUS_STATE_CHANGED, .state = text_of(STATE)});
}

START_TEST(spoiled_results) { spoil(results, REPLY_RESULT); } END_TEST
START_TEST(spoiled_prepare) { spoil(prepared, REPLY_PREPARE); } END_TEST
START_TEST(spoiled_rows) { spoil(rows, REPLY_ROWS); } END_TEST
START_TEST(spoiled_stream) { spoil(rows, REPLY_STREAM); } END_TEST
START_TEST(spoiled_text) { spoil(rows, REPLY_TEXT); } END_TEST

TCase *reply_limit_tests(void)
{
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, large_rows, 0, CASE_FORMS);
    tcase_add_loop_test(tests, flags_of_the_eof_behind_the_columns, 0, (int)(sizeof(mid_rows) / sizeof(mid_rows[0])));
    tcase_add_test(tests, more_results_in_the_eof_before_an_error);
    tcase_add_test(tests, lasting_flags_only);
    tcase_add_test(tests, conditions_are_told);
    tcase_add_test(tests, mysql_eofs);
    tcase_add_test(tests, border);
    tcase_add_loop_test(tests, sequence_of_the_last_packet, 0, CASE_FORMS);
    tcase_add_loop_test(tests, stream_ended_by_an_ok, 0, CASE_FORMS);
    tcase_add_test(tests, no_room_at_all);
    tcase_add_loop_test(tests, many_results_fill_the_list, 0, CASE_FORMS);
    tcase_add_loop_test(tests, not_a_reply, 0, CASE_FORMS * (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
    tcase_add_test(tests, larger_than_can_be_seen);
    tcase_add_loop_test(tests, sixteen_mib_where_none_can_be, 0, 2 * CASE_FORMS * 5);
    tcase_add_test(tests, sixteen_mib_of_definition);
    tcase_add_loop_test(tests, eof_with_a_flag_of_session_state, 0, CASE_FORMS * 3);
    tcase_add_test(tests, spoiled_results);
    tcase_add_test(tests, spoiled_prepare);
    tcase_add_test(tests, spoiled_rows);
    tcase_add_test(tests, spoiled_stream);
    tcase_add_test(tests, spoiled_text);
    return tests;
}
