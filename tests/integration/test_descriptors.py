"""Descriptors: how many are needed and who is told; what happens when they run out, at the start's limit and below it; and the kernel's settings."""
import http.client
import json
import re
import subprocess

import pytest

from harness import OK, RawClient, wait_until
from harness.proxy import binary, write_ini

PAUSED = re.compile(r"warning: can't accept clients: Too many open files(?: \(and (\d+) before\))?; trying again every 100 ms")
UNANSWERED = re.compile(r"warning: \[stats\] can't answer: no descriptor(?: \(and (\d+) before\))?; trying again every 100 ms")
SHORT = re.compile(r"open files: (\d+) wanted for max_clients = (\d+) and size = (\d+), (\d+) allowed: raise LimitNOFILE in the unit \(ulimit -Hn in a shell\)"
                   r" to (\d+), or lower max_clients to (\d+)$", re.MULTILINE)


@pytest.fixture
def crowd():
    """A factory of clients that have at most connected; all of them go in the end."""
    made = []

    def make(proxy, count=1, **arguments):
        arguments = dict(login=False, greet=False) | arguments
        new = [RawClient(proxy.port, **arguments) for _ in range(count)]
        made.extend(new)
        return new if count > 1 else new[0]
    yield make
    for client in made:
        client.close()


def small(sluse, nofile, max_clients=50, **arguments):
    return sluse(nofile=nofile, sluse=dict(max_clients=max_clients, login_timeout="1h"), pool=dict(size=5, wait_timeout="60s"), **arguments)


@pytest.fixture
def needed(sluse):
    """How many the small one says that it needs."""
    proxy = small(sluse, 140)
    return int(SHORT.search(proxy.log())[1])


def connected(proxy):
    return proxy.stats()["clients"]["current"]


def test_the_budget_is_enough(sluse, crowd, needed):
    """With exactly as many as it asks for, every place is taken: clients, backends, HTTP; and one more client is told."""
    proxy = small(sluse, needed)
    assert "open files" not in proxy.log()
    asking = [http.client.HTTPConnection("127.0.0.1", proxy.stats_port, timeout=20) for _ in range(60)]
    for each in asking:
        each.request("GET", "/healthz")
        assert each.getresponse().read() == b"ok\n"
    clients = crowd(proxy, 50, login=True, greet=True)
    for client in clients[:4]:
        client.ok("BEGIN")
        client.value("SELECT 1")
    assert proxy.stats()["pool"]["used"] == 5 and connected(proxy) == 50
    assert crowd(proxy).read_reply()[0].code == 1040
    assert proxy.counter("accept_pauses") == 0 and proxy.descriptors() <= needed
    for client in clients[:4]:
        client.ok("COMMIT")
    for each in asking:
        each.close()


def test_one_too_few(sluse, needed):
    """It says what would do, and that does."""
    proxy = small(sluse, needed - 1)
    assert SHORT.search(proxy.log()).groups() == (str(needed), "50", "5", str(needed - 1), str(needed), "49")
    assert "open files" not in small(sluse, needed - 1, max_clients=49).log()


def test_a_reload_looks_again(sluse, needed):
    proxy = small(sluse, needed)
    assert "open files" not in proxy.log()
    proxy.sections["sluse"]["max_clients"] = 51
    proxy.reload()
    wait_until(lambda: "reload: done" in proxy.log())
    assert SHORT.search(proxy.log())[6] == "50"


def test_the_soft_limit_is_raised(sluse, crowd):
    """To the hard one, which is enough."""
    proxy = small(sluse, (64, 1000))
    with open(f"/proc/{proxy.pid}/limits") as f:
        assert re.search(r"^Max open files +1000 +1000 ", f.read(), re.MULTILINE)
    assert "open files" not in proxy.log()
    for client in crowd(proxy, 50, greet=True):
        assert client.greeting


def test_clients_leave_descriptors_for_the_rest(sluse, crowd, needed):
    """Those for whom there is no descriptor wait; the others are served, the pool grows, /readyz and /metrics answer; and who goes makes room."""
    proxy = small(sluse, needed - 10)
    inside = crowd(proxy, 40, login=True, greet=True)
    outside = crowd(proxy, 3)
    wait_until(lambda: proxy.counter("accept_pauses") > 0)
    assert connected(proxy) == 40 and PAUSED.search(proxy.log())
    for client in inside[:4]:
        client.ok("BEGIN")
        client.value("SELECT 1")
    assert proxy.stats()["pool"]["used"] == 5
    assert proxy.http("/readyz") == (200, "ready\n") and "sluse_accept_pauses_total" in proxy.http("/metrics")[1]
    assert proxy.counter("clients_accepted") == 40
    for client in inside[:4]:
        client.ok("COMMIT")
    for client in inside[:3]:
        client.quit()
        client.close()
    for client in outside:
        client.read_greeting()
    assert connected(proxy) == 40 and proxy.counter("clients_refused") == 0


def test_they_run_out(sluse, crowd):
    """The limit is lowered below what is open: no descriptor for anybody, HTTP included. It is tried ten times a second at most and said once, and over as
    soon as there are some."""
    proxy = small(sluse, None)
    inside = crowd(proxy, 5, login=True, greet=True)
    kept, asking = (http.client.HTTPConnection("127.0.0.1", proxy.stats_port, timeout=20) for _ in range(2))

    def stats():
        kept.request("GET", "/stats")
        return json.loads(kept.getresponse().read())

    before = stats()
    assert before["counters"]["accept_pauses"] == 0
    limit = proxy.limit_descriptors(3)
    outside = crowd(proxy)
    asking.request("GET", "/healthz")
    wait_until(lambda: stats()["counters"]["accept_pauses"] >= 25 and UNANSWERED.search(proxy.log()), 60)
    for client in inside:
        assert isinstance(client.ping()[0], OK)
    proxy.limit_descriptors(limit)
    outside.read_greeting()
    assert asking.getresponse().read() == b"ok\n"
    now = proxy.stats()
    pauses, seconds = now["counters"]["accept_pauses"], now["uptime_s"] - before["uptime_s"] + 1
    assert pauses <= 2 * 10 * seconds   # one socket has the client; and timers are not exact
    for line in (PAUSED, UNANSWERED):
        assert 1 <= len(line.findall(proxy.log())) <= 1 + seconds // 60
    assert now["counters"]["clients_accepted"] == 6 and now["clients"]["current"] == 6


def test_check_tells_too(tmp_path, mariadb):
    """--check says of descriptors and of the kernel what the start would; its status stays 0."""
    path = write_ini(tmp_path / "pool.ini", {"sluse": {"max_clients": 1000000}, "backend": {"host": "127.0.0.1", "port": 1}, "account app": {"password": "app"}})
    done = subprocess.run(["prlimit", "--nofile=500:500", binary(), "--check", path], capture_output=True, text=True, timeout=30)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[0] == f"{path}: ok"
    assert lines[1].startswith("  ! node: open files: ") and SHORT.search(lines[1])[4] == "500"
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        low, high = map(int, f.read().split())
    assert any(line.startswith(f"  ! node: net.ipv4.ip_local_port_range = {low} {high}: {high - low + 1} ports") for line in lines[2:])


def test_the_log_tells_of_the_kernel(sluse):
    """65,535 ports are not enough for a million clients on loopback."""
    proxy = sluse(sluse=dict(max_clients=1000000))
    assert re.search(r"warning: net.ipv4.ip_local_port_range = .* max_clients = 1000000: packaging/sysctl.d/60-sluse.conf has what a node needs$", proxy.log(), re.MULTILINE)
