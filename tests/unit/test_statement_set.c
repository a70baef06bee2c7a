/* SPDX-License-Identifier: MIT
 * SET in all its spellings: which variables are to travel, and what can't.
 */
#include "tests/unit/statement_case.h"

TCase *statement_set_tests(void);

#define NAMES " =character_set_client =character_set_results =collation_connection"

static const struct statement_row assignments[] = {
    {"SET sort_buffer_size = 1", "set =sort_buffer_size"},
    {"SET SESSION sort_buffer_size = 1", "set =sort_buffer_size"},
    {"SET LOCAL sort_buffer_size := DEFAULT", "set =sort_buffer_size"},
    {"SET @@sort_buffer_size = 1", "set =sort_buffer_size"},
    {"SET @@session.sort_buffer_size = 1", "set =sort_buffer_size"},
    {"SET @@local . sort_buffer_size = 1", "set =sort_buffer_size"},
    {"set`sort_buffer_size`=1", "set =sort_buffer_size"},
    {"SET @@`sort_buffer_size` = 1", "set =sort_buffer_size"},
    {"SET sort_buffer_size = 1, join_buffer_size = 2;", "set =sort_buffer_size =join_buffer_size"},
    {"SET sort_buffer_size = IF(1, 2, 3), join_buffer_size = (SELECT MAX(a) FROM t WHERE b IN (1, 2))",
     "set tables =sort_buffer_size =join_buffer_size"},
    {"SET sort_buffer_size = 1, sort_buffer_size = 2", "set =sort_buffer_size"},
    {"SET GLOBAL sort_buffer_size = 1", "set globals"},
    {"SET @@global.sort_buffer_size = 1", "set globals"},
    {"SET PERSIST sort_buffer_size = 1", "set globals"},
    {"SET @@persist_only.sort_buffer_size = 1", "set globals"},
    {"SET GLOBAL max_connections = 1, sort_buffer_size = 2", "set globals =sort_buffer_size"},
    {"SET GLOBAL max_connections = 1, SESSION sort_buffer_size = 2", "set globals =sort_buffer_size"},
    {"SET @@global.max_connections = 1, sort_buffer_size = 2", "set globals =sort_buffer_size"},
    {"SET GLOBAL hot.key_buffer_size = 1", "set globals"},
    {"SET hot.key_buffer_size = 1", "set +variable"},
    {"SET no_such_variable = 1", "set +variable"},
    {"SET `session`.sort_buffer_size = 1", "set +variable"},
    {"SET session.sort_buffer_size = 1", "set +opaque"},
    {"SET autocommit = 0", "set =autocommit"},
    {"SET last_insert_id = 5", "set insert_id =last_insert_id"},
    {"SET timestamp = 5", "set +variable"},
    {"SET @@session.pseudo_thread_id = 5", "set +variable"},
    {"SET profiling = 1", "set +profiling"},
    {"SET profiling_history_size = 1", "set +profiling"},
    {"SET sql_mode = 'ANSI_QUOTES'", "set charset =sql_mode"},
    {"SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')", "set charset =sql_mode"},
    {"SET GLOBAL sql_mode = ''", "set globals"},
    {"SET @a = 1, sort_buffer_size = 2", "set =sort_buffer_size +user_variables"},
    {"SET sort_buffer_size = @a", "set =sort_buffer_size +user_variables"},
    {"SET max_connections = 5", "set"},
    {"SET 'a' = 1", "set +opaque"},
    {"SET @@session sort_buffer_size = 1", "set +opaque"},
};

static const struct statement_row charsets[] = {
    {"SET NAMES utf8mb4", "set charset" NAMES},
    {"SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'", "set charset" NAMES},
    {"SET NAMES \"latin1\"", "set charset" NAMES},
    {"SET NAMES DEFAULT", "set charset" NAMES},
    {"SET NAMES utf8 COLLATE utf8_bin, sort_buffer_size = 1", "set charset" NAMES " =sort_buffer_size"},
    {"SET sort_buffer_size = 1, NAMES utf8", "set charset =sort_buffer_size" NAMES},
    {"SET CHARACTER SET utf8", "set charset" NAMES},
    {"SET CHARSET 'binary'", "set charset" NAMES},
    {"SET CHAR SET DEFAULT", "set charset" NAMES},
    {"SET NAMES gbk", "set charset" NAMES " +charset"},
    {"SET NAMES 'gbk'", "set charset" NAMES " +charset"},
    {"SET NAMES 'GB18030' COLLATE x", "set charset" NAMES " +charset"},
    {"SET NAMES big5", "set charset" NAMES " +charset"},
    {"SET NAMES sjis", "set charset" NAMES " +charset"},
    {"SET NAMES cp932", "set charset" NAMES " +charset"},
    {"SET NAMES 'utf8' 'x'", "set charset" NAMES " +charset"},
    {"SET NAMES ?", "set charset" NAMES " +charset"},
    {"SET NAMES 'default'", "set charset" NAMES " +charset"},
    {"SET CHARACTER SET sjis", "set charset" NAMES " +charset"},
    {"SET character_set_client = utf8", "set charset =character_set_client"},
    {"SET character_set_client = 'gbk'", "set charset =character_set_client +charset"},
    {"SET @@session.character_set_client = 28", "set charset =character_set_client +charset"},
    {"SET character_set_client = CONCAT('g', 'bk')", "set charset =character_set_client +charset"},
    {"SET character_set_client = @a", "set charset =character_set_client +user_variables +charset"},
    {"SET character_set_client = @@character_set_results", "set charset =character_set_client +charset"},
    {"SET GLOBAL character_set_client = gbk", "set globals"},
    {"SET character_set_results = NULL", "set charset =character_set_results"},
    {"SET character_set_results = gbk, character_set_client = utf8", "set charset =character_set_results =character_set_client"},
    {"SET collation_connection = @@collation_database", "set charset =collation_connection"},
    {"SET character_set_filesystem = gbk", "set =character_set_filesystem"},
};

static const struct statement_row specials[] = {
    {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "set +next_transaction"},
    {"SET TRANSACTION READ ONLY, ISOLATION LEVEL READ COMMITTED", "set +next_transaction"},
    {"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE", "set =tx_isolation =tx_read_only"},
    {"SET LOCAL TRANSACTION READ ONLY", "set =tx_isolation =tx_read_only"},
    {"SET GLOBAL TRANSACTION ISOLATION LEVEL READ COMMITTED", "set globals"},
    {"SET tx_isolation = 'SERIALIZABLE'", "set =tx_isolation"},
    {"SET SESSION transaction_isolation = 'SERIALIZABLE'", "set =tx_isolation"},
    {"SET @@session.tx_isolation = 'SERIALIZABLE'", "set =tx_isolation"},
    {"SET @@tx_isolation = 'SERIALIZABLE'", "set =tx_isolation +next_transaction"},
    {"SET @@transaction_read_only = 1", "set =tx_read_only +next_transaction"},
    {"SET ROLE r", "set +role"},
    {"SET ROLE 'r'@'h'", "set +role"},
    {"SET ROLE NONE, sort_buffer_size = 1", "set =sort_buffer_size +role"},
    {"SET ROLE a, b", "set +role"},
    {"SET DEFAULT ROLE r FOR u@h", "set globals"},
    {"SET DEFAULT ROLE r, q TO 'u'@'h'", "set globals"},
    {"SET PASSWORD = PASSWORD('x')", "set"},
    {"SET PASSWORD FOR 'u'@'h' = 'x'", "set"},
    {"SET SESSION AUTHORIZATION u@h", "set +opaque"},
    {"SET RESOURCE GROUP g", "set +opaque"},
    {"SET STATEMENT max_statement_time = 1 FOR SELECT a FROM t", "select tables"},
    {"SET STATEMENT max_statement_time = 1, sort_buffer_size = (1) FOR CALL p()", "other +opaque"},
    {"SET STATEMENT max_statement_time = 1 FOR SET join_buffer_size = 5", "set =join_buffer_size"},
    {"SET STATEMENT max_statement_time = 1 FOR INSERT INTO t VALUES (1)", "write tables insert_id"},
    {"SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT 1", "select +opaque"},
    {"SET STATEMENT collation_connection = utf8mb4_bin FOR SELECT 1", "select +opaque"},
    {"SET STATEMENT timestamp = 5 FOR SELECT NOW()", "select +opaque"},
    {"SET STATEMENT no_such_variable = 5 FOR SELECT 1", "select +opaque"},
    {"SET STATEMENT max_statement_time = SUBSTRING('1' FROM 1 FOR 1) FOR DO 1", "other"},
};

START_TEST(set)
{
    CHECK_STATEMENTS(&mariadb_known, assignments);
    CHECK_STATEMENTS(&mariadb_known, charsets);
    CHECK_STATEMENTS(&mariadb_known, specials);
}
END_TEST

/* More variables than a verdict has room for. */
START_TEST(many)
{
    static char text[2000], expected[2000];
    const struct statement_row row = {text, expected};
    unsigned found = 0;

    strcpy(text, "SET ");
    strcpy(expected, "set");
    for (unsigned i = 0; i < variable_count() && found <= STATEMENT_VARIABLES; i++) {
        const struct variable *v = variable_at(i);
        if (v->policy != VARIABLE_TRAVELS)
            continue;
        sprintf(text + strlen(text), "%s%s = 1", found ? ", " : "", v->name);
        if (found++ < STATEMENT_VARIABLES)
            sprintf(expected + strlen(expected), " =%s", v->name);
    }
    strcat(expected, " +variable");
    check_statements(&mariadb_known, &row, 1);
}
END_TEST

TCase *statement_set_tests(void)
{
    TCase *tests = tcase_create("set");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, set);
    tcase_add_test(tests, many);
    return tests;
}
