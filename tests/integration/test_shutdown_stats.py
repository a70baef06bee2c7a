"""Starting, stopping, the stats endpoint, the lock of the address."""
import os
import signal
import subprocess

from harness import OK, wait_until
from harness.proxy import binary, write_ini
from harness.compare import in_thread


def test_stats_have_every_field(sluse, mariadb):
    proxy = sluse(pool=dict(size=7), sluse=dict(max_clients=123))
    wait_until(proxy.ready)
    with proxy.client(schema="app") as client:
        client.value("SELECT 1")
        wait_until(lambda: proxy.stats()["target"]["up"], what="the control connection has asked")
        s = proxy.stats()
        assert s["version"] and s["uptime_s"] >= 0
        assert s["target"]["up"] is True and str(mariadb.port) in s["target"]["address"]
        assert s["target"]["version"].startswith("10.11") or "10.11" in s["target"]["version"]
        assert s["clients"] == {"current": 1, "max": 123}
        assert s["pool"]["size"] == 7 and 1 <= s["pool"]["used"] <= s["pool"]["used_max"] <= 7
        assert {"waiting", "waiting_max"} <= set(s["pool"])
        assert set(s["pool"]["backends"]) == {"connecting", "login", "idle", "saving", "restoring", "leased", "draining", "cleaning", "closing"}
        wait_until(lambda: proxy.backends()["leased"] == 0, what="the session is resident")
        assert proxy.backends()["idle"] >= 1
        assert s["counters"]["logins"] == 1 and s["counters"]["commands"] >= 1
    wait_until(lambda: sum(proxy.stats()["client_closed"].values()) == 1)


def test_http_knows_only_its_paths(sluse):
    proxy = sluse()
    assert proxy.http("/healthz")[0] == 200
    wait_until(proxy.ready)
    assert proxy.http("/nosuch")[0] == 404
    assert proxy.http("/stats/../etc/passwd")[0] == 404


def test_nothing_secret_is_shown(sluse, mariadb):
    """Neither passwords nor hashes nor statement texts in log and stats."""
    proxy = sluse(sluse=dict(log_level="debug"), accounts=dict(app="app", svc="svc"))
    digest = mariadb.sql("SELECT PASSWORD('app')")[0][0]
    with proxy.client() as client:
        client.query("SELECT 'very-secret-value'")
        client.query("SELECT nosuch_secret_column")
    shown = proxy.log() + proxy.http("/stats")[1]
    for word in ("very-secret-value", "nosuch_secret", digest, digest[1:].lower(), "password = app"):
        assert word not in shown


def test_sigterm_with_clients_at_work(sluse, mariadb):
    """It ends with 0, clients get an end, nothing stays at the server."""
    proxy = sluse(quiet=False)
    clients = [proxy.client() for _ in range(10)]
    for client in clients[:5]:
        client.value("SELECT 1")
    clients[5].ok("BEGIN")
    clients[6].send_command(3, b"SELECT SLEEP(30), 'at shutdown'")
    wait_until(lambda: mariadb.running("at shutdown"))
    thread = in_thread(proxy.stop)
    for client in clients:
        assert client.wait_closed() in ("eof", "reset")
        client.close()
    thread.result()
    wait_until(lambda: not mariadb.running("at shutdown"))


def test_a_second_daemon_is_kept_out(sluse, tmp_path):
    """The same address: it says so and ends; the first one does not notice."""
    proxy = sluse()
    sections = {**proxy.sections, "stats": {"listen": "127.0.0.1:1"}}
    sections["sluse"] = {**sections["sluse"], "socket": None}
    path = write_ini(tmp_path / "pool.ini", sections)
    done = subprocess.run([binary(), "-c", path], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert str(proxy.port) in done.stderr
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_the_socket_file_goes(sluse):
    proxy = sluse()
    assert os.path.exists(proxy.socket)
    proxy.stop()
    assert not os.path.exists(proxy.socket)
    proxy.start()
    with proxy.client() as client:
        assert isinstance(client.ping()[0], OK)


def test_start_after_kill9(sluse):
    """A left-over socket file and lock don't matter."""
    proxy = sluse()
    proxy.kill()
    proxy.start()
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_connections_are_spread_over_workers(sluse, clients):
    """With 4 workers 40 clients are all served, whatever worker accepted them."""
    proxy = sluse(sluse=dict(workers=4), pool=dict(size=20))
    crowd = [clients(proxy) for _ in range(40)]
    for i, client in enumerate(crowd[:15]):
        assert client.value(f"SELECT {i}") == str(i)
    for client in crowd:
        assert isinstance(client.ping()[0], OK)
        client.quit()


def test_sigint_ends_it_too(sluse):
    proxy = sluse()
    proxy.signal(signal.SIGINT)
    assert proxy.process.wait(30) == 0
    proxy.process = None
    proxy.assert_clean_log()


def test_descriptors_come_back(sluse):
    proxy = sluse()
    for i in range(3):
        crowd = [proxy.client() for _ in range(50)]
        for client in crowd:
            client.ping()
        for client in crowd:
            client.close()
        proxy.assert_quiet()
        if i == 0:
            before = proxy.descriptors()
    assert proxy.descriptors() <= before + 2
