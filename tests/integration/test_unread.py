"""Statements that run while it is not known what is stored at the server: their sessions are pinned until it is."""
import pytest

from harness import ERR, ResultSet, wait_until
from test_stored_code import ALL, grant, make, until_right

TABLES = ["CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)", "CREATE TABLE held (a INT)", "CREATE TABLE renamed (a INT)",
          "CREATE TABLE spoilt (a INT)", "CREATE TRIGGER tr BEFORE INSERT ON spoilt FOR EACH ROW SET @x = NEW.a",
          "CREATE VIEW v_old AS SELECT 1 AS a", "CREATE FUNCTION f_old() RETURNS INT RETURN 1"]


@pytest.fixture(scope="module")
def shared(each_kind):
    with each_kind() as server:
        grant(server, ALL, "SELECT, TRIGGER, SHOW VIEW, EXECUTE ON *.*")
        server.sql("GRANT ALL ON *.* TO app@'%'")
        yield server


@pytest.fixture
def server(shared):
    shared.fresh_schemas()
    make(shared, TABLES)
    return shared


@pytest.fixture
def proxy(sluse, server):
    proxy = sluse(server, pool=dict(size=12), control={"user": ALL, "password": "pw", "stored_code_refresh": "24h"})
    until_right(proxy)
    return proxy


@pytest.fixture
def client(proxy, server, clients):
    def one(*statements):
        made = clients(proxy, schema="app", plugin=server.plugin)
        go(made, *statements)
        return made
    return one


class Hold:
    """Somebody's transaction, behind which changes of a table have to wait."""

    def __init__(self, server, table="held"):
        self.connection = server.connect(database="app")
        self.connection.begin()
        self.connection.cursor().execute(f"SELECT * FROM {table}")

    def __enter__(self):
        return self

    def end(self):
        if self.connection.open:
            self.connection.commit()
            self.connection.close()

    def __exit__(self, *_):
        self.end()


def go(client, *statements):
    for statement in statements:
        reply = client.query(statement)[-1]
        assert not isinstance(reply.end if isinstance(reply, ResultSet) else reply, ERR), (statement, reply)


def is_right(proxy):
    return proxy.stats()["target"]["stored_code"]["right"]


def until_pins(proxy, **expected):
    wait_until(lambda: proxy.pins() == expected, what=f"pins are {expected}, not {proxy.pins()}")


PLAIN = ["INSERT INTO t (a) VALUES (1)", "SELECT a FROM app.t WHERE id > 0", "SELECT a, f_old() FROM v_old", "UPDATE t SET a = 2 WHERE a = 1",
         "SELECT COUNT(*) FROM (t)"]


def test_while_a_change_is_under_way(proxy, server, client):
    """Overlapping it, they saw what was before it or what is after it, and both are known."""
    changer, idle = client(), client()
    with Hold(server) as hold:
        changer.send_command(3, b"RENAME TABLE held TO now_free")
        wait_until(lambda: server.running("now_free"))
        assert not is_right(proxy)
        plain = [client(statement) for statement in PLAIN]
        several = client(*PLAIN)
        no_table = client("SELECT 1", "SELECT NOW()", "SET NAMES utf8mb4")
        spoilt = client("INSERT INTO spoilt VALUES (5)")
        prepared = client()
        statement = prepared.prepare("SELECT a FROM t WHERE id > ?")[0].statement
        prepared.execute(statement, (0,))
        prepared.stmt_close(statement)
        wait_until(lambda: proxy.pins().get("unread") == len(plain) + 3)
        hold.end()
        changer.read_reply()
    until_right(proxy)
    until_pins(proxy, unread=1)       # the trigger was there before the change: nothing ends that
    assert spoilt.value("SELECT @x") == "5"
    for each in [*plain, several, no_table, prepared, changer, idle]:
        assert each.value("SELECT COUNT(*) > 0 FROM t") == "1"
    assert proxy.counter("clients_accepted") == proxy.stats()["clients"]["current"] + sum(proxy.stats()["client_closed"].values())


def test_between_a_change_and_its_reading(sluse, server, clients, put_between):
    """What is read then is what they ran."""
    between = put_between(server)
    proxy = sluse(between, pool=dict(size=12), control={"user": ALL, "password": "pw", "stored_code_refresh": "24h"}, backend=dict(connect_timeout="60s"))
    until_right(proxy)
    changer, view, function, trigger = (clients(proxy, schema="app", plugin=server.plugin) for _ in range(4))
    reading = between.hold(b"FROM information_schema.SCHEMATA")
    go(changer, "CREATE VIEW v_new AS SELECT 1 AS a", "CREATE TRIGGER tr_new BEFORE INSERT ON t FOR EACH ROW SET @y = 7")
    wait_until(lambda: reading.held, what="it is about to be read")
    for client, statement in ((view, "SELECT a FROM v_new"), (function, "SELECT f_old()"), (trigger, "INSERT INTO t (a) VALUES (1)")):
        go(client, statement)
    until_pins(proxy, unread=3)
    reading.release()
    until_right(proxy)
    until_pins(proxy, opaque=1)
    assert trigger.value("SELECT @y") == "7"
    go(view, "SELECT a FROM v_new")
    go(function, "SELECT f_old()")


def test_two_changes_around_a_statement(proxy, server, client):
    """What was there between them nobody has read: a trigger that came and went."""
    changer, second = client(), client()
    with Hold(server) as hold:
        changer.send_command(3, b"RENAME TABLE held TO now_free")
        wait_until(lambda: server.running("now_free"))
        go(second, "CREATE TRIGGER tr_new BEFORE INSERT ON t FOR EACH ROW SET @y = 7")
        ran = client("INSERT INTO t (a) VALUES (1)")
        go(second, "DROP TRIGGER tr_new")
        hold.end()
        changer.read_reply()
    until_right(proxy)
    assert ran.value("SELECT @y") == "7"
    until_pins(proxy, unread=1, user_variables=1)


def test_a_change_while_a_statement_runs(proxy, server, client):
    """Known when it began, and not what it did behind the change."""
    changer, runner, harmless = client(), client(), client()
    for each in (runner, harmless):
        each.set_option(0)
    runner.send_command(3, b"SELECT SLEEP(2) AS first_sleep; INSERT INTO t (a) VALUES (1)")
    harmless.send_command(3, b"SELECT SLEEP(2) AS second_sleep; SELECT a FROM t")
    wait_until(lambda: server.running("first_sleep") and server.running("second_sleep"))
    go(changer, "CREATE TRIGGER tr_new BEFORE INSERT ON t FOR EACH ROW SET @y = 7")
    runner.read_reply(), harmless.read_reply()
    until_right(proxy)
    until_pins(proxy, opaque=2)   # by name: to both `t` has the trigger
    assert runner.value("SELECT @y") == "7"


def test_change_and_use_in_one_text(proxy, server, client):
    one = client()
    one.set_option(0)
    replies = one.query("CREATE TRIGGER tr_new BEFORE INSERT ON t FOR EACH ROW SET @y = 7; INSERT INTO t (a) VALUES (1)")
    assert not isinstance(replies[-1], ERR)
    until_right(proxy)
    wait_until(lambda: set(proxy.pins()) & {"unread", "opaque"}, what="it is pinned")
    assert one.value("SELECT @y") == "7"


def test_a_prepared_statement_and_a_later_trigger(proxy, server, client):
    """It was judged when it was prepared; what it runs is what is there when it is executed."""
    changer, one = client(), client()
    insert = one.prepare("INSERT INTO t (a) VALUES (?)")[0].statement
    one.execute(insert, (1,))
    go(changer, "CREATE TRIGGER tr_new BEFORE INSERT ON t FOR EACH ROW SET @y = 7")
    until_right(proxy, proxy.stats()["target"]["stored_code"]["readings"] - 1)
    one.execute(insert, (1,))
    one.stmt_close(insert)
    wait_until(lambda: set(proxy.pins()) & {"unread", "opaque"}, what="it is pinned")
    assert one.value("SELECT @y") == "7"


def test_a_schema_that_nobody_can_read(sluse, server, client, proxy):
    grant(server, "half", "SELECT, TRIGGER, SHOW VIEW, EXECUTE ON other.*")
    half = sluse(server, control={"user": "half", "password": "pw", "stored_code_refresh": "24h"})
    until_right(half)
    with half.client(schema="app", plugin=server.plugin) as one, half.client(schema="other", plugin=server.plugin) as two:
        go(one, "SELECT a FROM t")
        go(two, "CREATE VIEW v AS SELECT 1 AS a", "SELECT a FROM v")
        wait_until(lambda: is_right(half))
        until_pins(half, unread=1)
        go(two, "CREATE VIEW w AS SELECT 1 AS a")
        wait_until(lambda: is_right(half))
        until_pins(half, unread=1)
        one.quit(), two.quit()


def test_many_prepared_statements(proxy, server, client):
    """One after the other, as some frameworks do for each query: what was closed counts no more."""
    changer, one = client(), client()
    for i in range(80):
        if i == 75:
            go(changer, "CREATE VIEW v_new AS SELECT 1 AS a")
            wait_until(lambda: is_right(proxy))
        statement = one.prepare(f"SELECT a AS n_{i} FROM t")[0].statement
        one.execute(statement, ())
        one.stmt_close(statement)
    go(one, "DO 1")
    until_pins(proxy)
