/* SPDX-License-Identifier: MIT
 * Texts with values put into them: what is replaced, what is not, and the names of select items. That the servers answer such texts with the same
 * bytes was measured on each of them; tests/transparency/scripts/residue.script asks again.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/residue_text.h"

Suite *residue_text_suite(void);

#define ROOM 20000u
#define ALL 0xFF
#define SAME NULL
#define LOST ((const char *)lost)
static const char lost[1] = "";

/* The values below, put in place of what stands in the parentheses. */
#define R(call) "IF(1,7," call ")"
#define F(call) "IF(1,8," call ")"
#define W(call) "IF(@@warning_count=0,CAST(9 AS UNSIGNED)," call ")"
#define E(call) "IF(@@warning_count=0,CAST(10 AS UNSIGNED)," call ")"
#define C(call) "IF(1,CAST(2147483653 AS UNSIGNED)," call ")"
/* A call that has its own text as alias. */
#define RR(call) R(call) " AS `" call "`"
#define FF(call) F(call) " AS `" call "`"
#define CC(call) C(call) " AS `" call "`"

static const struct residue_values values = {.row_count = 7, .found_rows = 8, .warning_count = 9, .error_count = 10, .connection_id = 2147483653u};

static const struct lexer_modes mariadb = {.mariadb = true, .version = 101119};
static const struct lexer_modes mysql = {.version = 90704, .spaces = SPACES_APART};

struct row {
    const char *text;
    uint8_t which;
    const char *expected; /* SAME: as it was; LOST: false */
};

static void check_row(const struct row *row, struct lexer_modes modes)
{
    static uint8_t room[ROOM];
    struct wire_writer w = wire_writer(room, sizeof(room));
    const char *expected = row->expected ? row->expected : row->text;
    bool written = residue_text_write(&w, (const uint8_t *)row->text, strlen(row->text), modes, row->which, &values);

    if (expected == lost) {
        ck_assert_msg(!written, "%s\n is followed: %.*s", row->text, (int)wire_written(&w), (char *)room);
        return;
    }
    ck_assert_msg(written, "%s\n is not followed", row->text);
    ck_assert_msg(wire_written(&w) == strlen(expected) && memcmp(room, expected, strlen(expected)) == 0, "%s\n is   %.*s\n not %s", row->text, (int)wire_written(&w),
                  (char *)room, expected);
}

/* Each text cut at every byte, in memory that ends there. */
static void check_cuts(const struct row *row, struct lexer_modes modes)
{
    static uint8_t room[ROOM];

    for (size_t length = 0; length <= strlen(row->text); length++) {
        struct wire_writer w = wire_writer(room, sizeof(room));
        uint8_t *text = malloc(length ? length : 1);
        memcpy(text, row->text, length);
        if (residue_text_write(&w, text, length, modes, row->which, &values))
            ck_assert_uint_ge(wire_written(&w), length);
        free(text);
    }
}

static void check_rows(const struct row *rows, size_t count, struct lexer_modes modes)
{
    for (size_t i = 0; i < count; i++) {
        check_row(&rows[i], modes);
        check_cuts(&rows[i], modes);
    }
}
#define CHECK_ROWS(rows, modes) check_rows(rows, sizeof(rows) / sizeof((rows)[0]), modes)

START_TEST(what_is_replaced)
{
    static const struct row rows[] = {
        {"SELECT ROW_COUNT()", ALL, "SELECT " RR("ROW_COUNT()")},
        {"SELECT ROW_COUNT()", RESIDUE_FOUND_ROWS, SAME},
        {"SELECT ROW_COUNT()", 0, SAME},
        {"select row_count ( ) ", ALL, "select " RR("row_count ( )") " "},
        {"SELECT Row_Count/* a */( -- b\n)", ALL, "SELECT " RR("Row_Count/* a */( -- b\n)")},
        {"SELECT FOUND_ROWS(), ROW_COUNT()", ALL, "SELECT " FF("FOUND_ROWS()") ", " RR("ROW_COUNT()")},
        {"SELECT FOUND_ROWS(), ROW_COUNT()", RESIDUE_ROW_COUNT, "SELECT FOUND_ROWS(), " RR("ROW_COUNT()")},
        {"SELECT CONNECTION_ID(), `connection_id` ()", ALL, "SELECT " CC("CONNECTION_ID()") ", " C("`connection_id` ()") " AS ```connection_id`` ()`"},
        {"SELECT @@pseudo_thread_id", ALL, "SELECT " CC("@@pseudo_thread_id")},
        {"SELECT @@pseudo_thread_id", RESIDUE_ROW_COUNT | RESIDUE_WARNINGS, SAME},
        {"SELECT @@warning_count", ALL, "SELECT " W("@@warning_count") " AS `@@warning_count`"},
        {"SELECT @@Session.Warning_Count x", ALL, "SELECT " W("@@Session.Warning_Count") " x"},
        {"SELECT @@session . error_count x", ALL, "SELECT " E("@@session . error_count") " x"},
        {"SELECT @@local./* c */error_count x", RESIDUE_WARNINGS, "SELECT " E("@@local./* c */error_count") " x"},
        {"SELECT@@warning_count x", ALL, "SELECT " W("@@warning_count") " x"},
        {"DO@@error_count", ALL, "DO " E("@@error_count")},
        {"SELECT(ROW_COUNT())x", ALL, "SELECT(" R("ROW_COUNT()") ")x"},
        {"SELECT @@`warning_count` x", ALL, "SELECT " W("@@`warning_count`") " x"},
        {"SELECT @@global.warning_count", ALL, SAME},
        {"SELECT @@a.warning_count, @@warning_count.b, @@warning_counts", ALL, SAME},
        {"SELECT row_count, found_rows x, t.row_count FROM t", ALL, SAME},
        {"SELECT app.ROW_COUNT(), app . found_rows ()", ALL, SAME},
        {"SELECT ROW_COUNT(1), FOUND_ROWS(x), CONNECTION_ID(", ALL, SAME},
        {"SELECT 'ROW_COUNT()', `ROW_COUNT()` /* ROW_COUNT() */ -- ROW_COUNT()\n # ROW_COUNT()", ALL, SAME},
        {"SELECT 'it''s', 'a\\'', ROW_COUNT() x", ALL, "SELECT 'it''s', 'a\\'', " R("ROW_COUNT()") " x"},
        {"SELECT @row_count, @`found_rows()` FROM t", ALL, SAME},
        {"INSERT INTO t VALUES (ROW_COUNT(), 2, FOUND_ROWS())", RESIDUE_ROW_COUNT, "INSERT INTO t VALUES (" R("ROW_COUNT()") ", 2, FOUND_ROWS())"},
        {"INSERT INTO row_count() VALUES (ROW_COUNT())", ALL, "INSERT INTO row_count() VALUES (" R("ROW_COUNT()") ")"},
        {"INSERT INTO t SET a = ROW_COUNT()", ALL, "INSERT INTO t SET a = " R("ROW_COUNT()")},
        {"REPLACE t VALUES (1) ON DUPLICATE KEY UPDATE a = ROW_COUNT()", ALL, "REPLACE t VALUES (1) ON DUPLICATE KEY UPDATE a = " R("ROW_COUNT()")},
        {"INSERT INTO t (a) SELECT ROW_COUNT() ON DUPLICATE KEY UPDATE a = CONNECTION_ID()", ALL,
         "INSERT INTO t (a) SELECT " RR("ROW_COUNT()") " ON DUPLICATE KEY UPDATE a = " C("CONNECTION_ID()")},
        {"UPDATE t SET a = FOUND_ROWS() WHERE b = ROW_COUNT()", ALL, "UPDATE t SET a = " F("FOUND_ROWS()") " WHERE b = " R("ROW_COUNT()")},
        {"DELETE FROM t WHERE b = ROW_COUNT() ORDER BY ROW_COUNT()", ALL, "DELETE FROM t WHERE b = " R("ROW_COUNT()") " ORDER BY " R("ROW_COUNT()")},
        {"DO ROW_COUNT(), SLEEP(0)", ALL, "DO " R("ROW_COUNT()") ", SLEEP(0)"},
        {"SET @x = ROW_COUNT(), @y := @@warning_count", ALL, "SET @x = " R("ROW_COUNT()") ", @y := " W("@@warning_count")},
        {"SET @@pseudo_thread_id = @@pseudo_thread_id, @@session.pseudo_thread_id = 1", ALL,
         "SET @@pseudo_thread_id = " C("@@pseudo_thread_id") ", @@session.pseudo_thread_id = 1"},
        {"CALL p(ROW_COUNT())", ALL, "CALL p(" R("ROW_COUNT()") ")"},
        {"CALL row_count()", ALL, SAME},
        {"LOAD DATA INFILE 'f' INTO TABLE row_count() SET a = ROW_COUNT()", ALL, "LOAD DATA INFILE 'f' INTO TABLE row_count() SET a = " R("ROW_COUNT()")},
        {"KILL CONNECTION_ID()", ALL, SAME},
        {"ALTER TABLE t ALTER a SET DEFAULT (CONNECTION_ID())", ALL, SAME},
        {"CREATE VIEW v AS SELECT CONNECTION_ID()", ALL, SAME},
        {"CREATE OR REPLACE VIEW v AS SELECT 1; SELECT CONNECTION_ID()", ALL, "CREATE OR REPLACE VIEW v AS SELECT 1; SELECT " CC("CONNECTION_ID()")},
        {"CREATE TABLE t (a INT DEFAULT (CONNECTION_ID())) SELECT CONNECTION_ID() AS a", ALL,
         "CREATE TABLE t (a INT DEFAULT (CONNECTION_ID())) SELECT " C("CONNECTION_ID()") " AS a"},
        {"CREATE TEMPORARY TABLE t AS (SELECT ROW_COUNT())", ALL, "CREATE TEMPORARY TABLE t AS (SELECT " RR("ROW_COUNT()") ")"},
        {"CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW SET @a = ROW_COUNT()", ALL, SAME},
        {"CREATE PROCEDURE p() BEGIN SELECT 1; SELECT ROW_COUNT(); END", RESIDUE_ROW_COUNT, SAME},
        {"CREATE PROCEDURE p() SELECT 1; SELECT CONNECTION_ID()", ALL, LOST},
        {"EXPLAIN SELECT * FROM t WHERE a = ROW_COUNT()", ALL, "EXPLAIN SELECT * FROM t WHERE a = " R("ROW_COUNT()")},
        {"SHOW TABLES WHERE ROW_COUNT() < 8", ALL, "SHOW TABLES WHERE " R("ROW_COUNT()") " < 8"},
        {"BEGIN NOT ATOMIC SELECT 1; SELECT 2; END", ALL, SAME},
        {"IF ROW_COUNT() THEN SELECT 1; END IF", ALL, LOST},
        {"SELECT 1; SELECT ROW_COUNT(), @@warning_count, FOUND_ROWS()", ALL, SAME},
        {"SELECT ROW_COUNT(); SELECT ROW_COUNT(), CONNECTION_ID()", ALL, "SELECT " RR("ROW_COUNT()") "; SELECT ROW_COUNT(), " CC("CONNECTION_ID()")},
        {"SELECT ROW_COUNT() ; ; DO CONNECTION_ID();", ALL, "SELECT " RR("ROW_COUNT()") " ; ; DO " C("CONNECTION_ID()") ";"},
        {"SELECT ROW_COUNT(), 'unfinished", ALL, LOST},
        {"SELECT /* unfinished, ROW_COUNT()", ALL, LOST},
        {"", ALL, SAME},
        {";", ALL, SAME},
        {")", ALL, SAME},
    };
    CHECK_ROWS(rows, mariadb);
    CHECK_ROWS(rows, mysql);
}
END_TEST

START_TEST(names_of_items)
{
    static const struct row rows[] = {
        {"SELECT ROW_COUNT() AS x, ROW_COUNT() x, ROW_COUNT() 'x', ROW_COUNT() `x`, ROW_COUNT() AS \"x\"", ALL,
         "SELECT " R("ROW_COUNT()") " AS x, " R("ROW_COUNT()") " x, " R("ROW_COUNT()") " 'x', " R("ROW_COUNT()") " `x`, " R("ROW_COUNT()") " AS \"x\""},
        {"SELECT 1 + ROW_COUNT()\t, 2", ALL, "SELECT 1 + " R("ROW_COUNT()") " AS `1 + ROW_COUNT()`\t, 2"},
        {"SELECT (ROW_COUNT())", ALL, "SELECT (" R("ROW_COUNT()") ") AS `(ROW_COUNT())`"},
        {"SELECT -ROW_COUNT();", ALL, "SELECT -" R("ROW_COUNT()") " AS `-ROW_COUNT()`;"},
        {"SELECT ROW_COUNT() = 'a' 'b'", ALL, "SELECT " R("ROW_COUNT()") " = 'a' 'b' AS `ROW_COUNT() = 'a' 'b'`"},
        {"SELECT ROW_COUNT() = _utf8mb4 'a'", ALL, "SELECT " R("ROW_COUNT()") " = _utf8mb4 'a' AS `ROW_COUNT() = _utf8mb4 'a'`"},
        {"SELECT ROW_COUNT() = DATE 'a', ROW_COUNT() date", ALL,
         "SELECT " R("ROW_COUNT()") " = DATE 'a' AS `ROW_COUNT() = DATE 'a'`, " R("ROW_COUNT()") " date"},
        {"SELECT ROW_COUNT() IS NOT NULL", ALL, "SELECT " R("ROW_COUNT()") " IS NOT NULL AS `ROW_COUNT() IS NOT NULL`"},
        {"SELECT ROW_COUNT() IS NULL x", ALL, "SELECT " R("ROW_COUNT()") " IS NULL x"},
        {"SELECT a COLLATE binary + ROW_COUNT(), ROW_COUNT() COLLATE binary x", ALL,
         "SELECT a COLLATE binary + " R("ROW_COUNT()") " AS `a COLLATE binary + ROW_COUNT()`, " R("ROW_COUNT()") " COLLATE binary x"},
        {"SELECT a AND ROW_COUNT() BETWEEN b AND c, ROW_COUNT() DIV b", ALL,
         "SELECT a AND " R("ROW_COUNT()") " BETWEEN b AND c AS `a AND ROW_COUNT() BETWEEN b AND c`, " R("ROW_COUNT()") " DIV b AS `ROW_COUNT() DIV b`"},
        {"SELECT CASE ROW_COUNT() WHEN 1 THEN 2 END, CASE ROW_COUNT() WHEN 1 THEN 2 ELSE 3 END end", ALL,
         "SELECT CASE " R("ROW_COUNT()") " WHEN 1 THEN 2 END AS `CASE ROW_COUNT() WHEN 1 THEN 2 END`, CASE " R("ROW_COUNT()") " WHEN 1 THEN 2 ELSE 3 END end"},
        {"SELECT ROW_COUNT() END", ALL, "SELECT " R("ROW_COUNT()") " END"},
        {"SELECT a + INTERVAL ROW_COUNT() DAY, a + INTERVAL ROW_COUNT() DAY day", ALL,
         "SELECT a + INTERVAL " R("ROW_COUNT()") " DAY AS `a + INTERVAL ROW_COUNT() DAY`, a + INTERVAL " R("ROW_COUNT()") " DAY day"},
        {"SELECT INTERVAL(ROW_COUNT(), 1) day, INTERVAL (ROW_COUNT()) day + a", ALL,
         "SELECT INTERVAL(" R("ROW_COUNT()") ", 1) day, INTERVAL (" R("ROW_COUNT()") ") day + a AS `INTERVAL (ROW_COUNT()) day + a`"},
        {"SELECT @@sql_mode + ROW_COUNT(), t.end + ROW_COUNT(), ROW_COUNT() + t.`from`", ALL,
         "SELECT @@sql_mode + " R("ROW_COUNT()") " AS `@@sql_mode + ROW_COUNT()`, t.end + " R("ROW_COUNT()") " AS `t.end + ROW_COUNT()`, " R("ROW_COUNT()")
         " + t.`from` AS `ROW_COUNT() + t.``from```"},
        {"SELECT ROW_COUNT() + t.from x FROM t", ALL, "SELECT " R("ROW_COUNT()") " + t.from x FROM t"},
        {"SELECT SUM(ROW_COUNT()) OVER w, SUM(ROW_COUNT()) OVER (ORDER BY a) x FROM t", ALL,
         "SELECT SUM(" R("ROW_COUNT()") ") OVER w AS `SUM(ROW_COUNT()) OVER w`, SUM(" R("ROW_COUNT()") ") OVER (ORDER BY a) x FROM t"},
        {"SELECT TRIM(a FROM ROW_COUNT()), {fn ABS(ROW_COUNT())}", ALL,
         "SELECT TRIM(a FROM " R("ROW_COUNT()") ") AS `TRIM(a FROM ROW_COUNT())`, {fn ABS(" R("ROW_COUNT()") ")} AS `{fn ABS(ROW_COUNT())}`"},
        {"SELECT ALL ROW_COUNT()", ALL, "SELECT ALL " RR("ROW_COUNT()")},
        {"SELECT SQL_NO_CACHE DISTINCT SQL_CALC_FOUND_ROWS HIGH_PRIORITY STRAIGHT_JOIN ROW_COUNT()", ALL,
         "SELECT SQL_NO_CACHE DISTINCT SQL_CALC_FOUND_ROWS HIGH_PRIORITY STRAIGHT_JOIN " RR("ROW_COUNT()")},
        {"SELECT ROW_COUNT() FROM t WHERE a", ALL, "SELECT " RR("ROW_COUNT()") " FROM t WHERE a"},
        {"SELECT ROW_COUNT() INTO @x", ALL, "SELECT " RR("ROW_COUNT()") " INTO @x"},
        {"SELECT ROW_COUNT() WHERE 1 LIMIT 1", ALL, "SELECT " RR("ROW_COUNT()") " WHERE 1 LIMIT 1"},
        {"SELECT ROW_COUNT() LOCK IN SHARE MODE", ALL, "SELECT " RR("ROW_COUNT()") " LOCK IN SHARE MODE"},
        {"SELECT ROW_COUNT() UNION ALL SELECT ROW_COUNT() ORDER BY ROW_COUNT()", ALL,
         "SELECT " RR("ROW_COUNT()") " UNION ALL SELECT " RR("ROW_COUNT()") " ORDER BY " R("ROW_COUNT()")},
        {"(SELECT ROW_COUNT()) UNION (SELECT 2)", ALL, "(SELECT " RR("ROW_COUNT()") ") UNION (SELECT 2)"},
        {"SELECT a FROM t GROUP BY ROW_COUNT() HAVING ROW_COUNT() ORDER BY ROW_COUNT()", ALL,
         "SELECT a FROM t GROUP BY " R("ROW_COUNT()") " HAVING " R("ROW_COUNT()") " ORDER BY " R("ROW_COUNT()")},
        {"SELECT (SELECT ROW_COUNT()) + 1", ALL, "SELECT (SELECT " RR("ROW_COUNT()") ") + 1 AS `(SELECT ROW_COUNT()) + 1`"},
        {"SELECT (SELECT ROW_COUNT()) x, EXISTS (SELECT 1), 2", ALL, "SELECT (SELECT " RR("ROW_COUNT()") ") x, EXISTS (SELECT 1), 2"},
        {"SELECT * FROM (SELECT ROW_COUNT(), 1) d", ALL, "SELECT * FROM (SELECT " RR("ROW_COUNT()") ", 1) d"},
        {"WITH c AS (SELECT ROW_COUNT()) SELECT * FROM c", ALL, "WITH c AS (SELECT " RR("ROW_COUNT()") ") SELECT * FROM c"},
        {"SELECT a IN (SELECT b FROM c WHERE d = ROW_COUNT()), e", ALL,
         "SELECT a IN (SELECT b FROM c WHERE d = " R("ROW_COUNT()") ") AS `a IN (SELECT b FROM c WHERE d = ROW_COUNT())`, e"},
        {"SELECT CONCAT('`', ROW_COUNT(), '\\'')", ALL, "SELECT CONCAT('`', " R("ROW_COUNT()") ", '\\'') AS `CONCAT('``', ROW_COUNT(), '\\'')`"},
        {"SELECT /* a */ ROW_COUNT() /* b */ + /* c */ 1 /* d */", ALL,
         "SELECT /* a */ " R("ROW_COUNT()") " /* b */ + /* c */ 1 AS `ROW_COUNT() /* b */ + /* c */ 1` /* d */"},
        {"SELECT 1 + # a\nROW_COUNT() -- b\n+ 2", ALL, "SELECT 1 + # a\n" R("ROW_COUNT()") " -- b\n+ 2 AS `1 + # a\nROW_COUNT() -- b\n+ 2`"},
        {"SELECT /*!ROW_COUNT()*/", ALL, "SELECT /*!" RR("ROW_COUNT()") "*/"},
        {"SELECT /*! ROW_COUNT( */ ), 2", ALL, "SELECT /*! " R("ROW_COUNT( */ )") " AS `ROW_COUNT(  )`, 2"},
        {"SELECT 1 /*!50000 + ROW_COUNT() */ + 2", ALL, "SELECT 1 /*!50000 + " R("ROW_COUNT()") " */ + 2 AS `1  + ROW_COUNT()  + 2`"},
        {"SELECT ROW_COUNT() /*!99999 + 1 */ + 2", ALL, "SELECT " R("ROW_COUNT()") " /*!99999 + 1 */ + 2 AS `ROW_COUNT()  + 2`"},
        {"SELECT ROW_COUNT() /*!50000 */ + 2", ALL, "SELECT " R("ROW_COUNT()") " /*!50000 */ + 2 AS `ROW_COUNT()   + 2`"},
        {"SELECT CONCAT('\xc3\xa4\xe2\x82\xac', ROW_COUNT())", ALL,
         "SELECT CONCAT('\xc3\xa4\xe2\x82\xac', " R("ROW_COUNT()") ") AS `CONCAT('\xc3\xa4\xe2\x82\xac', ROW_COUNT())`"},
        {"((((((((((((((((((((((((((((((((((((((((((((((((((", ALL, LOST},
    };
    CHECK_ROWS(rows, mariadb);
    CHECK_ROWS(rows, mysql);
}
END_TEST

START_TEST(mariadb_only)
{
    static const struct row rows[] = {
        {"SELECT `ROW_COUNT`()", ALL, "SELECT " R("`ROW_COUNT`()") " AS ```ROW_COUNT``()`"},
        {"SELECT ROW_COUNT() FOR UPDATE", ALL, "SELECT " R("ROW_COUNT()") " AS `ROW_COUNT() FOR` FOR UPDATE"},
        {"SELECT 1, /* a */ ROW_COUNT()", ALL, "SELECT 1, /* a */ " R("ROW_COUNT()") " AS `/* a */ ROW_COUNT()`"},
        {"SELECT 1,\n-- a\nROW_COUNT() x", ALL, "SELECT 1,\n-- a\n" R("ROW_COUNT()") " x"},
        {"SELECT 1, /*! ROW_COUNT()*/", ALL, "SELECT 1, /*! " RR("ROW_COUNT()") "*/"},
        {"SELECT 1/*M!100000 +ROW_COUNT()*/+2", ALL, "SELECT 1/*M!100000 +" R("ROW_COUNT()") "*/+2 AS `1 +ROW_COUNT()+2`"},
        {"SELECT NEXT VALUE FOR s + ROW_COUNT(), ROW_COUNT() value", ALL,
         "SELECT NEXT VALUE FOR s + " R("ROW_COUNT()") " AS `NEXT VALUE FOR s + ROW_COUNT()`, " R("ROW_COUNT()") " value"},
        {"SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER () + ROW_COUNT() FROM t", ALL,
         "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER () + " R("ROW_COUNT()")
         " AS `PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER () + ROW_COUNT()` FROM t"},
        {"SELECT ROW_COUNT() window, ROW_COUNT() member OFFSET 0 ROWS", ALL, "SELECT " R("ROW_COUNT()") " window, " R("ROW_COUNT()") " member OFFSET 0 ROWS"},
        {"INSERT INTO t VALUES (1) RETURNING ROW_COUNT(), a", ALL, "INSERT INTO t VALUES (1) RETURNING " RR("ROW_COUNT()") ", a"},
        {"VALUES (ROW_COUNT())", ALL, LOST},
        {"SELECT * FROM (VALUES (ROW_COUNT())) d", ALL, LOST},
        {"SELECT 1 UNION VALUES (ROW_COUNT())", ALL, "SELECT 1 UNION VALUES (" R("ROW_COUNT()") ")"},
        {"SET STATEMENT max_statement_time = 1 FOR SELECT 1, @@warning_count", ALL,
         "SET STATEMENT max_statement_time = 1 FOR SELECT 1, " W("@@warning_count") " AS `@@warning_count`"},
        /* it has no warnings any more when a table is used */
        {"SELECT @@warning_count x FROM DUAL", ALL, "SELECT " W("@@warning_count") " x FROM DUAL"},
        {"SELECT @@warning_count x FROM t", ALL, SAME},
        {"SELECT @@warning_count FROM (SELECT 1) d", ALL, SAME},
        {"SELECT @@error_count, TRIM(a FROM b) x", ALL, "SELECT " E("@@error_count") " AS `@@error_count`, TRIM(a FROM b) x"},
        {"SET @x = (SELECT @@warning_count), @y = (SELECT a FROM t)", ALL, SAME},
        {"INSERT INTO t VALUES (@@warning_count, ROW_COUNT())", ALL, "INSERT INTO t VALUES (@@warning_count, " R("ROW_COUNT()") ")"},
        {"SHOW TABLES WHERE @@warning_count", ALL, SAME},
        /* another SELECT of the same statement may have been counted */
        {"SELECT 1 UNION SELECT FOUND_ROWS()", ALL, LOST},
        {"SELECT FOUND_ROWS() UNION SELECT 1", ALL, LOST},
        {"SELECT FOUND_ROWS(), (SELECT 1)", ALL, LOST},
        {"SELECT (SELECT LAST_INSERT_ID()), FOUND_ROWS()", ALL, LOST},
        {"SELECT FOUND_ROWS() FROM (SELECT 5) d", ALL, LOST},
        {"SELECT FOUND_ROWS(), (SELECT ROW_COUNT()) x", RESIDUE_ROW_COUNT, "SELECT FOUND_ROWS(), (SELECT " RR("ROW_COUNT()") ") x"},
        {"SELECT (1 + FOUND_ROWS()) x, ABS(FOUND_ROWS()) y", ALL, "SELECT (1 + " F("FOUND_ROWS()") ") x, ABS(" F("FOUND_ROWS()") ") y"},
        /* characters that its names can't have */
        {"SELECT CONCAT('\xf0\x9f\x98\x80''\\n', ROW_COUNT())", ALL,
         "SELECT CONCAT('\xf0\x9f\x98\x80''\\n', " R("ROW_COUNT()") ") AS 'CONCAT(''\xf0\x9f\x98\x80''''\\\\n'', ROW_COUNT())'"},
        {"SELECT CONCAT('\xff\xc3\xa4\xe4', ROW_COUNT())", ALL, "SELECT CONCAT('\xff\xc3\xa4\xe4', " R("ROW_COUNT()") ") AS `CONCAT('\\xFF\xc3\xa4\\xE4', ROW_COUNT())`"},
    };
    CHECK_ROWS(rows, mariadb);
}
END_TEST

START_TEST(mysql_only)
{
    static const struct row rows[] = {
        {"SELECT `ROW_COUNT`()", ALL, SAME},
        {"SELECT ROW_COUNT() FOR UPDATE", ALL, "SELECT " RR("ROW_COUNT()") " FOR UPDATE"},
        {"SELECT 1, /* a */ ROW_COUNT()", ALL, "SELECT 1, /* a */ " RR("ROW_COUNT()")},
        {"SELECT 1/*M!100000 + 5 */+ROW_COUNT()", ALL, "SELECT 1/*M!100000 + 5 */+" R("ROW_COUNT()") " AS `1/*M!100000 + 5 */+ROW_COUNT()`"},
        {"SELECT 1/*!50000 +ROW_COUNT()*/+2", ALL, "SELECT 1/*!50000 +" R("ROW_COUNT()") "*/+2 AS `1 +ROW_COUNT() +2`"},
        {"SELECT ROW_COUNT() offset, ROW_COUNT() returning, ROW_COUNT() WINDOW w AS ()", ALL,
         "SELECT " R("ROW_COUNT()") " offset, " R("ROW_COUNT()") " returning, " RR("ROW_COUNT()") " WINDOW w AS ()"},
        {"SELECT ROW_COUNT() MEMBER OF (a), ROW_COUNT() member", ALL,
         "SELECT " R("ROW_COUNT()") " MEMBER OF (a) AS `ROW_COUNT() MEMBER OF (a)`, " R("ROW_COUNT()") " member"},
        {"VALUES ROW(ROW_COUNT())", ALL, "VALUES ROW(" R("ROW_COUNT()") ")"},
        {"SELECT @@warning_count x FROM t", ALL, "SELECT " W("@@warning_count") " x FROM t"},
        {"UPDATE t SET a = @@warning_count", ALL, "UPDATE t SET a = " W("@@warning_count")},
        {"SELECT 1 UNION SELECT FOUND_ROWS()", ALL, "SELECT 1 UNION SELECT " FF("FOUND_ROWS()")},
        {"SELECT @@warning_count y, FOUND_ROWS() x", ALL, "SELECT " W("@@warning_count") " y, " F("FOUND_ROWS()") " x"},
        {"SELECT CONCAT('\xf0\x9f\x98\x80', ROW_COUNT())", ALL, "SELECT CONCAT('\xf0\x9f\x98\x80', " R("ROW_COUNT()") ") AS `CONCAT('?', ROW_COUNT())`"},
        {"SELECT CONCAT('\xff\xed\xa0\x80', ROW_COUNT())", ALL, "SELECT CONCAT('\xff\xed\xa0\x80', " R("ROW_COUNT()") ") AS `CONCAT('?" "?" "?" "?', ROW_COUNT())`"},
    };
    CHECK_ROWS(rows, mysql);
}
END_TEST

START_TEST(other_modes)
{
    static const struct row eight_bit = {"SELECT CONCAT('\xe4\xff', ROW_COUNT())", ALL,
                                         "SELECT CONCAT('\xe4\xff', " R("ROW_COUNT()") ") AS `CONCAT('\xe4\xff', ROW_COUNT())`"};
    static const struct row ansi = {"SELECT ROW_COUNT() \"x\", \"a`\" + ROW_COUNT()", ALL,
                                    "SELECT " R("ROW_COUNT()") " \"x\", \"a`\" + " R("ROW_COUNT()") " AS `\"a``\" + ROW_COUNT()`"};
    static const struct row plain = {"SELECT CONCAT('\xf0\x9f\x98\x80\\', ROW_COUNT())", ALL,
                                     "SELECT CONCAT('\xf0\x9f\x98\x80\\', " R("ROW_COUNT()") ") AS 'CONCAT(''\xf0\x9f\x98\x80\\'', ROW_COUNT())'"};
    struct lexer_modes modes = mariadb;

    modes.eight_bit = true;
    check_row(&eight_bit, modes);
    modes = mariadb;
    modes.ansi_quotes = true;
    check_row(&ansi, modes);
    modes = mariadb;
    modes.no_backslash_escapes = true;
    check_row(&plain, modes);
}
END_TEST

START_TEST(show_count)
{
    static const struct row rows[] = {
        {"SHOW COUNT(*) WARNINGS", ALL, "SELECT " W("@@session.warning_count") " AS `@@session.warning_count`"},
        {"show count( * ) errors ; SELECT CONNECTION_ID()", ALL, "SELECT " E("@@session.error_count") " AS `@@session.error_count` ; SELECT " CC("CONNECTION_ID()")},
        {" /* a */ SHOW/*!50000 COUNT(*)*/ WARNINGS -- b", ALL, " /* a */ SELECT " W("@@session.warning_count") " AS `@@session.warning_count` -- b"},
        {"SHOW COUNT(*) WARNINGS", RESIDUE_ROW_COUNT, SAME},
        {"SELECT 1; SHOW COUNT(*) WARNINGS", ALL, SAME},
        {"SHOW COUNT (*) WARNINGS", ALL, LOST},
        {"SHOW COUNT(*) WARNINGS LIMIT 1", ALL, LOST},
        {"SHOW COUNT(*) /*! WARNINGS */", ALL, LOST},
        {"SHOW COUNT(*)", ALL, LOST},
        {"SHOW WARNINGS", ALL, LOST},
        {"SHOW ERRORS LIMIT 1", ALL, LOST},
        {"GET DIAGNOSTICS @a = NUMBER", ALL, LOST},
        {"SHOW WARNINGS", RESIDUE_ROW_COUNT, SAME},
        {"SHOW TABLES", ALL, SAME},
    };
    CHECK_ROWS(rows, mariadb);
    CHECK_ROWS(rows, mysql);
}
END_TEST

/* "SELECT 1<zeros> + ROW_COUNT()": the length of the alias, and of the name in the text. */
static size_t alias_length(size_t zeros, struct lexer_modes modes)
{
    static char text[5000];
    static uint8_t room[ROOM];
    struct wire_writer w = wire_writer(room, sizeof(room));
    int length;
    const char *alias;

    memset(text, '0', sizeof(text));
    memcpy(text, "SELECT 1", 8);
    length = (int)(8 + zeros);
    memcpy(text + length, " + ROW_COUNT()", 14);
    ck_assert(residue_text_write(&w, (const uint8_t *)text, (size_t)length + 14, modes, ALL, &values));
    wire_put_u8(&w, 0);
    alias = strstr((char *)room, " AS `");
    ck_assert_ptr_nonnull(alias);
    return strlen(alias) - strlen(" AS ``");
}

START_TEST(long_names)
{
    struct lexer_modes eight_bit = mariadb;

    eight_bit.eight_bit = true;
    ck_assert_uint_eq(alias_length(60, mariadb), 75);
    ck_assert_uint_eq(alias_length(240, mariadb), 255);
    ck_assert_uint_eq(alias_length(241, mariadb), 255);
    ck_assert_uint_eq(alias_length(4900, mariadb), 255);
    ck_assert_uint_eq(alias_length(4900, mysql), 255); /* with more it would warn */
    ck_assert_uint_eq(alias_length(4900, eight_bit), 1100);
}
END_TEST

START_TEST(no_room)
{
    const char *text = "SELECT ROW_COUNT(), (SELECT @@warning_count); SELECT CONNECTION_ID()";
    static uint8_t room[ROOM];
    struct wire_writer w = wire_writer(room, sizeof(room));
    size_t needed;

    ck_assert(residue_text_write(&w, (const uint8_t *)text, strlen(text), mariadb, ALL, &values));
    needed = wire_written(&w);
    for (size_t size = 0; size <= needed; size++) {
        uint8_t *bytes = malloc(size ? size : 1);
        w = wire_writer(bytes, size);
        ck_assert(residue_text_write(&w, (const uint8_t *)text, strlen(text), mariadb, ALL, &values) == (size == needed));
        free(bytes);
    }
}
END_TEST

/* MySQL with IGNORE_SPACE: white space behind a bare name is in the item's name. */
START_TEST(spaces_behind_names)
{
    static const struct row rows[] = {
        {"SELECT ROW_COUNT() IS NULL LIMIT 1", ALL, "SELECT " R("ROW_COUNT()") " IS NULL AS `ROW_COUNT() IS NULL ` LIMIT 1"},
        {"SELECT ROW_COUNT() = n \n\t, 2", ALL, "SELECT " R("ROW_COUNT()") " = n AS `ROW_COUNT() = n \n\t` \n\t, 2"},
        {"SELECT ROW_COUNT() IS NULL /* c */ , 2", ALL, "SELECT " R("ROW_COUNT()") " IS NULL AS `ROW_COUNT() IS NULL ` /* c */ , 2"},
        {"SELECT ROW_COUNT() IS NULL/**/ , 2", ALL, "SELECT " R("ROW_COUNT()") " IS NULL AS `ROW_COUNT() IS NULL`/**/ , 2"},
        {"SELECT ROW_COUNT() IS NULL ; ", ALL, "SELECT " R("ROW_COUNT()") " IS NULL AS `ROW_COUNT() IS NULL` ; "},
        {"SELECT ROW_COUNT() IS NULL ; SELECT 2", ALL, "SELECT " R("ROW_COUNT()") " IS NULL AS `ROW_COUNT() IS NULL ` ; SELECT 2"},
        {"SELECT ROW_COUNT() IS NULL x , 2", ALL, "SELECT " R("ROW_COUNT()") " IS NULL x , 2"},
        {"SELECT ROW_COUNT() = t.v , 2", ALL, "SELECT " R("ROW_COUNT()") " = t.v AS `ROW_COUNT() = t.v` , 2"},
        {"SELECT ROW_COUNT() = t. v , 2", ALL, "SELECT " R("ROW_COUNT()") " = t. v AS `ROW_COUNT() = t. v ` , 2"},
        {"SELECT ROW_COUNT() = @@sql_notes , 2", ALL, "SELECT " R("ROW_COUNT()") " = @@sql_notes AS `ROW_COUNT() = @@sql_notes` , 2"},
        {"SELECT ROW_COUNT() = 1a , 2", ALL, "SELECT " R("ROW_COUNT()") " = 1a AS `ROW_COUNT() = 1a` , 2"},
        {"SELECT ROW_COUNT() , 2", ALL, "SELECT " RR("ROW_COUNT()") " , 2"},
    };
    struct lexer_modes modes = mysql;

    modes.spaces = SPACES_TAKEN;
    CHECK_ROWS(rows, modes);
    modes.spaces = SPACES_UNKNOWN;
    check_row(&(struct row){"SELECT ROW_COUNT() IS NULL LIMIT 1", ALL, LOST}, modes);
    check_row(&(struct row){"SELECT ROW_COUNT() IS NULL", ALL, "SELECT " R("ROW_COUNT()") " IS NULL AS `ROW_COUNT() IS NULL`"}, modes);
}
END_TEST

START_TEST(a_list_that_is_not_empty)
{
    const struct residue_values listed = {.warning_count = 9, .listed = true};
    const char *text = "SELECT @@warning_count x", *expected = "SELECT IF(1,CAST(9 AS UNSIGNED),@@warning_count) x";
    uint8_t room[200];
    struct wire_writer w = wire_writer(room, sizeof(room));

    ck_assert(residue_text_write(&w, (const uint8_t *)text, strlen(text), mariadb, ALL, &listed));
    ck_assert_uint_eq(wire_written(&w), strlen(expected));
    ck_assert_mem_eq(room, expected, strlen(expected));
}
END_TEST

START_TEST(values_at_their_bounds)
{
    const struct residue_values bounds = {-1, INT64_MAX, UINT64_MAX, 0, UINT32_MAX, false};
    const char *text = "SELECT ROW_COUNT() a, FOUND_ROWS() b, @@warning_count c, @@error_count d, CONNECTION_ID() e";
    const char *expected = "SELECT IF(1,-1,ROW_COUNT()) a, IF(1,9223372036854775807,FOUND_ROWS()) b, IF(@@warning_count=0,CAST(18446744073709551615 AS UNSIGNED),@@warning_count) c, "
                           "IF(@@warning_count=0,CAST(0 AS UNSIGNED),@@error_count) d, IF(1,CAST(4294967295 AS UNSIGNED),CONNECTION_ID()) e";
    uint8_t room[1000];
    struct wire_writer w = wire_writer(room, sizeof(room));

    ck_assert(residue_text_write(&w, (const uint8_t *)text, strlen(text), mariadb, ALL, &bounds));
    ck_assert_uint_eq(wire_written(&w), strlen(expected));
    ck_assert_mem_eq(room, expected, strlen(expected));
}
END_TEST

Suite *residue_text_suite(void)
{
    Suite *suite = suite_create("residue_text");
    TCase *tests = tcase_create("residue_text");

    tcase_add_test(tests, what_is_replaced);
    tcase_add_test(tests, names_of_items);
    tcase_add_test(tests, mariadb_only);
    tcase_add_test(tests, mysql_only);
    tcase_add_test(tests, other_modes);
    tcase_add_test(tests, show_count);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, no_room);
    tcase_add_test(tests, spaces_behind_names);
    tcase_add_test(tests, a_list_that_is_not_empty);
    tcase_add_test(tests, values_at_their_bounds);
    suite_add_tcase(suite, tests);
    return suite;
}
