"""The servers of other Debians (tests/install-servers): MariaDB 11.8, and MySQL 9.7 with caching_sha2_password."""
from collections import Counter

import pymysql
import pytest

from harness import ERR, OK, Closed, MariaDB118, MySQL97, RawClient, wait_until
from storm import Visitor, storm
from test_pool import CLOSING


@pytest.fixture(scope="module", params=[MariaDB118, MySQL97], ids=lambda kind: kind.name)
def shared(request):
    with request.param() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.fresh_schemas()
    return shared


@pytest.fixture
def proxy(sluse, server):
    return sluse(server=server, pool=dict(size=3), account_nopass={"password": ""})


def client_of(proxy, user="app", schema="app", **arguments):
    return proxy.client(user=user, password=user, schema=schema, plugin=proxy.server.plugin, **arguments)


def refusal(proxy, **arguments):
    with RawClient(proxy.port, plugin=proxy.server.plugin, **arguments) as client:
        assert isinstance(client.login_reply, ERR), client.login_reply
        return client.login_reply


def test_version(server):
    assert server.sql("SELECT VERSION()")[0][0].startswith(server.name.partition("-")[2] + ".")


def test_login(proxy, server):
    """The greeting is the server's own, and so is what becomes of good and of bad logins."""
    with RawClient(server.port, login=False) as direct, client_of(proxy) as client:
        for key in ("version", "plugin", "collation", "status"):
            assert client.greeting[key] == direct.greeting[key], key
        assert client.value("SELECT VERSION()") == server.sql("SELECT VERSION()")[0][0]
        assert client.value("SELECT CURRENT_USER()") == "app@%"
        client.quit()
    with RawClient(proxy.port, user="nopass", password="", schema="app", plugin=server.plugin) as client:
        assert client.value("SELECT CURRENT_USER()") == "nopass@%"
    assert refusal(proxy, password="wrong").code == 1045
    assert refusal(proxy, user="nosuch").code == 1045
    assert refusal(proxy, schema="nosuch").code == 1044
    assert refusal(proxy, user="limited", password="limited", schema="other").code == 1044


def test_both_plugins(proxy):
    """A client that begins with the other plugin gets in, too."""
    for plugin in ("mysql_native_password", "caching_sha2_password"):
        with proxy.client(schema="app", plugin=plugin) as client:
            assert client.value("SELECT DATABASE()") == "app"


def test_queries(proxy):
    with client_of(proxy) as a, client_of(proxy, user="svc") as b:
        a.ok("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))")
        a.ok("INSERT INTO t (v) VALUES ('one'), ('two')")
        assert (a.value("SELECT LAST_INSERT_ID()"), a.value("SELECT COUNT(*) FROM t")) == ("1", "2")
        a.ok("BEGIN")
        a.ok("UPDATE t SET v = 'changed' WHERE id = 1")
        assert b.value("SELECT v FROM t WHERE id = 1") == "one"
        a.ok("COMMIT")
        assert b.value("SELECT v FROM t WHERE id = 1") == "changed"
        error = a.query("SELECT nosuch FROM t")[0]
        assert (error.code, error.sqlstate) == (1054, "42S22")
        assert len(a.value("SELECT REPEAT('x', 15000000)")) == 15000000
        assert a.value("SELECT 1") == "1"


def test_prepared_statements(proxy):
    with client_of(proxy) as client:
        client.ok("CREATE TABLE t (id INT PRIMARY KEY, v TEXT, d DATETIME)")
        insert = client.prepare("INSERT INTO t VALUES (?, ?, '2024-02-29')")[0].statement
        for i in range(50):
            assert isinstance(client.execute(insert, (i, "v" * i))[0], OK)
        select = client.prepare("SELECT id, v FROM t WHERE id >= ? ORDER BY id")[0].statement
        rows = client.execute(select, (45,))[0].rows
        assert [row[2:6] for row in rows] == [i.to_bytes(4, "little") for i in range(45, 50)]
        cursor = client.execute(select, (0,), 1)[0]
        assert cursor.end is None
        assert len(client.fetch(select, 20)[0].rows) == 20
        client.stmt_close(insert)
        assert client.execute(insert, (99, "x"))[0].code == 1243
        assert client.value("SELECT COUNT(*) FROM t") == "50"


def test_pymysql(proxy):
    with pymysql.connect(host="127.0.0.1", port=proxy.port, user="app", password="app", database="app", autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v JSON)")
            cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(i, '{"i": %d}' % i) for i in range(100)])
            cursor.execute("SELECT SUM(JSON_EXTRACT(v, '$.i')) FROM t")
            assert cursor.fetchone()[0] == 4950


def test_nothing_is_left(sluse, server):
    """What a session leaves on the only backend, the next doesn't find."""
    proxy = sluse(server=server, pool=dict(size=2), sluse=dict(workers=1))   # one is the control connection's
    with client_of(proxy) as client:
        before = client.value("SELECT CONCAT_WS('|', @@sql_mode, @@time_zone, @@collation_connection, @@autocommit)")
        client.quit()
    for user in ("svc", "app") * 3:
        with client_of(proxy, user=user) as client:
            assert client.value("SELECT CONCAT_WS('|', @@sql_mode, @@time_zone, @@collation_connection, @@autocommit)") == before
            assert client.value("SELECT COALESCE(@a, 'none')") == "none"
            assert client.value("SELECT IS_FREE_LOCK('l')") == "1"
            assert client.query("SELECT * FROM tt")[0].code == 1146
            for statement in ("SET @a = 1", "SET sql_mode = 'ANSI', time_zone = '+03:00'", "SET NAMES latin1", "SET autocommit = 0",
                              "CREATE TEMPORARY TABLE tt (id INT)", "CREATE TABLE IF NOT EXISTS kept (id INT)",
                              "INSERT INTO kept VALUES (1)"):
                client.ok(statement)
            client.rows("SELECT GET_LOCK('l', 5)")
            client.quit()
        proxy.wait_idle()
    assert server.sql("SELECT COUNT(*) FROM app.kept") == ((0,),)
    assert proxy.counter("backend_logins") <= 3  # one for the greeting, one for this kind of client; and seven sessions of two accounts had it


def test_change_user(proxy, server):
    with client_of(proxy) as client:
        client.ok("SET @a = 1")
        assert isinstance(client.change_user("svc", "svc", "other", plugin=server.plugin)[-1], OK)
        assert client.rows("SELECT CURRENT_USER(), DATABASE(), @a") == [("svc@%", "other", None)]
        assert isinstance(client.change_user("limited", "limited", "app", plugin=server.plugin)[-1], OK)
        assert client.query("CREATE TABLE x (id INT)")[0].code == 1142
        assert client.change_user("app", "wrong", plugin=server.plugin)[-1].code == 1045
        after = client.query("SELECT CURRENT_USER()")[0]
        if server.family == "mysql":
            assert isinstance(after, Closed)
        else:
            assert after.rows == ((b"limited@%",),)


def test_storm(sluse, server):
    """200 clients at once on 5 connections."""
    proxy = sluse(server=server, pool=dict(size=5, wait_timeout="60s"), sluse=dict(login_timeout="60s"))
    server.sql("CREATE TABLE app.visits (id INT AUTO_INCREMENT PRIMARY KEY, who INT)")
    server.sql("FLUSH STATUS")
    crowd = [Visitor(proxy.port, [b"SET NAMES utf8mb4", b"INSERT INTO visits (who) VALUES (%d)" % i,
                                  b"SELECT who FROM visits WHERE id = LAST_INSERT_ID()"], plugin=server.plugin) for i in range(200)]
    assert Counter(storm(crowd, 60)) == {"done": 200}
    assert server.sql("SELECT COUNT(*), COUNT(DISTINCT who) FROM app.visits") == ((200, 200),)
    assert server.status("Max_used_connections") <= 5 + 1 + CLOSING
    assert proxy.stats()["pool"]["used_max"] <= 5


def test_restart_of_the_server(sluse, server):
    """It comes back with an empty cache of passwords, and nobody but sluse is there to fill it."""
    proxy = sluse(server=server, pool=dict(size=3, wait_timeout="60s"))
    with client_of(proxy) as client:
        assert client.value("SELECT 1") == "1"
    server.restart()
    wait_until(proxy.ready, what="sluse has found the server again")
    with client_of(proxy) as client:
        assert client.value("SELECT CURRENT_USER()") == "app@%"


def test_idle_connections_that_the_server_ends(sluse, server):
    """MySQL says 4031 on them before it closes; no session hears of it."""
    wait = server.sql("SELECT @@global.wait_timeout")[0][0]
    server.sql("SET GLOBAL wait_timeout = 1")
    try:
        proxy = sluse(server=server, pool=dict(size=3))
        with client_of(proxy) as client:
            assert client.value("SELECT 1") == "1"
            wait_until(lambda: proxy.backends()["idle"] == 0 and proxy.stats()["backend_closed"].get("server_closed"), what="the server has closed them")
            assert client.value("SELECT 2") == "2"
            client.quit()
        with client_of(proxy) as client:
            assert client.value("SELECT 3") == "3"
            client.quit()
    finally:
        server.sql(f"SET GLOBAL wait_timeout = {wait}")


def test_accounts_that_go(sluse, server):
    """Locked, its password changed, dropped: a pooled connection of it is not given to a new session."""
    for change, code in (("ALTER USER fleeting@'%' ACCOUNT LOCK", {3118, 4151}), (f"ALTER USER fleeting@'%' IDENTIFIED {{}}", {1045}), ("DROP USER fleeting@'%'", {1045})):
        identified = "WITH caching_sha2_password BY '{}'" if server.family == "mysql" else "VIA mysql_native_password USING PASSWORD('{}')"
        server.sql("DROP USER IF EXISTS fleeting@'%'")
        server.sql(f"CREATE USER fleeting@'%' IDENTIFIED {identified.format('fleeting')}")
        proxy = sluse(server=server, pool=dict(size=3, privilege_refresh="0"), account_fleeting={"password": "fleeting"})
        with client_of(proxy, user="fleeting", schema=None) as client:
            assert client.value("SELECT 1") == "1"
            client.quit()
        proxy.wait_idle()
        server.sql(change.format(identified.format("new")))
        with RawClient(proxy.port, user="fleeting", password="fleeting", plugin=server.plugin) as client:
            reply = client.query("SELECT 1")[0] if isinstance(client.login_reply, OK) else client.login_reply
            assert getattr(reply, "code", None) in code, (change, reply)
    server.sql("DROP USER IF EXISTS fleeting@'%'")
