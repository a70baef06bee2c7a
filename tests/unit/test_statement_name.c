/* SPDX-License-Identifier: MIT
 * Functions and names: what is built in, what the set of names tells, and what follows when it tells nothing.
 */
#include "tests/unit/statement_case.h"

TCase *statement_name_tests(void);

static const struct statement_row functions[] = {
    {"SELECT COUNT(*), SUM(a), MAX( b ), CONCAT('a', b), IFNULL(a, 1) FROM t", "select tables"},
    {"SELECT a FROM t HAVING GROUP_CONCAT(b) > 'x'", "select tables"},
    {"SELECT a, COUNT(*) FROM t GROUP BY a", "select counted tables"},
    {"SELECT COUNT(*) FROM (SELECT a FROM t GROUP BY a) d", "select tables"},
    {"SELECT NOW(), CURRENT_TIMESTAMP(6), UTC_DATE(), SYSDATE(), RAND(5), UUID(), LOAD_FILE('x'), SESSION_USER(), USER ()", "select counted"},
    {"SELECT IF(a, b, c), LEFT(a, 1), REPLACE(a, 'b', 'c'), INSERT('a', 1, 1, 'b'), MOD(a, 2), REPEAT('a', 2), TRUNCATE(a, 1) FROM t",
     "select counted tables"},
    {"SELECT CAST(a AS DECIMAL(10,2)), CAST(a AS DATETIME(6)), CONVERT(a, CHAR(5)), CONVERT(a USING utf8mb4) FROM t", "select counted tables"},
    {"SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b), LAG(a) OVER w FROM t WINDOW w AS (ORDER BY c)", "select counted tables"},
    {"SELECT JSON_EXTRACT(a, '$.b'), JSON_VALUE(a, '$'), JSON_ARRAYAGG(b), ST_AsText(POINT(1, 2)), ST_Distance(a, b) FROM t", "select tables"},
    {"SELECT j.a FROM t, JSON_TABLE(t.d, '$[*]' COLUMNS (a INT PATH '$.a', NESTED PATH '$.b' COLUMNS (b VARCHAR(5) PATH '$'))) AS j",
     "select counted tables"},
    {"SELECT a FROM t WHERE a IN (1) AND (b = 1 OR NOT (c)) AND EXISTS (SELECT 1) AND d = ANY (SELECT 2) AND e > ALL (SELECT 3)",
     "select counted tables"},
    {"SELECT MATCH (a, b) AGAINST ('x' IN BOOLEAN MODE), a BETWEEN (1) AND (2), a LIKE ('x') ESCAPE ('!'), INTERVAL (1) DAY + d FROM t",
     "select counted tables"},
    {"SELECT CASE WHEN (a) THEN (1) ELSE (2) END, DEFAULT(a), VALUES(a), BINARY (a), DISTINCT (b) FROM t", "select counted tables"},
    {"SELECT a FROM t USE INDEX (i, j) JOIN u FORCE INDEX FOR JOIN (k) USING (a) LEFT JOIN (v, w) ON (v.x = w.y)", "select counted tables"},
    {"SELECT a FROM t PARTITION (p0) AS x, LATERAL (SELECT x.a) y", "select counted tables"},
    {"SELECT GROUP_CONCAT(DISTINCT a ORDER BY b SEPARATOR ',') FROM t GROUP BY (a) HAVING (a) ORDER BY (b)", "select counted tables"},
    {"SELECT GET_LOCK('a', 1)", "select counted +user_locks"},
    {"SELECT IS_FREE_LOCK('a'), RELEASE_LOCK('a')", "select counted"},
    {"SELECT RELEASE_ALL_LOCKS()", "select counted -user_locks"},
    {"DO RELEASE_ALL_LOCKS ( ) ;", "other -user_locks"},
    {"select release_all_locks() as n", "select counted -user_locks"},
    {"select release_all_locks() `n`", "select counted -user_locks"},
    {"select release_all_locks() + 1", "select counted"},
    {"select release_all_locks(), get_lock('a', 1)", "select counted +user_locks"},
    {"select 1 and release_all_locks()", "select counted"},
    {"explain select release_all_locks()", "show"},
    {"SELECT release_all_locks() n FROM t", "select counted tables"},
    {"SELECT LAST_INSERT_ID()", "select counted"},
    {"SELECT LAST_INSERT_ID( )", "select counted"},
    {"SELECT LAST_INSERT_ID(5)", "select counted insert_id"},
    {"SELECT LAST_INSERT_ID(/* x */ a) FROM t", "select counted tables insert_id"},
    {"SELECT ROW_COUNT()", "select counted ?row_count"},
    {"SELECT FOUND_ROWS(), CONNECTION_ID()", "select counted ?found_rows ?connection_id"},
    {"SELECT SQL%ROWCOUNT", "select counted ?row_count"},
    {"SELECT NEXTVAL(s)", "select counted +sequence"},
    {"SELECT NEXT VALUE FOR s", "select counted +sequence"},
    {"SELECT PREVIOUS VALUE FOR s", "select counted +sequence"},
    {"SELECT s.nextval, s.currval", "select counted +sequence"},
    {"SELECT LASTVAL(s), SETVAL(s, 5)", "select counted +sequence"},
    {"SELECT plain_f(1)", "select counted"},
    {"SELECT `plain_f` (1)", "select counted"},
    {"SELECT app.plain_f(1), `app`.`plain_f`(2)", "select counted"},
    {"SELECT inserting_f(1)", "select counted insert_id"},
    {"SELECT opaque_f(1)", "select counted +opaque"},
    {"SELECT OPAQUE_F(1)", "select counted +opaque"},
    {"SELECT no_such_f(1)", "select counted +opaque"},
    {"SELECT app.count(1)", "select counted +opaque"},
    {"SELECT `count`(1)", "select +opaque"},
    {"SELECT `concat`('a')", "select counted"},
    {"SELECT count (1)", "select"},
    {"SELECT opaque_v.a FROM opaque_v", "select counted tables +opaque"},
    {"SELECT a FROM app.opaque_v", "select counted tables +opaque"},
    {"SELECT a FROM `opaque_v`", "select counted tables +opaque"},
    {"INSERT INTO audited (a) VALUES (1)", "write tables insert_id"},
    {"UPDATE audited SET a = 1", "write tables insert_id"},
    {"INSERT INTO no_such_f (a) VALUES (no_such_f (1))", "write tables insert_id +opaque"},
    {"INSERT INTO t VALUES no_such_f(1)", "write tables insert_id +opaque"},
    {"INSERT INTO t SELECT no_such_f(1)", "write tables insert_id +opaque"},
    {"UPDATE (SELECT no_such_f(1)) x SET a = 1", "write tables +opaque"},
    {"SELECT a AS x FROM t GROUP BY a WITH ROLLUP ORDER BY 1, no_such_f(a)", "select tables +opaque"},
    {"WITH c AS (SELECT 1) SELECT a, no_such_f(1) FROM c", "select counted tables +opaque"},
    {"SELECT REGEXP_LIKE('a', 'b')", "select counted +opaque"},
    {"SELECT UUID_V7(), VEC_FromText('[1]')", "select counted +opaque"},
    {"SELECT PASSWORD('a'), SYS_GUID(), NATURAL_SORT_KEY('a')", "select counted"},
    {"KILL opaque_f(1)", "other +opaque"},
    {"DO opaque_f(1)", "other +opaque"},
    {"SET sort_buffer_size = opaque_f(1)", "set =sort_buffer_size +opaque"},
};

static const struct statement_row of_mysql[] = {
    {"SELECT REGEXP_LIKE('a', 'b'), UUID_TO_BIN(UUID()), GROUPING(a), STATEMENT_DIGEST('x'), GTID_SUBSET('a', 'b') FROM t", "select counted tables"},
    {"SELECT STRING_TO_VECTOR('[1]'), VECTOR_DIM(a) FROM t", "select counted tables"},
    {"SELECT PASSWORD('a')", "select counted +opaque"},
    {"SELECT NVL2(1, 2, 3)", "select counted +opaque"},
    {"SELECT PS_CURRENT_THREAD_ID()", "select counted ?connection_id"},
    {"SELECT 1 MEMBER OF ('[1]')", "select counted"},
    {"SELECT j.a FROM JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) j", "select counted"},
    {"SET STATEMENT max_statement_time = 1 FOR SELECT 1", "set +variable"},
};

/* Only app and reports were read; and there a view, a function or a keyword has the name of something built in. */
static const struct statement_row partly[] = {
    {"SELECT 1", "select counted"},
    {"SELECT a FROM t", "select counted tables"},
    {"SELECT a FROM app.t JOIN reports.u ON t.a = u.a", "select counted tables"},
    {"SELECT a FROM elsewhere.t", "select counted tables +unread"},
    {"SELECT x.a FROM app.t AS x WHERE x.b = 1", "select counted tables"},
    {"SELECT x.a FROM t x, elsewhere.u", "select counted tables +unread"},
    {"SELECT x.a FROM (t x, elsewhere.u)", "select counted tables +unread"},
    {"SELECT x.a FROM { OJ elsewhere.u x LEFT OUTER JOIN t ON 1 }", "select counted tables +opaque"},
    {"SELECT x.a FROM t x USE INDEX FOR ORDER BY (i), elsewhere.u", "select counted tables +unread"},
    {"SELECT a FROM t rollup, elsewhere.u", "select tables +unread"},
    {"SELECT a FROM (SELECT b FROM t WHERE c = 1) x, elsewhere.u", "select counted tables +unread"},
    {"SELECT a FROM t LEFT JOIN (u, elsewhere.v) ON 1", "select counted tables +unread"},
    {"SELECT a FROM t WHERE b = 1 UNION SELECT a FROM u, elsewhere.v", "select tables +unread"},
    {"SELECT x.a FROM t x ORDER BY x.b, x.c", "select counted tables"},
    {"SELECT x.a, x.b FROM t x WHERE (x.a, x.b) IN (SELECT y.a, y.b FROM u y)", "select counted tables"},
    {"SELECT a FROM t WHERE a IN (SELECT b FROM elsewhere.u)", "select counted tables +unread"},
    {"INSERT INTO elsewhere.t (a) VALUES (1)", "write tables insert_id +unread"},
    {"INSERT INTO t (a) SELECT x.a FROM u x ON DUPLICATE KEY UPDATE a = 1, x.b = 2", "write tables insert_id"},
    {"UPDATE t x, elsewhere.u y SET x.a = y.a, x.b = y.b", "write tables +unread"},
    {"UPDATE t x SET x.a = 1, x.b = 2", "write tables"},
    {"DELETE FROM t USING t, elsewhere.u", "write tables +unread"},
    {"TABLE elsewhere.t", "select tables +unread"},
    {"SELECT a FROM information_schema.tables, performance_schema.threads, mysql.user", "select counted tables"},
    {"SELECT a FROM sys.version", "select counted tables +unread"},
    {"SELECT elsewhere.plain_f(1)", "select counted +unread"},
    {"SELECT plain_f(1)", "select counted"},
    {"USE elsewhere; SELECT a FROM t", "use several schema +unread"},
    {"SHOW TABLES FROM elsewhere", "show counted"},
    {"SHOW TABLES WHERE EXISTS (SELECT * FROM opaque_v)", "show counted tables +opaque"},
    {"SHOW COLUMNS FROM t WHERE 1 IN (TABLE opaque_v)", "show counted tables +opaque"},
    {"DROP TABLE elsewhere.t", "ddl"},
    {"SELECT COUNT(*), COUNT (*), ABS(1) FROM t", "select tables +opaque"},
    {"SELECT ABS(1)", "select counted +opaque"},
    {"SELECT columns (1)", "select counted +opaque"},
};

static const struct statement_row elsewhere[] = {
    {"SELECT 1 FROM DUAL", "select counted"},
    {"SELECT a FROM t", "select counted tables +unread"},
    {"SELECT a FROM app.t", "select counted tables"},
    {"UPDATE t SET a = 1", "write tables +unread"},
    {"SELECT plain_f(1)", "select counted +unread"},
    {"SELECT a FROM information_schema.tables", "select counted tables"},
    {"DO (SELECT a FROM t)", "other tables +unread"},
    {"SET sort_buffer_size = (SELECT a FROM t)", "set tables =sort_buffer_size +unread"},
};

static const struct statement_row nothing_known[] = {
    {"SELECT 1", "select counted"},
    {"SELECT 1 FROM DUAL", "select counted"},
    {"SELECT EXTRACT(DAY FROM d)", "select counted"},
    {"SELECT CONCAT('a'), COUNT(*), NOW() GROUP BY 1", "select counted"},
    {"SELECT COUNT (*) GROUP BY 1", "select counted +unread"},
    {"SELECT a FROM t", "select counted tables +unread"},
    {"SELECT a FROM (t)", "select counted tables +unread"},
    {"SELECT a FROM information_schema.tables", "select counted tables"},
    {"SELECT (SELECT a FROM t)", "select counted tables +unread"},
    {"INSERT INTO t VALUES (1)", "write tables insert_id +unread"},
    {"DELETE FROM t", "write tables +unread"},
    {"EXPLAIN UPDATE t SET a = 1", "show tables +unread"},
    {"TABLE t", "select tables +unread"},
    {"CREATE TABLE t (a INT)", "ddl"},
    {"CREATE TABLE t SELECT a FROM u", "ddl tables insert_id code +unread"},
    {"DROP VIEW v", "ddl code"},
    {"SHOW CREATE TABLE t", "show"},
    {"DESCRIBE t", "show"},
    {"SELECT f(1)", "select counted +unread"},
    {"SELECT app.f(1)", "select counted +unread"},
    {"BEGIN", "begin"},
    {"SET NAMES utf8mb4", "set charset =character_set_client =character_set_results =collation_connection"},
};

START_TEST(known)
{
    CHECK_STATEMENTS(&mariadb_known, functions);
    CHECK_STATEMENTS(&mysql_known, of_mysql);
}
END_TEST

START_TEST(known_in_part)
{
    CHECK_STATEMENTS(&mariadb_partly, partly);
    CHECK_STATEMENTS(&mysql_partly, elsewhere);
}
END_TEST

/* MariaDB runs the defaults of a table that it copies. */
static const struct statement_row mariadb_copies[] = {
    {"ALTER TABLE t ADD INDEX (a)", "ddl +unread"}, {"OPTIMIZE TABLE t", "ddl +unread"}, {"CREATE INDEX i ON t (a)", "ddl +unread"},
};

static const struct statement_row mysql_copies[] = {
    {"ALTER TABLE t ADD INDEX (a)", "ddl"}, {"OPTIMIZE TABLE t", "ddl"}, {"CREATE INDEX i ON t (a)", "ddl"},
};

static const struct statement_row opaque_copies[] = {
    {"ALTER TABLE app.opaque_v FORCE", "ddl +opaque"}, {"OPTIMIZE TABLE t, opaque_v", "ddl +opaque"}, {"DROP INDEX i ON opaque_v", "ddl +opaque"},
    {"CREATE INDEX i ON opaque_v (a)", "ddl +opaque"},
    {"ALTER TABLE t FORCE", "ddl"}, {"ANALYZE TABLE opaque_v", "ddl"},
};

START_TEST(not_known)
{
    CHECK_STATEMENTS(&mariadb_unknown, mariadb_copies);
    CHECK_STATEMENTS(&mysql_unknown, mysql_copies);
    CHECK_STATEMENTS(&mariadb_known, opaque_copies);
    CHECK_STATEMENTS(&mariadb_unknown, nothing_known);
    CHECK_STATEMENTS(&mysql_unknown, nothing_known);
}
END_TEST

/* A function that only younger servers have may be somebody's own on this one. */
START_TEST(versions)
{
    static const struct statement_row row[] = {{"SELECT UUID_V7()", "select counted"}};
    struct statement_world world = mariadb_known;

    world.modes.version = 110806;
    CHECK_STATEMENTS(&world, row);
}
END_TEST

TCase *statement_name_tests(void)
{
    TCase *tests = tcase_create("names");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, known);
    tcase_add_test(tests, known_in_part);
    tcase_add_test(tests, not_known);
    tcase_add_test(tests, versions);
    return tests;
}
