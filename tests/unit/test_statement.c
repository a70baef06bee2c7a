/* SPDX-License-Identifier: MIT
 * What kind of statement it is, and what every kind may do; several in a text, stored code, and texts meant to mislead.
 */
#include "tests/unit/statement_case.h"

Suite *statement_suite(void);
TCase *statement_name_tests(void); /* in test_statement_name.c */
TCase *statement_set_tests(void);  /* in test_statement_set.c */
TCase *statement_reads_tests(void); /* in test_statement_reads.c */

static const struct statement_row queries[] = {
    {"", "none"},
    {"  /* nothing */ -- at all\n", "none"},
    {"SELECT 1", "select counted"},
    {"select 1;", "select counted"},
    {"select 1 ; -- over", "select counted"},
    {"SELECT a FROM t WHERE b = 'x' AND c IN (1, 2, 3) ORDER BY d", "select counted tables"},
    {"SELECT a FROM t FOR UPDATE", "select counted tables"},
    {"SELECT a FROM t LIMIT 5", "select tables"},
    {"SELECT a FROM t UNION SELECT b FROM u", "select tables"},
    {"SELECT a FROM t EXCEPT SELECT b FROM u", "select tables"},
    {"SELECT a FROM t INTERSECT SELECT b FROM u", "select tables"},
    {"SELECT SQL_CALC_FOUND_ROWS a FROM t", "select tables"},
    {"SELECT a FROM t INTO OUTFILE '/tmp/x'", "select tables"},
    {"SELECT a FROM t GROUP BY a WITH ROLLUP", "select tables"},
    {"SELECT a FROM t OFFSET 3 ROWS FETCH FIRST 2 ROWS ONLY", "select tables"},
    {"SELECT a FROM (SELECT a FROM t LIMIT 3) x", "select tables"},
    {"SELECT 1 FROM DUAL", "select counted"},
    {"SELECT EXTRACT(DAY FROM d)", "select counted"},
    {"SELECT TRIM(LEADING 'x' FROM 'xy'), SUBSTRING('abc' FROM 2)", "select counted"},
    {"SELECT EXTRACT(DAY FROM (SELECT d FROM t))", "select counted tables"},
    {"SELECT * FROM (SELECT 1) x", "select counted tables"},
    {"(SELECT 1)", "select"},
    {"((SELECT a FROM t) UNION (SELECT 2))", "select tables"},
    {"VALUES (1,2),(3,4)", "select"},
    {"VALUES ROW(1,2), ROW(3,4)", "select"},
    {"TABLE t", "select tables"},
    {"WITH c AS (SELECT 1) SELECT * FROM c", "select counted tables"},
    {"WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c), d (m) AS (SELECT 2) SELECT * FROM c, d", "select tables"},
    {"WITH c AS (SELECT 1 a) UPDATE t, c SET t.a = c.a", "write tables"},
    {"WITH c AS (SELECT 1 a) DELETE FROM t USING t, c", "write tables"},
    {"SELECT @@version, @@session.sql_mode, @@global.max_connections", "select counted"},
    {"SELECT @@warning_count", "select counted ?warnings"},
    {"SELECT @@session.error_count", "select counted ?warnings"},
    {"SELECT @@pseudo_thread_id", "select counted ?connection_id"},
    {"SELECT @@last_insert_id, @@identity", "select counted"},
    {"SELECT @a", "select counted +user_variables"},
    {"SELECT@a:=1", "select counted +user_variables"},
    {"SELECT 1 INTO @a", "select +user_variables"},
    {"SELECT a FROM t WHERE x = ? AND y = ?", "select counted tables"},
    {"SELECT `select` FROM `from` WHERE `call` = 1", "select counted tables"},
    {"DO SLEEP(0)", "other"},
    {"DO @a := 1", "other +user_variables"},
};

static const struct statement_row writes[] = {
    {"INSERT INTO t VALUES (1)", "write tables insert_id"},
    {"INSERT INTO t (a, b) VALUES (1, 2), (3, DEFAULT)", "write tables insert_id"},
    {"INSERT t (a) VALUE (1)", "write tables insert_id"},
    {"INSERT LOW_PRIORITY IGNORE INTO app.t (a) SELECT b FROM u", "write tables insert_id"},
    {"INSERT HIGH_PRIORITY t SET a = 1", "write tables insert_id"},
    {"INSERT INTO t () VALUES ()", "write tables insert_id"},
    {"INSERT INTO t PARTITION (p0, p1) (a) VALUES (1)", "write tables insert_id"},
    {"INSERT INTO t (a) VALUES (1) AS new (x) ON DUPLICATE KEY UPDATE a = new.x", "write tables insert_id"},
    {"INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a), id = LAST_INSERT_ID(id)", "write tables insert_id"},
    {"INSERT INTO t (a) VALUES (1) RETURNING id", "write tables insert_id"},
    {"INSERT INTO t WITH c (a) AS (SELECT 1) SELECT a FROM c", "write tables insert_id"},
    {"INSERT INTO t TABLE u", "write tables insert_id"},
    {"INSERT INTO `t`(`a`)VALUES(1)", "write tables insert_id"},
    {"REPLACE INTO t (a) VALUES (1)", "write tables insert_id"},
    {"REPLACE t VALUES (REPLACE('a', 'b', 'c'))", "write tables insert_id"},
    {"UPDATE t SET a = 1", "write tables"},
    {"UPDATE LOW_PRIORITY IGNORE t SET a = 1 WHERE b = 2 ORDER BY c LIMIT 1", "write tables"},
    {"UPDATE t, u SET t.a = u.a WHERE t.b = u.b", "write tables"},
    {"UPDATE t SET a = LAST_INSERT_ID(a + 1)", "write tables insert_id"},
    {"DELETE FROM t WHERE a = 1", "write tables"},
    {"DELETE QUICK t, u FROM t JOIN u ON t.a = u.a", "write tables"},
    {"DELETE FROM t RETURNING a", "write tables"},
    {"LOAD DATA LOCAL INFILE 'x' INTO TABLE t CHARACTER SET utf8mb4 (a, b)", "write tables insert_id"},
    {"LOAD DATA INFILE 'x' INTO TABLE t FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n' (a, @b) SET c = @b", "write tables insert_id +user_variables"},
    {"LOAD DATA INFILE 'x' INTO TABLE t IGNORE 1 LINES (a, b)", "write tables insert_id"},
    {"LOAD XML INFILE 'x' INTO TABLE t ROWS IDENTIFIED BY '<r>'", "write tables insert_id"},
};

static const struct statement_row transactions[] = {
    {"BEGIN", "begin"},
    {"begin work;", "begin"},
    {"START TRANSACTION", "begin"},
    {"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", "begin"},
    {"COMMIT", "end"},
    {"COMMIT AND CHAIN", "end"},
    {"ROLLBACK WORK RELEASE", "end +command"},
    {"ROLLBACK TO SAVEPOINT a", "end"},
    {"SAVEPOINT a", "end"},
    {"RELEASE SAVEPOINT a", "end"},
    {"BEGIN NOT ATOMIC SET @a = 1; END", "other several +user_variables +opaque"},
    {"BEGIN SELECT 1; END", "other several +opaque"},
    {"START SLAVE", "other +opaque"},
    {"START REPLICA", "other +opaque"},
    {"XA START 'x'", "other +xa"},
    {"XA END 'x'", "other +xa"},
    {"XA PREPARE 'x'", "other +xa"},
    {"XA COMMIT 'x'", "other -xa"},
    {"XA ROLLBACK 'x'", "other -xa"},
    {"XA RECOVER", "other"},
    {"LOCK TABLES t READ, u WRITE", "other +table_locks"},
    {"LOCK TABLE t READ", "other +table_locks"},
    {"UNLOCK TABLES", "other -table_locks"},
    {"UNLOCK TABLES; SELECT 1", "other several"},
    {"LOCK INSTANCE FOR BACKUP", "other +backup_lock"},
    {"UNLOCK INSTANCE", "other -backup_lock"},
    {"BACKUP STAGE START", "other +backup_lock"},
    {"BACKUP STAGE BLOCK_COMMIT", "other +backup_lock"},
    {"BACKUP STAGE END", "other -backup_lock"},
    {"BACKUP LOCK app.t", "other +backup_lock +opaque"},
    {"BACKUP UNLOCK", "other -backup_lock"},
};

static const struct statement_row reads[] = {
    {"SHOW TABLES", "show counted"},
    {"SHOW COLUMNS FROM opaque_v", "show counted"},
    {"SHOW GRANTS FOR 'u'@'h'", "show"},
    {"SHOW GRANTS FOR u@h USING r@h", "show"},
    {"SHOW CREATE USER u@h", "show"},
    {"SHOW TABLES WHERE 'a' LIKE 'a' ESCAPE@v:='|'", "show counted +user_variables"},
    {"SHOW EXPLAIN FOR id@v:=5", "show +user_variables"},
    {"EXPLAIN FOR CONNECTION@v:=5", "show +user_variables"},
    {"SHOW VARIABLES LIKE 'x'", "show counted"},
    {"SHOW VARIABLES WHERE opaque_f(1)", "show counted +opaque"},
    {"SHOW VARIABLES WHERE Value = @a", "show counted +user_variables"},
    {"SHOW WARNINGS", "diagnostics ?warnings"},
    {"SHOW ERRORS LIMIT 1", "diagnostics ?warnings"},
    {"SHOW COUNT(*) WARNINGS", "diagnostics counted ?warnings"},
    {"GET DIAGNOSTICS @n = NUMBER", "diagnostics ?warnings +user_variables"},
    {"GET CURRENT DIAGNOSTICS @n = ROW_COUNT", "diagnostics ?row_count ?warnings +user_variables"},
    {"GET CURRENT DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT", "diagnostics ?warnings +user_variables"},
    {"DESCRIBE opaque_v", "show"},
    {"DESC t 'a%'", "show"},
    {"EXPLAIN SELECT a FROM t", "show tables"},
    {"EXPLAIN FORMAT=JSON SELECT opaque_f(1)", "show +opaque"},
    {"EXPLAIN ANALYZE DELETE FROM t", "show tables"},
    {"EXPLAIN FOR CONNECTION 5", "show"},
    {"EXPLAIN FORMAT=JSON INTO @v SELECT 1", "show +user_variables"},
    {"EXPLAIN FOR SCHEMA other SELECT a FROM t", "show tables +opaque"},
    {"ANALYZE SELECT a FROM t", "select tables"},
    {"ANALYZE FORMAT=JSON UPDATE t SET a = 1", "write tables"},
    {"HELP 'contents'", "show"},
    {"CHECKSUM TABLE t", "show"},
    {"USE app", "use schema"},
    {"USE `other`;", "use schema"},
    {"KILL QUERY 5", "other"},
    {"KILL QUERY@v:=5", "other +user_variables"},
    {"KILL HARD@v:=5", "other +user_variables"},
    {"KILL USER@v:=5", "other +user_variables"},
    {"KILL USER u@localhost", "other"},
    {"KILL HARD QUERY USER 'u'@'h'", "other"},
    {"KILL CONNECTION_ID()", "other ?connection_id"},
};

static const struct statement_row definitions[] = {
    {"CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10) DEFAULT (opaque_f(1)), KEY k (b), CONSTRAINT c CHECK (f(a)))", "ddl"},
    {"CREATE TABLE IF NOT EXISTS app.t (`a` INT) ENGINE=InnoDB", "ddl"},
    {"CREATE TABLE t (a INT) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (5))", "ddl"},
    {"CREATE TABLE t SELECT a FROM u", "ddl tables insert_id code"},
    {"CREATE TABLE t (a INT) AS SELECT opaque_f(1) AS a", "ddl insert_id code +opaque"},
    {"CREATE TABLE t LIKE u", "ddl code"},
    {"CREATE TABLE t AS VALUES (1)", "ddl insert_id code"},
    {"CREATE TABLE t (VALUES (opaque_f(1)))", "ddl insert_id code +opaque"},
    {"CREATE TABLE t TABLE u", "ddl tables insert_id code"},
    {"CREATE TABLE t AS WITH c (a) AS (SELECT 1), d (b) AS (SELECT 2) SELECT a FROM c", "ddl tables insert_id code"},
    {"CREATE TABLE t (a INT) WITH SYSTEM VERSIONING", "ddl"},
    {"CREATE TABLE t (a INT DEFAULT NEXTVAL(s))", "ddl code +sequence"},
    {"CREATE TABLE t (a INT DEFAULT (@x))", "ddl code +user_variables"},
    {"CREATE TEMPORARY TABLE t (a INT)", "ddl +temporary_tables"},
    {"create or replace temporary table t select 1", "ddl insert_id +temporary_tables"},
    {"DROP TEMPORARY TABLE t", "ddl"},
    {"DROP TABLE opaque_v", "ddl"},
    {"CREATE UNIQUE INDEX i ON t (a, b)", "ddl"},
    {"ALTER TABLE t ADD COLUMN c INT DEFAULT 5, ADD INDEX i (c)", "ddl"},
    {"ALTER TABLE t RENAME TO u", "ddl code"},
    {"RENAME TABLE t TO u", "ddl code"},
    {"RENAME USER a@b TO 'c'@'d'", "ddl globals"},
    {"TRUNCATE TABLE t", "ddl"},
    {"TRUNCATE t", "ddl"},
    {"CREATE DATABASE d CHARACTER SET utf8mb4", "ddl code"},
    {"DROP DATABASE d", "ddl schema code"},
    {"DROP SCHEMA IF EXISTS d", "ddl schema code"},
    {"ALTER DATABASE d COLLATE utf8mb4_bin", "ddl schema"},
    {"CREATE USER u@localhost IDENTIFIED BY 'x'", "ddl globals"},
    {"CREATE ROLE r", "ddl globals"},
    {"ALTER USER 'u'@'%' ACCOUNT LOCK", "ddl globals"},
    {"DROP USER u", "ddl globals"},
    {"GRANT SELECT (a), INSERT ON app.opaque_v TO `u`@`h` WITH GRANT OPTION", "ddl globals"},
    {"REVOKE ALL ON *.* FROM u@h", "ddl globals"},
    {"ANALYZE TABLE t", "ddl"},
    {"ANALYZE NO_WRITE_TO_BINLOG TABLE t", "ddl"},
    {"OPTIMIZE TABLE t", "ddl"},
    {"REPAIR TABLE t", "ddl"},
    {"CHECK TABLE t", "ddl"},
    {"LOAD INDEX INTO CACHE t", "ddl"},
    {"FLUSH TABLES", "ddl"},
    {"FLUSH PRIVILEGES", "ddl globals"},
    {"FLUSH TABLES WITH READ LOCK", "ddl +table_locks"},
    {"FLUSH TABLES t, u FOR EXPORT", "ddl +table_locks"},
    {"CREATE VIEW v AS SELECT @a, opaque_f(1) FROM opaque_v", "ddl code"},
    {"CREATE OR REPLACE ALGORITHM=MERGE DEFINER=`a`@`b` SQL SECURITY INVOKER VIEW v AS SELECT 1", "ddl code"},
    {"CREATE DEFINER=event@localhost VIEW v AS SELECT 1", "ddl code"},
    {"ALTER VIEW v AS SELECT 2", "ddl code"},
    {"DROP VIEW v", "ddl code"},
    {"DROP FUNCTION IF EXISTS f", "ddl code"},
    {"CREATE SEQUENCE s START WITH 5", "ddl code"},
    {"CREATE FUNCTION f RETURNS STRING SONAME 'f.so'", "ddl code"},
    {"DROP PREPARE p", "other +prepare"},
};

static const struct statement_row code[] = {
    {"CREATE PROCEDURE p() SET @a = 1", "ddl code"},
    {"CREATE PROCEDURE p() BEGIN SET @a = 1; CALL q(); END", "ddl code"},
    {"CREATE PROCEDURE p() BEGIN SET @a = 1; CALL q(); END;", "ddl code"},
    {"CREATE PROCEDURE p() BEGIN CALL q(); END; SELECT 1", "ddl several code"},
    {"CREATE PROCEDURE p() BEGIN CALL q(); END; CALL q()", "ddl several code +opaque"},
    {"CREATE PROCEDURE p() SELECT 1; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; END IF; END; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p() BEGIN SELECT CASE a WHEN 1 THEN 2 END; CASE a WHEN 1 THEN SELECT 1; END CASE; CALL q(); END", "ddl code"},
    {"CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END; CALL q(); END", "ddl code"},
    {"CREATE PROCEDURE p() BEGIN l: BEGIN CALL q(); END l; CALL q(); END", "ddl code"},
    {"CREATE PROCEDURE p() BEGIN l: LOOP CALL q(); LEAVE l; END LOOP; CALL q(); END", "ddl code"},
    {"CREATE FUNCTION f(a INT) RETURNS CHAR(5) CHARACTER SET utf8 DETERMINISTIC BEGIN RETURN @a; END", "ddl code"},
    {"CREATE FUNCTION f() RETURNS INT RETURN 1; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a = NEW.a; CALL q(); END", "ddl code"},
    {"CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW SET @a = 1", "ddl code"},
    {"CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW SET @a = 1; CALL q()", "ddl several code +opaque"},
    {"CREATE DEFINER='a'@'b' TRIGGER g AFTER DELETE ON t FOR EACH ROW INSERT INTO u SELECT 1 begin FROM t; SET @a = 1",
     "ddl several code +user_variables"},
    {"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN CALL q(); SET @a = 1; END", "ddl"},
    {"CREATE EVENT e ON SCHEDULE EVERY @a DAY DO CALL q()", "ddl code +user_variables"},
    {"CREATE DEFINER=u@h EVENT e ON SCHEDULE AT@a:='2035-01-01' DO CALL q()", "ddl code +user_variables"},
    {"ALTER EVENT e ON SCHEDULE EVERY 1 DAY STARTS@a:='2035-01-01' ENDS '2036-01-01'", "ddl code +user_variables"},
    {"ALTER TABLE t PARTITION BY SYSTEM_TIME INTERVAL 1 DAY STARTS@a:='2035-01-01'", "ddl code +user_variables"},
    {"ALTER EVENT e DISABLE", "ddl"},
    {"CREATE PROCEDURE begin() SELECT 1; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE IF NOT EXISTS begin() SELECT 1; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE FUNCTION begin(begin INT) RETURNS INT RETURN 1; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p(a INT, INOUT begin INT) SELECT 1; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE TRIGGER begin BEFORE INSERT ON begin FOR EACH ROW FOLLOWS begin SET NEW.a = 1; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p(a INT) BEGIN SET @a = 1; END", "ddl code"},
    {"CREATE FUNCTION f() RETURNS VARCHAR(5) DETERMINISTIC BEGIN SET @a = 1; RETURN 1; END", "ddl code"},
    {"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW FOLLOWS h BEGIN SET @a = 1; END", "ddl code"},
    {"CREATE VIEW v AS SELECT 1 begin; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p() BEGIN SELECT 1 AS begin; END; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p() BEGIN SELECT t.case, t.begin FROM t; END; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p() TRUNCATE begin; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p() (SELECT 1 begin); SET @a = 1", "ddl several code +user_variables"},
    {"CREATE PROCEDURE p() COMMENT 'x' STOP begin; SET @a = 1", "ddl several code +user_variables"},
    {"CREATE OR REPLACE PACKAGE BODY k AS PROCEDURE p AS BEGIN CALL q(); END; END", "ddl several code +opaque"},
    {"CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS 'x'", "ddl code +opaque"},
    {"CREATE PROCEDURE p() LANGUAGE SQL SELECT 1", "ddl code"},
};

static const struct statement_row unknown[] = {
    {"CALL p()", "other +opaque"},
    {"EXECUTE s", "other +opaque"},
    {"EXECUTE s USING @a", "other +user_variables +opaque"},
    {"EXECUTE IMMEDIATE 'SET @a = 1'", "other +opaque"},
    {"PREPARE s FROM 'SELECT 1'", "other +prepare"},
    {"PREPARE s FROM @a", "other +prepare +user_variables"},
    {"DEALLOCATE PREPARE s", "other +prepare"},
    {"HANDLER t OPEN", "other +handler"},
    {"HANDLER t READ FIRST WHERE opaque_f(1)", "other +handler +opaque"},
    {"SIGNAL SQLSTATE '45000'", "other +opaque"},
    {"RESIGNAL", "other +opaque"},
    {"IF 1 THEN SELECT 1; END IF", "other several +opaque"},
    {"LOOP SELECT 1; END LOOP", "other several +opaque"},
    {"DECLARE a INT", "other +opaque"},
    {"INSTALL PLUGIN p SONAME 'p.so'", "other +opaque"},
    {"CHANGE MASTER TO MASTER_HOST = 'x'", "other +opaque"},
    {"BINLOG 'x'", "other +opaque"},
    {"RESET PERSIST", "other +opaque"},
    {"SHUTDOWN", "other +opaque"},
    {"nonsense", "other +opaque"},
    {"`select` 1", "other +opaque"},
    {"1", "other +opaque"},
    {"? 1", "other +opaque"},
    {"<<l>> BEGIN NULL; END", "other several +opaque"},
    {"(CALL p())", "other +opaque"},
    {"SELECT a FROM .t", "select counted +opaque"},
};

static const struct statement_row several[] = {
    {"SELECT 1; SELECT 2", "select several"},
    {"SELECT 1; SELECT 2;", "select several"},
    {"SELECT 1; CALL p()", "select several +opaque"},
    {"SELECT 1;; SELECT 2", "select several"},
    {"SET sort_buffer_size = 1; SELECT @a", "set several =sort_buffer_size +user_variables"},
    {"SELECT 1; SET sql_mode = ''", "select several charset =sql_mode"},
    {"SET sql_mode = ''; SELECT 1", "set several charset =sql_mode +opaque"},
    {"SET NAMES utf8mb4; SELECT 1",
     "set several charset =character_set_client =character_set_results =collation_connection +opaque"},
    {"BEGIN; INSERT INTO t VALUES (1); COMMIT", "begin several insert_id"},
    {"SELECT GET_LOCK('a', 1); SELECT RELEASE_ALL_LOCKS()", "select several +user_locks"},
    {"DO 1; XA COMMIT 'x'", "other several"},
    {"USE app; SELECT a FROM t", "use several schema"},
};

static const struct statement_row hostile[] = {
    {"SELECT 'CALL p()', \"SET @a = 1\"", "select counted"},
    {"SELECT 'it''s; CALL p()'", "select counted"},
    {"SELECT 'a\\'; CALL p()'", "select counted"},
    {"SELECT 1 /* ; CALL p() */", "select counted"},
    {"SELECT 1 -- ; CALL p()", "select counted"},
    {"SELECT 1 # ; CALL p()\n + 2", "select counted"},
    {"SELECT 1 --\n; CALL p()", "select several +opaque"},
    {"SELECT 5--1; CALL p()", "select several +opaque"},
    {"SELECT 1 /*! ; CALL p() */", "select several +opaque"},
    {"/*! CALL */ p()", "other +opaque"},
    {"/*!50000 SET @a = 1 */", "set +user_variables"},
    {"/*!999999 CALL p() */ SELECT 1", "select counted"},
    {"/*M! CALL p() */", "other +opaque"},
    {"/*!40101 SET character_set_client = utf8mb4 */;", "set charset =character_set_client"},
    {"SELECT `a``; CALL p()` FROM t", "select counted tables"},
    {"SELECT 'a", "select counted +opaque"},
    {"SELECT 1 /* never closed", "select counted +opaque"},
    {"SELECT a.`b`.c, app . t . a FROM t", "select counted tables"},
    {"SELECT1", "other +opaque"},
    {"SELECT+1", "select counted"},
};

/* Parentheses deeper than there are bits. */
/* How many of a text's statements are followed by another: servers strip ; and white space from its end, and nothing else. */
START_TEST(followed)
{
    static const struct {
        const char *text;
        unsigned followed;
    } rows[] = {
        {"SELECT 1", 0},
        {"SELECT 1; ;\n ", 0},
        {"SELECT 1; SELECT 2", 1},
        {"SELECT 1; SELECT 2; DO 3;", 2},
        {"SELECT 1; -- c", 1},
        {"SELECT 1; # c", 1},
        {"SELECT 1; /* c */ ;", 1},
        {"SELECT 1;; SELECT 2", 2},
        {"SELECT 1 /* ; */;", 0},
        {"CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct statement s;
        struct name_list list = {0};

        statement_begin(&s, (struct lexer_modes){.mariadb = true, .version = 101119}, NULL, &list, 0);
        statement_piece(&s, (const uint8_t *)rows[i].text, strlen(rows[i].text));
        ck_assert_msg(statement_end(&s)->followed == rows[i].followed, "%s: %u", rows[i].text, s.effects.followed);
    }
}
END_TEST

START_TEST(deep)
{
    static char text[700];
    const struct statement_row fine = {text, "select counted"}, lost = {text, "select counted +opaque"};

    memset(text, 0, sizeof(text));
    strcpy(text, "SELECT ");
    memset(text + 7, '(', 300);
    text[307] = '1';
    memset(text + 308, ')', 300);
    check_statements(&mariadb_known, &fine, 1);
    memcpy(text + 307, "SELECT 1", 8);
    memset(text + 315, ')', 300);
    check_statements(&mariadb_known, &lost, 1);
}
END_TEST

#define ROWS_TEST(rows)                                                                                                                              \
    START_TEST(test_##rows)                                                                                                                          \
    {                                                                                                                                                \
        CHECK_STATEMENTS(&mariadb_known, rows);                                                                                                      \
    }                                                                                                                                                \
    END_TEST

ROWS_TEST(queries)
ROWS_TEST(writes)
ROWS_TEST(transactions)
ROWS_TEST(reads)
ROWS_TEST(definitions)
ROWS_TEST(code)
ROWS_TEST(unknown)
ROWS_TEST(several)
ROWS_TEST(hostile)

static const struct statement_row ansi_quotes[] = {
    {"SELECT \"a\" FROM \"t\"", "select counted tables"},
    {"SELECT \"opaque_f\"(1)", "select counted +opaque"},
    {"SELECT \"it''s\", 'CALL \"p\"'", "select counted"},
};

static const struct statement_row no_backslash[] = {
    {"SELECT 'a\\'; CALL p()", "select several +opaque"},
    {"SELECT 'a\\', 'CALL p()'", "select counted"},
};

/* Strings or names? It is known when that makes no difference. */
static bool same_both_ways(const char *text, const char *expected)
{
    struct lexer_modes modes = mysql_known.modes;
    struct statement s;
    struct name_list names;
    bool same;

    modes.unknown_quotes = true;
    statement_begin(&s, modes, mysql_known.names, &names, name_hash("app", 3));
    statement_piece(&s, (const uint8_t *)text, strlen(text));
    ck_assert(statement_end(&s)->pins & PIN_BIT(PIN_OPAQUE) && lexer_unclear(&s.lexer));
    same = statement_judge_both(&s, (const uint8_t *)text, strlen(text));
    ck_assert(same != lexer_unclear(&s.lexer));
    ck_assert(!same || strcmp(describe_statement(&s.effects), expected) == 0);
    return same;
}

START_TEST(either)
{
    ck_assert(same_both_ways("SELECT \"x\", 'a'", "select counted"));
    ck_assert(same_both_ways("INSERT INTO t VALUES (\"a\", \"it's\")", "write tables insert_id"));
    ck_assert(same_both_ways("SELECT ROW_COUNT(), \"x\"", "select counted ?row_count"));
    ck_assert(!same_both_ways("SELECT \"opaque_v\"", ""));
    ck_assert(!same_both_ways("SELECT \"plain_f\"()", ""));
    ck_assert(!same_both_ways("SELECT \"a\\\", @x, \"", ""));
    ck_assert(!same_both_ways("SELECT * FROM \"t\"", ""));
    ck_assert(!same_both_ways("SET sql_mode = \"ANSI\"", ""));
    ck_assert(!same_both_ways("SELECT \"unfinished", ""));
}
END_TEST

START_TEST(modes)
{
    struct statement_world world = mariadb_known;

    world.modes.ansi_quotes = true;
    CHECK_STATEMENTS(&world, ansi_quotes);
    world.modes.ansi_quotes = false;
    world.modes.no_backslash_escapes = true;
    CHECK_STATEMENTS(&world, no_backslash);
}
END_TEST

static const char *words_of(const uint8_t *bytes, size_t length, size_t piece)
{
    struct statement s;

    statement_begin(&s, mysql_partly.modes, mysql_partly.names, &(struct name_list){0}, 1);
    for (size_t at = 0; at < length; at += piece)
        statement_piece(&s, bytes + at, piece < length - at ? piece : length - at);
    return describe_statement(statement_end(&s));
}

/* Whatever it is, it is the same in pieces of any size. */
static void feed(const uint8_t *bytes, size_t length, void *context)
{
    char whole[1024];

    (void)context;
    snprintf(whole, sizeof(whole), "%s", words_of(bytes, length, length));
    for (size_t piece = 1; piece <= 33; piece += 16)
        if (strcmp(words_of(bytes, length, piece), whole) != 0)
            ck_abort_msg("%.*s\n    is %s in pieces of %zu\n    and %s", (int)length, (const char *)bytes, words_of(bytes, length, piece), piece, whole);
}

START_TEST(spoiled)
{
    static const char *const good[] = {
        "SET SESSION a.b = 1, @@global.x := (SELECT `y` FROM db.t), NAMES 'utf8' COLLATE x, CHARSET 'latin1'; CREATE PROCEDURE p() BEGIN CASE x; END CASE; END",
        "WITH a (b) AS (SELECT f(1) FROM a.b, (c.d)) INSERT /*!50000 INTO */ t (`a`) VALUES (@@x.y, @'z', \"q\") -- end\n;",
    };

    for (size_t i = 0; i < 2; i++)
        fuzz((const uint8_t *)good[i], strlen(good[i]), FUZZ_ROUNDS, feed, NULL);
}
END_TEST

Suite *statement_suite(void)
{
    Suite *suite = suite_create("statement");
    TCase *tests = tcase_create("kinds");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, either);
    tcase_add_test(tests, test_queries);
    tcase_add_test(tests, test_writes);
    tcase_add_test(tests, test_transactions);
    tcase_add_test(tests, test_reads);
    tcase_add_test(tests, test_definitions);
    tcase_add_test(tests, test_code);
    tcase_add_test(tests, test_unknown);
    tcase_add_test(tests, test_several);
    tcase_add_test(tests, test_hostile);
    tcase_add_test(tests, followed);
    tcase_add_test(tests, deep);
    tcase_add_test(tests, modes);
    tcase_add_test(tests, spoiled);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, statement_name_tests());
    suite_add_tcase(suite, statement_set_tests());
    suite_add_tcase(suite, statement_reads_tests());
    return suite;
}
