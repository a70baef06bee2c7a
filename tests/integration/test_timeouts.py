"""Settings that end connections: a session has them wherever it is, and is ended by its own; no connection is by another's."""
import pytest

from harness import ERR, RawClient, ResultSet, wait_until

OF_EACH = ["wait_timeout", "interactive_timeout", "net_read_timeout", "net_write_timeout"]
OF_MARIADB = ["idle_transaction_timeout", "idle_readonly_transaction_timeout", "idle_write_transaction_timeout"]


@pytest.fixture(scope="module")
def shared(each_kind):
    with each_kind() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.fresh_schemas()
    shared.sql("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY)")
    return shared


@pytest.fixture
def one(sluse, server):
    """A factory of proxies that know the stored code."""
    def make(backends=1, **pool):
        proxy = sluse(server, pool=dict(size=backends + 1, wait_timeout="60s", **pool), sluse=dict(workers=1))
        proxy.wait_read()
        return proxy
    return make


@pytest.fixture
def client(server, clients):
    def connect(port, *statements):
        made = clients(port, schema="app", plugin=server.plugin)
        go(made, *statements)
        return made
    return connect


def go(client, *statements):
    for statement in statements:
        reply = client.query(statement)[-1]
        assert not isinstance(reply.end if isinstance(reply, ResultSet) else reply, ERR), (statement, reply)


def last_words(client):
    """What still comes until the other side closes."""
    said = client.buf if isinstance(client.buf, bytes) else bytes(client.buf)
    client.sock.settimeout(60)
    try:
        while more := client.sock.recv(1 << 16):
            said += more
    except ConnectionResetError:
        pass
    return said


def directly(server, client, *statements):
    """What a session that says this, and then no more, gets from the server itself."""
    direct = client(server.port, *statements)
    said = last_words(direct)
    assert (said == b"") == (server.family == "mariadb")
    return said


def test_they_travel(one, server, client):
    proxy = one()
    names = OF_EACH + (OF_MARIADB if server.family == "mariadb" else [])
    direct, first, second = client(server.port), client(proxy), client(proxy)
    asked = "SELECT " + ", ".join(f"@@session.{name}" for name in names)
    usual = direct.rows(asked)
    for each in (direct, first):
        go(each, "SET " + ", ".join(f"SESSION {name} = {700 + i}" for i, name in enumerate(names)))
    for _ in range(3):
        assert second.rows(asked) == usual
        assert first.rows(asked) == direct.rows(asked) == [tuple(str(700 + i) for i in range(len(names)))]
    for each in (direct, first):
        go(each, "SET " + ", ".join(f"SESSION {name} = DEFAULT" for name in names))
    assert second.rows(asked) == first.rows(asked) == direct.rows(asked) == usual
    assert proxy.pins() == {}


def after(proxy, client, ended, reason="wait_timeout"):
    """It is counted, holds nothing, and the connections serve others."""
    wait_until(lambda: proxy.stats()["client_closed"].get(reason, 0) == ended, what=f"{reason}: {proxy.stats()['client_closed']}")
    assert proxy.counter("silent_ended") == (ended if reason == "wait_timeout" else 0)
    other = client(proxy)
    assert other.value("SELECT @@session.wait_timeout") == "28800"
    assert proxy.pins() == {} and proxy.stats()["pool"]["pinned_idle"] == 0
    other.quit()


def test_silent_where_its_page_lies(one, server, client):
    """Nobody has asked for its values yet: the server that has them ends it."""
    expected = directly(server, client, "SET wait_timeout = 1")
    proxy = one(backends=3)
    silent = [client(proxy, "SET wait_timeout = 1"), client(proxy, "INSERT INTO t VALUES ()", "SET wait_timeout = 1")]
    assert [last_words(each) for each in silent] == [expected] * 2
    after(proxy, client, 2)


def test_silent_where_its_page_lies_again(one, server, client):
    """Its values are known, and nothing would be lost with the connection: it ends all the same."""
    expected = directly(server, client, "SET wait_timeout = 2")
    proxy = one()
    silent, other = client(proxy, "SET wait_timeout = 2"), client(proxy)
    for _ in range(2):
        go(other, "DO 1")
        assert silent.value("SELECT @@wait_timeout") == "2"
    assert last_words(silent) == expected
    after(proxy, client, 1)


def test_silent_on_no_connection(one, server, client):
    """Others have its connection, for longer than it is silent."""
    expected = directly(server, client, "SET wait_timeout = 2")
    proxy = one()
    silent, other = client(proxy, "SET wait_timeout = 2"), client(proxy)
    go(other, "DO 1")
    assert silent.value("SELECT @@wait_timeout") == "2"
    go(other, "DO 1")
    assert last_words(silent) == expected
    assert other.value("SELECT @@wait_timeout") == "28800"
    after(proxy, client, 1)
    assert proxy.stats()["backend_closed"].get("server_closed", 0) == 0


def test_silent_while_pinned(one, server, client):
    """The server does it there, and what it says is what the client gets."""
    statements = ["SET wait_timeout = 1", "SET @a = 1"]
    expected = directly(server, client, *statements)
    proxy = one()
    assert last_words(client(proxy, *statements)) == expected
    after(proxy, client, 1, "backend_lost")


@pytest.mark.parametrize("name", OF_MARIADB)
def test_idle_in_a_transaction(one, server, client, name):
    if server.family != "mariadb":
        pytest.skip("MariaDB's")
    statements = [f"SET {name} = 1", "BEGIN", "SELECT * FROM t" if "readonly" in name else "INSERT INTO t VALUES ()"]
    expected = directly(server, client, *statements)
    proxy = one()
    silent = client(proxy, *statements[:1])
    go(client(proxy), "DO 1")
    go(silent, *statements[1:])
    assert last_words(silent) == expected
    assert server.sql("SELECT COUNT(*) FROM app.t") == ((0,),)
    after(proxy, client, 1, "backend_lost")


def test_who_speaks_is_not_silent(one, server, client):
    """Whatever it says, wherever it is; also what sluse answers itself."""
    proxy = one()
    speaker, other = client(proxy, "SET wait_timeout = 3"), client(proxy)
    with RawClient(server.port, plugin=server.plugin) as clock:
        for _ in range(3):
            go(other, "DO 1")
            go(clock, "SELECT SLEEP(1)")
            speaker.ping()
            go(clock, "SELECT SLEEP(1)")
            assert speaker.value("SELECT @@wait_timeout") == "3"
    assert proxy.counter("silent_ended") == 0
    speaker.quit(), other.quit()


def test_a_page_that_leaves_as_its_session_comes(sluse, server, client):
    """It is on no connection for less than a moment, and counted from then it would be silent for too long; the server that has it now knows better."""
    before = server.sql("SELECT @@global.div_precision_increment")[0][0]
    proxy = sluse(server, pool=dict(size=3, wait_timeout="60s"), sluse=dict(workers=1), backend=dict(health_interval="200ms"))
    proxy.wait_read()
    speaker, passing, other = client(proxy, "SET wait_timeout = 3"), client(proxy, "BEGIN"), client(proxy, "SELECT 1")
    passing.quit()
    wait_until(lambda: proxy.backends()["idle"] == 2, what="there is another connection than the one where it began")
    go(speaker, "SELECT 1")
    readings = proxy.stats()["target"]["globals"]["readings"]
    wait_until(lambda: proxy.stats()["target"]["globals"]["readings"] > readings, what="the globals that they began with are known")
    try:
        server.sql(f"SET GLOBAL div_precision_increment = {before + 1}")   # then the one where it is now is none to stay on
        wait_until(lambda: proxy.counter("sessions_kept_globals"), what="they have been told of the new globals")
        stolen = proxy.counter("pages_stolen")
        go(speaker, "BEGIN")
        assert proxy.counter("pages_stolen") > stolen
        with RawClient(server.port, plugin=server.plugin) as clock:
            for _ in range(5):
                go(speaker, "SELECT 1")
                go(clock, "SELECT SLEEP(1)")
        assert speaker.value("SELECT 1 / 3") == "0." + before * "3"
        go(speaker, "COMMIT")
        assert proxy.counter("silent_ended") == 0
    finally:
        server.sql(f"SET GLOBAL div_precision_increment = {before}")
    speaker.quit(), other.quit()


def test_a_reset_ends_it(one, server, client):
    proxy = one()
    patient, other = client(proxy, "SET wait_timeout = 1"), client(proxy)
    go(other, "DO 1")
    patient.reset()
    again = client(proxy, "SET wait_timeout = 1")
    go(other, "DO 1")
    again.change_user("app", "app", "app", plugin=server.plugin)
    with RawClient(server.port, plugin=server.plugin) as clock:
        go(clock, "SELECT SLEEP(3)")
    assert patient.value("SELECT @@wait_timeout") == again.value("SELECT @@wait_timeout") == "28800"
    assert proxy.counter("silent_ended") == 0
    for each in (patient, again, other):
        each.quit()


def test_its_connection_is_killed(one, server, client):
    """That is no silence: a session of which everything is known survives it."""
    proxy = one()
    known, other = client(proxy, "SET wait_timeout = 1000"), client(proxy)
    go(other, "SELECT 1")
    go(known, "SELECT 1")   # MySQL's DO sets FOUND_ROWS(), which only the server would know
    for row in server.processlist("app"):
        server.sql(f"KILL {row['ID']}")
    wait_until(lambda: proxy.stats()["backend_closed"].get("server_closed", 0) >= 1)
    assert known.value("SELECT @@wait_timeout") == "1000"
    assert proxy.counter("silent_ended") == 0
    known.quit(), other.quit()


def test_no_connection_is_ended_by_a_page_that_left(one, server, client):
    """In chaos a page leaves to nobody after each command."""
    proxy = one(backends=3, debug_migrate="always")
    silent = client(proxy, "SET wait_timeout = 2", "SELECT 1", "SELECT * FROM t")
    connections = {row["ID"] for row in server.processlist("app")}
    expected = directly(server, client, "SET wait_timeout = 2")
    assert last_words(silent) == expected
    with RawClient(server.port, plugin=server.plugin) as clock:
        go(clock, "SELECT SLEEP(2)")
    assert connections and connections <= {row["ID"] for row in server.processlist("app")}
    assert proxy.stats()["backend_closed"].get("server_closed", 0) == 0
    after(proxy, client, 1)
