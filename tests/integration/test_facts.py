"""What the servers do, asked of them directly: the facts that sluse is built on. A new version that differs is noticed here.

docs/session-state.md, "Where each fact is held", says which test holds what, and which ones hold that a session through sluse is the same.
"""
import pytest

from harness import (AUTOCOMMIT, BASE, COM_QUERY, DEPRECATE_EOF, ERR, IGNORE_SPACE, IN_TRANS, LOCAL_FILES, MULTI_STATEMENTS, OK,
                     SESSION_TRACK, STATE_CHANGED, TRACK_SYSVAR, TRACK_TRX_STATE, TRACK_TRX_TEXT, RawClient, ResultSet)
from harness.replies import column_facts

TRACKING = BASE | DEPRECATE_EOF | SESSION_TRACK | MULTI_STATEMENTS

MAKE = """
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)
CREATE TABLE watched (id INT)
CREATE TRIGGER watched_i AFTER INSERT ON watched FOR EACH ROW BEGIN SELECT 'x' INTO @by_trigger; DO GET_LOCK('by_trigger', 0); END
CREATE TABLE shadowed (id INT)
INSERT INTO shadowed VALUES (1)
CREATE TABLE shadowing (id INT)
CREATE TRIGGER shadowing_i AFTER INSERT ON shadowing FOR EACH ROW CREATE TEMPORARY TABLE shadowed SELECT 99 AS id
CREATE PROCEDURE make_temporary() CREATE TEMPORARY TABLE shadowed SELECT 99 AS id
CREATE FUNCTION selects_into() RETURNS INT BEGIN SELECT 5 INTO @by_function; RETURN 1; END
CREATE PROCEDURE opens() BEGIN START TRANSACTION; INSERT INTO t (v) VALUES (777); SIGNAL SQLSTATE '45000'; END
CREATE PROCEDURE names() BEGIN SET NAMES latin1 COLLATE latin1_bin; DO 1; END
CREATE PROCEDURE names_inside() BEGIN SET NAMES latin1 COLLATE latin1_bin; SELECT @@collation_connection; END
CREATE PROCEDURE modes() BEGIN SET sql_mode = 'ANSI'; DO 1; END
CREATE PROCEDURE rows_of(n INT) BEGIN INSERT INTO t (v) VALUES (n); SELECT 1; UPDATE t SET v = v + 1; END
CREATE FUNCTION counted() RETURNS BIGINT RETURN ROW_COUNT()
CREATE PROCEDURE finds() SELECT ROW_COUNT(), FOUND_ROWS(), @@warning_count
CREATE FUNCTION connection_of() RETURNS BIGINT RETURN CONNECTION_ID()
CREATE VIEW live AS SELECT LAST_INSERT_ID() AS l, FOUND_ROWS() AS f, CONNECTION_ID() AS c
CREATE TABLE of_trigger (id INT, c BIGINT)
CREATE TRIGGER of_trigger_i BEFORE INSERT ON of_trigger FOR EACH ROW SET NEW.c = CONNECTION_ID()
CREATE ROLE reader
GRANT SELECT ON secret.* TO reader
GRANT reader TO app@'%'
"""
MAKE_OF = {"mariadb": """
CREATE SEQUENCE sq START WITH 7
CREATE TABLE by_sequence (id INT DEFAULT NEXTVAL(sq), v INT)
SET sql_mode = 'ORACLE'
CREATE PACKAGE pack AS FUNCTION packed RETURN INT; END
CREATE PACKAGE BODY pack AS n INT := 0; FUNCTION packed RETURN INT AS BEGIN n := n + 1; RETURN n; END; END
""", "mysql": """
CREATE PROCEDURE takes_role() SQL SECURITY INVOKER SET ROLE reader
CREATE RESOURCE GROUP slow TYPE = USER
GRANT RESOURCE_GROUP_USER ON *.* TO app@'%'
"""}


@pytest.fixture(scope="module")
def server(each_kind):
    with each_kind(options=["--performance-schema=on"] if "mysql" in each_kind.name else []) as server:
        server.sql("CREATE DATABASE secret")
        server.sql("CREATE TABLE secret.s (id INT)")
        connection = server.connect(database="app")
        with connection.cursor() as cursor:
            for statement in filter(None, (MAKE + MAKE_OF[server.family]).splitlines()):
                cursor.execute(statement)
        connection.close()
        RawClient(server.port, plugin=server.plugin).close()   # from now on the short way of caching_sha2_password
        yield server


@pytest.fixture
def connect(server):
    made = []

    def make(*statements, root=False, **arguments):
        arguments.setdefault("schema", "app")
        account = dict(path=server.socket, user="root", password="") if root else dict(port=server.port)
        made.append(RawClient(**account, plugin=server.plugin, **arguments))
        for statement in statements:
            made[-1].ok(statement)
        return made[-1]
    yield make
    for client in made:
        client.close()


@pytest.fixture
def mariadb_only(server):
    if server.family != "mariadb":
        pytest.skip("MariaDB's alone")


@pytest.fixture
def mysql_only(server):
    if server.family != "mysql":
        pytest.skip("MySQL's alone")


def error(client, statement):
    """The code of the error in which it ends, or None."""
    reply = client.query(statement)[-1]
    return getattr(getattr(reply, "end", reply), "code", None)


def end_of(reply):
    return reply.end if isinstance(reply, ResultSet) else reply


# --- after an ERR the transaction is unknown ---

def test_a_failed_call_leaves_a_transaction(connect, server):
    client = connect("SET session_track_transaction_info = 'STATE'", caps=TRACKING)
    assert not client.ok("DO 0").status & IN_TRANS
    assert error(client, "CALL opens()") == 1644
    reply = client.ping()[0]
    assert reply.status & IN_TRANS
    assert [t[1] for t in reply.session if t[0] == TRACK_TRX_STATE] == ([b"T___W___"] if server.family == "mysql" else [])


def test_without_autocommit_an_error_leaves_a_transaction(connect):
    connect("REPLACE INTO t VALUES (1, 1)")
    client = connect()
    assert not client.ok("SET autocommit = 0").status & IN_TRANS
    assert error(client, "INSERT INTO t VALUES (1, 1)") == 1062
    assert client.ping()[0].status & IN_TRANS


# --- changes that neither a tracker nor the text shows ---

SILENT = {   # what is executed, what is asked then, what the answer is; and the kind of server, if not all have it
    "variable and lock of a trigger": ("INSERT INTO watched VALUES (1)", "SELECT @by_trigger, IS_USED_LOCK('by_trigger') = CONNECTION_ID()", ("x", "1")),
    "temporary table of a trigger": ("INSERT INTO shadowing VALUES (1)", "SELECT id FROM shadowed", ("99",)),
    "temporary table of a procedure": ("CALL make_temporary()", "SELECT id FROM shadowed", ("99",)),
    "variable of a function": ("DO selects_into()", "SELECT @by_function", ("5",)),
    "role of a procedure": ("CALL takes_role()", "SELECT CURRENT_ROLE()", ("`reader`@`%`",), "mysql"),
    "sequence of a default": ("INSERT INTO by_sequence (v) VALUES (1)", "SELECT LASTVAL(sq) = (SELECT MAX(id) FROM by_sequence)", ("1",), "mariadb"),
    "variable of a package": ("DO pack.packed()", "SELECT pack.packed()", ("2",), "mariadb"),
}


@pytest.mark.parametrize("name", SILENT)
def test_silent_changes(connect, server, name):
    statement, ask, answer, *kind = SILENT[name]
    if kind and kind[0] != server.family:
        pytest.skip(f"{kind[0]}'s alone")
    client = connect("SET session_track_system_variables = '*'", *["SET sql_mode = 'ORACLE'"] * ("pack." in statement), caps=TRACKING)
    reply = client.ok(statement)
    assert [t for t in reply.session if t[0] != TRACK_SYSVAR or t[1] not in (b"last_gtid", b"statement_id")] == []
    assert not reply.status & IN_TRANS
    assert client.rows(ask) == [answer]


def test_what_mariadb_lists(connect, server, mariadb_only):
    """User variables by name, without a grant, bytes garbled; temporary tables from 11; neither locks nor sequences."""
    client = connect("SET @b = x'00ff80', @i = 5", "CREATE TEMPORARY TABLE temporary_one (id INT)")
    client.rows("SELECT GET_LOCK('listed', 0)")
    listed = dict(client.query("SELECT LOWER(variable_name), variable_value FROM information_schema.user_variables")[0].rows)
    assert listed.keys() == {b"b", b"i"}
    assert listed[b"i"] == b"5" and listed[b"b"] != b"\x00\xff\x80"
    found = client.rows("SELECT table_type FROM information_schema.tables WHERE table_name = 'temporary_one'")
    assert found == ([] if server.name == "mariadb-10.11" else [("TEMPORARY",)])


def test_what_mysql_lists(connect, mysql_only):
    """To nobody without a grant."""
    client, root = connect("SET @b = 1"), connect("SET @b = 1", root=True)
    for table in ("user_variables_by_thread", "metadata_locks"):
        assert error(client, f"SELECT * FROM performance_schema.{table}") == 1142
        assert error(root, f"SELECT * FROM performance_schema.{table}") is None
    assert ("b",) in root.rows("SELECT variable_name FROM performance_schema.user_variables_by_thread")


def test_counters_betray(connect, server):
    client = connect()

    def grows(name, statement):
        before = int(client.rows(f"SHOW SESSION STATUS LIKE '{name}'")[0][1])
        client.ok(statement)
        return int(client.rows(f"SHOW SESSION STATUS LIKE '{name}'")[0][1]) - before
    if server.family == "mariadb":
        assert grows("Executed_triggers", "INSERT INTO watched VALUES (1)") == 1
        assert grows("Com_create_temporary_table", "CALL make_temporary()") == 1
    else:
        assert grows("Com_create_table", "CALL make_temporary()") == 1
        assert grows("Com_set_role", "CALL takes_role()") == 1


# --- what cleans a connection ---

def multiple(client):
    return len(client.query("SELECT 1; SELECT 2"))


def reset(client):
    assert isinstance(client.reset()[0], OK)


def change_user(client, **arguments):
    assert isinstance(client.change_user("app", "app", "app", plugin=client.plugin, **arguments)[0], OK)


WAYS = {"reset": reset, "change_user": change_user}
ASK = {   # what makes it, what is asked, and the answer after a reset, a change of user and in a new login; two where the kinds of servers differ
    "schema": (["USE other"], "SELECT DATABASE()", "other", "app", "app"),
    "role": (["SET ROLE reader"], "SELECT IFNULL(CURRENT_ROLE(), '') LIKE '%reader%'", "1", {"mariadb": "1", "mysql": "0"}, "0"),
    "FOUND_ROWS()": (["SELECT 1 UNION SELECT 2 UNION SELECT 3"], "SELECT FOUND_ROWS()", "3", "3", None),
    "trackers": (["SET session_track_system_variables = '*', session_track_state_change = 1, session_track_transaction_info = 'STATE'"],
                 "SELECT @@session_track_system_variables = @@global.session_track_system_variables AND @@session_track_transaction_info = 'OFF'"
                 " AND @@session_track_state_change = @@global.session_track_state_change", "1", "1", "1"),
    "collation": (["SET NAMES utf8mb4"], "SELECT @@collation_connection", {"mariadb": "latin1_swedish_ci", "mysql": "utf8mb4_0900_ai_ci"},
                  "utf8mb4_bin", "latin1_swedish_ci"),
    "IGNORE_SPACE": ([], "SELECT @@sql_mode LIKE '%IGNORE_SPACE%'", {"mariadb": "0", "mysql": "1"}, {"mariadb": "0", "mysql": "1"}, "1"),
    "user variable": (["SET @a = 1"], "SELECT @a", None, None, None),
    "statement": (["PREPARE q FROM 'SELECT 1'"], "EXECUTE q", *[1243] * 3),
    "resource group": (["SET RESOURCE GROUP slow"], None, "slow", "slow", "USR_default"),
    "multi-statements": (lambda client: client.set_option(0), multiple, 2, 2, 1),
}


@pytest.mark.parametrize("way", [*WAYS, "login"])
@pytest.mark.parametrize("name", ASK)
def test_cleaning(connect, server, name, way):
    make, ask, *answers = ASK[name]
    if name == "resource group" and server.family != "mysql":
        pytest.skip("MySQL's alone")
    login = dict(collation=8, caps=BASE | IGNORE_SPACE)
    client = connect(**login)
    if callable(make):
        make(client)
    else:
        for statement in make:
            assert not isinstance(end_of(client.query(statement)[-1]), ERR), statement
    if way == "login":
        client = connect(**login)
    elif way == "change_user":
        change_user(client, collation=46)
    else:
        reset(client)
    answer = answers[[*WAYS, "login"].index(way)]
    answer = answer[server.family] if isinstance(answer, dict) else answer
    if name == "FOUND_ROWS()" and way == "login":
        assert client.value("SELECT FOUND_ROWS()") != "3"
    elif name == "resource group":
        number = client.value("SELECT CONNECTION_ID()")
        assert server.sql(f"SELECT resource_group FROM performance_schema.threads WHERE processlist_id = {number}") == ((answer,),)
    elif callable(ask):
        assert ask(client) == answer
    elif isinstance(answer, int):
        assert error(client, ask) == answer
    else:
        assert client.value(ask) == answer


def test_init_connect(connect, server):
    server.sql("SET GLOBAL init_connect = 'SET @ic = 9'")
    try:
        for clean in WAYS.values():
            client = connect()
            assert client.value("SELECT @ic") == "9"
            clean(client)
            assert client.value("SELECT @ic") is None
    finally:
        server.sql("SET GLOBAL init_connect = ''")


def test_privileges(connect, server):
    """Those of a login and of its schema stay until a change of user."""
    client, chosen = connect(), connect(schema="other")
    server.sql("CREATE TABLE IF NOT EXISTS other.r (id INT)")
    server.sql("GRANT SELECT ON *.* TO app@'%'")
    server.sql("REVOKE ALL ON other.* FROM app@'%'")
    try:
        reset(client)
        assert error(client, "SELECT * FROM secret.s") == 1142
        change_user(client)
        assert error(client, "SELECT * FROM secret.s") is None
        server.sql("REVOKE SELECT ON *.* FROM app@'%'")
        assert error(chosen, "SELECT * FROM r") is None
        reset(chosen)
        assert error(chosen, "SELECT * FROM r") is None
        change_user(chosen)
        assert error(chosen, "SELECT * FROM other.r") == 1142
    finally:
        server.sql("GRANT ALL ON other.* TO app@'%'")


def test_globals(connect, server):
    """An old connection keeps its own, a new login and a reset have the new ones."""
    client, other = connect(), connect()
    mode = client.value("SELECT @@sql_mode")
    server.sql("SET GLOBAL sql_mode = 'ANSI_QUOTES'")
    try:
        assert client.value("SELECT @@sql_mode") == mode != "ANSI_QUOTES"
        assert connect().value("SELECT @@sql_mode") == "ANSI_QUOTES"
        reset(client)
        change_user(other)
        assert [c.value("SELECT @@sql_mode") for c in (client, other)] == ["ANSI_QUOTES"] * 2
    finally:
        server.sql(f"SET GLOBAL sql_mode = '{mode}'")


# --- residue ---

# The wire's affected rows, or -1 behind rows and errors, is ROW_COUNT().
COUNTED = [
    "INSERT INTO t (v) VALUES (1), (2)", "INSERT IGNORE INTO t (id) VALUES (1)", "INSERT INTO t (id) VALUES (1)", "REPLACE INTO t VALUES (1, 5)",
    "INSERT INTO t VALUES (1, 6) ON DUPLICATE KEY UPDATE v = v + 1", "INSERT INTO t (v) SELECT v FROM t LIMIT 2", "UPDATE t SET v = v + 1",
    "UPDATE t SET v = v", "UPDATE t SET v = v LIMIT 0", "UPDATE t a, t b SET a.v = 9 WHERE a.id = b.id AND a.id = 1", "DELETE FROM t WHERE id = 2",
    "SELECT 1", "SELECT id FROM t", "SELECT id FROM t WHERE 0", "SELECT nosuch", "SELEC", "SHOW TABLES", "EXPLAIN SELECT 1", "DO 1", "SET @a = 1", "USE app",
    "BEGIN", "COMMIT", "CREATE TABLE IF NOT EXISTS made (id INT)", "TRUNCATE TABLE made", "DROP TABLE made", "CREATE TABLE made AS SELECT id FROM t",
    "ANALYZE TABLE t", "SELECT 1 INTO @a", "CALL rows_of(3)", "CALL opens()", "ROLLBACK", "INSERT INTO t (v) VALUES (4); SELECT 1; UPDATE t SET v = v + 1",
    "UPDATE t SET v = v + 1; SELECT 1", "UPDATE t SET v = v + 1; SELECT nosuch", "DROP TABLE made",
]


def test_row_count_is_on_the_wire(connect):
    client, wrong = connect("DELETE FROM t", "INSERT INTO t VALUES (1, 1), (2, 2)", caps=TRACKING), []
    for statement in COUNTED:
        reply = client.query(statement)[-1]
        told = str(reply.affected if isinstance(reply, OK) else -1)
        counted = client.value("SELECT ROW_COUNT()")
        if counted != told:
            wrong.append((statement, told, counted))
    assert wrong == []


def test_row_count_behind_commands(connect):
    client = connect("DELETE FROM t", "INSERT INTO t VALUES (1, 1), (2, 2)")
    statement = client.prepare("SELECT ?")[0].statement
    for act, count in ((lambda: client.prepare("SELECT 2"), "2"), (client.statistics, "2"), (client.ping, "0"), (lambda: client.init_db("app"), "0"),
                       (lambda: client.set_option(1), "-1"), (lambda: client.field_list("t"), "-1"), (lambda: client.stmt_reset(statement), "0"),
                       (lambda: client.long_data(statement, 0, b"x"), "2"), (lambda: client.stmt_close(statement), "2"), (lambda: client.prepare("SELEC"), "-1")):
        client.ok("UPDATE t SET v = v + 1")
        act()
        assert client.value("SELECT ROW_COUNT()") == count, act


def test_last_insert_id_is_not_on_the_wire(connect):
    """What the OK says, and what LAST_INSERT_ID() is."""
    client = connect("CREATE TEMPORARY TABLE a (id INT AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO a VALUES (NULL)")
    for statement, told, truth in (("INSERT INTO a VALUES (50)", 50, "1"), ("INSERT IGNORE INTO a VALUES (50)", 0, "1"),
                                   ("DO LAST_INSERT_ID(778)", 0, "778"), ("INSERT INTO a VALUES (60)", 60, "778"),
                                   ("INSERT INTO a VALUES (NULL), (50)", None, "61")):
        assert getattr(client.query(statement)[0], "insert_id", None) == told, statement
        assert client.value("SELECT LAST_INSERT_ID()") == truth, statement
    for number in (0, 1 << 63, (1 << 64) - 1):
        client.ok(f"SET last_insert_id = {number}")
        assert client.rows("SELECT LAST_INSERT_ID(), @@identity") == [(str(number),) * 2]


def test_row_count_and_found_rows_can_not_be_set(connect):
    client = connect()
    for name in ("row_count", "found_rows"):
        assert error(client, f"SET {name} = 5") == 1193


def test_mysqls_list_of_warnings(connect, server):
    """On MySQL any SELECT empties it, and asking FOUND_ROWS() warns; on MariaDB one without a table keeps it. SHOW WARNINGS makes ROW_COUNT() -1."""
    client = connect("SET sql_mode = ''", "DELETE FROM t")
    client.ok("INSERT INTO t (v) VALUES ('x')")
    assert client.rows("SHOW WARNINGS")[0][1] == "1366"
    assert client.value("SELECT ROW_COUNT()") == "-1"
    client.ok("INSERT INTO t (v) VALUES ('x')")
    assert client.rows("SELECT 1") == [("1",)]
    assert [row[1] for row in client.rows("SHOW WARNINGS")] == ([] if server.family == "mysql" else ["1366"])
    connect().rows("SELECT 1")
    client.rows("SELECT id FROM t")
    client.value("SELECT FOUND_ROWS()")
    assert [row[1] for row in client.rows("SHOW WARNINGS")] == (["1287"] if server.family == "mysql" else [])


def test_what_a_routine_finds(connect, server):
    """ROW_COUNT() and FOUND_ROWS() of the statement before; its list of warnings on MariaDB alone."""
    client = connect("SET sql_mode = ''", "DELETE FROM t")
    client.rows("SELECT 1 UNION SELECT 2 UNION SELECT 3")
    client.ok("INSERT INTO t (v) VALUES ('x'), (1)")
    assert client.query("CALL finds()")[0].rows == ((b"2", b"3", b"0" if server.family == "mysql" else b"1"),)


def test_row_count_of_select_into(connect):
    """1, on a direct connection the only way to a ROW_COUNT() above 0 that changes no row."""
    client = connect("SELECT SQL_CALC_FOUND_ROWS 1 FROM (SELECT 1 UNION SELECT 2) x LIMIT 1 INTO @x")
    assert client.rows("SELECT ROW_COUNT(), FOUND_ROWS()") == [("1", "2")]


def test_lists_that_go_on(connect, server):
    """A statement that is not there: its error comes behind MySQL's list."""
    client = connect("DO 1")
    client.rows("SELECT 1 / 0")
    assert client.stmt_reset(77)[0].code == 1243
    assert [row[1] for row in client.rows("SHOW WARNINGS")] == ["1365"] * (server.family == "mysql") + ["1243"]


def test_settings_distort_what_is_asked(connect):
    client = connect("DO LAST_INSERT_ID(5)", "SET sql_select_limit = 0")
    assert client.rows("SELECT LAST_INSERT_ID()") == []
    assert client.rows("SELECT LAST_INSERT_ID() LIMIT 1") == [("5",)]
    client = connect("SET character_set_results = utf16")
    assert client.query("SELECT 'x'")[0].rows == ((b"\0x",),)


def test_stored_code_reads_live_state(connect):
    client = connect("DELETE FROM t", "DELETE FROM of_trigger", "INSERT INTO t (v) VALUES (1), (2), (3)")
    assert client.value("SELECT counted()") == "3"
    last, number = client.value("SELECT LAST_INSERT_ID()"), client.value("SELECT CONNECTION_ID()")
    client.rows("SELECT 1 UNION SELECT 2")
    assert client.rows("SELECT l, f, c FROM live") == [(last, "2", number)]
    client.ok("INSERT INTO of_trigger (id) VALUES (1)")
    assert client.rows("SELECT c, connection_of() FROM of_trigger") == [(number, number)]


WRITTEN = ["5", "-9223372036854775808", "18446744073709551615", "1.50", "1e0", "-0e0", "1e300", "'text'", "''", "'é€'", "x'00ff'",
           "_latin1 x'e4' COLLATE latin1_german2_ci", "_utf16 x'00e4'", "_gbk x'bf5c'", "REPEAT('x', 1000)", "NOW(6)", "TRUE", "NULL"]
DOUBLE, DECIMAL, TEXTS = 5, 246, (250, 251, 252, 253, 254)


def described(client, name):
    """What is to be known of a user variable: bytes, type and its length, character set, collation, coercibility."""
    reply = client.query(f"SELECT {name}, CHARSET({name}), COLLATION({name}), COERCIBILITY({name})")[0]
    return reply.rows[0], {k: column_facts(reply.columns[0])[k] for k in ("type", "flags", "length", "decimals", "collation")}


def written(value, charset, collation, kind):
    if value is None:
        return "NULL"
    if kind in TEXTS:
        return f"_{charset} x'{value.hex()}' COLLATE `{collation}`"
    return value.decode() + ("e0" if kind == DOUBLE and b"e" not in value else "")


def test_user_variables_as_literals(connect):
    """Read and written back elsewhere they are the same in every respect."""
    for text in WRITTEN:
        here, there = connect(f"SET @v = {text}", "SET character_set_results = NULL"), connect("SET character_set_results = NULL")
        (value, charset, collation, _), facts = want = described(here, "@v")
        there.ok(f"SET @v = {written(value, charset.decode(), collation.decode(), facts['type'])}")
        assert described(there, "@v") == want, text


def test_typed_nulls(connect):
    """SET @v = NULL keeps the type that it had."""
    assert described(connect("SET @v = 5", "SET @v = NULL"), "@v") != described(connect("SET @v = NULL"), "@v")


def test_geometry_comes_back_as_a_blob(connect, mariadb_only):
    here, there = connect("SET @v = POINT(1, 2)"), connect()
    (value, charset, collation, _), facts = described(here, "@v")
    there.ok(f"SET @v = x'{value.hex()}'")
    assert described(there, "@v")[1]["type"] != facts["type"] == 255


ONE_SHOT = {"SET @a = 1": True, "USE app": True, "SELECT 1": True, "SHOW WARNINGS": True, "INSERT INTO nosuch VALUES (1)": True, "INSERT INTO t (v) VALUES (1)": True,
            "SET SESSION TRANSACTION READ WRITE": False}


@pytest.mark.parametrize("between", ONE_SHOT)
def test_one_shot_transactions(connect, between):
    client = connect("SET session_track_transaction_info = 'CHARACTERISTICS'", caps=TRACKING)
    told = client.ok("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY").session
    assert [t[1] for t in told if t[0] == TRACK_TRX_TEXT] == [b"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET TRANSACTION READ ONLY;"]
    client.query(between)
    assert error(client, "INSERT INTO t (v) VALUES (1)") == (1792 if ONE_SHOT[between] else None)
    if ONE_SHOT[between]:
        client.ok("BEGIN")
        client.ok("COMMIT")
        assert error(client, "INSERT INTO t (v) VALUES (1)") is None


def test_routines_do_not_leave_names_and_modes(connect):
    """Undone as they return, and the tracker tells how it is then."""
    for procedure in ("names", "modes"):
        client = connect("SET session_track_system_variables = '*'", caps=TRACKING)
        ask = "SELECT @@character_set_client, @@collation_connection, @@sql_mode"
        before = client.rows(ask)
        told = {t[1].decode(): t[2].decode() for t in client.ok(f"CALL {procedure}()").session if t[0] == TRACK_SYSVAR}
        assert client.rows(ask) == before
        names = dict(zip(("character_set_client", "collation_connection", "sql_mode"), before[0]))
        assert {n: told[n] for n in names if n in told} == {n: v for n, v in names.items() if n in told}
        assert told.keys() & names.keys()
    assert connect().query("CALL names_inside()")[0].rows == ((b"latin1_bin",),)


def test_seeds(connect, server):
    client = connect("SET rand_seed1 = 5")
    assert client.value("SELECT @@rand_seed1") == ("0" if server.family == "mysql" else "5")


# --- trackers show through ---

def test_the_flag_of_changed_state(connect, server):
    client = connect(caps=TRACKING)
    assert client.ok("SET sort_buffer_size = 100000").status == AUTOCOMMIT
    client.ok("SET session_track_system_variables = '*'")
    assert client.ok("SET sort_buffer_size = 200000").status == AUTOCOMMIT | STATE_CHANGED
    assert client.ok("DO 1").status == AUTOCOMMIT | (STATE_CHANGED if server.family == "mysql" else 0)
    assert connect("SET session_track_system_variables = '*'").ok("SET sort_buffer_size = 200000").status == AUTOCOMMIT   # without the capability


def test_last_gtid_is_reported_and_can_not_be_set(connect, mariadb_only):
    client = connect("SET session_track_system_variables = '*'", caps=TRACKING)
    told = [t[1] for t in client.ok("INSERT INTO t (v) VALUES (1)").session]
    assert b"last_gtid" in told
    assert error(client, "SET last_gtid = '0-1-1'") == 1238


# --- ids ---

def test_pseudo_thread_id(connect):
    client, root = connect(), connect("SET pseudo_thread_id = 5", root=True)
    assert error(client, "SET pseudo_thread_id = 5") == 1227
    for session, same in ((client, "1"), (root, None)):
        session.rows("SELECT GET_LOCK('ids', 0)")
        number = session.value("SELECT IS_USED_LOCK('ids')")
        assert int(number) == session.id
        assert same is None or session.value("SELECT IS_USED_LOCK('ids') = CONNECTION_ID()") == same
        session.rows("SELECT RELEASE_ALL_LOCKS()")
        assert (number,) in session.rows("SELECT id FROM information_schema.processlist")


def test_kill_query_of_an_idle_connection(connect):
    victim, killer = connect("DELETE FROM t", "INSERT INTO t VALUES (1, 1)"), connect()
    for _ in range(50):
        killer.ok(f"KILL QUERY {victim.id}")
        assert victim.value("SELECT 1 FROM t LIMIT 1") == "1"


def test_a_field_list_without_an_answer(connect, mariadb_only):
    """Without a schema, behind a WITH: the only answer is the one to the PING behind it."""
    client = connect(schema=None)
    client.rows("WITH c AS (SELECT 1 AS a) SELECT COUNT(*) FROM c")
    client.send_command(4, b"s\0")
    assert isinstance(client.ping()[0], OK)
    client.send_command(4, b"s\0")
    assert isinstance(client.ping()[0], OK)


def test_counts_outlive_a_reset(connect, mariadb_only):
    """Of a list that max_error_count = 0 keeps empty; a statement that uses a table begins it anew."""
    for leave in (lambda client: client.reset(), lambda client: client.change_user("app", "app", "app")):
        client = connect("SET max_error_count = 0")
        assert error(client, "SELECT 1 x y") == 1064
        leave(client)
        assert client.rows("SELECT @@error_count, @@warning_count") == [("1", "1")] and client.rows("SHOW WARNINGS") == []
        client.rows("SELECT id FROM t LIMIT 0")
        assert client.rows("SELECT @@error_count, @@warning_count") == [("0", "0")]


# --- connections that end, schemas that are gone, files ---

def test_settings_that_end_a_connection(connect, server):
    """MySQL says so (4031) before it closes; MariaDB just does."""
    ended = [connect("SET wait_timeout = 1")]
    if server.family == "mariadb":
        ended.append(connect("SET idle_transaction_timeout = 1", "BEGIN"))
    released = connect("BEGIN", "COMMIT RELEASE")
    assert [client.wait_closed() for client in (released, *ended)] == ["eof"] + (["reset"] * 2 if server.family == "mariadb" else ["eof"])


def test_a_schema_that_is_gone(connect, server):
    server.sql("CREATE DATABASE gone")
    inside, elsewhere = connect(schema="gone", root=True), connect(schema="other", root=True)
    server.sql("DROP DATABASE gone")
    assert inside.rows("SELECT 1, DATABASE()") == [("1", "gone")]
    assert elsewhere.init_db("gone")[0].code == 1049
    assert elsewhere.value("SELECT DATABASE()") == "other"


@pytest.mark.parametrize("seq", [0, 2])
def test_a_command_behind_load_data_is_content(connect, seq):
    """With the sequence id that is due; one that begins anew ends the connection."""
    client = connect("DELETE FROM t", caps=BASE | LOCAL_FILES)
    client.send_command(COM_QUERY, b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t (@text) SET v = 5")
    client.send_packet(b"\3DELETE FROM t\n", seq)
    client.seq = 1
    assert client.read_packet() == (1, b"\xfbx")
    if seq == 0:
        client.seq = 2
        assert client.read_reply()[0].code == 1156
        assert client.wait_closed() in ("eof", "reset")
    else:
        client.send_packet(b"", 3)
        reply = client.read_reply()[0]
        assert isinstance(reply, OK) and reply.affected == 1
        assert client.value("SELECT v FROM t") == "5"
