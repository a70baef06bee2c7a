"""SIGHUP: what can change at run time does, for those who are connected as well; a bad file changes nothing."""
import itertools
import os
import signal
import threading

import pytest

from harness import ERR, OK, RawClient, free_port, wait_until
from harness.compare import in_thread
from test_pool import CLOSING


def reload(proxy, **sections):
    """The file with these sections changed, and the answer awaited: what has been logged since."""
    before = proxy.log()
    for name, keys in sections.items():
        name = name.replace("account_", "account ")
        proxy.sections[name] = None if keys is None else {**(proxy.sections.get(name) or {}), **keys}
    proxy.reload()
    wait_until(lambda: "reload: done" in proxy.log()[len(before):] or "reload: nothing was changed" in proxy.log()[len(before):])
    return proxy.log()[len(before):]


def refusal(proxy, **arguments):
    with RawClient(proxy.port, **arguments) as client:
        return client.login_reply.code


def test_nothing_new(sluse):
    proxy = sluse()
    said = reload(proxy)
    assert "the file says what is running already" in said and "->" not in said


def test_a_bad_file_changes_nothing(sluse):
    """All its mistakes are told; the good half of it is not taken over either."""
    proxy = sluse()
    with proxy.client() as client:
        said = reload(proxy, pool=dict(size=7, wait_timeout="never", min_idel=3), sluse=dict(max_clients=5))
        assert "wait_timeout" in said and "did you mean 'min_idle'" in said and "nothing was changed" in said
        assert proxy.stats()["pool"]["size"] == 10 and proxy.stats()["clients"]["max"] == 10000
        assert proxy.ready() and client.value("SELECT 1") == "1"
        os.unlink(os.path.join(proxy.directory, "pool.ini"))
        proxy.signal(signal.SIGHUP)
        wait_until(lambda: proxy.log().count("nothing was changed") == 2)
        assert client.value("SELECT 2") == "2"
        proxy.sections["pool"] = dict(size=7)
        said = reload(proxy, sluse=dict(max_clients=500))
        assert "[pool] size: 10 -> 7" in said and "[sluse] max_clients: 10000 -> 500" in said
        assert client.value("SELECT 3") == "3"
    wait_until(lambda: proxy.stats()["pool"]["size"] == 7 and proxy.stats()["clients"]["max"] == 500)


def test_what_waits_for_a_restart(sluse, mariadb):
    """Each is named, nothing of it is done, and it is named again the next time."""
    proxy = sluse()
    listen, stats = proxy.sections["sluse"]["listen"], proxy.sections["stats"]["listen"]
    elsewhere = f"127.0.0.1:{free_port()}, [::1]:{free_port()}"
    for _ in range(2):
        said = reload(proxy, sluse=dict(listen=elsewhere, workers=3), backend=dict(port=1), stats=dict(listen="127.0.0.1:1"), pool=dict(size=9))
        for change in (f"[sluse] listen: {listen} -> {elsewhere}", "[sluse] workers: 2 -> 3", f"[backend] port: {mariadb.port} -> 1",
                       f"[stats] listen: {stats} -> 127.0.0.1:1"):
            assert f"reload: {change}: waits for a restart" in said
    assert proxy.stats()["workers"] == 2 and proxy.stats()["pool"]["size"] == 9
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"
    wait_until(proxy.ready)


def test_log_level(sluse):
    proxy = sluse()
    reload(proxy, sluse=dict(log_level="debug"))
    proxy.client().quit()
    wait_until(lambda: "closed: quit" in proxy.log())
    said = reload(proxy, sluse=dict(log_level="info"))
    assert "log_level: debug -> info" in said


def test_max_clients(sluse, clients):
    """Who is connected stays; one more comes in as soon as there is room."""
    proxy = sluse()
    crowd = [clients(proxy) for _ in range(3)]
    reload(proxy, sluse=dict(max_clients=2))
    assert RawClient(proxy.port, login=False, greet=False).read_reply()[0].code == 1040
    for client in crowd:
        assert isinstance(client.ping()[0], OK)
    assert proxy.counter("clients_refused") == 1
    reload(proxy, sluse=dict(max_clients=10))
    assert clients(proxy).value("SELECT 1") == "1"


def test_timeouts_follow(sluse, schemas, clients):
    """Also for what began before: a wait, a running statement, an idle transaction."""
    proxy = sluse(pool=dict(size=3, wait_timeout="1h"))
    schemas.sql("CREATE TABLE app.t (a INT) ENGINE=InnoDB")
    held, running, waiting = (clients(proxy, schema="app") for _ in range(3))
    held.ok("BEGIN")
    held.ok("INSERT INTO t VALUES (1)")
    running.send_command(3, b"SELECT SLEEP(600), 'long'")
    wait_until(lambda: schemas.running("'long'"))
    waiting.send_command(3, b"SELECT 1")
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == 1)
    said = reload(proxy, pool=dict(wait_timeout="50ms"))
    assert "wait_timeout: 1h -> 50ms" in said
    assert waiting.read_reply()[0].code == 3168
    reload(proxy, pool=dict(query_timeout="50ms"))
    assert running.read_reply()[-1]
    assert proxy.counter("query_timeouts") == 1 and not schemas.running("'long'")
    reload(proxy, pool=dict(query_timeout="0", idle_in_transaction_timeout="50ms"))
    held.seq = 0   # unasked
    assert held.read_reply()[0].code == 4031
    assert proxy.counter("idle_transactions_ended") == 1
    assert running.value("SELECT SLEEP(0.2)") == "0"
    assert schemas.sql("SELECT COUNT(*) FROM app.t") == ((0,),)


def test_never_is_never(sluse, schemas, clients):
    """A deadline that is set already does not fire after its timeout was taken away."""
    proxy = sluse(pool=dict(query_timeout="1s", idle_in_transaction_timeout="1s"))
    held, running = clients(proxy), clients(proxy)
    held.ok("BEGIN")
    held.value("SELECT 1")
    running.send_command(3, b"SELECT SLEEP(1.5)")
    said = reload(proxy, pool=dict(query_timeout="0", idle_in_transaction_timeout="0"))
    assert "query_timeout: 1s -> 0" in said
    assert running.read_reply()[0].rows == ((b"0",),)
    assert held.value("SELECT 2") == "2"
    assert proxy.counter("query_timeouts") == 0 and proxy.counter("idle_transactions_ended") == 0


def test_accounts(sluse, own_mariadb, clients):
    """Added, with another password, removed, and back again. Who is in stays in."""
    server = own_mariadb()
    proxy = sluse(server=server, accounts=dict(app="app", svc="svc"))
    app, svc = clients(proxy), clients(proxy, user="svc", password="svc")
    assert refusal(proxy, user="limited", password="limited") == 1045
    server.sql("SET PASSWORD FOR svc@'%' = PASSWORD('another')")
    said = reload(proxy, account_limited=dict(password="limited"), account_svc=dict(password="another"), account_app=None)
    for line in ("[account limited]: added", "[account svc]: password changed", "[account app]: removed"):
        assert f"reload: {line}" in said
    assert "another" not in said
    assert clients(proxy, user="limited", password="limited").value("SELECT CURRENT_USER()") == "limited@%"
    assert refusal(proxy, user="svc", password="svc") == 1045
    assert clients(proxy, user="svc", password="another").value("SELECT CURRENT_USER()") == "svc@%"
    assert refusal(proxy, user="app", password="app") == 1045
    for client, name in ((app, "app@%"), (svc, "svc@%")):
        assert client.value("SELECT CURRENT_USER()") == name
    assert isinstance(svc.change_user("app", "app")[0], ERR)
    proxy.sections["account app"] = dict(password="app")
    reload(proxy)
    assert clients(proxy).value("SELECT CURRENT_USER()") == "app@%"
    assert app.value("SELECT CURRENT_USER()") == "app@%"


def test_the_control_account(sluse, own_mariadb):
    """The control connection goes over to the other account, on the same connection; with a wrong password the server can't be used until the next reload."""
    server = own_mariadb()
    server.sql("CREATE USER boss@'%' IDENTIFIED BY 'boss'")
    server.sql("GRANT ALL ON *.* TO boss@'%'")
    proxy = sluse(server=server)
    wait_until(proxy.ready)
    before = proxy.stats()["target"]["stored_code"]["readings"]
    said = reload(proxy, control=dict(user="boss", password="boss"))
    assert "[control] user: app -> boss" in said and "[control] password: changed" in said
    wait_until(lambda: server.processlist("boss"))
    wait_until(lambda: proxy.stats()["target"]["stored_code"]["readings"] > before)
    assert proxy.ready()
    reload(proxy, control=dict(password="wrong"))
    wait_until(lambda: not proxy.ready())
    assert "Access denied" in proxy.http("/readyz")[1]
    reload(proxy, control=dict(password="boss"))
    wait_until(proxy.ready)


def test_debug_migrate(sluse, clients):
    proxy = sluse()
    client = clients(proxy)
    client.value("SELECT 1")
    client.value("SELECT 2")
    assert proxy.counter("leases_resident") >= 1
    reload(proxy, pool=dict(debug_migrate="always"))
    client.value("SELECT 3")
    resident = proxy.counter("leases_resident")
    for i in range(5):
        assert client.value(f"SELECT {i}") == str(i)
    assert proxy.counter("leases_resident") == resident


def test_the_pool_shrinks_when_idle(sluse, own_mariadb, clients):
    """Connections that nobody uses go at once; a transaction keeps its own until it ends, and no slot is given in between."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=8, wait_timeout="60s"))
    crowd = [clients(proxy) for _ in range(7)]
    for client in crowd:
        client.ok("BEGIN")
        client.value("SELECT 1")
    assert proxy.stats()["pool"]["used"] == 8
    reload(proxy, pool=dict(size=3))
    for client in crowd[:4]:
        client.ok("COMMIT")
    wait_until(lambda: proxy.stats()["pool"]["used"] == 4)
    for client in crowd[:4]:
        client.send_command(3, b"SELECT 'waits'")
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == 4)
    crowd[4].ok("COMMIT")
    wait_until(lambda: proxy.stats()["pool"]["used"] == 3)
    assert proxy.stats()["pool"]["waiting"] == 4
    crowd[5].ok("COMMIT")
    for client in crowd[:4]:
        assert client.read_reply()[0].rows == ((b"waits",),)
    assert proxy.stats()["pool"]["used"] <= 3 and proxy.stats()["backend_closed"]["retired"] == 5
    crowd[6].ok("COMMIT")
    reload(proxy, pool=dict(size=8))   # the fixture compares the most that there ever were with it


@pytest.mark.parametrize("migrate", ["never", "always"])
def test_the_pool_follows_under_load(sluse, own_mariadb, migrate):
    """20 -> 5 -> 30 while 40 clients work: no error at any of them, and the server never sees more than the bound in force."""
    server = own_mariadb()
    server.sql("CREATE TABLE app.t (a INT) ENGINE=InnoDB")
    proxy = sluse(server=server, pool=dict(size=20, wait_timeout="120s", debug_migrate=migrate))
    stop, done = threading.Event(), itertools.count()
    counted = [0]

    def work(n):
        with proxy.client(schema="app") as client:
            client.ok(f"SET @@sql_mode = 'ANSI', @@div_precision_increment = {n % 30}")
            while not stop.is_set():
                client.ok("BEGIN")
                client.ok(f"INSERT INTO t VALUES ({n})")
                client.ok("COMMIT")
                assert client.value("SELECT SLEEP(0.001), @@div_precision_increment") == "0"
                assert client.value("SELECT @@div_precision_increment") == str(n % 30)
                counted[0] = next(done)
            client.quit()

    def more(n=200):
        goal = counted[0] + n
        wait_until(lambda: counted[0] > goal, 60, "they go on")
    threads = [in_thread(work, n) for n in range(40)]
    more()
    for size in (5, 30, 4, 20):
        shrinks = size < proxy.stats()["pool"]["size"]
        reload(proxy, pool=dict(size=size))
        if shrinks:
            wait_until(lambda: proxy.stats()["pool"]["used"] <= size, 60, "the pool has shrunk")
            wait_until(lambda: server.status("Threads_connected") <= size + 1)
            server.sql("FLUSH STATUS")
        more()
        if not shrinks:
            wait_until(lambda: proxy.stats()["pool"]["used"] > 15, 60, "the pool has grown")
        assert proxy.stats()["pool"]["used"] <= size
        assert server.status("Max_used_connections") <= size + 1 + CLOSING
    stop.set()
    for thread in threads:
        thread.result()
    stats = proxy.stats()
    assert stats["backend_closed"]["retired"] >= 15 and stats["counters"]["wait_timeouts"] == 0
    assert stats["pool"]["used_max"] <= 30
    reload(proxy, pool=dict(size=30))   # the fixture compares the most that there ever were with it
