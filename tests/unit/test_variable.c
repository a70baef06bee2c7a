/* SPDX-License-Identifier: MIT
 * The table of variables: every row is found by its name in any case, nothing else is, names of one state share a row.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "protocol/lexer.h"
#include "protocol/variable.h"

Suite *variable_suite(void);

#define SAME(name, row, servers)
static const char *const session_names[] = {
#define VARIABLE(name, policy, kind, servers) #name,
#include "protocol/variable.def"
#undef VARIABLE
};
#undef SAME

#define VARIABLE(name, policy, kind, servers)
static const char *const views[][2] = {
#define SAME(name, row, servers) {#name, #row},
#include "protocol/variable.def"
#undef SAME
};
#undef VARIABLE

static const char *const global_names[] = {
#define GLOBAL(name, servers) #name,
#include "protocol/variable_global.def"
#undef GLOBAL
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int find(const char *name)
{
    return variable_find(name_hash(name, strlen(name)));
}

static const struct variable *row(const char *name)
{
    int index = find(name);

    ck_assert_msg(index >= 0 && (unsigned)index < variable_count(), "%s", name);
    return variable_at((unsigned)index);
}

START_TEST(every_row_is_found)
{
    char upper[64];
    size_t i, k;

    ck_assert_uint_le(variable_count(), VARIABLES_MAX);
    ck_assert_uint_eq(variable_count(), COUNT(session_names) + 1);
    for (i = 0; i < COUNT(session_names); i++) {
        const char *name = session_names[i];

        ck_assert_uint_lt(strlen(name), sizeof(upper));
        for (k = 0; k <= strlen(name); k++)
            upper[k] = (char)toupper((unsigned char)name[k]);
        ck_assert_msg(find(name) == (int)i && find(upper) == (int)i, "%s", name);
        ck_assert_str_eq(row(name)->name, name);
        ck_assert_int_ne(row(name)->policy, VARIABLE_GLOBAL);
    }
}
END_TEST

START_TEST(names_of_one_state)
{
    size_t i;

    for (i = 0; i < COUNT(views); i++) {
        ck_assert_msg(find(views[i][0]) >= 0 && find(views[i][0]) == find(views[i][1]), "%s", views[i][0]);
        ck_assert_str_eq(row(views[i][0])->name, views[i][1]);
    }
    ck_assert_int_eq(find("CHARACTER_SET_CONNECTION"), find("collation_connection"));
    ck_assert_int_eq(find("transaction_isolation"), find("tx_isolation"));
}
END_TEST

START_TEST(names_by_server)
{
    unsigned isolation = (unsigned)find("tx_isolation"), read_only = (unsigned)find("tx_read_only"), zone = (unsigned)find("time_zone");

    ck_assert_str_eq(variable_name(isolation, true, 101119), "tx_isolation");
    ck_assert_str_eq(variable_name(isolation, true, 110099), "tx_isolation");
    ck_assert_str_eq(variable_name(isolation, true, 110100), "transaction_isolation");
    ck_assert_str_eq(variable_name(isolation, false, 90704), "transaction_isolation");
    ck_assert_str_eq(variable_name(read_only, true, 101119), "tx_read_only");
    ck_assert_str_eq(variable_name(read_only, false, 90704), "transaction_read_only");
    ck_assert_str_eq(variable_name(zone, true, 101119), "time_zone");
    ck_assert_str_eq(variable_name(zone, false, 90704), "time_zone");
}
END_TEST

START_TEST(every_global_is_found)
{
    size_t i;

    for (i = 0; i < COUNT(global_names); i++)
        ck_assert_msg(row(global_names[i])->policy == VARIABLE_GLOBAL, "%s", global_names[i]);
}
END_TEST

START_TEST(rows_are_sorted)
{
    size_t i;

    for (i = 1; i < COUNT(session_names); i++)
        ck_assert_msg(strcmp(session_names[i - 1], session_names[i]) < 0, "%s", session_names[i]);
    for (i = 1; i < COUNT(global_names); i++)
        ck_assert_msg(strcmp(global_names[i - 1], global_names[i]) < 0, "%s", global_names[i]);
}
END_TEST

START_TEST(policies)
{
    ck_assert_int_eq(row("sort_buffer_size")->policy, VARIABLE_TRAVELS);
    ck_assert_int_eq(row("sort_buffer_size")->kind, VARIABLE_NUMBER);
    ck_assert_int_eq(row("time_zone")->policy, VARIABLE_TRAVELS);
    ck_assert_int_eq(row("time_zone")->kind, VARIABLE_TEXT);
    ck_assert_int_eq(row("character_set_results")->policy, VARIABLE_CHARSET);
    ck_assert_int_eq(row("sql_mode")->policy, VARIABLE_MODE);
    ck_assert_int_eq(row("autocommit")->policy, VARIABLE_FLAG);
    ck_assert_int_eq(row("identity")->policy, VARIABLE_INSERT_ID);
    ck_assert_int_eq(row("last_insert_id")->policy, VARIABLE_INSERT_ID);
    ck_assert_int_eq(row("timestamp")->policy, VARIABLE_PINS);
    ck_assert_int_eq(row("max_connections")->policy, VARIABLE_GLOBAL);
}
END_TEST

START_TEST(unknown_names)
{
    static const char *const unknown[] = {"", "x", "sort_buffer", "sort_buffer_sizes", "(global)", "sort buffer size", " autocommit"};
    char name[32];
    size_t i;

    for (i = 0; i < COUNT(unknown); i++)
        ck_assert_msg(find(unknown[i]) == -1, "%s", unknown[i]);
    for (i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "no_variable_%zu", i);
        ck_assert_int_eq(find(name), -1);
    }
    for (i = 0; i < 4096; i++) /* a search ends, whatever slot it begins at */
        ck_assert_int_eq(variable_find(i), -1);
    ck_assert_int_eq(variable_find(UINT64_MAX), -1);
}
END_TEST

Suite *variable_suite(void)
{
    Suite *suite = suite_create("variable");
    TCase *tests = tcase_create("table");

    tcase_add_test(tests, every_row_is_found);
    tcase_add_test(tests, names_of_one_state);
    tcase_add_test(tests, names_by_server);
    tcase_add_test(tests, every_global_is_found);
    tcase_add_test(tests, rows_are_sorted);
    tcase_add_test(tests, policies);
    tcase_add_test(tests, unknown_names);
    suite_add_tcase(suite, tests);
    return suite;
}
