"""The pool: its bound, its order, its deadlines."""
import pytest

from harness import ERR, OK, RawClient, wait_until
from harness.compare import in_thread


# The server counts a connection down a moment after its FIN has reached us.
CLOSING = 2


def waiting(proxy, n):
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == n, what=f"{n} waiting")


def warm(proxy):
    """Every account has been seen by the server, so that further logins ask nobody."""
    for user in ("app", "svc"):
        for schema in (None, "app"):
            proxy.client(user=user, password=user, schema=schema).quit()
    proxy.wait_idle()


def test_backends_are_reused(sluse, own_mariadb):
    server = own_mariadb()
    proxy = sluse(server=server, sluse=dict(workers=1))
    wait_until(lambda: proxy.ready() and proxy.backends()["idle"] == 1)   # the one that asked for the greeting; and there is no init_connect
    for i in range(50):
        with proxy.client() as client:
            assert client.value(f"SELECT {i}") == str(i)
            client.quit()
        proxy.wait_idle(clients=0)
    stats = proxy.stats()
    assert stats["counters"]["backend_connects"] == 1, (stats["backend_closed"], stats["pool"])
    assert stats["pool"]["used_max"] == 2


def test_the_bound_holds(sluse, own_mariadb):
    """40 sessions at once on 5 connections: none is refused and the server never sees a sixth (and the asker)."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=5))
    server.sql("FLUSH STATUS")

    def invocation(i):
        with proxy.client(schema="app") as client:
            assert client.value(f"SELECT {i}") == str(i)
            assert client.value(f"SELECT SLEEP(0.02) + {i}") == str(i)
            client.quit()
    for thread in [in_thread(invocation, i) for i in range(40)]:
        thread.result()
    stats = proxy.stats()
    assert stats["pool"]["used_max"] <= 5
    assert stats["counters"]["leases_waited"] > 0
    assert server.status("Max_used_connections") <= 5 + 1 + CLOSING


def test_waiters_are_served_in_order(sluse, schemas, clients):
    proxy = sluse(pool=dict(size=2, wait_timeout="60s", schema_ttl="1h"), sluse=dict(workers=3))
    warm(proxy)
    holder = proxy.client(schema="app")
    holder.ok("CREATE TABLE turns (n INT AUTO_INCREMENT PRIMARY KEY, who INT)")
    holder.ok("BEGIN")
    queue = []
    for i in range(12):
        client = clients(proxy)
        client.send_command(3, b"INSERT INTO app.turns (who) VALUES (%d)" % i)
        waiting(proxy, i + 1)
        queue.append(client)
    holder.quit()
    for client in queue:
        assert isinstance(client.read_reply()[0], OK)
        client.quit()
    rows = schemas.sql("SELECT who FROM app.turns ORDER BY n")
    assert [r[0] for r in rows] == list(range(12))


def test_order_over_different_accounts(sluse, schemas, clients):
    """A freed backend of another account is turned over for the head of the queue; nobody overtakes it."""
    proxy = sluse(pool=dict(size=2, wait_timeout="60s", schema_ttl="1h"))
    warm(proxy)
    holder = proxy.client(schema="app")
    holder.ok("CREATE TABLE turns (n INT AUTO_INCREMENT PRIMARY KEY, who INT)")
    holder.ok("BEGIN")
    queue = []
    for i in range(8):
        user = "svc" if i % 2 == 0 else "app"
        client = clients(proxy, user=user, password=user)
        client.send_command(3, b"INSERT INTO app.turns (who) VALUES (%d)" % i)
        waiting(proxy, i + 1)
        queue.append(client)
    holder.close()
    for client in queue:
        assert isinstance(client.read_reply()[0], OK)
        client.quit()
    assert [r[0] for r in schemas.sql("SELECT who FROM app.turns ORDER BY n")] == list(range(8))


def test_wait_timeout(sluse, clients):
    """ERR 3168 names pool, limit and wait; the client stays connected and is served later."""
    proxy = sluse(pool=dict(size=2, wait_timeout="300ms"))
    holder = proxy.client()
    holder.ok("BEGIN")
    client = clients(proxy)
    error = client.query("SELECT 1")[0]
    assert isinstance(error, ERR)
    assert (error.seq, error.code, error.sqlstate) == (1, 3168, "HY000")
    assert "2" in error.text and "300" in error.text and "pool" in error.text.lower(), error.text
    assert client.query("SELECT 1")[0].code == 3168
    holder.quit()
    wait_until(lambda: isinstance(client.query("DO 1")[0], OK))
    assert proxy.counter("wait_timeouts") >= 2


def test_wait_timeout_swallows_the_whole_command(sluse, clients):
    """Commands behind the one that timed out are still read at their boundaries."""
    proxy = sluse(pool=dict(size=2, wait_timeout="300ms"))
    holder = proxy.client()
    holder.ok("BEGIN")
    client = clients(proxy)
    client.send_command(3, b"SELECT '" + b"x" * 300000 + b"'")
    assert client.read_reply()[0].code == 3168
    assert isinstance(client.ping()[0], OK)
    assert isinstance(client.ping()[0], OK)
    holder.close()


def test_max_waiting(sluse, clients):
    proxy = sluse(pool=dict(size=2, wait_timeout="60s", max_waiting=2))
    holder = proxy.client()
    holder.ok("BEGIN")
    queue = []
    for i in range(2):
        queue.append(clients(proxy))
        queue[-1].send_command(3, b"DO 1")
        waiting(proxy, i + 1)
    refused = clients(proxy)
    assert refused.query("DO 1")[0].code == 3168
    assert isinstance(refused.ping()[0], OK)
    assert proxy.counter("waits_refused") == 1
    holder.quit()
    for client in queue:
        assert isinstance(client.read_reply()[0], OK)
        client.quit()
    wait_until(lambda: isinstance(refused.query("DO 1")[0], OK))


@pytest.mark.parametrize("leave", ["close", "reset_tcp"])
def test_waiters_that_go_leave_the_queue(sluse, clients, leave):
    proxy = sluse(pool=dict(size=2, wait_timeout="60s"), sluse=dict(abandon_after="100ms"))
    holder = proxy.client()
    holder.ok("BEGIN")
    goers = [proxy.client() for _ in range(5)]
    for i, client in enumerate(goers):
        client.send_command(3, b"DO 1")
        waiting(proxy, i + 1)
    for client in goers:
        getattr(client, leave)()
    waiting(proxy, 0)
    last = clients(proxy)
    last.send_command(3, b"DO 1")
    waiting(proxy, 1)
    holder.quit()
    assert isinstance(last.read_reply()[0], OK)


def test_min_idle(sluse, own_mariadb):
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=8, min_idle=3))
    wait_until(lambda: proxy.backends()["idle"] >= 3)
    proxy.client().quit()
    wait_until(lambda: proxy.backends()["idle"] >= 3)


def test_idle_timeout(sluse, own_mariadb):
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(idle_timeout="200ms"))
    proxy.client().query("SELECT 1")
    wait_until(lambda: proxy.stats()["backend_closed"].get("idle_timeout", 0) >= 1)
    wait_until(lambda: proxy.backends()["idle"] == 0)
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_max_lifetime(sluse, own_mariadb):
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(max_lifetime="300ms"))
    client = proxy.client()
    assert client.value("SELECT 1") == "1"
    wait_until(lambda: client.value("SELECT SLEEP(0.1)") == "0" and proxy.stats()["uptime_s"] > 1)
    client.quit()
    wait_until(lambda: proxy.stats()["backend_closed"].get("max_lifetime", 0) >= 1)


def test_a_slot_is_freed_only_by_the_servers_eof(sluse, own_mariadb):
    """Sessions that are spent close their connections; together with their successors they never pass the bound."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=4, max_lifetime="50ms"))
    server.sql("FLUSH STATUS")

    def invocation():
        for _ in range(15):
            with proxy.client() as client:
                client.value("SELECT SLEEP(0.01)")
                client.quit()
    for thread in [in_thread(invocation) for _ in range(10)]:
        thread.result()
    assert server.status("Max_used_connections") <= 4 + 1 + CLOSING
    assert proxy.stats()["pool"]["used_max"] <= 4


def test_idle_backends_that_die_are_noticed(sluse, own_mariadb):
    """The server ends idle connections; the pool sees it at once and no client does."""
    server = own_mariadb()
    proxy = sluse(server=server)
    proxy.client().query("SELECT 1")
    wait_until(lambda: proxy.backends()["idle"] >= 1)
    for row in server.processlist("app"):
        server.sql(f"KILL {row['ID']}")
    wait_until(lambda: proxy.backends()["idle"] == 0)
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_unreachable_server_gives_its_reason(sluse, own_mariadb):
    """Before a server was ever seen a client gets an error, not a hang."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(wait_timeout="2s"))
    wait_until(lambda: proxy.stats()["target"]["up"])
    server.stop()
    wait_until(lambda: not proxy.stats()["target"]["up"])
    assert not proxy.ready()
    client = RawClient(proxy.port)
    if isinstance(client.login_reply, OK):
        assert isinstance(client.query("SELECT 1")[0], ERR)
    else:
        assert isinstance(client.login_reply, ERR)
    client.close()
    server.start()
    wait_until(proxy.ready)
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_servers_own_login_error_is_handed_on(sluse, own_mariadb):
    """The account's password at the server is another than sluse has: who waits gets the server's 1045."""
    server = own_mariadb()
    proxy = sluse(server=server)
    server.sql("SET PASSWORD FOR svc@'%' = PASSWORD('changed')")
    client = RawClient(proxy.port, user="svc", password="svc")
    error = client.query("SELECT 1")[0] if isinstance(client.login_reply, OK) else client.login_reply
    assert error.code == 1045, error
    client.close()
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_server_that_is_full(sluse, own_mariadb):
    """The server refuses with 1040: waiters wait or get that error, and are served when there is room."""
    server = own_mariadb(max_connections=10)
    proxy = sluse(server=server, pool=dict(size=9, wait_timeout="30s"))
    wait_until(proxy.ready)
    others = [RawClient(server.port) for _ in range(8)]
    client = proxy.client()
    thread = in_thread(client.query, "SELECT 1")
    wait_until(lambda: proxy.counter("backend_login_failures") >= 1 or not thread.is_alive())
    for other in others:
        other.close()
    first = thread.result()[0]
    assert not isinstance(first, ERR) or first.code == 1040, first
    wait_until(lambda: not isinstance(client.query("SELECT 1")[0], ERR))
    client.close()
