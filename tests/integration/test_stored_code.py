"""What sluse makes of views, triggers, routines, sequences and default values, and when it looks at them again."""
import json
import os
import subprocess
import time

import pytest

from harness import MariaDB, wait_until
from harness.compare import in_thread
from harness.proxy import binary
from harness.server import MySQL97

PLAIN, INSERTS, OPAQUE = 1, 3, 4
ALL = "watcher"

EVERYTHING = [
    "CREATE TABLE default_id (a INT, b INT DEFAULT (CONNECTION_ID()))",
    "CREATE TABLE default_quotes (a VARCHAR(40) DEFAULT (CONCAT('x(', '@', 'it''s \\\\ it''s')), b INT AS (LENGTH('it''s (@') + 1))",
    "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT DEFAULT 3, b VARCHAR(20) DEFAULT '(', c TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
    "CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
    "CREATE TABLE generated_plain (a INT, b INT AS (a + ABS(a)), c VARCHAR(36) DEFAULT (UUID()))",
    "CREATE VIEW v_plain AS SELECT t.a, COUNT(*) n, CASE WHEN a > 1 THEN 'x' ELSE \"it's\" END c FROM t GROUP BY a",
    "CREATE VIEW v_trim AS SELECT TRIM(BOTH 'x' FROM b) q, EXTRACT(YEAR FROM c) y, CAST(a AS CHAR(5)) z, a IN (1, 2) l, EXISTS(SELECT 1) m,"
    " c + INTERVAL 1 DAY o, POSITION('a' IN b) p, SUBSTRING(b FROM 2) r, GROUP_CONCAT(b ORDER BY a SEPARATOR '-') s, COUNT(DISTINCT a) u,"
    " IF(a, b, c) w, CONVERT(b USING latin1) x, CHAR(65) cc, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) rn FROM t",
    "CREATE VIEW v_lock AS SELECT GET_LOCK('l', 0)",
    "CREATE VIEW v_over AS SELECT * FROM v_lock",
    "CREATE VIEW v_id AS SELECT CONNECTION_ID()",
    "CREATE VIEW v_other AS SELECT * FROM other.o",
    "CREATE VIEW v_schema AS SELECT TABLE_NAME FROM information_schema.TABLES",
    "CREATE VIEW v_system AS SELECT User FROM mysql.user",
    "CREATE FUNCTION f_plain(x INT) RETURNS INT RETURN x + 1",
    "CREATE FUNCTION f_sets(x INT) RETURNS INT BEGIN DECLARE y INT; SELECT x INTO @z; RETURN y; END",
    "CREATE VIEW v_function AS SELECT f_plain(1)",
    "CREATE VIEW v_function_sets AS SELECT f_sets(1)",
    "CREATE PROCEDURE p_out(IN a INT, OUT b INT) BEGIN SET b = a; SELECT COUNT(*) INTO b FROM t WHERE id > a; END",
    "CREATE PROCEDURE p_calls() BEGIN DECLARE x INT; CALL p_out(1, x); INSERT INTO log (a) VALUES (x); END",
    "CREATE PROCEDURE p_mode() SET sql_mode = ''",
    "CREATE PROCEDURE p_mode_out(OUT sql_mode INT) SET sql_mode = 1",
    "CREATE FUNCTION p_out(x INT) RETURNS INT RETURN x",
    "CREATE TABLE triggered LIKE t", "CREATE TABLE spoilt LIKE t", "CREATE TABLE chained LIKE t", "CREATE TABLE quoted LIKE t",
    "CREATE TRIGGER tr_plain BEFORE INSERT ON triggered FOR EACH ROW"
    " BEGIN DECLARE x INT; SET x = NEW.a; IF x > 5 THEN SET NEW.b = UPPER(NEW.b); INSERT INTO log (a) VALUES (x); END IF; END",
    "CREATE TRIGGER tr_spoilt BEFORE UPDATE ON spoilt FOR EACH ROW SET @x = 1",
    "CREATE TRIGGER tr_chained AFTER INSERT ON chained FOR EACH ROW UPDATE spoilt SET a = 1",
    "SET sql_mode = 'ANSI_QUOTES'",
    "CREATE TRIGGER tr_quoted BEFORE INSERT ON quoted FOR EACH ROW UPDATE \"spoilt\" SET a = 1",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "CREATE PROCEDURE p_backslash() SELECT '\\', @x, '\\'",
    "SET sql_mode = DEFAULT",
]

OF_MARIADB = [
    "CREATE SEQUENCE seq",
    "CREATE TABLE by_sequence (id INT DEFAULT NEXTVAL(seq))",
    "CREATE TABLE by_variable (id INT DEFAULT (@x := 5))",
    "CREATE TABLE generated_variable (a INT, b INT AS (@x))",
    "SET sql_mode = 'ORACLE'",
    "CREATE PACKAGE pack AS FUNCTION packed RETURN INT; END",
    "CREATE PACKAGE BODY pack AS n INT := 0; FUNCTION packed RETURN INT AS BEGIN n := n + 1; RETURN n; END; END",
    "CREATE PROCEDURE p_oracle AS BEGIN NULL; END",
    "SET sql_mode = DEFAULT",
]

EXPECTED = {
    "t": 0, "log": 0, "generated_plain": 0, "default_id": OPAQUE, "default_quotes": 0,
    "v_plain": PLAIN, "v_trim": PLAIN, "v_lock": OPAQUE, "v_over": OPAQUE, "v_id": OPAQUE, "v_other": PLAIN, "v_schema": PLAIN, "v_system": OPAQUE,
    "f_plain": PLAIN, "f_sets": OPAQUE, "v_function": PLAIN, "v_function_sets": OPAQUE,
    "p_out": PLAIN, "p_calls": INSERTS, "p_mode": OPAQUE, "p_mode_out": PLAIN,
    "triggered": INSERTS, "spoilt": OPAQUE, "chained": OPAQUE, "quoted": OPAQUE, "p_backslash": OPAQUE,
    "schema:app": 1, "schema:other": 1, "schema:sys": 0, "schema:mysql": 0, "schema:information_schema": 1,
}

EXPECTED_OF_MARIADB = {"seq": OPAQUE, "by_sequence": OPAQUE, "by_variable": OPAQUE, "generated_variable": OPAQUE, "pack": OPAQUE, "p_oracle": OPAQUE}


def make(server, statements, schema="app"):
    connection = server.connect(database=schema)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def ask(server, user, names, password="pw", readings=1):
    """What stored_code_names prints, as a dict, with the meanings by name."""
    names = list(names)
    command = [os.path.join(os.path.dirname(binary()), "stored_code_names"), str(server.port), user, password, str(readings), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stderr
    found = json.loads(done.stdout)
    return {**found, **dict(zip(names, found["meanings"]))}


def grant(server, user, *grants):
    server.sql(f"DROP USER IF EXISTS {user}@'%'")
    server.sql(f"CREATE USER {user}@'%' IDENTIFIED BY 'pw'")
    for what in grants:
        server.sql(f"GRANT {what} TO {user}@'%'")


@pytest.fixture(scope="module")
def any_server(each_kind):
    """Each kind of server, with everything that code can be stored in."""
    with each_kind() as server:
        server.fresh_schemas()
        server.sql("CREATE TABLE other.o (a INT)")
        make(server, EVERYTHING)
        if "mariadb" in each_kind.name:
            make(server, OF_MARIADB)
        grant(server, ALL, "SELECT, TRIGGER, SHOW VIEW, EXECUTE ON *.*")
        yield server


@pytest.fixture(scope="module")
def stored():
    with MariaDB() as server:
        server.fresh_schemas()
        server.sql("CREATE TABLE other.o (a INT)")
        make(server, EVERYTHING + OF_MARIADB)
        grant(server, ALL, "SELECT, TRIGGER, SHOW VIEW, EXECUTE ON *.*")
        yield server


def test_meanings(any_server):
    expected = EXPECTED if isinstance(any_server, MySQL97) else {**EXPECTED, **EXPECTED_OF_MARIADB}
    found = ask(any_server, ALL, expected)
    assert {name: found[name] for name in expected} == expected


def test_residue(any_server):
    """v_id reads the connection's id, and so do others; plain tables and views don't."""
    assert ask(any_server, ALL, [])["reads"] != 0
    grant(any_server, "other_only", "SELECT, TRIGGER, EXECUTE ON other.*")
    assert ask(any_server, "other_only", ["schema:other", "schema:app", "v_id"])["meanings"] == [1, 0, 0]
    assert ask(any_server, "other_only", [])["reads"] == 0


def test_own_schemas_only(stored):
    """Privileges on one schema: what it names elsewhere is opaque."""
    grant(stored, "half", "SELECT, TRIGGER, EXECUTE, SHOW VIEW ON app.*", "SELECT ON mysql.proc")
    found = ask(stored, "half", EXPECTED)
    different = {name: found[name] for name in EXPECTED if found[name] != EXPECTED[name]}
    assert different == {"schema:other": 0, "v_other": OPAQUE}


@pytest.mark.parametrize("grants, seen", [
    (["SELECT, TRIGGER, EXECUTE, SHOW VIEW ON app.*"], 1),
    (["SELECT, TRIGGER, ALTER ROUTINE ON app.*"], 1),
    (["ALL ON app.*"], 1),
    (["ALL ON `ap_`.*"], 1),
    (["ALL ON `ap\\_`.*"], 0),
    (["SELECT, EXECUTE ON app.*"], 0),
    (["TRIGGER, EXECUTE ON app.*"], 0),
    (["SELECT, TRIGGER ON app.*"], 0),
    (["SELECT ON *.*", "TRIGGER, EXECUTE ON app.*"], 1),
    (["SELECT ON *.*", "TRIGGER ON app.*"], 1),
    (["ALL ON `ap_`.*", "SELECT ON app.*"], 0),
    (["ALL ON `ap_`.*", "ALL ON `a%`.*"], 1),
    (["ALL ON app.t"], 0),
    (["ALL ON `APP`.*"], 0),
], ids=str)
def test_privileges(stored, grants, seen):
    """A schema counts only when nothing in it can be hidden."""
    grant(stored, "some", *grants)
    assert ask(stored, "some", ["schema:app"])["schema:app"] == seen


def test_hidden_texts(stored):
    """Without the right to read it, code is opaque: routines of others, views without SHOW VIEW."""
    grant(stored, "blind", "SELECT, TRIGGER, EXECUTE ON app.*")
    found = ask(stored, "blind", ["v_plain", "f_plain", "triggered", "v_function"])
    assert (found["v_plain"], found["f_plain"], found["triggered"], found["v_function"]) == (OPAQUE, OPAQUE, INSERTS, OPAQUE)
    assert found["reads"] == 0xFF


def test_large_text(stored):
    """Over a megabyte of it is not read."""
    body = "SELECT '" + "x" * 700000 + "'"
    make(stored, [f"CREATE OR REPLACE PROCEDURE p_large() {body}", f"CREATE OR REPLACE PROCEDURE p_larger() BEGIN {body}; {body}; END"])
    try:
        found = ask(stored, ALL, ["p_large", "p_larger"])
    finally:
        make(stored, ["DROP PROCEDURE p_large", "DROP PROCEDURE p_larger"])
    assert (found["p_large"], found["p_larger"]) == (PLAIN, OPAQUE)


def test_names_that_need_quotes(own_mariadb):
    """Schemas, tables and parameters with quotes and wildcards in their names."""
    server = own_mariadb()
    server.sql("CREATE DATABASE `o'\\ne_%``x`")
    make(server, ["CREATE TABLE `t'` (a INT)", "CREATE TRIGGER tr BEFORE INSERT ON `t'` FOR EACH ROW SET @x = 1",
                  "CREATE PROCEDURE `p'`(OUT `a'b` INT) SET `a'b` = 1"], "o'\\ne_%`x")
    grant(server, ALL, "SELECT, TRIGGER ON *.*")
    found = ask(server, ALL, ["t'", "p'", "schema:o'\\ne_%`x"])
    assert found["t'"] == OPAQUE and found["p'"] == PLAIN and found["schema:o'\\ne_%`x"] == 1


# The control thread

def code(proxy):
    return proxy.stats()["target"]["stored_code"]


def readings(proxy):
    return code(proxy)["readings"]


def until_right(proxy, after=0):
    wait_until(lambda: code(proxy)["right"] and readings(proxy) > after, what="the stored code is known")
    return code(proxy)


def watched(sluse, server, refresh, **arguments):
    return sluse(server, control={"user": ALL, "password": "pw", "stored_code_refresh": refresh}, **arguments)


def test_read_at_the_start(sluse, stored):
    proxy = watched(sluse, stored, "24h")
    found = until_right(proxy)
    assert found["names"] == ask(stored, ALL, [])["count"] and found["schemas"] == 4 and found["read_ms"] > 0


def test_changes_of_others_are_seen(sluse, stored):
    """Within stored_code_refresh, and nothing is read while nothing changes."""
    proxy = watched(sluse, stored, "1s")
    names = until_right(proxy)["names"]
    make(stored, ["CREATE VIEW v_new AS SELECT 1"])
    try:
        wait_until(lambda: code(proxy)["names"] == names + 1, 10)
    finally:
        make(stored, ["DROP VIEW v_new"])
    wait_until(lambda: code(proxy)["names"] == names, 10)


def test_own_changes_are_seen_at_once(sluse, own_mariadb, clients):
    """What goes through sluse does not wait for stored_code_refresh."""
    server = own_mariadb()
    server.fresh_schemas()
    grant(server, ALL, "SELECT, TRIGGER ON *.*")
    proxy = watched(sluse, server, "24h")
    names = until_right(proxy)["names"]
    client = clients(proxy, schema="app")
    for i in range(5):
        client.ok(f"CREATE VIEW v_{i} AS SELECT 1")
        wait_until(lambda: code(proxy)["right"] and code(proxy)["names"] == names + i + 1)


@pytest.mark.parametrize("statement", ["PREPARE s FROM 'CREATE VIEW v_new AS SELECT 1'; EXECUTE s", "EXECUTE IMMEDIATE 'CREATE VIEW v_new AS SELECT 1'",
                                       "CALL makes()", "RENAME TABLE v_old TO v_new", "CREATE SEQUENCE v_new", "CREATE TABLE v_new (a INT DEFAULT (@x))"])
def test_counters_tell(own_mariadb, statement):
    """Whatever way a statement comes by, the server's counters differ after it."""
    server = own_mariadb()
    server.fresh_schemas()
    make(server, ["CREATE VIEW v_old AS SELECT 1", "CREATE PROCEDURE makes() BEGIN DROP VIEW IF EXISTS v_new; END"])
    grant(server, ALL, "SELECT, TRIGGER ON *.*")
    connection = server.connect(database="app")
    before = ask(server, ALL, [])["counters"]
    assert ask(server, ALL, [])["counters"] == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert ask(server, ALL, [])["counters"] == before
        for one in statement.split("; "):
            cursor.execute(one)
    assert ask(server, ALL, [])["counters"] != before
    connection.close()


def test_an_unchanged_catalogue_is_seldom_read(sluse, own_mariadb):
    """The server's counters stand still: five of six times that is enough."""
    server = own_mariadb()
    grant(server, ALL, "SELECT, TRIGGER ON *.*")
    proxy = watched(sluse, server, "100ms")
    until_right(proxy)
    first, asked = readings(proxy), server.status("Com_show_status")
    wait_until(lambda: readings(proxy) >= first + 3, 30)
    assert server.status("Com_show_status") - asked >= 3 * 5


def test_restart(sluse, own_mariadb):
    """A server that comes back may be another one: it is read again."""
    server = own_mariadb()
    grant(server, ALL, "SELECT, TRIGGER ON *.*")
    proxy = watched(sluse, server, "24h", backend={"health_interval": "50ms"})
    before = until_right(proxy)["readings"]
    server.stop()
    wait_until(lambda: not code(proxy)["right"])
    server.start()
    until_right(proxy, before)


def test_who_may_read_nothing(sluse, own_mariadb):
    """It is known, then, that nothing is known: no schema counts."""
    server = own_mariadb()
    grant(server, "nobody", "USAGE ON *.*")
    proxy = sluse(server, control={"user": "nobody", "password": "pw"})
    assert until_right(proxy)["schemas"] == 2


def many_schemas(server):
    server.fresh_schemas()
    for i in range(30):
        server.sql(f"CREATE DATABASE many_{i}")
        make(server, ["CREATE TABLE t (a INT)", f"CREATE VIEW v_{i} AS SELECT 1", f"CREATE VIEW w_{i} AS SELECT 1"], f"many_{i}")
    server.sql("CREATE VIEW app.v AS SELECT 0")


def test_a_table_that_is_being_changed(sluse, own_mariadb, clients):
    """information_schema leaves it out: nothing is known until the change has ended, and a KILL does not wait for it."""
    server = own_mariadb()
    server.fresh_schemas()
    make(server, ["CREATE TABLE a (x INT)", "CREATE TABLE z (x INT)", "CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW SET @x = 1"])
    grant(server, ALL, "SELECT, TRIGGER, CONNECTION ADMIN ON *.*")
    proxy = watched(sluse, server, "100ms")
    assert until_right(proxy)["names"] == 1
    victim, killer = clients(proxy), clients(proxy)
    victim.ok("BEGIN")
    holder, renamer = server.connect(database="app"), server.connect(database="app")
    holder.begin()
    holder.cursor().execute("SELECT * FROM z")
    renaming = in_thread(lambda: renamer.cursor().execute("RENAME TABLE a TO b, z TO y"))
    wait_until(lambda: not code(proxy)["right"])
    began = time.monotonic()
    for _ in range(20):
        assert hasattr(killer.query(f"KILL QUERY {victim.id}")[0], "affected")
    assert time.monotonic() - began < 2 and not code(proxy)["right"]
    holder.commit()
    renaming.result()
    assert until_right(proxy)["names"] == 1
    holder.close(), renamer.close()


@pytest.mark.parametrize("right", [", CONNECTION ADMIN", ""], ids=["own_right", "as_account"])
def test_kill_during_a_reading(sluse, own_mariadb, clients, right):
    """It comes in between the queries, and the reading is completed all the same. Without the right to kill, the connection is another account's
    for a moment, and has lost its settings afterwards: with this sql_select_limit less would be found."""
    server = own_mariadb()
    many_schemas(server)
    grant(server, ALL, "SELECT, TRIGGER, SHOW VIEW" + right + " ON *.*")
    server.sql("SET GLOBAL sql_select_limit = 1")
    proxy = watched(sluse, server, "100ms")
    assert until_right(proxy)["names"] == 61
    victim, killer = clients(proxy), clients(proxy)
    victim.ok("BEGIN")
    victim.value("SELECT 1")
    before, kills = readings(proxy), 0
    while readings(proxy) < before + 3:
        server.sql(f"CREATE OR REPLACE VIEW app.v AS SELECT {kills}")
        for _ in range(50):
            assert hasattr(killer.query(f"KILL QUERY {victim.id}")[0], "affected")
            kills += 1
        found = code(proxy)
        assert found["names"] == 61 or not found["right"]
        assert kills < 20000
