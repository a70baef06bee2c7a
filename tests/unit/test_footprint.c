/* SPDX-License-Identifier: MIT
 * What a command may leave on a backend.
 */
#include <check.h>
#include <string.h>

#include "protocol/command.h"
#include "proxy/footprint.h"

Suite *footprint_suite(void);

static enum footprint of(uint8_t byte, const char *text, bool whole)
{
    uint8_t command[256];
    size_t length = strlen(text);

    command[0] = byte;
    memcpy(command + 1, text, length);
    return footprint_of_command(command, 1 + length, whole);
}

START_TEST(texts)
{
    static const struct {
        const char *text;
        enum footprint footprint;
    } cases[] = {
        {"", FOOTPRINT_PLAIN},
        {"SELECT 1", FOOTPRINT_PLAIN},
        {"INSERT INTO t VALUES (1)", FOOTPRINT_PLAIN},
        {"SET NAMES utf8mb4", FOOTPRINT_PLAIN},
        {"use other", FOOTPRINT_SCHEMA},
        {"/*!50000 USE*/ other", FOOTPRINT_SCHEMA},
        {"SELECT * FROM users", FOOTPRINT_SCHEMA}, /* a part of a word costs little */
        {"DROP DATABASE app", FOOTPRINT_SCHEMA},
        {"cAlL p()", FOOTPRINT_OPAQUE},
        {"EXECUTE IMMEDIATE CONCAT('US', 'E other')", FOOTPRINT_OPAQUE},
        {"SET @x = 1; set session Profiling = 1", FOOTPRINT_OPAQUE},
        {"SET SESSION AUTHORIZATION other", FOOTPRINT_OPAQUE},
        {"USE x; CALL p()", FOOTPRINT_OPAQUE},
        {"SELECT 'CAL", FOOTPRINT_PLAIN},
        {"SELECT 1 EXE", FOOTPRINT_PLAIN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(of(COM_QUERY, cases[i].text, true) == cases[i].footprint, "%s", cases[i].text);
        ck_assert_msg(of(COM_STMT_PREPARE, cases[i].text, true) == cases[i].footprint, "%s", cases[i].text);
        ck_assert_int_eq(of(COM_QUERY, cases[i].text, false), FOOTPRINT_OPAQUE); /* the rest was not seen */
    }
}
END_TEST

START_TEST(bytes)
{
    ck_assert_int_eq(of(COM_PING, "", true), FOOTPRINT_PLAIN);
    ck_assert_int_eq(of(COM_STMT_EXECUTE, "call", true), FOOTPRINT_PLAIN); /* its text came with COM_STMT_PREPARE */
    ck_assert_int_eq(of(COM_INIT_DB, "app", true), FOOTPRINT_SCHEMA);
    ck_assert_int_eq(of(COM_SET_OPTION, "", true), FOOTPRINT_OPAQUE);
    ck_assert_int_lt(FOOTPRINT_NONE, FOOTPRINT_PLAIN);
}
END_TEST

Suite *footprint_suite(void)
{
    Suite *suite = suite_create("footprint");
    TCase *tests = tcase_create("footprint");

    tcase_add_test(tests, texts);
    tcase_add_test(tests, bytes);
    suite_add_tcase(suite, tests);
    return suite;
}
