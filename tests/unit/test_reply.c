/* SPDX-License-Identifier: MIT
 * Every kind of reply, for each form of client: whole, cut at every byte, byte by byte, and with hardly any room for pieces.
 */
#include "tests/unit/reply_case.h"

Suite *reply_suite(void);
TCase *reply_limit_tests(void); /* in test_reply_limits.c */

#define STATE "\x05\x09\x08T_R_S___"
#define MORE (STATUS_AUTOCOMMIT | STATUS_MORE_RESULTS)
#define NO_INDEX 0x20

static void ok(struct reply_case *c)
{
    put_ok(c, (struct ok_packet){.affected_rows = 3, .insert_id = 9, .status = STATUS_AUTOCOMMIT | STATUS_IN_TRANS, .warnings = 2});
}

static void ok_with_info(struct reply_case *c)
{
    put_ok(c, (struct ok_packet){.affected_rows = 70000, .insert_id = UINT64_MAX, .status = 2, .info = text_of("Records: 1")});
}

static void ok_with_state(struct reply_case *c)
{
    put_ok(c, (struct ok_packet){.affected_rows = 300, .status = STATUS_STATE_CHANGED | STATUS_IN_TRANS, .warnings = 257, .state = text_of(STATE)});
}

static void ok_with_info_and_state(struct reply_case *c)
{
    put_ok(c, (struct ok_packet){.insert_id = 1u << 24, .status = STATUS_STATE_CHANGED | 2, .info = text_of("Records: 2"), .state = text_of(STATE)});
}

static void long_state(struct reply_case *c)
{
    static char info[300], state[1000];
    memset(info, 'i', sizeof(info));
    memset(state, 's', sizeof(state));
    put_ok(c, (struct ok_packet){.status = STATUS_STATE_CHANGED | 2, .info = {info, sizeof(info)}, .state = {state, sizeof(state)}});
}

static void empty_info(struct reply_case *c)
{
    put_hex(c, "0000000200000000"); /* nothing to cut: as it came */
}

static void err(struct reply_case *c)
{
    put_err(c, 1064);
}

static void short_err(struct reply_case *c)
{
    put_hex(c, "ff2804");
    c->error = 1064;
}

static void ok_that_ends(struct reply_case *c)
{
    put_end(c, STATUS_AUTOCOMMIT, 0); /* COM_SET_OPTION */
}

static void true_eof(struct reply_case *c)
{
    put_hex(c, "fe03002200");
    c->last.status = 0x22;
    c->last.warnings = 3;
}

static void result_set(struct reply_case *c)
{
    put_columns(c, 2);
    put_mid_eof(c, STATUS_AUTOCOMMIT | NO_INDEX);
    put_hex(c, "0131023232");
    put_hex(c, "fb0139");
    put_hex(c, "0000");
    put_hex(c, "fa");
    put_end(c, STATUS_AUTOCOMMIT | NO_INDEX | STATUS_QUERY_SLOW, 5);
}

static void no_rows(struct reply_case *c)
{
    put_columns(c, 3);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_end(c, STATUS_AUTOCOMMIT, 0);
}

static void one_column(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_hex(c, "0131");
    put_end(c, STATUS_AUTOCOMMIT, 0);
}

static void odd_rows(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_hex(c, "00");           /* an empty string */
    put_hex(c, "00000100");     /* a binary row */
    put_hex(c, "fb");           /* NULL */
    put_hex(c, "");             /* no column at all */
    put_hex(c, "fc0300666666"); /* lengths of two and three bytes */
    put_hex(c, "fd030000fffefd");
    put_end(c, STATUS_AUTOCOMMIT, 1);
}

static void many_columns(struct reply_case *c)
{
    put_hex(c, "fc2c01"); /* 300 of them: sequence numbers wrap */
    for (int i = 0; i < 300; i++)
        put_hex(c, "03");
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    for (int i = 0; i < 220; i++)
        put_hex(c, "31");
    put_end(c, STATUS_AUTOCOMMIT, 0);
}

static void rows_with_state(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_hex(c, "0131");
    put_ok(c, (struct ok_packet){.header = 0xFE, .status = STATUS_STATE_CHANGED | 2, .warnings = 4, .state = text_of(STATE)});
}

static void several(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, MORE);
    put_hex(c, "0131");
    put_end(c, MORE, 1);
    put_ok(c, (struct ok_packet){.affected_rows = 2, .status = MORE | STATUS_STATE_CHANGED, .info = text_of("i"), .state = text_of(STATE)});
    put_columns(c, 2);
    put_mid_eof(c, MORE | STATUS_IN_TRANS);
    put_end(c, MORE | STATUS_IN_TRANS, 0);
    put_columns(c, 1);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_hex(c, "0132");
    put_end(c, STATUS_AUTOCOMMIT, 0);
}

static void several_and_err(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, MORE);
    put_end(c, MORE, 0);
    put_ok(c, (struct ok_packet){.status = MORE, .affected_rows = 1});
    put_err(c, 1146);
}

static void procedure(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, MORE);
    put_hex(c, "0131");
    put_end(c, MORE, 0);
    put_columns(c, 1);
    put_mid_eof(c, MORE);
    put_end(c, MORE, 0);
    put_ok(c, (struct ok_packet){.status = STATUS_AUTOCOMMIT, .warnings = 1});
}

static void out_parameters(struct reply_case *c)
{
    put_columns(c, 2);
    put_mid_eof(c, MORE | STATUS_PS_OUT_PARAMS);
    put_hex(c, "000005000000");
    put_end(c, MORE | STATUS_PS_OUT_PARAMS, 0);
    put_ok(c, (struct ok_packet){.status = STATUS_AUTOCOMMIT});
}

static void open_cursor(struct reply_case *c)
{
    put_columns(c, 2);
    put_end(c, STATUS_AUTOCOMMIT | STATUS_CURSOR_EXISTS, 1); /* one in all */
}

static void fetch(struct reply_case *c)
{
    put_hex(c, "000001000000");
    put_hex(c, "000002000000");
    put_end(c, STATUS_AUTOCOMMIT | STATUS_CURSOR_EXISTS, 0);
}

static void fetch_last(struct reply_case *c)
{
    put_end(c, STATUS_AUTOCOMMIT | STATUS_LAST_ROW_SENT, 0);
}

static void err_among_rows(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_hex(c, "0131");
    put_err(c, 1317);
}

static void err_for_rows(struct reply_case *c)
{
    put_columns(c, 2);
    put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_err(c, 1317);
}

static void err_among_columns(struct reply_case *c)
{
    put_hex(c, "03");
    put_definitions(c, 2);
    put_err(c, 1053);
}

static void prepare(struct reply_case *c, uint8_t parameters, uint8_t columns)
{
    uint8_t first[12] = {0x00, 7, 0, 0, 0, columns, 0, parameters, 0, 0, 2, 1};
    put_packet(c, first, sizeof(first));
    c->last.warnings = 258;
    put_definitions(c, parameters);
    if (parameters)
        put_mid_eof(c, STATUS_AUTOCOMMIT);
    put_definitions(c, columns);
    if (columns)
        put_mid_eof(c, STATUS_AUTOCOMMIT);
}

static void prepare_0_0(struct reply_case *c) { prepare(c, 0, 0); }
static void prepare_1_0(struct reply_case *c) { prepare(c, 1, 0); }
static void prepare_0_2(struct reply_case *c) { prepare(c, 0, 2); }
static void prepare_3_2(struct reply_case *c) { prepare(c, 3, 2); }

static void fields(struct reply_case *c)
{
    put_definitions(c, 2);
    put_end(c, STATUS_AUTOCOMMIT, 0);
}

static void text(struct reply_case *c)
{
    put_hex(c, "557074696d653a2031");
}

static void text_like_err(struct reply_case *c)
{
    put_hex(c, "fffefd");
}

static void no_text(struct reply_case *c)
{
    put_hex(c, "");
}

static void file(struct reply_case *c)
{
    put_hex(c, "fb2f746d702f66");
    c->files++;
    c->sequence = 4; /* the client's two packets are between */
    put_ok(c, (struct ok_packet){.affected_rows = 2, .status = 2, .info = text_of("Records: 2")});
}

static void file_behind_rows(struct reply_case *c)
{
    put_columns(c, 1);
    put_mid_eof(c, MORE);
    put_end(c, MORE, 0);
    put_hex(c, "fb66");
    c->files++;
    c->sequence = 9;
    put_err(c, 1148);
}

static void stream(struct reply_case *c)
{
    put_hex(c, "000102030405060708090a");
    put_hex(c, "00fe");
    put_hex(c, "");
    put_hex(c, "fe00000200");
}

static void stream_that_fails(struct reply_case *c)
{
    put_hex(c, "0001020304");
    put_err(c, 1236);
}

static void nothing(struct reply_case *c)
{
    (void)c;
}

#define KINDS(KIND)                                                                                                                                  \
    KIND(ok, REPLY_RESULT) KIND(ok_with_info, REPLY_RESULT) KIND(ok_with_state, REPLY_RESULT) KIND(ok_with_info_and_state, REPLY_RESULT)             \
    KIND(long_state, REPLY_RESULT) KIND(empty_info, REPLY_RESULT) KIND(err, REPLY_RESULT) KIND(short_err, REPLY_RESULT)                              \
    KIND(ok_that_ends, REPLY_RESULT) KIND(true_eof, REPLY_RESULT) KIND(result_set, REPLY_RESULT) KIND(no_rows, REPLY_RESULT)                         \
    KIND(one_column, REPLY_RESULT) KIND(odd_rows, REPLY_RESULT) KIND(many_columns, REPLY_RESULT) KIND(rows_with_state, REPLY_RESULT)                 \
    KIND(several, REPLY_RESULT) KIND(several_and_err, REPLY_RESULT) KIND(procedure, REPLY_RESULT) KIND(out_parameters, REPLY_RESULT)                 \
    KIND(open_cursor, REPLY_RESULT) KIND(fetch, REPLY_ROWS) KIND(fetch_last, REPLY_ROWS) KIND(err, REPLY_ROWS)                                       \
    KIND(err_among_rows, REPLY_RESULT) KIND(err_for_rows, REPLY_RESULT) KIND(err_among_columns, REPLY_RESULT)                                        \
    KIND(prepare_0_0, REPLY_PREPARE) KIND(prepare_1_0, REPLY_PREPARE) KIND(prepare_0_2, REPLY_PREPARE) KIND(prepare_3_2, REPLY_PREPARE)              \
    KIND(err, REPLY_PREPARE) KIND(fields, REPLY_FIELDS) KIND(err, REPLY_FIELDS) KIND(text, REPLY_TEXT) KIND(text_like_err, REPLY_TEXT)               \
    KIND(no_text, REPLY_TEXT) KIND(file, REPLY_RESULT) KIND(file_behind_rows, REPLY_RESULT) KIND(stream, REPLY_STREAM)                               \
    KIND(stream_that_fails, REPLY_STREAM) KIND(nothing, REPLY_NONE)

static const struct kind {
    const char *name;
    void (*build)(struct reply_case *c);
    enum reply_shape shape;
} kinds[] = {
#define KIND(build, shape) {#build, build, shape},
    KINDS(KIND)
};

#define KIND_COUNT ((int)(sizeof(kinds) / sizeof(kinds[0])))

static struct reply_case build(int test, enum reply_shape *shape)
{
    struct reply_case c = case_new(test % CASE_FORMS, 8192);
    kinds[test / CASE_FORMS].build(&c);
    *shape = kinds[test / CASE_FORMS].shape;
    return c;
}

START_TEST(whole)
{
    static const size_t taken[] = {0, CASE_ROOM, CASE_ROOM - 5};
    enum reply_shape shape;
    struct reply_case c = build(_i, &shape);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct feeding f = feeding_new(&c, shape, _i % CASE_FORMS);
        (void)present(&f, c.server.begin, wire_written(&c.server), taken[i]);
        check_end(&c, &f);
        feeding_free(&f);
    }
    case_free(&c);
}
END_TEST

START_TEST(cut_in_two)
{
    enum reply_shape shape;
    struct reply_case c = build(_i, &shape);
    size_t length = wire_written(&c.server);
    for (size_t cut = 0; cut < length; cut++) {
        struct feeding f = feeding_new(&c, shape, _i % CASE_FORMS);
        if (present(&f, c.server.begin, cut, cut % 2 ? CASE_ROOM : 0) != REPLY_MORE)
            ck_abort_msg("status %d after %zu of %zu bytes", f.status, cut, length);
        (void)present(&f, c.server.begin + cut, length - cut, 0);
        forgive_mids(&c, &f);
        check_end(&c, &f);
        feeding_free(&f);
    }
    case_free(&c);
}
END_TEST

START_TEST(bit_by_bit)
{
    enum reply_shape shape;
    struct reply_case c = build(_i, &shape);
    uint64_t state = 7;
    feed_slowly(&c, shape, _i % CASE_FORMS, 1, &state);
    for (uint32_t most = 2; most < 100; most += 3)
        feed_slowly(&c, shape, _i % CASE_FORMS, most, &state);
    case_free(&c);
}
END_TEST

START_TEST(what_follows_is_left_alone)
{
    enum reply_shape shape;
    struct reply_case c = build(_i, &shape);
    struct feeding f = feeding_new(&c, shape, _i % CASE_FORMS);
    size_t length = wire_written(&c.server);
    wire_put_bytes(&c.server, "\x01\0\0\x01\xFF", 5);
    (void)present(&f, c.server.begin, length + 5, 0);
    c.server.at -= 5;
    ck_assert_int_eq(f.status, REPLY_END);
    ck_assert_uint_eq(f.consumed, length);
    ck_assert_mem_eq(f.tail, "\x01\0\0\x01\xFF", 5);
    check_bytes(&c, &f);
    feeding_free(&f);
    case_free(&c);
}
END_TEST

Suite *reply_suite(void)
{
    Suite *suite = suite_create("reply");
    TCase *tests = tcase_create("kinds");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, whole, 0, KIND_COUNT * CASE_FORMS);
    tcase_add_loop_test(tests, cut_in_two, 0, KIND_COUNT * CASE_FORMS);
    tcase_add_loop_test(tests, bit_by_bit, 0, KIND_COUNT * CASE_FORMS);
    tcase_add_loop_test(tests, what_follows_is_left_alone, 0, KIND_COUNT * CASE_FORMS);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, reply_limit_tests());
    return suite;
}
