"""Phrases that write outside of transactions, and that ask what the statement before left: ids, counts, warnings."""
from fuzz_grammar import phrase
from fuzz_reads import limit, scalar

RESIDUE = ("LAST_INSERT_ID()", "ROW_COUNT()", "FOUND_ROWS()", "@@identity", "@@last_insert_id", "@@warning_count",
           "@@error_count")
SPELLINGS = {"LAST_INSERT_ID()": ("last_insert_id()", "LAST_INSERT_ID( )", "Last_Insert_Id()", "LAST_INSERT_ID/**/()",
                                  "(LAST_INSERT_ID())", "(SELECT LAST_INSERT_ID())"),
             "ROW_COUNT()": ("row_count()", "ROW_COUNT( )", "(ROW_COUNT())", "(SELECT ROW_COUNT())", "ROW_COUNT ()",
                             "Row_Count(/* */)"),
             "FOUND_ROWS()": ("found_rows()", "FOUND_ROWS( )", "(FOUND_ROWS())", "(SELECT FOUND_ROWS())", "FOUND_ROWS ()",
                              "FOUND_ROWS(\n)"),
             "@@identity": ("@@IDENTITY", "@@session.identity", "@@local.identity", "@@`identity`"),
             "@@last_insert_id": ("@@session.last_insert_id", "@@Last_Insert_Id"),
             "@@warning_count": ("@@session.warning_count", "@@WARNING_COUNT"), "@@error_count": ("@@local.error_count",
                                                                                                  "@@Error_Count")}


def residue(x):
    name = x.pick(RESIDUE)
    return x.pick(SPELLINGS[name]) if x.chance(0.25) else name


def residue_expression(x):
    r = residue(x)
    return x.pick((r, r, r, r + " + 1", f"CONCAT({r}, '')", f"IF({r} > 0, 'some', 'none')", f"-{r}", f"{r} = {residue(x)}",
                   f"COALESCE({r}, 0)", f"CAST({r} AS CHAR)",
                   f"MAX({r})", f"HEX({r})", f"({r})", f"{r} IS NULL", f"GREATEST({r}, 1)"))


def ask(x):
    """A question about the statement before."""
    r = residue(x)
    t = "t_" + x.name
    x.do(x.pick((
        lambda: f"SELECT {r}", lambda: f"SELECT {r}", lambda: f"SELECT {r}", lambda: f"SELECT {r}",
        lambda: "SELECT " + ", ".join(residue_expression(x) + x.pick(("", "", " AS x", " y", " AS `ROW_COUNT()`",
                                                                      " AS 'f'")) for _ in range(x.number(1, 4)))
        + x.pick(("", "", " FROM DUAL", " LIMIT 1", " AS z FROM DUAL WHERE 1")),
        lambda: f"SELECT 'decoy ROW_COUNT()', {r}, 1 AS `FOUND_ROWS()`", lambda: f"SELECT 5 WHERE {r} >= 0",
        lambda: f"SELECT {scalar(x, 1)}, {r}",
        lambda: f"SELECT q.r FROM (SELECT {r} AS r) q", lambda: f"SELECT {r} UNION SELECT {residue(x)}",
        lambda: f"SELECT {r} FROM s ORDER BY id" + limit(x),
        lambda: f"SELECT v FROM {t} WHERE id = {r}", lambda: f"SELECT id, {r} FROM {t} ORDER BY id",
        lambda: f"WITH c AS (SELECT {r} AS r) SELECT r FROM c",
        lambda: f"INSERT INTO {t} (v) VALUES ({r})",
        lambda: f"INSERT INTO {t} (v, s) VALUES (LAST_INSERT_ID(), {r}), ({r}, 'x')",
        lambda: f"UPDATE {t} SET v = {r} WHERE id < 3",
        lambda: f"INSERT INTO {t} (v) SELECT {r} FROM s", lambda: f"DO {r}",
        lambda: f"SELECT COUNT(*) FROM {t} WHERE id <= {r}", lambda: f"SET sort_buffer_size = 100000 + {r}",
        lambda: f"DELETE FROM {t} WHERE id = {r}", lambda: f"SELECT SQL_CALC_FOUND_ROWS {r} FROM s LIMIT 1",
        lambda: f"SELECT GREATEST({r}, {residue(x)})"))())


def ask_some(x, least=0, most=3):
    for _ in range(x.number(least, most)):
        ask(x)


def value(x):
    return x.pick(("NULL", "0", "1", "7", "-3", "DEFAULT", str(x.number(1, 99)), "1 + 1", "LAST_INSERT_ID()", "ABS(-4)",
                   "(SELECT COUNT(*) FROM d)"))


@phrase(14)
def insert(x):
    t = x.table()
    x.do(x.pick((
        lambda: f"INSERT INTO {t} (v) VALUES ({value(x)})", lambda: f"INSERT INTO {t} (v) VALUES (1), (2), (3)",
        lambda: f"INSERT {t} SET v = {value(x)}",
        lambda: f"INSERT INTO {t} VALUES ({x.number(1, 60)}, 5, 'explicit')",
        lambda: f"INSERT INTO {t} (id, v) VALUES (NULL, 1), (1, 1)",
        lambda: f"INSERT IGNORE INTO {t} (id, v) VALUES (1, 1), (NULL, 2)",
        lambda: f"INSERT IGNORE INTO {t} VALUES (1, 1, 'dup')",
        lambda: f"INSERT INTO {t} (id, v) VALUES (1, 5) ON DUPLICATE KEY UPDATE v = VALUES(v) + 1",
        lambda: f"INSERT INTO {t} (id) VALUES (0)",
        lambda: f"INSERT INTO {t} (id, v) VALUES (2, 5) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), v = v + 1",
        lambda: f"REPLACE INTO {t} (id, v) VALUES ({x.number(1, 6)}, 9)", lambda: f"REPLACE INTO {t} (v) VALUES (4), (5)",
        lambda: f"INSERT INTO {t} (v) SELECT id FROM d WHERE id < {x.number(1, 6)}",
        lambda: f"INSERT INTO {t} SELECT NULL, id, 'sel' FROM d",
        lambda: f"INSERT INTO {t} () VALUES ()", lambda: f"INSERT INTO {t} (v) VALUES (1); ",
        lambda: f"INSERT INTO {t} (s) VALUES ('{x.pick(('a', 'ü', 'x' * 30))}')",
        lambda: f"INSERT INTO s (who, v) VALUES ('{x.name}', {value(x)})",
        lambda: f"INSERT INTO app.s (who) VALUES ('{x.name}'), ('{x.name}')",
        lambda: f"INSERT INTO w_plain (who, v) VALUES ('{x.name}', 8)",
        lambda: f"INSERT INTO {t} (v) VALUES (3)" + (" RETURNING id, v" if x.mariadb else " AS n ON DUPLICATE KEY UPDATE v = n.v")))())
    ask_some(x)


@phrase(5)
def insert_badly(x):
    t, u = "t_" + x.name, "u_" + x.name
    x.do(x.pick((f"INSERT INTO {t} (id, v) VALUES (1, 1)", f"INSERT INTO {u} (k, n) VALUES (NULL, 'x')",
                 f"INSERT INTO {u} (n) VALUES ('x')", f"INSERT INTO {u} (k, n) VALUES (1, 'dup')",
                 f"INSERT INTO {u} (k, n) VALUES (7, 'x'), (7, 'y')", f"INSERT INTO {u} (k, n) VALUES (8, 'too long')",
                 "INSERT INTO nosuch VALUES (1)", f"INSERT INTO {t} (nosuch) VALUES (1)",
                 f"INSERT INTO {t} VALUES (1)", f"INSERT INTO {t} (v) VALUES ('abc')",
                 f"INSERT INTO {t} (v) VALUES (99999999999)",
                 f"INSERT IGNORE INTO {u} (k, n) VALUES (NULL, 'too long'), ('x', 'y')",
                 f"INSERT INTO {t} (v) VALUES 1", f"UPDATE {t} SET id = 1 WHERE id > 1", f"UPDATE {t} SET nosuch = 1",
                 f"INSERT INTO {u} (k, n) VALUES (20, 'a'), (1, 'dup'), (21, 'b')",
                 f"REPLACE INTO {u} (k, n) VALUES (1, 'a'), (NULL, 'b')", f"UPDATE {u} SET k = NULL",
                 f"INSERT INTO {u} (k, n) VALUES (30, 'a') ON DUPLICATE KEY UPDATE k = NULL",
                 "DELETE FROM nosuch WHERE id = 1", f"INSERT INTO {u} SELECT id, NULL, 'x' FROM d",
                 "INSERT INTO tz (v) VALUES (1), (-1)", f"UPDATE {t} SET v = 1 / 0", f"UPDATE {t} SET v = 'x1'")))
    ask_some(x, 0, 2)
    if x.chance(0.5):
        diagnostics(x)


@phrase(7)
def change(x):
    t = x.table()
    x.do(x.pick((f"UPDATE {t} SET v = v + 1 WHERE id = {x.number(1, 7)}", f"UPDATE {t} SET v = 5",
                 f"UPDATE {t} SET v = 5 WHERE 0", f"DELETE FROM {t} WHERE id = {x.number(1, 9)}",
                 f"DELETE FROM {t} ORDER BY id DESC LIMIT 1", f"UPDATE {t} SET s = 'x' ORDER BY id LIMIT 2",
                 f"DELETE FROM {t} WHERE id > 100", f"UPDATE {t} SET v = LAST_INSERT_ID(v + 1000) WHERE id = 1",
                 f"DELETE FROM {t}", f"UPDATE {t} a JOIN d b ON a.id = b.id SET a.v = b.i8",
                 f"DELETE a FROM {t} a JOIN d b ON a.id = b.id WHERE b.id = 3", f"TRUNCATE TABLE t_{x.name}"
                 if x.chance(0.2) else f"UPDATE IGNORE {t} SET id = 1 WHERE id < 3",
                 f"DELETE FROM {t} WHERE id = 2 RETURNING *" if x.mariadb else f"DELETE FROM {t} WHERE id = 2")))
    ask_some(x)


@phrase(8)
def insert_id(x):
    t = x.table()
    x.do(x.pick((f"SELECT LAST_INSERT_ID({x.number(0, 999)})", f"DO LAST_INSERT_ID({x.number(0, 999)})",
                 f"UPDATE {t} SET v = LAST_INSERT_ID(v + 1)", "SELECT LAST_INSERT_ID(18446744073709551615)",
                 f"INSERT INTO {t} (v) VALUES (LAST_INSERT_ID(77))", "SET last_insert_id = 99", "SET @@identity = 5",
                 "SET SESSION last_insert_id = 2, sort_buffer_size = 200000", "SELECT LAST_INSERT_ID(NULL)",
                 "SELECT LAST_INSERT_ID('x')", "SELECT LAST_INSERT_ID(id) FROM s ORDER BY id",
                 f"SELECT id FROM {t} WHERE LAST_INSERT_ID(id + 50) ORDER BY id", "SELECT LAST_INSERT_ID(-1)",
                 f"INSERT INTO {t} (v) VALUES (1)", "SET insert_id = 300", "SET @@session.identity = 18446744073709551615",
                 "SELECT LAST_INSERT_ID(5), LAST_INSERT_ID()", "SET identity = DEFAULT")))
    if x.chance(0.3):
        x.do(f"INSERT INTO {t} (v) VALUES ({value(x)})")
    ask_some(x, 1, 3)


@phrase(8)
def found_rows(x):
    t = x.any_table()
    x.do(x.pick((f"SELECT * FROM {t} ORDER BY id LIMIT {x.number(0, 3)}",
                 f"SELECT SQL_CALC_FOUND_ROWS id FROM {t} ORDER BY id LIMIT {x.number(0, 3)}", f"SELECT id FROM {t} WHERE 0",
                 "SELECT 1 UNION SELECT 2",
                 f"(SELECT id FROM {t} ORDER BY id LIMIT 2) UNION ALL (SELECT 5)",
                 f"SELECT id FROM {t} UNION ALL SELECT id FROM s ORDER BY 1 LIMIT 1",
                 "SELECT SQL_CALC_FOUND_ROWS 1 UNION SELECT 2 LIMIT 1",
                 f"SELECT COUNT(*) FROM {t}", f"SELECT id % 2, COUNT(*) FROM {t} GROUP BY 1 ORDER BY 1 LIMIT 1",
                 f"SELECT SQL_CALC_FOUND_ROWS DISTINCT id % 2 FROM {t} LIMIT 1", "SHOW DATABASES", "SELECT 1 LIMIT 0",
                 "SHOW COLUMNS FROM d", "SELECT nosuch", f"SELECT * FROM {t} ORDER BY id LIMIT 2, 2",
                 "SELECT FOUND_ROWS() UNION SELECT 9", "DESCRIBE d", "SHOW VARIABLES LIKE 'sql_mode'")))
    if x.chance(0.25):
        x.do(x.pick(("!ping", f"UPDATE t_{x.name} SET v = 3", "DO 1", "SET sort_buffer_size = 250000", "USE app",
                     "!init-db app", f"INSERT INTO t_{x.name} (v) VALUES (1)", "SHOW WARNINGS")))
    x.do(x.pick(("SELECT FOUND_ROWS()", "SELECT FOUND_ROWS() AS n", "SELECT FOUND_ROWS() + 0, ROW_COUNT()",
                 "SELECT found_rows( ) FROM DUAL", "SELECT IF(FOUND_ROWS() > 1, 'many', 'few')")))
    ask_some(x, 0, 2)


def diagnostics(x):
    for _ in range(x.number(1, 3)):
        x.do(x.pick(("SHOW WARNINGS", "SHOW WARNINGS", "SHOW WARNINGS", "SHOW ERRORS", "SHOW COUNT(*) WARNINGS",
                     "SHOW COUNT(*) ERRORS", "SHOW WARNINGS LIMIT 1", "SHOW WARNINGS LIMIT 1, 1", "SHOW ERRORS LIMIT 1",
                     "SELECT @@warning_count", "SELECT @@error_count, @@warning_count", "SELECT @@session.warning_count AS w",
                     "show warnings", "SHOW /* x */ WARNINGS")))


@phrase(10)
def warnings(x):
    t, u = "t_" + x.name, "u_" + x.name
    x.do(x.pick(("SELECT 1 / 0", "SELECT CAST('x' AS SIGNED)", "SELECT 'abc' + 1", "DROP TABLE IF EXISTS nosuch",
                 "DROP TABLE IF EXISTS nosuch, nosuch2", "DO 1 / 0", "DO 1 / 0, CAST('y' AS SIGNED)",
                 f"INSERT IGNORE INTO {u} (k, n) VALUES ('x', 'too long')", f"INSERT IGNORE INTO {t} (id) VALUES (1), (2)",
                 "SELECT DATE '2020-13-01'", "SELECT STR_TO_DATE('x', '%Y')",
                 "SELECT CONVERT('ä日' USING latin1)", f"CREATE TABLE IF NOT EXISTS {t} (i INT)",
                 "SELECT a.id / 0 FROM d a, d b, d c", f"UPDATE IGNORE {t} SET v = 'x1' WHERE id < 3", "SELECT @@nosuch",
                 "SELECT CAST('99999999999999999999' AS UNSIGNED)", "DROP VIEW IF EXISTS nosuch",
                 "DROP PROCEDURE IF EXISTS nosuch", f"DELETE FROM {t} WHERE s = 5", "SELECT * FROM s WHERE who = 1",
                 f"INSERT INTO {t} (v) VALUES ('5x')", "SELECT INET_ATON('x')", "SELECT nosuch", "SELECT LAST_INSERT_ID('x')",
                 "SELECT CAST(1e30 AS SIGNED)", "SET sql_select_limit = -1", "SELECT CAST('2020-02-31' AS DATE)",
                 f"INSERT IGNORE INTO {u} (k, n) VALUES (NULL, NULL)", "SELECT ADDTIME('x', 'y')",
                 "SELECT LOG(0), SQRT(-1), LN(-1)")))
    if x.chance(0.35):
        x.do(x.pick(("SELECT 1", "!ping", "DO 0", "SET sort_buffer_size = 250000", "USE app", "!init-db app",
                     "SELECT COUNT(*) FROM s", "SHOW DATABASES", "SELECT LAST_INSERT_ID()", "SELECT FOUND_ROWS()",
                     "SHOW WARNINGS", "SELECT 5 FROM DUAL", "SELECT 'x' = 1", f"UPDATE {t} SET v = 1 WHERE 0", "!raw b''",
                     "BEGIN WORK WORK", "SHOW VARIABLES LIKE 'autocommit'")))
    diagnostics(x)
    ask_some(x, 0, 2)


@phrase(2)
def stored_writes(x):
    """Triggers and views that set nothing of the session's, but ids."""
    x.do(x.pick(("INSERT INTO tp (v) VALUES (1)", "INSERT INTO tp (v) VALUES (1), (2)", "INSERT INTO tz (v) VALUES (5)",
                 "INSERT INTO tz (v) VALUES (-1)", f"INSERT INTO w_plain (who) VALUES ('{x.name}')",
                 "SELECT * FROM log ORDER BY id", "SELECT f_log(3)")))
    ask_some(x, 1, 2)


@phrase(3)
def questions(x):
    ask_some(x, 1, 4)


@phrase(4)
def stored_questions(x):
    """Stored code that reads what the statement before left; see --residue-code."""
    x.do(x.pick((f"INSERT INTO t_{x.name} (v) VALUES (1), (2)", f"UPDATE t_{x.name} SET v = 6",
                 "SELECT id FROM d ORDER BY id LIMIT 3", "SELECT id FROM d WHERE 0", "DO 0")))
    x.do(x.pick(("SELECT * FROM w_last", "SELECT * FROM w_rows", "SELECT * FROM w_found", "SELECT f_rows()", "SELECT f_found()",
                 "SELECT f_rows(), ROW_COUNT()", "SELECT r, l FROM w_rows", "SELECT f FROM w_found")))


@phrase(2)
def load_data(x):
    x.do(f"LOAD DATA LOCAL INFILE 'f.csv' INTO TABLE t_{x.name} (v)")
    x.do("SHOW WARNINGS")
    ask_some(x, 0, 2)


@phrase(4)
def several(x):
    """Several statements in a text; refused without the capability or COM_SET_OPTION."""
    if x.chance(0.6):
        x.do("!set-option 0")
    t = "t_" + x.name
    parts = x.some(["SELECT 1", f"INSERT INTO {t} (v) VALUES (1)", "SELECT LAST_INSERT_ID()", "SELECT nosuch",
                    "SET sort_buffer_size = 270000", "SELECT ROW_COUNT()", f"UPDATE {t} SET v = 2", "SELECT FOUND_ROWS()",
                    "DO 1 / 0", "SHOW WARNINGS", "USE other", "USE app", "SET NAMES latin1", "SELECT 'a' = 'A'",
                    "SELECT 1 LIMIT 0", f"INSERT INTO {t} (id) VALUES (1)", "SELECT 'it''s; not two'", ""], 2, 4)
    x.do("; ".join(parts))
    ask_some(x, 1, 2)
    if x.chance(0.4):
        x.do(x.pick(("SHOW WARNINGS", "SELECT @@sort_buffer_size, @@collation_connection", "SELECT DATABASE()")))
    if x.chance(0.5):
        x.do("!set-option 1")
