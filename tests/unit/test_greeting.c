/* SPDX-License-Identifier: MIT
 * Handshake v10, against a captured MariaDB and a hand-made MySQL.
 */
#include "protocol/capability.h"
#include "protocol/greeting.h"
#include "protocol/packet.h"
#include "tests/unit/split.h"

Suite *greeting_suite(void);

/* MariaDB 10.11.19, whole packet */
static const char mariadb[] = "640000000a352e352e352d31302e31312e31392d4d6172696144422d302b6465623132753100050000005b243f4f512b7c5400fef7080200ff8115"
                              "0000000000001d0000006e4b6e663824482166602f68006d7973716c5f6e61746976655f70617373776f726400";
static const char mariadb_nonce[] = "5b243f4f512b7c546e4b6e663824482166602f68";

/* What MySQL 8 sends, by its manual: "8.4.0", id 9, nonce 01..14, capabilities dfffffff, collation 255. */
static const char mysql[] = "0a382e342e300009000000010203040506070800ffffff0200ffdf1500000000000000000000"
                            "090a0b0c0d0e0f10111213140063616368696e675f736861325f70617373776f726400";

START_TEST(golden_mariadb)
{
    uint8_t packet[256], nonce[NONCE_SIZE], again[256];
    size_t length = unhex(mariadb, packet, sizeof(packet));
    unhex(mariadb_nonce, nonce, sizeof(nonce));
    struct greeting g;
    ck_assert_int_eq(greeting_parse(packet + PACKET_HEADER, length - PACKET_HEADER, &g), WIRE_OK);
    ck_assert_str_eq(g.version, "5.5.5-10.11.19-MariaDB-0+deb12u1");
    ck_assert_uint_eq(g.connection_id, 5);
    ck_assert_mem_eq(g.nonce, nonce, NONCE_SIZE);
    ck_assert_uint_eq(g.capabilities, 0x81FFF7FE);
    ck_assert_uint_eq(g.extended_capabilities, 0x1D);
    ck_assert_uint_eq(g.collation, 8);
    ck_assert_uint_eq(g.status, 2);
    ck_assert_str_eq(g.plugin, "mysql_native_password");
    struct wire_writer w = wire_writer(again, sizeof(again));
    greeting_write(&w, &g);
    ck_assert_uint_eq(wire_written(&w), length);
    ck_assert_mem_eq(again, packet, length);
}
END_TEST

START_TEST(golden_mysql)
{
    uint8_t payload[256], again[256];
    size_t length = unhex(mysql, payload, sizeof(payload));
    struct greeting g;
    ck_assert_int_eq(greeting_parse(payload, length, &g), WIRE_OK);
    ck_assert_str_eq(g.version, "8.4.0");
    ck_assert_uint_eq(g.connection_id, 9);
    for (size_t i = 0; i < NONCE_SIZE; i++)
        ck_assert_uint_eq(g.nonce[i], i + 1);
    ck_assert_uint_eq(g.capabilities, 0xDFFFFFFF);
    ck_assert_uint_eq(g.extended_capabilities, 0);
    ck_assert_uint_eq(g.collation, 255);
    ck_assert_str_eq(g.plugin, "caching_sha2_password");
    struct wire_writer w = wire_writer(again, sizeof(again));
    greeting_write(&w, &g);
    ck_assert_uint_eq(wire_written(&w), length + PACKET_HEADER);
    ck_assert_mem_eq(again + PACKET_HEADER, payload, length);
}
END_TEST

static void cut_greeting(const uint8_t *bytes, size_t length, void *context)
{
    const size_t *whole = context;
    struct greeting g;
    ck_assert_int_eq(greeting_parse(bytes, length, &g), length < *whole ? WIRE_BAD : WIRE_OK);
}

START_TEST(cut_anywhere)
{
    uint8_t packet[256];
    size_t length = unhex(mariadb, packet, sizeof(packet)) - PACKET_HEADER;
    for_each_split(packet + PACKET_HEADER, length, cut_greeting, &length);
    length = unhex(mysql, packet, sizeof(packet));
    for_each_split(packet, length, cut_greeting, &length);
}
END_TEST

static struct greeting sample(void)
{
    struct greeting g = {.version = "8.0.0", .connection_id = 0x01020304, .collation = 45, .status = 2, .plugin = "caching_sha2_password"};
    for (uint8_t i = 0; i < NONCE_SIZE; i++)
        g.nonce[i] = (uint8_t)(i + 1);
    g.capabilities = CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_DEPRECATE_EOF;
    g.extended_capabilities = 0xA1B2C3D4;
    return g;
}

static enum wire_status write_and_parse(const struct greeting *g, struct greeting *again)
{
    uint8_t bytes[512];
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    greeting_write(&w, g);
    size_t length = wire_written(&w);
    ck_assert_uint_gt(length, PACKET_HEADER);
    ck_assert_uint_eq(packet_length(bytes), length - PACKET_HEADER);
    ck_assert_uint_eq(packet_sequence(bytes), 0);
    return greeting_parse(bytes + PACKET_HEADER, length - PACKET_HEADER, again);
}

START_TEST(round_trips)
{
    struct greeting g = sample(), again;
    ck_assert_int_eq(write_and_parse(&g, &again), WIRE_OK);
    ck_assert_uint_eq(again.extended_capabilities, 0xA1B2C3D4);
    ck_assert_mem_eq(&g, &again, sizeof(g));
    /* MySQL has no extended capabilities: those bytes are not read */
    g.capabilities |= CAP_LONG_PASSWORD;
    ck_assert_int_eq(write_and_parse(&g, &again), WIRE_OK);
    ck_assert_uint_eq(again.extended_capabilities, 0);
    g.capabilities &= ~(uint32_t)CAP_PLUGIN_AUTH;
    ck_assert_int_eq(write_and_parse(&g, &again), WIRE_OK);
    ck_assert_str_eq(again.plugin, "");
    ck_assert_mem_eq(again.nonce, g.nonce, NONCE_SIZE);
    /* nothing to log in with */
    g.capabilities = CAP_PROTOCOL_41;
    ck_assert_int_eq(write_and_parse(&g, &again), WIRE_BAD);
    g.capabilities = CAP_SECURE_CONNECTION;
    ck_assert_int_eq(write_and_parse(&g, &again), WIRE_BAD);
}
END_TEST

START_TEST(longest_names)
{
    struct greeting g = sample(), again;
    memset(g.version, 'v', sizeof(g.version) - 1);
    memset(g.plugin, 'p', sizeof(g.plugin) - 1);
    ck_assert_int_eq(write_and_parse(&g, &again), WIRE_OK);
    ck_assert_uint_eq(strlen(again.version), GREETING_VERSION_MAX - 1);
    ck_assert_uint_eq(strlen(again.plugin), GREETING_PLUGIN_MAX - 1);
}
END_TEST

/* A greeting with a version of that many bytes, a plugin of that many, and that many bytes said to be nonce. */
static enum wire_status parse_made(uint8_t protocol, size_t version, size_t plugin, uint8_t nonce_length, struct greeting *g)
{
    uint8_t bytes[1024];
    char filler[256];
    memset(filler, 'x', sizeof(filler));
    struct wire_writer w = wire_writer(bytes, sizeof(bytes));
    wire_put_u8(&w, protocol);
    wire_put_nul_text(&w, filler, version);
    wire_put_u32(&w, 1);
    wire_put_bytes(&w, "abcdefgh", 9);
    wire_put_u16(&w, (uint16_t)(CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION));
    wire_put_u8(&w, 45);
    wire_put_u16(&w, 2);
    wire_put_u16(&w, CAP_PLUGIN_AUTH >> 16);
    wire_put_u8(&w, nonce_length);
    wire_put_zeros(&w, 10);
    wire_put_bytes(&w, "ijklmnopqrst", 13);
    wire_put_bytes(&w, filler, nonce_length > 21 ? nonce_length - 21u : 0);
    wire_put_nul_text(&w, filler, plugin);
    return greeting_parse(bytes, wire_written(&w), g);
}

START_TEST(odd_ones)
{
    struct greeting g;
    ck_assert_int_eq(parse_made(10, 5, 5, 21, &g), WIRE_OK);
    ck_assert_mem_eq(g.nonce, "abcdefghijklmnopqrst", NONCE_SIZE);
    ck_assert_int_eq(parse_made(9, 5, 5, 21, &g), WIRE_BAD);
    ck_assert_int_eq(parse_made(0xFF, 5, 5, 21, &g), WIRE_BAD);
    ck_assert_int_eq(parse_made(10, GREETING_VERSION_MAX, 5, 21, &g), WIRE_BAD);
    ck_assert_int_eq(parse_made(10, 5, GREETING_PLUGIN_MAX, 21, &g), WIRE_BAD);
    /* less than 21 is still 12 bytes and a NUL; more is skipped */
    static const uint8_t lengths[] = {0, 8, 20, 22, 64, 255};
    for (size_t i = 0; i < sizeof(lengths); i++) {
        ck_assert_int_eq(parse_made(10, 0, 7, lengths[i], &g), WIRE_OK);
        ck_assert_mem_eq(g.nonce, "abcdefghijklmnopqrst", NONCE_SIZE);
        ck_assert_str_eq(g.plugin, "xxxxxxx");
        ck_assert_str_eq(g.version, "");
    }
}
END_TEST

static void parse_anything(const uint8_t *bytes, size_t length, void *context)
{
    (void)context;
    struct greeting g;
    if (greeting_parse(bytes, length, &g) != WIRE_OK)
        return;
    if (!memchr(g.version, 0, sizeof(g.version)) || !memchr(g.plugin, 0, sizeof(g.plugin)))
        ck_abort_msg("a name without its NUL");
}

START_TEST(fuzzed)
{
    uint8_t packet[256];
    size_t length = unhex(mariadb, packet, sizeof(packet));
    fuzz(packet + PACKET_HEADER, length - PACKET_HEADER, FUZZ_ROUNDS, parse_anything, NULL);
}
END_TEST

Suite *greeting_suite(void)
{
    Suite *suite = suite_create("greeting");
    TCase *tests = tcase_create("greeting");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, golden_mariadb);
    tcase_add_test(tests, golden_mysql);
    tcase_add_test(tests, cut_anywhere);
    tcase_add_test(tests, round_trips);
    tcase_add_test(tests, longest_names);
    tcase_add_test(tests, odd_ones);
    tcase_add_test(tests, fuzzed);
    suite_add_tcase(suite, tests);
    return suite;
}
