"""The server dies, hangs, restarts and refuses, with clients at work."""
import pytest

from harness import ERR, OK, RawClient, wait_until
from harness.compare import in_thread
from harness.rawclient import PeerClosed
from harness.replies import Closed


def worker(proxy, stop, results):
    """Sessions one after another until told to stop; counts what they got."""
    while not stop:
        try:
            client = RawClient(proxy.port, timeout=60)
            if not isinstance(client.login_reply, OK):
                results.append("refused")
            else:
                reply = client.query("SELECT 'work', SLEEP(0.002)")[-1]
                if isinstance(reply, (ERR, Closed)) or isinstance(getattr(reply, "end", None), ERR):
                    results.append("lost")
                else:
                    assert reply.rows == ((b"work", b"0"),), reply
                    results.append("done")
            client.close()
        except (PeerClosed, ConnectionResetError, BrokenPipeError):
            results.append("cut")


@pytest.mark.parametrize("way", ["kill9", "stop"])
def test_server_ends_under_load(sluse, own_mariadb, way):
    """Clients get an error or an end, none hangs; when the server is back, work goes on by itself."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=6, wait_timeout="2s"))
    stop, results = [], []
    threads = [in_thread(worker, proxy, stop, results) for _ in range(20)]
    for _ in range(3):
        done = results.count("done")
        wait_until(lambda: results.count("done") > done + 50)
        getattr(server, way)()
        wait_until(lambda: not proxy.stats()["target"]["up"])
        wait_until(lambda: proxy.stats()["pool"]["used"] <= 6)
        server.start()
        wait_until(proxy.ready)
    done = results.count("done")
    wait_until(lambda: results.count("done") > done + 100)
    stop.append(True)
    for thread in threads:
        thread.result()
    assert proxy.stats()["pool"]["used_max"] <= 6
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_transaction_cut_by_the_server(sluse, own_mariadb):
    """A session whose server connection died does not go on silently on another one."""
    server = own_mariadb()
    proxy = sluse(server=server)
    client = proxy.client(schema="app")
    client.ok("CREATE TABLE t (id INT)")
    client.ok("BEGIN")
    client.ok("INSERT INTO t VALUES (1)")
    for row in server.processlist("app"):
        server.sql(f"KILL {row['ID']}")
    try:
        reply = client.query("INSERT INTO t VALUES (2)")[-1]
        assert isinstance(reply, (ERR, Closed)), reply
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert server.sql("SELECT COUNT(*) FROM app.t")[0][0] == 0
    client.close()


def test_hanging_server(sluse, own_mariadb):
    """SIGSTOP: waiters time out with 3168, the stats stay responsive; SIGCONT: work goes on."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=3, wait_timeout="300ms"), backend=dict(connect_timeout="300ms"))
    busy = proxy.client()
    busy.value("SELECT 1")
    server.sigstop()
    try:
        busy.send_command(3, b"SELECT 'late'")
        late = [proxy.client() for _ in range(4)]
        for client in late:
            client.send_command(3, b"SELECT 'waits'")
        for client in late[1:]:
            assert isinstance(client.read_reply()[0], ERR)
        assert proxy.stats()["clients"]["current"] == 5
        assert proxy.http("/healthz")[0] == 200
    finally:
        server.cont()
    assert busy.read_reply()[0].rows == ((b"late",),)
    for client in late + [busy]:
        client.close()
    def works():
        client = RawClient(proxy.port)
        reply = client.query("SELECT 1")[0] if isinstance(client.login_reply, OK) else client.login_reply
        client.close()
        return not isinstance(reply, ERR)
    wait_until(works)


def test_sluse_starts_before_the_server(sluse, own_mariadb):
    """Until the server was seen nobody can be greeted as it would greet; then everything works."""
    server = own_mariadb()
    server.stop()
    proxy = sluse(server=server, sluse=dict(login_timeout="500ms"))
    assert proxy.http("/readyz")[0] != 200
    try:
        client = RawClient(proxy.port, timeout=30)
        assert isinstance(client.login_reply, (ERR, Closed)), client.login_reply
        client.close()
    except PeerClosed:
        pass
    server.start()
    wait_until(proxy.ready)
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_server_restarts_with_fewer_connections(sluse, own_mariadb):
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=30, wait_timeout="20s"))
    server.max_connections = 10
    server.restart()
    wait_until(proxy.ready)

    def one(i):
        with proxy.client() as client:
            return client.query(f"SELECT SLEEP(0.05) + {i}")[0]
    replies = [t.result() for t in [in_thread(one, i) for i in range(40)]]
    assert sum(1 for r in replies if not isinstance(r, ERR)) >= 30
    assert all(r.code == 1040 for r in replies if isinstance(r, ERR)), replies


def test_idle_connections_of_a_restarted_server(sluse, own_mariadb):
    """Nobody is given a connection of the old server."""
    server = own_mariadb()
    proxy = sluse(server=server)
    crowd = [proxy.client() for _ in range(8)]
    for client in crowd:
        client.value("SELECT 1")
        client.quit()
    wait_until(lambda: proxy.backends()["idle"] >= 1)
    server.restart()
    wait_until(proxy.ready)
    for _ in range(20):
        with proxy.client() as client:
            assert client.value("SELECT 1") == "1"


def test_wait_timeout_of_the_server(sluse, own_mariadb):
    """The server drops what is idle for a second; clients never see it."""
    server = own_mariadb(options=["--wait-timeout=1"])
    proxy = sluse(server=server)
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"
        client.quit()
    wait_until(lambda: proxy.stats()["backend_closed"].get("server_closed", 0) >= 1)
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_password_changed_at_the_server(sluse, own_mariadb):
    """Sessions get the server's 1045 while it differs, and work when it is right again."""
    server = own_mariadb()
    proxy = sluse(server=server, control=dict(user="svc", password="svc"))
    server.sql("SET PASSWORD FOR app@'%' = PASSWORD('new')")
    for row in server.processlist("app"):
        server.sql(f"KILL {row['ID']}")

    def refused():
        client = RawClient(proxy.port)
        reply = client.query("SELECT 1")[0] if isinstance(client.login_reply, OK) else client.login_reply
        client.close()
        return getattr(reply, "code", None) == 1045
    wait_until(refused)
    server.sql("SET PASSWORD FOR app@'%' = PASSWORD('app')")

    def works():
        client = RawClient(proxy.port)
        reply = client.query("SELECT 1")[0] if isinstance(client.login_reply, OK) else client.login_reply
        client.close()
        return not isinstance(reply, ERR)
    wait_until(works)
