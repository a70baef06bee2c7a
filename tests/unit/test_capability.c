/* SPDX-License-Identifier: MIT
 * The capability table and what is computed from it.
 */
#include "protocol/capability.h"
#include "tests/unit/split.h"

Suite *capability_suite(void);

struct row {
    uint32_t bit;
    enum capability_role role;
    unsigned always;
};

static const struct row rows[] = {
#define CAPABILITY(bit, role, always) {(uint32_t)(bit), role, always},
#include "protocol/capability.def"
#undef CAPABILITY
};

#define MARIADB_1011 0x81FFF7FEu /* what MariaDB 10.11.19 without TLS offers */
#define ALL UINT32_MAX

START_TEST(every_bit_has_one_row)
{
    uint32_t seen = 0;
    ck_assert_uint_eq(sizeof(rows) / sizeof(rows[0]), 32);
    for (size_t i = 0; i < 32; i++) {
        ck_assert_uint_eq(rows[i].bit, 1u << i);
        ck_assert_uint_eq(seen & rows[i].bit, 0);
        seen |= rows[i].bit;
        /* what is hidden or told apart by key can't be asked of every server */
        if (rows[i].always)
            ck_assert_int_eq(rows[i].role, CAPABILITY_LOCAL);
    }
    ck_assert_uint_eq(seen, ALL);
}
END_TEST

START_TEST(roles)
{
    for (size_t i = 0; i < 32; i++) {
        uint32_t bit = rows[i].bit;
        ck_assert_uint_eq(capability_offer(ALL) & bit, rows[i].role == CAPABILITY_HIDDEN ? 0 : bit);
        ck_assert_uint_eq(capability_key(ALL) & bit, rows[i].role == CAPABILITY_KEY ? bit : 0);
        ck_assert_uint_eq(capability_request(ALL, 0) & bit, rows[i].always ? bit : 0);
        ck_assert_uint_eq(capability_request(ALL, ALL) & bit, rows[i].always || rows[i].role == CAPABILITY_KEY || rows[i].role == CAPABILITY_IMAGE ? bit : 0);
    }
}
END_TEST

START_TEST(only_what_the_server_has)
{
    ck_assert_uint_eq(capability_offer(0), 0);
    ck_assert_uint_eq(capability_request(0, ALL), 0);
    ck_assert_uint_eq(capability_request(CAP_PROTOCOL_41 | CAP_FOUND_ROWS, ALL), CAP_PROTOCOL_41 | CAP_FOUND_ROWS);
    ck_assert_uint_eq(capability_request(CAP_PROTOCOL_41 | CAP_FOUND_ROWS, 0), CAP_PROTOCOL_41);
}
END_TEST

START_TEST(mariadb)
{
    ck_assert_uint_eq(capability_offer(MARIADB_1011), 0x01FFF7DEu);
    /* libmariadb with CLIENT_MULTI_STATEMENTS */
    ck_assert_uint_eq(capability_key(0x00BFA284u), (uint32_t)(CAP_LOCAL_FILES | CAP_MULTI_RESULTS | CAP_PS_MULTI_RESULTS));
    uint32_t request = capability_request(MARIADB_1011, capability_key(CAP_FOUND_ROWS | CAP_MULTI_STATEMENTS | CAP_MULTI_RESULTS));
    ck_assert_uint_eq(request & CAP_MULTI_STATEMENTS, 0);
    ck_assert_uint_eq(request, (uint32_t)(CAP_FOUND_ROWS | CAP_LONG_FLAG | CAP_CONNECT_WITH_DB | CAP_PROTOCOL_41 | CAP_TRANSACTIONS |
                                          CAP_SECURE_CONNECTION | CAP_MULTI_RESULTS | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS |
                                          CAP_PLUGIN_AUTH_LENENC | CAP_SESSION_TRACK | CAP_DEPRECATE_EOF));
}
END_TEST

Suite *capability_suite(void)
{
    Suite *suite = suite_create("capability");
    TCase *tests = tcase_create("capability");
    tcase_add_test(tests, every_bit_has_one_row);
    tcase_add_test(tests, roles);
    tcase_add_test(tests, only_what_the_server_has);
    tcase_add_test(tests, mariadb);
    suite_add_tcase(suite, tests);
    return suite;
}
