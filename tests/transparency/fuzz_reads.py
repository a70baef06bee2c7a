"""Phrases that only read: expressions of many types, SELECTs of many forms, SHOW, commands without a statement."""
from fuzz_grammar import phrase

TYPE_COLUMNS = "id i8 u64 de f do b dt tm ts y c vc bi tx bl e st l1 tsz".split()
STRINGS = ("'a'", "'Ä'", "''", "'it''s'", r"'it\'s'", r"'a\\b'", r"'\n\t\0'", '"dq"', '"a""b"', "N'n'", "x'41'", "0x4142",
           "b'1000001'",
           "_latin1'e'", "_utf8mb4'é' COLLATE utf8mb4_bin", "'日本😀'", "'a' 'b'", "'LAST_INSERT_ID()'", "'@@x'", "'; SELECT 2'",
           "'--'", "'/*'")
NUMBERS = ("0", "1", "-1", "42", "1.5", "-0.0", "1e3", "1.5e-3", "18446744073709551615", "9223372036854775807",
           "99999999999999999999.5", "NULL",
           "TRUE", "0x7f", ".5", "007")


def number(x, depth=2):
    """An expression that is a number, mostly."""
    if depth <= 0 or x.chance(0.25):
        return x.pick(NUMBERS)
    n = lambda: number(x, depth - 1)  # noqa: E731
    s = lambda: string(x, depth - 1)  # noqa: E731
    return x.pick((
        lambda: f"{n()} + {n()}", lambda: f"{n()} * {n()}", lambda: f"{n()} / {n()}", lambda: f"({n()}) DIV 3",
        lambda: f"{n()} % 7", lambda: f"-({n()})",
        lambda: f"ABS({x.number(-9, 9)})", lambda: f"MOD({x.number(1, 99)}, {x.number(0, 9)})",
        lambda: f"ROUND({n()}, {x.number(0, 3)})",
        lambda: f"LENGTH({s()})", lambda: f"CHAR_LENGTH({s()})", lambda: f"ASCII({s()})", lambda: f"CAST({s()} AS SIGNED)",
        lambda: f"CAST({n()} AS DECIMAL(20,4))", lambda: f"IF({n()}, {n()}, {n()})",
        lambda: f"CASE WHEN {n()} THEN {n()} ELSE {n()} END",
        lambda: f"COALESCE(NULL, {n()})", lambda: f"{n()} = {n()}", lambda: f"{n()} <=> {n()}", lambda: f"{s()} LIKE {s()}",
        lambda: f"{n()} IN (1, 2, {n()})",
        lambda: f"{n()} BETWEEN 0 AND 5", lambda: f"{n()} IS NULL", lambda: f"NOT {n()}", lambda: f"{n()} AND {n()}",
        lambda: f"{n()} XOR 1",
        lambda: f"{x.number(0, 255)} & 15 | 64", lambda: f"1 << {x.number(0, 63)}", lambda: f"CRC32({s()})",
        lambda: f"STRCMP({s()}, {s()})",
        lambda: f"INTERVAL({n()}, 1, 10)", lambda: f"FIELD({s()}, 'a', 'b')", lambda: f"(SELECT MAX(id) FROM {x.any_table()})",
        lambda: "1 / 0",
        lambda: f"EXISTS (SELECT 1 FROM s WHERE id > {x.number(0, 9)})", lambda: f"{s()} = {s()}", lambda: "RAND(5)",
        lambda: f"GREATEST({n()}, {n()})",
        lambda: "UNIX_TIMESTAMP('2020-06-01 00:00:00')", lambda: "DATEDIFF('2020-03-01', '2020-02-01')",
        lambda: "WEEK('2020-01-05')"))()


def string(x, depth=2):
    """An expression that is a string, mostly."""
    if depth <= 0 or x.chance(0.3):
        return x.pick(STRINGS)
    n = lambda: number(x, depth - 1)  # noqa: E731
    s = lambda: string(x, depth - 1)  # noqa: E731
    return x.pick((
        lambda: f"CONCAT({s()}, {n()})", lambda: f"UPPER({s()})", lambda: f"SUBSTR({s()}, {x.number(-2, 3)})",
        lambda: f"REPEAT({s()}, {x.number(0, 40)})",
        lambda: f"HEX({s()})", lambda: f"QUOTE({s()})", lambda: f"LPAD({s()}, 8, '.')", lambda: f"REPLACE({s()}, 'a', 'xx')",
        lambda: f"TRIM({s()})",
        lambda: f"FORMAT({n()}, 2)", lambda: "DATE_FORMAT('2020-03-04', '%W %M %a %b')", lambda: "DAYNAME('2020-03-04')",
        lambda: f"CAST({n()} AS CHAR)",
        lambda: f"IF({n()}, {s()}, {s()})", lambda: f"NULLIF({s()}, 'a')", lambda: f"CONVERT({s()} USING latin1)",
        lambda: f"{s()} || {s()}",
        lambda: "FROM_UNIXTIME(86400)", lambda: "DATE_ADD('2020-02-28', INTERVAL 2 DAY)", lambda: f"JSON_OBJECT('k', {n()})",
        lambda: "CHAR(65, 66 USING utf8mb4)",
        lambda: f"COLLATION({s()})", lambda: f"CHARSET({s()})", lambda: f"COERCIBILITY({s()})", lambda: f"MD5({s()})",
        lambda: f"ELT(1, {s()})",
        lambda: f"(SELECT GROUP_CONCAT(id ORDER BY id) FROM {x.any_table()})", lambda: f"SUBSTRING_INDEX({s()}, 'a', 1)",
        lambda: f"REVERSE({s()})",
        lambda: "CAST('2020-01-01' AS DATETIME(3))", lambda: "TIME '10:11:12'", lambda: "MAKETIME(1, 2, 3)",
        lambda: f"WEIGHT_STRING({s()})"))()


def scalar(x, depth=2):
    return number(x, depth) if x.chance(0.5) else string(x, depth)


def named(x, expression):
    """With or without an alias."""
    return expression + x.pick(("", "", "", " AS v1", " v2", " AS `odd name`", " AS 'quoted'"))


def condition(x):
    return x.pick((f"id > {x.number(0, 6)}", f"id = {x.number(1, 7)}", "1", "0", f"id IN ({x.number(1, 5)}, {x.number(1, 5)})",
                   "id IS NULL", "id IS NOT NULL",
                   f"id BETWEEN {x.number(0, 3)} AND {x.number(2, 9)}", f"id < {number(x, 1)}",
                   "v > 5" if x.chance(0.5) else "id > -1"))


def limit(x):
    return x.pick(("", "", "", f" LIMIT {x.number(0, 4)}", f" LIMIT {x.number(0, 2)}, {x.number(0, 3)}",
                   f" LIMIT {x.number(1, 3)} OFFSET 1"))


@phrase(10)
def expressions(x):
    x.do("SELECT " + ", ".join(named(x, scalar(x)) for _ in range(x.number(1, 4))) + x.pick(("", "", "", " FROM DUAL",
                                                                                             " LIMIT 1", " WHERE 1")))


@phrase(5)
def types(x):
    columns = x.pick(("*", ", ".join(x.some(TYPE_COLUMNS, 1, 6)), "d.*, id + 1"))
    x.do(f"SELECT {columns} FROM d" + x.pick((" ORDER BY id", f" WHERE id = {x.number(0, 6)}", " ORDER BY vc DESC, id",
                                              " ORDER BY id" + limit(x))))


@phrase(12)
def tables(x):
    t = x.any_table()
    x.do(x.pick((
        lambda: f"SELECT * FROM {t} WHERE {condition(x)} ORDER BY id" + limit(x),
        lambda: f"SELECT id, {scalar(x, 1)} FROM {t} ORDER BY id DESC" + limit(x),
        lambda: f"SELECT COUNT(*), MAX(id), SUM(id), AVG(id) FROM {t} WHERE {condition(x)}",
        lambda: f"SELECT DISTINCT id % 2 AS odd FROM {t} ORDER BY odd",
        lambda: f"SELECT id % 3 AS g, COUNT(*) FROM {t} GROUP BY id % 3 WITH ROLLUP",
        lambda: f"SELECT a.id, b.id FROM {t} a LEFT JOIN s b ON a.id = b.id ORDER BY 1, 2",
        lambda: f"SELECT id FROM {t} UNION SELECT id + 100 FROM s ORDER BY 1" + limit(x),
        lambda: f"(SELECT id FROM {t} ORDER BY id LIMIT 1) UNION ALL (SELECT 99)",
        lambda: f"WITH c AS (SELECT id FROM {t}) SELECT COUNT(*) FROM c",
        lambda: "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 20) SELECT n FROM c" + limit(x),
        lambda: f"SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS rn FROM {t} ORDER BY id",
        lambda: f"SELECT q.id FROM (SELECT id FROM {t} ORDER BY id LIMIT 2) q ORDER BY 1",
        lambda: f"SELECT * FROM {t} WHERE id = (SELECT MIN(id) FROM s)",
        lambda: f"SELECT SQL_NO_CACHE HIGH_PRIORITY id FROM {t} ORDER BY id",
        lambda: f"SELECT SQL_BUFFER_RESULT id FROM {t} ORDER BY id" + limit(x),
        lambda: f"SELECT STRAIGHT_JOIN a.id FROM {t} a, d b WHERE a.id = b.id ORDER BY 1",
        lambda: f"SELECT MAX(id) FROM {t} HAVING MAX(id) > 2",
        lambda: f"SELECT id FROM {t} WHERE 0"))())


@phrase(2)
def odd_selects(x):
    x.do(x.pick((
        "VALUES (1, 'a'), (2, 'b')" if x.mariadb else "VALUES ROW(1, 'a'), ROW(2, 'b')",
        "SELECT 1 UNION SELECT 'a' UNION SELECT 2.5", "(SELECT 1)", "((SELECT 2))",
        "SELECT 1 FROM DUAL WHERE 0", "SELECT NULL", "SELECT *, 1 FROM s ORDER BY id", "SELECT s.* FROM s ORDER BY id",
        "SELECT 1 AS `LAST_INSERT_ID()`",
        "SELECT id AS found_rows, v AS row_count FROM s ORDER BY id", "SELECT 'x' AS '@@x', 1 AS `;`", "DO 1", "DO 1, 2, 1 / 0",
        "SELECT /*+ NO_ICP(s) */ id FROM s ORDER BY id",
        "SELECT id FROM s ORDER BY id LOCK IN SHARE MODE", f"SELECT id FROM t_{x.name} ORDER BY id FOR UPDATE",
        f"TABLE t_{x.name}", "SELECT 1;", "SELECT 1 ; ",
        "SELECT 1 INTO OUTFILE 'x'" if x.chance(0.2) else "SELECT 5 FROM s LIMIT 1", "EXPLAIN SELECT 1", "HELP 'nothing'",
        "SELECT COUNT(*) FROM information_schema.SCHEMATA",
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1", "SELECT BENCHMARK(3, 1)", "SELECT LOAD_FILE('/x')",
        "SELECT SLEEP(0)")), "host")


@phrase(3)
def errors(x):
    x.do(x.pick(("SELECT nosuch", "SELECT * FROM nosuch", "SELEC 1", "SELECT (SELECT id FROM s)", "SELECT 1 +",
                 "SELECT nosuch(1)", "SELECT app.nosuch(1)", "CALL nosuch()",
                 "SELECT * FROM s WHERE nosuch = 1", "SELECT 'unfinished", "SELECT `unfinished", "SELECT /* unfinished",
                 "SELECT 1 LIMIT 'a'", "SELECT 1, 2 UNION SELECT 1",
                 "SELECT ABS()", "SELECT * FROM nosuch.t", "SELECT COUNT(*), id FROM s ORDER BY nosuch", "FLUSH TABLES",
                 "SHOW NOSUCH", "GRANT ALL ON *.* TO app",
                 "SELECT EXP(1000)", "SELECT 9223372036854775807 + 1", "SELECT ST_GeomFromText('x')", "SELECT 1 FROM s, s",
                 "SELECT JSON_EXTRACT('{', '$')", "ALTER TABLE nosuch ADD x INT",
                 "SELECT _latin1'a' COLLATE utf8mb4_bin", "SELECT CONVERT('a' USING nosuch)", "SELECT * FROM mysql.user")),
                 "host")


@phrase(3)
def shows(x):
    t = x.pick(("t_" + x.name, "s", "d", "w_plain", "other.s", "nosuch"))
    x.do(x.pick((f"SHOW CREATE TABLE {t}", f"SHOW COLUMNS FROM {t}", f"DESCRIBE {t}", f"DESC {t} id",
                 f"SHOW FULL COLUMNS FROM {t} LIKE 'i%'", f"SHOW INDEX FROM t_{x.name} WHERE 0",
                 "SHOW DATABASES", "SHOW TABLES LIKE 'w%'", "SHOW FULL TABLES LIKE 's'", "SHOW COLLATION LIKE 'latin1_b%'",
                 "SHOW CHARACTER SET LIKE 'latin1'", "SHOW CREATE DATABASE app",
                 "SHOW CREATE PROCEDURE p_set", "SHOW CREATE VIEW w_plain", "SHOW TABLES FROM other LIKE 's'",
                 "SHOW CREATE FUNCTION f_twice", "SHOW TRIGGERS WHERE 0", "EXPLAIN EXTENDED SELECT 1"
                 if x.mariadb else "EXPLAIN SELECT 1", f"CHECKSUM TABLE {t}")), "host")
    if x.chance(0.3):
        x.do(x.pick(("SELECT FOUND_ROWS()", "SELECT ROW_COUNT()")))


@phrase(5)
def commands(x):
    x.do(x.pick(("!ping", "!ping", "!set-option 0", "!set-option 1", "!raw b''", "!raw b';'", "!raw b' '",
                 "!raw b'/* nothing */'", "!raw b';;'",
                 "!raw b'-- nothing'", "!raw b'# x\\n'", "!raw b'/*!*/'", "!raw b'SELECT 1\\0'", "!raw b'SELECT \\'a\\0b\\''",
                 "!init-db app", "!init-db other")
                + (("!fields s", "!fields d i%", f"!fields t_{x.name}", "!fields nosuch") if x.mariadb else ())))
    if x.chance(0.3):
        x.do(x.pick(("SELECT ROW_COUNT()", "SELECT FOUND_ROWS()", "SELECT LAST_INSERT_ID()", "SHOW WARNINGS")))


@phrase(4)
def connection_id(x):
    x.do(x.pick(("SELECT CONNECTION_ID() = CONNECTION_ID()", "SELECT CONNECTION_ID()", "SELECT CONNECTION_ID() AS id FROM DUAL",
                 "SELECT connection_id()",
                 "SELECT CONNECTION_ID() > 0, 1 WHERE CONNECTION_ID() <=> CONNECTION_ID()", "SELECT 'CONNECTION_ID()'",
                 "SELECT 1 AS `CONNECTION_ID()`")), "connection")


@phrase(2)
def stored_reads(x):
    """Views and functions that set nothing."""
    x.do(x.pick(("SELECT * FROM w_plain ORDER BY id", "SELECT w.id, s.v FROM w_plain w JOIN s ON s.id = w.id ORDER BY 1",
                 "SELECT f_twice(4)", "SELECT app.f_twice(id) FROM d ORDER BY id",
                 "SELECT e FROM w_mode", "SELECT z FROM w_mode", "SELECT * FROM w_mode")))
