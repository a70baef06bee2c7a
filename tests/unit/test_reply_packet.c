/* SPDX-License-Identifier: MIT
 * OK, ERR and EOF packets, against captured ones (MariaDB 10.11.19).
 */
#include "protocol/packet.h"
#include "protocol/reply_packet.h"
#include "tests/unit/split.h"

Suite *reply_packet_suite(void);

struct ok_row {
    const char *hex; /* whole packet */
    bool session_track;
    uint8_t header;
    uint64_t affected;
    uint16_t status;
    const char *info;
    size_t state;     /* bytes of session state */
    size_t least;     /* shortest payload that is whole: info may be missing when there is no state */
};

static const struct ok_row oks[] = {
    /* login */
    {"0700000200000002000000", true, 0, 0, 2, "", 0, 7},
    {"1000000200000002400000000701050473686f70", true, 0, 0, 0x4002, "", 7, 16},
    /* UPDATE; the info is length-encoded without CLIENT_SESSION_TRACK, too */
    {"300000010002002200000028526f7773206d6174636865643a203220204368616e6765643a203220205761726e696e67733a2030", false, 0, 2, 0x22,
     "Rows matched: 2  Changed: 2  Warnings: 0", 0, 7},
    {"300000010002002200000028526f7773206d6174636865643a203220204368616e6765643a203220205761726e696e67733a2030", true, 0, 2, 0x22,
     "Rows matched: 2  Changed: 2  Warnings: 0", 0, 7},
    /* INSERT in a transaction: info and state */
    {"3a00000100020003400000265265636f7264733a203220204475706c6963617465733a203020205761726e696e67733a20300b050908545f525f575f535f", true, 0, 2,
     0x4003, "Records: 2  Duplicates: 0  Warnings: 0", 11, 58},
    /* the end of a SELECT, with CLIENT_DEPRECATE_EOF */
    {"14000005fe000023400000000b050908545f525f5f5f535f", true, 0xFE, 0, 0x4023, "", 11, 20},
};

struct cut {
    const struct ok_row *row;
    size_t whole;
};

static void cut_ok(const uint8_t *bytes, size_t length, void *context)
{
    const struct cut *cut = context;
    struct ok_packet ok;
    bool allowed = length == cut->whole || length == cut->row->least;
    ck_assert_int_eq(ok_parse(bytes, length, cut->row->session_track, &ok), allowed ? WIRE_OK : WIRE_BAD);
    assert_inside(ok.info, bytes, length);
    assert_inside(ok.state, bytes, length);
}

START_TEST(golden_ok)
{
    const struct ok_row *row = &oks[_i];
    uint8_t packet[128], again[128];
    size_t length = unhex(row->hex, packet, sizeof(packet));
    struct ok_packet ok;
    ck_assert_int_eq(ok_parse(packet + PACKET_HEADER, length - PACKET_HEADER, row->session_track, &ok), WIRE_OK);
    ck_assert_uint_eq(ok.header, row->header);
    ck_assert_uint_eq(ok.affected_rows, row->affected);
    ck_assert_uint_eq(ok.insert_id, 0);
    ck_assert_uint_eq(ok.status, row->status);
    ck_assert_uint_eq(ok.warnings, 0);
    assert_text(ok.info, row->info);
    ck_assert_uint_eq(ok.state.length, row->state);
    struct wire_writer w = wire_writer(again, sizeof(again));
    ok_write(&w, &ok, row->session_track, packet_sequence(packet));
    ck_assert_uint_eq(wire_written(&w), length);
    ck_assert_mem_eq(again, packet, length);
    struct cut cut = {row, length - PACKET_HEADER};
    for_each_split(packet + PACKET_HEADER, cut.whole, cut_ok, &cut);
}
END_TEST

START_TEST(state_is_left_out)
{
    /* the INSERT above, for a client that did not ask for session tracking */
    uint8_t packet[128], again[128];
    size_t length = unhex(oks[4].hex, packet, sizeof(packet));
    struct ok_packet ok, plain;
    ck_assert_int_eq(ok_parse(packet + PACKET_HEADER, length - PACKET_HEADER, true, &ok), WIRE_OK);
    struct wire_writer w = wire_writer(again, sizeof(again));
    ok_write(&w, &ok, false, 1);
    ck_assert_uint_eq(wire_written(&w), length - 12);
    ck_assert_int_eq(ok_parse(again + PACKET_HEADER, wire_written(&w) - PACKET_HEADER, false, &plain), WIRE_OK);
    ck_assert_uint_eq(plain.status, STATUS_IN_TRANS | STATUS_AUTOCOMMIT);
    ck_assert_uint_eq(plain.state.length, 0);
    assert_text(plain.info, oks[4].info);
}
END_TEST

START_TEST(large_numbers)
{
    uint8_t bytes[64];
    struct ok_packet ok = {.affected_rows = UINT64_MAX, .insert_id = 70000, .status = 2, .warnings = 65535, .info = {"", 0}, .state = {"", 0}}, again;
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    ok_write(&w, &ok, true, 3);
    ck_assert_int_eq(ok_parse(bytes + PACKET_HEADER, wire_written(&w) - PACKET_HEADER, true, &again), WIRE_OK);
    ck_assert_uint_eq(again.affected_rows, UINT64_MAX);
    ck_assert_uint_eq(again.insert_id, 70000);
    ck_assert_uint_eq(again.warnings, 65535);
    ck_assert_uint_eq(packet_sequence(bytes), 3);
}
END_TEST

START_TEST(not_an_ok)
{
    static const char *const payloads[] = {"01000002000000", "ff000002000000", "fb000002000000", "fe00000200", "00fb0002000000"};
    uint8_t bytes[16];
    struct ok_packet ok;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        ck_assert_int_eq(ok_parse(bytes, unhex(payloads[i], bytes, sizeof(bytes)), true, &ok), WIRE_BAD);
}
END_TEST

START_TEST(eof)
{
    uint8_t bytes[16], expected[16];
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    eof_write(&w, 0, STATUS_AUTOCOMMIT, 3);
    size_t length = unhex("05000003fe00000200", expected, sizeof(expected));
    ck_assert_uint_eq(wire_written(&w), length);
    ck_assert_mem_eq(bytes, expected, length);
}
END_TEST

/* "#42S22" ERR 1054, captured */
static const char unknown_column[] = "2a000001ff1e04233432533232556e6b6e6f776e20636f6c756d6e20276e6f70652720696e202753454c45435427";
/* in place of a greeting: no SQLSTATE */
static const char too_many[] = "17000000ff1004546f6f206d616e7920636f6e6e656374696f6e73";

static void cut_err(const uint8_t *bytes, size_t length, void *context)
{
    (void)context;
    struct err_packet err;
    /* a text may have any length, but half a SQLSTATE is none */
    bool allowed = length == 3 || length >= 9;
    ck_assert_int_eq(err_parse(bytes, length, &err), allowed ? WIRE_OK : WIRE_BAD);
    assert_inside(err.text, bytes, length);
}

START_TEST(golden_err)
{
    uint8_t packet[128], again[128];
    struct err_packet err;
    size_t length = unhex(unknown_column, packet, sizeof(packet));
    ck_assert_int_eq(err_parse(packet + PACKET_HEADER, length - PACKET_HEADER, &err), WIRE_OK);
    ck_assert_uint_eq(err.number, 1054);
    ck_assert_str_eq(err.sqlstate, "42S22");
    assert_text(err.text, "Unknown column 'nope' in 'SELECT'");
    struct wire_writer w = wire_writer(again, sizeof(again));
    err_write(&w, err.number, err.sqlstate, err.text.data, err.text.length, 1);
    ck_assert_uint_eq(wire_written(&w), length);
    ck_assert_mem_eq(again, packet, length);
    for_each_split(packet + PACKET_HEADER, length - PACKET_HEADER, cut_err, NULL);
}
END_TEST

START_TEST(err_without_sqlstate)
{
    uint8_t packet[128], again[128];
    struct err_packet err;
    size_t length = unhex(too_many, packet, sizeof(packet));
    ck_assert_int_eq(err_parse(packet + PACKET_HEADER, length - PACKET_HEADER, &err), WIRE_OK);
    ck_assert_uint_eq(err.number, 1040);
    ck_assert_str_eq(err.sqlstate, "");
    assert_text(err.text, "Too many connections");
    for (int i = 0; i < 2; i++) {
        struct wire_writer w = wire_writer(again, sizeof(again));
        err_write(&w, err.number, i ? NULL : "", err.text.data, err.text.length, 0);
        ck_assert_uint_eq(wire_written(&w), length);
        ck_assert_mem_eq(again, packet, length);
    }
    ck_assert_int_eq(err_parse((const uint8_t *)"\0\0\0", 3, &err), WIRE_BAD);
}
END_TEST

START_TEST(err_with_an_odd_sqlstate)
{
    uint8_t bytes[32];
    struct err_packet err;
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    err_write(&w, 1043, "08", "x", 1, 0);
    ck_assert_int_eq(err_parse(bytes + PACKET_HEADER, wire_written(&w) - PACKET_HEADER, &err), WIRE_OK);
    ck_assert_str_eq(err.sqlstate, "HY000");
}
END_TEST

START_TEST(schema_entry)
{
    static const size_t lengths[] = {0, 4, 249, 250, 251, 999};
    uint8_t bytes[1100];
    char schema[1000];
    memset(schema, 's', sizeof(schema));
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    session_state_put_schema(&w, "shop", 4);
    ck_assert_uint_eq(wire_written(&w), 7);
    ck_assert_mem_eq(bytes, "\1\5\4shop", 7);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        w = wire_writer(bytes, sizeof(bytes));
        session_state_put_schema(&w, schema, lengths[i]);
        struct wire_reader r = wire_reader(bytes, wire_written(&w));
        ck_assert_uint_eq(wire_u8(&r), 1);
        struct wire_text entry = wire_lenenc_text(&r);
        ck_assert_uint_eq(wire_left(&r), 0);
        ck_assert(!r.bad);
        struct wire_reader inner = wire_reader((const uint8_t *)entry.data, entry.length);
        ck_assert_uint_eq(wire_lenenc_text(&inner).length, lengths[i]);
        ck_assert_uint_eq(wire_left(&inner), 0);
        ck_assert(!inner.bad);
    }
    w = wire_writer(bytes, sizeof(bytes));
    session_state_put_schema(&w, schema, sizeof(schema));
    ck_assert(w.full);
}
END_TEST

static void parse_anything(const uint8_t *bytes, size_t length, void *context)
{
    (void)context;
    struct ok_packet ok;
    struct err_packet err;
    for (int track = 0; track < 2; track++)
        if (ok_parse(bytes, length, track, &ok) == WIRE_OK) {
            assert_inside(ok.info, bytes, length);
            assert_inside(ok.state, bytes, length);
        }
    if (err_parse(bytes, length, &err) == WIRE_OK) {
        assert_inside(err.text, bytes, length);
        if (!memchr(err.sqlstate, 0, sizeof(err.sqlstate)))
            ck_abort_msg("a SQLSTATE without its NUL");
    }
}

START_TEST(fuzzed)
{
    uint8_t packet[128];
    size_t length = unhex(oks[4].hex, packet, sizeof(packet));
    fuzz(packet + PACKET_HEADER, length - PACKET_HEADER, FUZZ_ROUNDS, parse_anything, NULL);
    length = unhex(unknown_column, packet, sizeof(packet));
    fuzz(packet + PACKET_HEADER, length - PACKET_HEADER, FUZZ_ROUNDS, parse_anything, NULL);
}
END_TEST

Suite *reply_packet_suite(void)
{
    Suite *suite = suite_create("reply_packet");
    TCase *tests = tcase_create("reply_packet");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, golden_ok, 0, (int)(sizeof(oks) / sizeof(oks[0])));
    tcase_add_test(tests, state_is_left_out);
    tcase_add_test(tests, large_numbers);
    tcase_add_test(tests, not_an_ok);
    tcase_add_test(tests, eof);
    tcase_add_test(tests, golden_err);
    tcase_add_test(tests, err_without_sqlstate);
    tcase_add_test(tests, err_with_an_odd_sqlstate);
    tcase_add_test(tests, schema_entry);
    tcase_add_test(tests, fuzzed);
    suite_add_tcase(suite, tests);
    return suite;
}
