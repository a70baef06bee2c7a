"""More of what the servers do, where test_facts.py shows less than sluse is built on. The table is the same: docs/session-state.md, "Where each fact is held"."""
import socket
import struct

import pytest

from harness import BASE, COM_QUERY, DEPRECATE_EOF, ERR, MULTI_STATEMENTS, SESSION_TRACK, STATE_CHANGED, TRACK_SYSVAR, RawClient, wait_until
from test_facts import connect, described, mariadb_only, mysql_only, reset, written  # noqa: F401 (a fixture)

TRACKING = BASE | DEPRECATE_EOF | SESSION_TRACK | MULTI_STATEMENTS
CLOSE_WAIT = 8

MAKE = """
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)
CREATE FUNCTION selects_into() RETURNS INT BEGIN SELECT 5 INTO @by_function; RETURN 1; END
CREATE ROLE reader
GRANT reader TO app@'%'
CREATE TABLE typed (d DATE, t TIME(6), dt DATETIME(6), y YEAR, b BIT(9), e ENUM('a','b'), s SET('a','b'), f FLOAT, n DECIMAL(65,30), vb VARBINARY(9))
INSERT INTO typed VALUES ('2026-01-02', '-1:02:03.000004', '2026-01-02 03:04:05.000006', 2026, b'100000001', 'b', 'a,b', 1.5, 1.5, x'00ff')
"""
MAKE_OF = {"mariadb": """
SET DEFAULT ROLE reader FOR app@'%'
CREATE SEQUENCE sq START WITH 7000000123
SET sql_mode = 'ORACLE'
CREATE PACKAGE pack AS FUNCTION packed RETURN INT; END
CREATE PACKAGE BODY pack AS n INT := 0; FUNCTION packed RETURN INT AS BEGIN n := n + 1; RETURN n; END; END
""", "mysql": """
SET DEFAULT ROLE reader TO app@'%'
"""}


@pytest.fixture(scope="module")
def server(each_kind):
    with each_kind(options=["--performance-schema=on"] if "mysql" in each_kind.name else []) as server:
        connection = server.connect(database="app")
        with connection.cursor() as cursor:
            for statement in filter(None, (MAKE + MAKE_OF[server.family]).splitlines()):
                cursor.execute(statement)
        connection.close()
        RawClient(server.port, plugin=server.plugin).close()   # from now on the short way of caching_sha2_password
        yield server


# --- changes that neither a tracker nor the text shows ---

def test_a_function_in_a_select(connect):
    """Rows and an OK without a tracker; the variable is there."""
    client = connect("SET session_track_system_variables = '*', session_track_state_change = 1", caps=TRACKING)
    end = client.query("SELECT selects_into()")[0].end
    assert [t for t in end.session if t[0] != TRACK_SYSVAR or t[1] not in (b"last_gtid", b"statement_id")] == []
    assert client.value("SELECT @by_function") == "5"


def test_packages_are_a_connections(connect, mariadb_only):
    one, two = (connect("SET sql_mode = 'ORACLE'") for _ in range(2))
    assert [c.value("SELECT pack.packed()") for c in (one, one, two, one)] == ["1", "2", "1", "3"]


def test_what_mariadb_does_not_list(connect, mariadb_only):
    """Neither locks nor what LASTVAL() is: no table of information_schema has the lock's name, or the number."""
    client = connect(root=True)
    client.rows("SELECT GET_LOCK('a_lock_with_a_name', 0)")
    for _ in range(3):
        last = client.value("SELECT NEXTVAL(sq)").encode()
    assert client.value("SELECT LASTVAL(sq)").encode() == last
    tables, found = [row[0] for row in client.rows("SHOW TABLES FROM information_schema")], []
    assert len(tables) > 50
    for table in tables:
        reply = client.query(f"SELECT * FROM information_schema.`{table}`")[0]
        if not isinstance(reply, ERR):
            found += [table for row in reply.rows if any(v and (b"a_lock_with_a_name" in v or v == last) for v in row)]
    assert found == [] and "METADATA_LOCK_INFO" not in tables


def test_locks_that_mysql_lists(connect, mysql_only):
    root = connect(root=True)
    root.rows("SELECT GET_LOCK('listed', 0)")
    assert ("listed", "GRANTED") in root.rows("SELECT object_name, lock_status FROM performance_schema.metadata_locks WHERE object_type = 'USER LEVEL LOCK'")


# --- what cleans a connection ---

def test_default_role(connect, server):
    """A login has it. A reset keeps what is active, a change of user goes back to it."""
    def role(client):
        return "reader" in (client.value("SELECT CURRENT_ROLE()") or "")
    client = connect()
    assert role(client)
    client.ok("SET ROLE NONE")
    reset(client)
    assert not role(client)
    client.change_user("app", "app", "app", plugin=client.plugin)
    assert role(client)


def test_prepared_statements_do_not_outlive_a_reset(connect):
    client = connect()
    statement = client.prepare("SELECT 1")[0].statement
    assert client.execute(statement)[0].rows
    reset(client)
    assert client.execute(statement)[0].code == 1243


# --- residue ---

FORMS = [f"(SELECT {c} FROM typed)" for c in ("d", "t", "dt", "e", "s", "f", "n", "vb")] + [
    "CURRENT_DATE", "CURRENT_TIME(3)", "FALSE", "1 = 1", "0.1e0", "1e-300", "2e0 / 3", "123456789012345678901234567890.123456789", "_utf8mb4 x'f09f9880'",
    "CONVERT('x' USING ucs2)", "JSON_OBJECT('a', 1)", "HEX('x')", "USER()", "-0.0", "REPEAT('x', 70000)"]


UNSIGNED = ["(SELECT y FROM typed)", "(SELECT b FROM typed)"]


def test_more_user_variables_as_literals(connect):
    """As test_user_variables_as_literals; what is unsigned and small needs a CAST."""
    for text in FORMS + UNSIGNED:
        here, there = (connect("SET character_set_results = NULL") for _ in range(2))
        here.ok(f"SET @v = {text}")
        (value, charset, collation, _), facts = want = described(here, "@v")
        there.ok(f"SET @v = {written(value, charset.decode(), collation.decode(), facts['type'])}")
        assert (described(there, "@v") == want) == (text not in UNSIGNED), text
        if text in UNSIGNED:
            there.ok(f"SET @v = CAST({value.decode()} AS UNSIGNED)")
            (value_there, *_), facts_there = described(there, "@v")
            assert (value_there, facts_there["type"], facts_there["flags"]) == (value, facts["type"], facts["flags"])


def test_how_typed_nulls_are_written(connect):
    """With a CAST, and texts with a character set beside it."""
    for value, null in (("5", "CAST(NULL AS SIGNED)"), ("1.5", "CAST(NULL AS DECIMAL(2, 1))"), ("_latin1 'x'", "CAST(NULL AS CHAR CHARACTER SET latin1)")):
        here, there = (connect("SET character_set_results = NULL") for _ in range(2))
        here.ok(f"SET @v = {value}")
        here.ok("SET @v = NULL")
        there.ok(f"SET @v = {null}")
        (null_here, *rest), facts = described(here, "@v")
        (null_there, *rest_there), facts_there = described(there, "@v")
        assert null_here is None and null_there is None
        assert (rest, facts["type"], facts["collation"]) == (rest_there, facts_there["type"], facts_there["collation"]), value


def test_both_seeds(connect, server):
    client = connect("SET rand_seed1 = 5, rand_seed2 = 6")
    assert client.rows("SELECT @@rand_seed1, @@rand_seed2") == [("0", "0") if server.family == "mysql" else ("5", "6")]


# --- trackers show through ---

def test_every_ok_of_mysql(connect, mysql_only):
    """Has STATE_CHANGED under '*', with rows before it or not; but not that of COM_PING."""
    client = connect("SET session_track_system_variables = '*'", caps=TRACKING)
    replies = [client.query(text)[-1] for text in ("SELECT 1", "SELECT id FROM t", "INSERT INTO t (v) VALUES (1)", "COMMIT", "USE app", "SHOW TABLES", "DO 1", "SET @a = 1")]
    for reply in replies + [client.init_db("app")[0]]:
        assert getattr(reply, "end", reply).status & STATE_CHANGED
    assert not client.ping()[0].status & STATE_CHANGED


def test_every_write_reports_its_gtid(connect, mariadb_only):
    client = connect("SET session_track_system_variables = '*'", caps=TRACKING)
    for text in ("INSERT INTO t (v) VALUES (1)", "UPDATE t SET v = v + 1", "REPLACE INTO t VALUES (1, 1)", "DELETE FROM t", "CREATE TABLE written (id INT)", "DROP TABLE written",
                 "TRUNCATE TABLE t"):
        assert b"last_gtid" in [t[1] for t in client.ok(text).session], text
    client.ok("BEGIN")
    assert b"last_gtid" not in [t[1] for t in client.ok("INSERT INTO t (v) VALUES (1)").session]
    assert b"last_gtid" in [t[1] for t in client.ok("COMMIT").session]


# --- sockets ---

def tcp_state(sock):
    return struct.unpack("B", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))[0]


def test_close_looks_like_a_half_close():
    listener = socket.create_server(("127.0.0.1", 0))
    for go in (lambda s: s.close(), lambda s: s.shutdown(socket.SHUT_WR)):
        there = socket.create_connection(listener.getsockname())
        here, _ = listener.accept()
        go(there)
        assert here.recv(1) == b"" and tcp_state(here) == CLOSE_WAIT
        here.close()
        there.close()
    listener.close()


def test_a_server_keeps_what_its_client_has_closed(connect, server):
    """While a statement runs: the connection counts, and another beside it."""
    server.sql("FLUSH STATUS")
    before = len(server.processlist("app"))
    client = connect()
    client.send_command(COM_QUERY, b"SELECT SLEEP(4)")
    wait_until(lambda: server.running("SLEEP(4)"))
    client.close()
    assert connect().value("SELECT 1") == "1"
    assert client.id in server.running("SLEEP(4)") and len(server.processlist("app")) >= before + 2
    wait_until(lambda: client.id not in [row["ID"] for row in server.processlist("app")])


def reuse():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return listener


def test_so_reuseport():
    """A second one may bind silently; when it goes, those whom nobody has accepted yet are reset."""
    one, two = reuse(), reuse()
    one.bind(("127.0.0.1", 0))
    one.listen(64)
    two.bind(one.getsockname())
    two.listen(64)
    clients = [socket.create_connection(one.getsockname()) for _ in range(40)]
    two.close()
    ended = 0
    for client in clients:
        client.setblocking(False)
        try:
            client.recv(1)
        except BlockingIOError:
            continue
        except ConnectionResetError:
            ended += 1
    for each in [one, *clients]:
        each.close()
    assert 0 < ended < 40
