/* SPDX-License-Identifier: MIT
 * What several statements read of what was before their text, and what SHOW leaves of the list of warnings.
 */
#include "tests/unit/statement_case.h"

TCase *statement_reads_tests(void);

static const struct statement_row several[] = {
    {"SELECT ROW_COUNT(); SELECT ROW_COUNT(), FOUND_ROWS()", "select several ?row_count"},
    {"SELECT @@warning_count; SELECT a FROM t", "select several ?warnings"},
    {"INSERT INTO t VALUES (1); SELECT @@warning_count, FOUND_ROWS()", "write several insert_id ?found_rows_behind"},
    {"SELECT a FROM t; SELECT FOUND_ROWS(), @@warning_count, ROW_COUNT()", "select several"},
    {"SELECT a FROM t LIMIT 1; SET time_zone = 'x'; SELECT FOUND_ROWS()", "select several =time_zone"},
    {"SELECT COUNT(*) FROM t WHERE 0; SELECT FOUND_ROWS()", "select several ?found_rows_behind"},
    {"SELECT FOUND_ROWS() FROM t; SELECT FOUND_ROWS()", "select several ?found_rows"},
    {"SET time_zone = 'x'; SELECT FOUND_ROWS(); SELECT FOUND_ROWS()", "set several =time_zone ?found_rows_behind"},
    {"SELECT 1; SHOW WARNINGS", "select several ?warnings_behind"},
    {"SHOW WARNINGS; SELECT @@error_count", "diagnostics several ?warnings_behind"},
    {"SHOW WARNINGS; SELECT ROW_COUNT()", "diagnostics several ?row_count_behind ?warnings"},
    {"SELECT 1; SELECT CONNECTION_ID()", "select several ?connection_id"},
    {"BEGIN NOT ATOMIC SELECT FOUND_ROWS(); SELECT 1; END", "other several ?found_rows_behind +opaque"},
};

static const struct statement_row several_on_mysql[] = {
    {"SELECT 1; SHOW WARNINGS", "select several"},
    {"SHOW WARNINGS; SHOW ERRORS", "diagnostics several ?warnings_behind"},
    {"DO 1; SELECT FOUND_ROWS()", "other several"},
    {"INSERT INTO t VALUES (1); SELECT FOUND_ROWS()", "write several insert_id ?found_rows_behind"},
};

START_TEST(several_statements)
{
    CHECK_STATEMENTS(&mariadb_known, several);
    CHECK_STATEMENTS(&mysql_known, several_on_mysql);
}
END_TEST

START_TEST(shows)
{
    static const struct {
        const char *text;
        enum warnings_fate fate;
    } rows[] = {
        {"SHOW TABLES", WARNINGS_CLEARED},        {"SHOW CREATE TABLE t", WARNINGS_CLEARED}, {"SHOW CREATE VIEW v", WARNINGS_CLEARED},
        {"SHOW CREATE PROCEDURE p", WARNINGS_KEPT}, {"SHOW CREATE SCHEMA app", WARNINGS_KEPT}, {"SHOW GRANTS FOR u", WARNINGS_KEPT},
        {"SHOW FULL PROCESSLIST", WARNINGS_KEPT}, {"SHOW CREATE USER u", WARNINGS_UNCLEAR},  {"SHOW ENGINE INNODB STATUS", WARNINGS_UNCLEAR},
        {"SHOW WARNINGS", WARNINGS_KEPT},
    };
    struct statement s;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        statement_begin(&s, mariadb_known.modes, mariadb_known.names, &(struct name_list){0}, name_hash("app", 3));
        statement_piece(&s, (const uint8_t *)rows[i].text, strlen(rows[i].text));
        ck_assert_msg(statement_end(&s)->warnings == rows[i].fate, "%s", rows[i].text);
    }
}
END_TEST

TCase *statement_reads_tests(void)
{
    TCase *tests = tcase_create("reads");

    tcase_add_test(tests, several_statements);
    tcase_add_test(tests, shows);
    return tests;
}
