"""Phrases that hold a backend for a while: transactions in all their forms, table and user locks, binary statements."""
from fuzz_grammar import phrase
from fuzz_reads import scalar
from fuzz_settings import names, sql_mode
from fuzz_writes import ask, ask_some, change, found_rows, insert, insert_badly, warnings

ISOLATION = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
STATE = "SELECT @@autocommit, @@in_transaction"


def state(x):
    if x.chance(0.5):
        x.do(STATE if x.mariadb else "SELECT @@autocommit")


def inside(x, least=1, most=4):
    """What a transaction does."""
    for _ in range(x.number(least, most)):
        x.pick((insert, insert, change, ask, insert_badly, warnings, found_rows, names, sql_mode, reads, reads, reads,
                savepoint, savepoint))(x)


def reads(x):
    x.do(x.pick(("SELECT * FROM s ORDER BY id", f"SELECT * FROM t_{x.name} ORDER BY id", "SELECT COUNT(*) FROM s", "SELECT 1",
                 "!ping", f"SELECT v FROM t_{x.name} WHERE id = 1 FOR UPDATE", "SELECT DATABASE()", "SHOW WARNINGS",
                 "USE other", "USE app", "SELECT @@tx_isolation" if x.mariadb else "SELECT @@transaction_isolation",
                 "SELECT id FROM log ORDER BY id")))


def savepoint(x):
    x.do(x.pick(("SAVEPOINT p1", "SAVEPOINT p2", "ROLLBACK TO p1", "ROLLBACK WORK TO SAVEPOINT p2", "RELEASE SAVEPOINT p1",
                 "SAVEPOINT `p1`")))


def finish(x):
    x.do(x.pick(("COMMIT", "COMMIT", "COMMIT WORK", "ROLLBACK", "ROLLBACK", "COMMIT AND NO CHAIN", "COMMIT AND CHAIN",
                 "ROLLBACK AND CHAIN", "BEGIN", "SET autocommit = 1", "COMMIT NO RELEASE", f"CREATE TABLE x_{x.name} (i INT)",
                 f"DROP TABLE IF EXISTS x_{x.name}", "commit;", f"TRUNCATE TABLE t_{x.name}", "UNLOCK TABLES",
                 f"CREATE OR REPLACE VIEW vw_{x.name} AS SELECT 1 AS one")))
    if x.chance(0.5):
        ask(x)


@phrase(10, "hold")
def transaction(x):
    x.do(x.pick(("BEGIN", "START TRANSACTION", "BEGIN WORK", "START TRANSACTION READ ONLY", "START TRANSACTION READ WRITE",
                 "START TRANSACTION WITH CONSISTENT SNAPSHOT", "start transaction with consistent snapshot, read only", "begin",
                 "/*!50000 BEGIN */", "START /* x */ TRANSACTION")))
    inside(x)
    state(x)
    finish(x)
    if x.chance(0.3):
        state(x)
    x.do(x.pick(("COMMIT", "ROLLBACK")))


@phrase(3, "hold")
def without_autocommit(x):
    x.do(x.pick(("SET autocommit = 0", "SET @@autocommit = OFF", "SET SESSION autocommit = 0",
                 "SET autocommit = 0, time_zone = '+01:00'", "SET autocommit = @@autocommit - 1")))
    inside(x, 1, 5)
    state(x)
    x.do(x.pick(("COMMIT", "ROLLBACK", "SELECT 1", "COMMIT AND CHAIN", "BEGIN", "!ping")))
    inside(x, 0, 2)
    x.do(x.pick(("SET autocommit = 1", "SET autocommit = DEFAULT", "SET autocommit = ON", "COMMIT", "ROLLBACK")))
    state(x)
    x.do("SET autocommit = 1")


@phrase(5, "hold")
def isolation(x):
    scope = x.pick(("", "", "SESSION ", "LOCAL "))
    what = x.pick(tuple("ISOLATION LEVEL " + i for i in ISOLATION) + ("READ ONLY", "READ WRITE",
                                                                      "ISOLATION LEVEL READ COMMITTED, READ ONLY"))
    x.do(f"SET {scope}TRANSACTION {what}")
    if x.chance(0.5):
        x.do(x.pick(("SELECT 1", "SELECT @@tx_isolation" if x.mariadb else "SELECT @@transaction_isolation",
                     "SET sort_buffer_size = 250000", "SHOW WARNINGS", "!ping", "SELECT COUNT(*) FROM s",
                     "SET TRANSACTION READ WRITE",
                     "USE app", "!init-db app", f"SET SESSION TRANSACTION ISOLATION LEVEL {x.pick(ISOLATION)}")))
    transaction(x)
    if scope:
        read = "tx_read_only, @@tx_isolation" if x.mariadb else "transaction_read_only, @@transaction_isolation"
        x.do(f"SELECT @@{read}")
        x.do("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")


@phrase(2, "hold")
def xa(x):
    xid = f"'{x.lock}'"
    x.do(x.pick((f"XA START {xid}", f"XA BEGIN {xid}", f"XA START {xid}, 'b', 3")))
    inside(x, 0, 2)
    x.do(x.pick(("COMMIT", "SELECT 1", "BEGIN", f"CREATE TABLE x_{x.name} (i INT)", f"XA COMMIT {xid}")))
    for text in (f"XA END {xid}", f"XA END {xid}, 'b', 3"):
        x.do(text)
    if x.chance(0.5):
        x.do(x.pick(("SELECT 1", "BEGIN", f"INSERT INTO t_{x.name} (v) VALUES (1)")))
    x.do(x.pick((f"XA COMMIT {xid} ONE PHASE", f"XA ROLLBACK {xid}", f"XA COMMIT {xid}, 'b', 3 ONE PHASE")))
    x.do(f"XA ROLLBACK {xid}")
    x.do(f"XA ROLLBACK {xid}, 'b', 3")


@phrase(2, "hold")
def failing_procedure(x):
    x.do(x.pick(("CALL p_fail(5)", "CALL app.p_fail(6)", "CALL p_begin(7)")))
    if x.chance(0.5):
        x.do(x.pick(("SELECT 1", "!ping", "SELECT COUNT(*) FROM s", STATE if x.mariadb else "SELECT 1", "SHOW WARNINGS",
                     "SELECT ROW_COUNT()", "SET sort_buffer_size = 210000")))
    x.do(x.pick(("ROLLBACK", "COMMIT")))
    x.do("SELECT who, v FROM s ORDER BY id")


@phrase(3, "hold")
def table_locks(x):
    t, u = "t_" + x.name, "u_" + x.name
    x.do(x.pick((f"LOCK TABLES {t} WRITE", f"LOCK TABLES {t} READ", f"LOCK TABLE {t} WRITE, {u} READ",
                 f"LOCK TABLES {t} WRITE, {t} AS a READ", "LOCK TABLES nosuch READ", f"LOCK TABLES {t} READ LOCAL")))
    for _ in range(x.number(0, 3)):
        x.do(x.pick((f"INSERT INTO {t} (v) VALUES (1)", f"SELECT * FROM {t} ORDER BY id", "SELECT * FROM s ORDER BY id",
                     "SELECT 1", f"UPDATE {u} SET k = k + 100", "BEGIN", "COMMIT", "SET sort_buffer_size = 280000",
                     "SELECT LAST_INSERT_ID()")))
    x.do(x.pick(("UNLOCK TABLES", "UNLOCK TABLES", "BEGIN", "UNLOCK /* */ TABLE")))
    x.do("SELECT COUNT(*) FROM s")
    x.do("UNLOCK TABLES")
    x.do("COMMIT")


@phrase(3, "hold")
def user_locks(x):
    lock, other = x.lock, x.lock[:-1] + x.pick("abcd")
    x.do(x.pick((f"SELECT GET_LOCK('{lock}', 0)", f"SELECT get_lock('{lock}', 0) AS l", f"DO GET_LOCK('{lock}', 0)",
                 f"SELECT 1 WHERE GET_LOCK('{lock}', 0)", f"SELECT GET_LOCK('{lock}', 0), GET_LOCK('{lock}2', 0)",
                 f"INSERT INTO t_{x.name} (v) VALUES (GET_LOCK('{lock}', 0))", f"SELECT GET_LOCK(CONCAT('{lock}', ''), 0)",
                 f"SELECT GET_LOCK ('{lock}', 0)")))
    for _ in range(x.number(0, 3)):
        x.do(x.pick((f"SELECT IS_FREE_LOCK('{other}')", f"SELECT IS_USED_LOCK('{lock}') = CONNECTION_ID()",
                     f"SELECT GET_LOCK('{other}', 0)", "SELECT 1", f"SELECT IS_USED_LOCK('{lock}') IS NULL",
                     f"SELECT RELEASE_LOCK('{lock}')",
                     f"INSERT INTO t_{x.name} (v) VALUES (1)", "SELECT LAST_INSERT_ID()", f"SELECT GET_LOCK('{lock}', 0)")))
    x.do(x.pick((f"SELECT RELEASE_LOCK('{lock}')", f"DO RELEASE_LOCK('{lock}')", "SELECT RELEASE_ALL_LOCKS()",
                 f"SELECT IS_FREE_LOCK('{lock}')", f"SELECT RELEASE_LOCK('{other}')")))
    x.do(x.pick(("SELECT RELEASE_ALL_LOCKS()", "DO RELEASE_ALL_LOCKS()", "SELECT RELEASE_ALL_LOCKS() AS n")))
    x.do(f"SELECT IS_FREE_LOCK('{lock}')")


STATEMENTS = (("SELECT ?", 1), ("SELECT ? + 1, CONCAT(?, 'x')", 2), ("SELECT * FROM d WHERE id < ? ORDER BY id", 1),
              ("INSERT INTO {t} (v) VALUES (?)", 1), ("INSERT INTO {t} (v, s) VALUES (?, ?)", 2),
              ("UPDATE {t} SET v = ? WHERE id = ?", 2),
              ("SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS()", 0), ("SELECT LAST_INSERT_ID()", 0),
              ("SELECT 'a' = 'A', @@sort_buffer_size, @@time_zone", 0), ("DELETE FROM {t} WHERE id > ?", 1),
              ("SELECT DATABASE()", 0), ("SET sort_buffer_size = ?", 1),
              ("SELECT * FROM {t} ORDER BY id", 0), ("SELECT id, vc, l1, tsz FROM d ORDER BY id LIMIT ?", 1),
              ("SHOW WARNINGS", 0), ("SELECT 1 / ?", 1), ("SELECT nosuch", 0), ("SELEC", 0), ("CALL p_sets()", 0),
              ("CALL p_out(?, ?, ?)", 3), ("COMMIT", 0),
              ("DO LAST_INSERT_ID(?)", 1), ("USE other", 0), ("START TRANSACTION", 0), ("SELECT 'a\\nb', \"x\"", 0),
              ("SELECT * FROM s WHERE id IS NULL OR id = ? ORDER BY id", 1), ("SET NAMES latin1", 0),
              ("SHOW VARIABLES LIKE 'sort_buffer_size'", 0))


def parameters(x, count):
    if count == 3:   # p_out's. MariaDB: "at row 0" in an error about another type is "at row 1" once the connection was used
        return f"({x.number(0, 9)}, {x.number(0, 9)}, {x.number(0, 9)})"
    values = [x.pick(("1", "2", "0", "-5", "None", "'text'", "1.5", "b'\\x00\\xff'", "18446744073709551615", "'ü'",
                      "''")) for _ in range(count)]
    return "(" + "".join(v + ", " for v in values) + ")"


@phrase(8, "hold")
def binary_statements(x):
    sql, count = x.pick(STATEMENTS)
    name = x.fresh("p")
    x.do(f"!prepare {name} {sql.format(t='t_' + x.name)}")
    x.prepared.append((name, count))
    for _ in range(x.number(1, 4)):
        which, count = x.pick(x.prepared)
        verb = x.pick(("execute", "execute", "execute", "cursor", "again", "reset", "long", "fetch"))
        if verb == "long" and 0 < count < 3:
            x.do(f"!long {which} 0 b'long'")
            x.do(f"!execute {which} ({'LONG, ' * count})")
        elif verb == "cursor":
            x.do(f"!cursor {which} {parameters(x, count)}")
            x.do(f"!fetch {which} {x.number(0, 3)}")
        elif verb == "again":
            x.do(f"!again {which} ({'5, ' * count})")
        elif verb == "reset":
            x.do(f"!stmt-reset {which}")
        elif verb == "fetch":
            x.do(f"!fetch {which} 1")
        else:
            x.do(f"!execute {which} {parameters(x, count)}")
        if x.chance(0.4):
            x.pick((ask, insert, sql_mode, warnings, reads))(x)
    if x.chance(0.1):
        x.do(f"!execute {x.number(5000, 9999)}")
    if x.chance(0.8):
        for which, _ in x.prepared:
            x.do(f"!stmt-close {which}")
        x.prepared.clear()
    x.do("COMMIT")
    ask_some(x, 0, 1)


@phrase(2, "hold")
def prepared_once(x):
    """As drivers do it that prepare each statement, run it once and close it."""
    sql, count = x.pick(STATEMENTS)
    name = x.fresh("o")
    x.do(f"!prepare {name} {sql.format(t='t_' + x.name)}")
    x.do(f"!execute {name} {parameters(x, count)}")
    x.do(f"!stmt-close {name}")
    ask_some(x, 1, 2)


@phrase(2, "hold")
def ddl(x):
    t, u = "x_" + x.name, "y_" + x.name
    x.do(x.pick((f"CREATE TABLE {t} (i INT)", f"CREATE TABLE {t} (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(5))",
                 f"CREATE TABLE {t} SELECT 1 AS one, 'x' AS x", f"CREATE TABLE IF NOT EXISTS {t} LIKE s",
                 f"CREATE TABLE {t} (i INT) ENGINE=MEMORY")))
    for _ in range(x.number(0, 3)):
        x.do(x.pick((f"INSERT INTO {t} VALUES (NULL)", f"SELECT * FROM {t}", f"ALTER TABLE {t} ADD COLUMN z INT DEFAULT 3",
                     f"RENAME TABLE {t} TO {u}", f"SHOW CREATE TABLE {t}", f"CREATE VIEW vw_{x.name} AS SELECT * FROM {t}",
                     f"SELECT * FROM vw_{x.name}",
                     f"INSERT INTO {t} (s) VALUES ({scalar(x, 1)})", f"TRUNCATE {t}", f"CREATE INDEX ix ON {t} (i)",
                     f"DROP VIEW IF EXISTS vw_{x.name}")))
        ask_some(x, 0, 1)
    x.do(f"DROP TABLE IF EXISTS {t}, {u}")
    ask_some(x, 0, 1)
    if x.chance(0.5):
        x.do("SHOW WARNINGS")
