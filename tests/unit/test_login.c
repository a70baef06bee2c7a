/* SPDX-License-Identifier: MIT
 * Handshake response, COM_CHANGE_USER and the auth packets, against captured ones (libmariadb 3.3.20 and MariaDB 10.11.19).
 */
#include "protocol/login.h"
#include "protocol/packet.h"
#include "tests/unit/split.h"

Suite *login_suite(void);

#define ALL UINT32_MAX
#define ATTRIBUTES                                                                                                                              \
    "6c035f6f73054c696e75780c5f636c69656e745f6e616d650a6c69626d617269616462045f7069640531323839380f5f636c69656e745f76657273696f6e06332e332e"     \
    "3230095f706c6174666f726d067838365f36340c5f7365727665725f686f7374093132372e302e302e31"
#define NATIVE "6d7973716c5f6e61746976655f70617373776f726400"

/* user app, schema shop; the 1d near the front is a MariaDB client's extended capabilities */
static const char login[] = "d40000018ca2bf000000100021000000000000000000000000000000000000001d0000006170700014573ece46bf80631bb17fa8c476c184f002f9"
                            "292f73686f7000" NATIVE
                            "7f035f6f73054c696e75780c5f636c69656e745f6e616d650a6c69626d617269616462045f7069640531323838360f5f636c69656e745f7665"
                            "7273696f6e06332e332e3230095f706c6174666f726d067838365f36340c70726f6772616d5f6e616d65056d7973716c0c5f7365727665725f"
                            "686f7374093132372e302e302e31";
/* no password, no schema */
static const char nopw[] = "bc00000184a2bf000000100021000000000000000000000000000000000000001d0000006e6f70770000" NATIVE
                           "7f035f6f73054c696e75780c5f636c69656e745f6e616d650a6c69626d617269616462045f7069640531323839330f5f636c69656e745f7665"
                           "7273696f6e06332e332e3230095f706c6174666f726d067838365f36340c70726f6772616d5f6e616d65056d7973716c0c5f7365727665725f"
                           "686f7374093132372e302e302e31";
static const char change_user[] = "a4000000116170700014f8c09f7de610c96854f9f460449967c160561ce073686f70002d00" NATIVE ATTRIBUTES;
#define CHANGE_USER_CAPABILITIES 0x00BFA284u
static const char auth_switch[] = "2c000001fe" NATIVE "4b4c783a557b2f752141635048575a406f32475100";

#define LOGIN_FIXED (4 + 4 + 1 + 23)

START_TEST(golden_login)
{
    uint8_t packet[256], again[256];
    size_t length = unhex(login, packet, sizeof(packet));
    struct login_request q;
    ck_assert_int_eq(login_parse(packet + PACKET_HEADER, length - PACKET_HEADER, ALL, &q), WIRE_OK);
    ck_assert_uint_eq(q.capabilities, 0x00BFA28C);
    ck_assert_uint_eq(q.max_packet, 0x100000);
    ck_assert_uint_eq(q.collation, 33);
    assert_text(q.user, "app");
    ck_assert_uint_eq(q.auth.length, 20);
    assert_text(q.schema, "shop");
    assert_text(q.plugin, "mysql_native_password");
    ck_assert_uint_eq(q.attributes.length, 0x7F);
    struct wire_writer w = wire_writer(again, sizeof(again));
    login_write(&w, &q, 1);
    /* all but the extended capabilities, which we never ask for */
    memset(packet + PACKET_HEADER + LOGIN_FIXED - 4, 0, 4);
    ck_assert_uint_eq(wire_written(&w), length);
    ck_assert_mem_eq(again, packet, length);
}
END_TEST

START_TEST(golden_login_without_password)
{
    uint8_t packet[256];
    size_t length = unhex(nopw, packet, sizeof(packet));
    struct login_request q;
    ck_assert_int_eq(login_parse(packet + PACKET_HEADER, length - PACKET_HEADER, ALL, &q), WIRE_OK);
    assert_text(q.user, "nopw");
    ck_assert_uint_eq(q.auth.length, 0);
    assert_text(q.schema, "");
    assert_text(q.plugin, "mysql_native_password");
    ck_assert_uint_eq(q.attributes.length, 0x7F);
}
END_TEST

static void assert_request_inside(const struct login_request *q, const uint8_t *bytes, size_t length)
{
    assert_inside(q->user, bytes, length);
    assert_inside(q->auth, bytes, length);
    assert_inside(q->schema, bytes, length);
    assert_inside(q->plugin, bytes, length);
    assert_inside(q->attributes, bytes, length);
}

static void cut_login(const uint8_t *bytes, size_t length, void *context)
{
    const size_t *whole = context;
    struct login_request q;
    size_t auth_end = LOGIN_FIXED + 4 + 21;
    size_t schema_end = auth_end + 5;
    size_t plugin_end = schema_end + 22;
    /* schema, plugin and attributes may be missing, and the plugin's NUL; half of any of the others is bad */
    bool allowed = length == auth_end || (length >= schema_end && length <= plugin_end) || length == *whole;
    ck_assert_int_eq(login_parse(bytes, length, ALL, &q), allowed ? WIRE_OK : WIRE_BAD);
    if (allowed) {
        assert_request_inside(&q, bytes, length);
        assert_text(q.user, "app");
        assert_text(q.schema, length >= schema_end ? "shop" : "");
        ck_assert_uint_eq(q.plugin.length, length < schema_end ? 0 : length < plugin_end ? length - schema_end : 21);
    }
}

START_TEST(login_cut_anywhere)
{
    uint8_t packet[256];
    size_t length = unhex(login, packet, sizeof(packet)) - PACKET_HEADER;
    for_each_split(packet + PACKET_HEADER, length, cut_login, &length);
}
END_TEST

static struct login_request sample(uint32_t capabilities)
{
    return (struct login_request){.capabilities = CAP_PROTOCOL_41 | capabilities,
                                  .max_packet = 1u << 24,
                                  .collation = 45,
                                  .user = text_of("app"),
                                  .auth = text_of("12345678901234567890"),
                                  .schema = text_of("shop"),
                                  .plugin = text_of("caching_sha2_password"),
                                  .attributes = text_of("\1a\1b")};
}

static void assert_same(const struct login_request *q, const struct login_request *again)
{
    ck_assert_uint_eq(again->capabilities, q->capabilities);
    assert_text(again->user, "app");
    assert_text(again->auth, q->auth.data);
    assert_text(again->plugin, q->capabilities & CAP_PLUGIN_AUTH ? "caching_sha2_password" : "");
    assert_text(again->attributes, q->capabilities & CAP_CONNECT_ATTRS ? "\1a\1b" : "");
}

/* Every mixture of the bits that shape the packet; change: as COM_CHANGE_USER. */
static void round_trip(uint32_t capabilities, bool change)
{
    uint8_t bytes[256];
    struct login_request q = sample(capabilities), again;
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    if (change)
        change_user_write(&w, &q);
    else
        login_write(&w, &q, 1);
    size_t length = wire_written(&w);
    ck_assert_uint_gt(length, PACKET_HEADER);
    ck_assert_uint_eq(packet_length(bytes), length - PACKET_HEADER);
    ck_assert_uint_eq(packet_sequence(bytes), change ? 0 : 1);
    enum wire_status status = change ? change_user_parse(bytes + PACKET_HEADER, length - PACKET_HEADER, q.capabilities, &again)
                                     : login_parse(bytes + PACKET_HEADER, length - PACKET_HEADER, ALL, &again);
    ck_assert_int_eq(status, WIRE_OK);
    assert_same(&q, &again);
    assert_text(again.schema, change || capabilities & CAP_CONNECT_WITH_DB ? "shop" : "");
    ck_assert_uint_eq(again.collation, 45);
}

START_TEST(round_trips)
{
    static const uint32_t bits[] = {CAP_CONNECT_WITH_DB, CAP_SECURE_CONNECTION, CAP_PLUGIN_AUTH, CAP_CONNECT_ATTRS, CAP_PLUGIN_AUTH_LENENC};
    uint32_t capabilities = 0;
    for (unsigned i = 0; i < 5; i++)
        if ((unsigned)_i & 1u << i)
            capabilities |= bits[i];
    round_trip(capabilities, false);
    round_trip(capabilities, true);
}
END_TEST

START_TEST(long_answers)
{
    uint8_t bytes[1024];
    char answer[301];
    memset(answer, 'x', sizeof(answer) - 1);
    answer[300] = '\0';
    struct login_request q = sample(CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH_LENENC), again;
    q.auth = text_of(answer);
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    login_write(&w, &q, 1);
    ck_assert_int_eq(login_parse(bytes + PACKET_HEADER, wire_written(&w) - PACKET_HEADER, ALL, &again), WIRE_OK);
    assert_text(again.auth, answer);
    /* one byte of length can't say 300 */
    w = wire_writer(bytes, sizeof(bytes));
    change_user_write(&w, &q);
    ck_assert(w.full);
    q.capabilities &= ~(uint32_t)CAP_PLUGIN_AUTH_LENENC;
    w = wire_writer(bytes, sizeof(bytes));
    login_write(&w, &q, 1);
    ck_assert(w.full);
}
END_TEST

START_TEST(only_offered_bits_count)
{
    /* the client says that attributes follow; we did not offer to read them */
    uint8_t packet[256];
    size_t length = unhex(login, packet, sizeof(packet));
    struct login_request q;
    ck_assert_int_eq(login_parse(packet + PACKET_HEADER, length - PACKET_HEADER, ALL & ~(uint32_t)CAP_CONNECT_ATTRS, &q), WIRE_OK);
    ck_assert_uint_eq(q.capabilities, 0x00AFA28C);
    assert_text(q.plugin, "mysql_native_password");
    ck_assert_uint_eq(q.attributes.length, 0);
    ck_assert_int_eq(login_parse(packet + PACKET_HEADER, length - PACKET_HEADER, ALL & ~(uint32_t)CAP_PROTOCOL_41, &q), WIRE_BAD);
}
END_TEST

START_TEST(bad_handshakes)
{
    uint8_t packet[256], bytes[64] = {0};
    struct login_request q;
    size_t length = unhex(login, packet, sizeof(packet)) - PACKET_HEADER;
    /* an SSL request is the fixed part alone */
    ck_assert_int_eq(login_parse(packet + PACKET_HEADER, LOGIN_FIXED, ALL, &q), WIRE_BAD);
    /* 3.23: two bytes of capabilities */
    ck_assert_int_eq(login_parse((const uint8_t *)"\5\0\0\0\0app\0", 9, ALL, &q), WIRE_BAD);
    /* the answer's length beyond the end, and "NULL" for a length */
    packet[PACKET_HEADER + LOGIN_FIXED + 4] = 0xFA;
    ck_assert_int_eq(login_parse(packet + PACKET_HEADER, length, ALL, &q), WIRE_BAD);
    packet[PACKET_HEADER + LOGIN_FIXED + 4] = 0xFB;
    ck_assert_int_eq(login_parse(packet + PACKET_HEADER, length, ALL, &q), WIRE_BAD);
    /* bytes behind the end are ignored, as servers do; collation 0 is the server's default */
    length = unhex("00820000" "00000001" "00" "0000000000000000000000000000000000000000000000" "6100" "00" "ffff", bytes, sizeof(bytes));
    ck_assert_int_eq(login_parse(bytes, length, ALL, &q), WIRE_OK);
    assert_text(q.user, "a");
    ck_assert_uint_eq(q.collation, 0);
}
END_TEST

START_TEST(wide_collations)
{
    uint8_t bytes[256];
    struct login_request q = sample(CAP_SECURE_CONNECTION), again;
    q.collation = 0x0901; /* a uca1400 one of MariaDB */
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    login_write(&w, &q, 1);
    ck_assert_int_eq(login_parse(bytes + PACKET_HEADER, wire_written(&w) - PACKET_HEADER, ALL, &again), WIRE_OK);
    ck_assert_uint_eq(again.collation, 0);
    w = wire_writer(bytes, sizeof(bytes));
    change_user_write(&w, &q);
    ck_assert_int_eq(change_user_parse(bytes + PACKET_HEADER, wire_written(&w) - PACKET_HEADER, q.capabilities, &again), WIRE_OK);
    ck_assert_uint_eq(again.collation, 0x0901);
}
END_TEST

START_TEST(golden_change_user)
{
    uint8_t packet[256], again[256];
    size_t length = unhex(change_user, packet, sizeof(packet));
    struct login_request q;
    ck_assert_int_eq(change_user_parse(packet + PACKET_HEADER, length - PACKET_HEADER, CHANGE_USER_CAPABILITIES, &q), WIRE_OK);
    assert_text(q.user, "app");
    ck_assert_uint_eq(q.auth.length, 20);
    assert_text(q.schema, "shop");
    ck_assert_uint_eq(q.collation, 45);
    assert_text(q.plugin, "mysql_native_password");
    ck_assert_uint_eq(q.attributes.length, 0x6C);
    struct wire_writer w = wire_writer(again, sizeof(again));
    change_user_write(&w, &q);
    ck_assert_uint_eq(wire_written(&w), length);
    ck_assert_mem_eq(again, packet, length);
}
END_TEST

static void cut_change_user(const uint8_t *bytes, size_t length, void *context)
{
    const size_t *whole = context;
    struct login_request q;
    size_t schema_end = 1 + 4 + 21 + 5;
    size_t plugin_end = schema_end + 2 + 22;
    /* everything behind the schema may be missing, half a collation or half the attributes not */
    bool allowed = length == schema_end || (length >= schema_end + 2 && length <= plugin_end) || length == *whole;
    ck_assert_int_eq(change_user_parse(bytes, length, CHANGE_USER_CAPABILITIES, &q), allowed ? WIRE_OK : WIRE_BAD);
    if (allowed)
        assert_request_inside(&q, bytes, length);
}

START_TEST(change_user_cut_anywhere)
{
    uint8_t packet[256];
    size_t length = unhex(change_user, packet, sizeof(packet)) - PACKET_HEADER;
    for_each_split(packet + PACKET_HEADER, length, cut_change_user, &length);
    struct login_request q;
    packet[PACKET_HEADER] = 0x03;
    ck_assert_int_eq(change_user_parse(packet + PACKET_HEADER, length, CHANGE_USER_CAPABILITIES, &q), WIRE_BAD);
}
END_TEST

START_TEST(attributes)
{
    static const char *const pairs[][2] = {{"_client_name", "sluse"}, {"program_name", ""}};
    uint8_t bytes[64];
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    login_attributes_write(&w, pairs, 2);
    ck_assert_uint_eq(wire_written(&w), 33);
    ck_assert_mem_eq(bytes, "\14_client_name\5sluse\14program_name\0", 33);
    w = wire_writer(bytes, 32);
    login_attributes_write(&w, pairs, 2);
    ck_assert(w.full);
}
END_TEST

static void cut_switch(const uint8_t *bytes, size_t length, void *context)
{
    (void)context;
    struct auth_switch to;
    /* the nonce may have any length here: who uses it looks */
    ck_assert_int_eq(auth_switch_parse(bytes, length, &to), length >= 23 ? WIRE_OK : WIRE_BAD);
    assert_inside(to.plugin, bytes, length);
    assert_inside(to.data, bytes, length);
}

START_TEST(switches)
{
    uint8_t packet[64], again[64], nonce[NONCE_SIZE];
    size_t length = unhex(auth_switch, packet, sizeof(packet));
    struct auth_switch to;
    ck_assert_int_eq(auth_switch_parse(packet + PACKET_HEADER, length - PACKET_HEADER, &to), WIRE_OK);
    assert_text(to.plugin, "mysql_native_password");
    ck_assert_uint_eq(to.data.length, NONCE_SIZE);
    memcpy(nonce, to.data.data, NONCE_SIZE);
    struct wire_writer w = wire_writer(again, sizeof(again));
    auth_switch_write(&w, "mysql_native_password", nonce, 1);
    ck_assert_uint_eq(wire_written(&w), length);
    ck_assert_mem_eq(again, packet, length);
    for_each_split(packet + PACKET_HEADER, length - PACKET_HEADER, cut_switch, NULL);
    /* only a NUL behind 20 bytes is no data */
    ck_assert_int_eq(auth_switch_parse((const uint8_t *)"\376p\0ab\0", 6, &to), WIRE_OK);
    ck_assert_uint_eq(to.data.length, 3);
    /* mysql_old_password, and another packet */
    ck_assert_int_eq(auth_switch_parse((const uint8_t *)"\376", 1, &to), WIRE_BAD);
    ck_assert_int_eq(auth_switch_parse((const uint8_t *)"\1p\0", 3, &to), WIRE_BAD);
    w = wire_writer(again, sizeof(again));
    auth_more_write(&w, "\3", 1, 4);
    ck_assert_uint_eq(wire_written(&w), 6);
    ck_assert_mem_eq(again, "\2\0\0\4\1\3", 6);
}
END_TEST

static void parse_anything(const uint8_t *bytes, size_t length, void *context)
{
    uint64_t *state = context;
    struct login_request q;
    struct auth_switch to;
    uint32_t bits = fuzz_random(state);
    if (login_parse(bytes, length, bits | CAP_PROTOCOL_41, &q) == WIRE_OK)
        assert_request_inside(&q, bytes, length);
    if (change_user_parse(bytes, length, bits, &q) == WIRE_OK)
        assert_request_inside(&q, bytes, length);
    if (auth_switch_parse(bytes, length, &to) == WIRE_OK)
        assert_inside(to.data, bytes, length);
}

START_TEST(fuzzed)
{
    static const char *const good[] = {login, nopw, change_user, auth_switch};
    uint8_t packet[256];
    uint64_t state = 7;
    size_t length = unhex(good[_i], packet, sizeof(packet));
    fuzz(packet + PACKET_HEADER, length - PACKET_HEADER, FUZZ_ROUNDS, parse_anything, &state);
}
END_TEST

Suite *login_suite(void)
{
    Suite *suite = suite_create("login");
    TCase *tests = tcase_create("login");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, golden_login);
    tcase_add_test(tests, golden_login_without_password);
    tcase_add_test(tests, login_cut_anywhere);
    tcase_add_loop_test(tests, round_trips, 0, 32);
    tcase_add_test(tests, long_answers);
    tcase_add_test(tests, only_offered_bits_count);
    tcase_add_test(tests, bad_handshakes);
    tcase_add_test(tests, wide_collations);
    tcase_add_test(tests, golden_change_user);
    tcase_add_test(tests, change_user_cut_anywhere);
    tcase_add_test(tests, attributes);
    tcase_add_test(tests, switches);
    tcase_add_loop_test(tests, fuzzed, 0, 4);
    suite_add_tcase(suite, tests);
    return suite;
}
