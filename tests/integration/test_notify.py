"""sd_notify, as a service manager would hear it."""
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys

import pytest

from harness import RawClient, free_port, wait_until
from harness.proxy import binary, write_ini


class Manager:
    """A datagram socket and what was said to it."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.said = []

    def drain(self):
        """Forgets what was said up to now."""
        try:
            while self.socket.recv(4096):
                pass
        except BlockingIOError:
            self.said = []

    def hears(self, word):
        """The datagrams up to the first with that word."""
        def listen():
            try:
                while True:
                    self.said.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return any(word in each for each in self.said)
        wait_until(listen, 30, f"the manager hears {word}")
        at = next(i for i, each in enumerate(self.said) if word in each)
        heard, self.said = self.said[:at + 1], self.said[at + 1:]
        return heard


@pytest.fixture
def manager(tmp_path):
    one = Manager(tmp_path)
    yield one
    one.socket.close()


def test_ready_reload_stop(sluse, manager):
    proxy = sluse(environment={"NOTIFY_SOCKET": manager.path}, quiet=False)
    ready = manager.hears("READY=1")[-1]
    assert "STATUS=0 clients" in ready and "of 10 connections" in ready
    assert proxy.ready()
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"
        manager.hears("STATUS=1 clients")
        proxy.reload()
        reloading = manager.hears("RELOADING=1")[-1]
        assert int(reloading.split("MONOTONIC_USEC=")[1]) > 0
        manager.hears("READY=1")
        assert "WATCHDOG" not in "".join(manager.said)
        proxy.signal(signal.SIGTERM)
        manager.hears("STOPPING=1")
    assert proxy.process.wait(60) == 0
    proxy.process = None
    proxy.assert_clean_log()


def test_not_ready_without_a_server(sluse, own_mariadb, manager):
    """READY=1 comes when clients can log in, and not before."""
    server = own_mariadb()
    server.stop()
    proxy = sluse(server=server, environment={"NOTIFY_SOCKET": manager.path})
    assert "READY=1" not in "".join(manager.hears("STATUS="))
    assert not proxy.ready()
    server.start()
    manager.hears("READY=1")
    assert proxy.ready()


def test_watchdog(sluse, manager):
    sluse(environment={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000000"})
    for _ in range(3):
        manager.hears("WATCHDOG=1")


def test_a_process_that_stands_still_is_not_fed(sluse, manager):
    """That one stuck worker is enough is in tests/unit/test_notify.c."""
    proxy = sluse(environment={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"})
    manager.hears("WATCHDOG=1")
    proxy.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: proxy_state(proxy) == "T", what="it is stopped")
        manager.drain()
        assert not select.select([manager.socket], [], [], 1)[0]   # five times as long as it would have taken
    finally:
        proxy.signal(signal.SIGCONT)
    manager.hears("WATCHDOG=1")


def proxy_state(proxy):
    with open(f"/proc/{proxy.pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]


ACTIVATE = """import os, sys
for i, fd in enumerate(map(int, sys.argv[1].split(","))):
    os.dup2(fd, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sys.argv[1].split(","))))
os.execv(sys.argv[2], sys.argv[2:])
"""


def activate(path, sockets):
    """sluse with these sockets as its descriptors from 3 on; they are moved up first, to numbers that nobody has, so that none is overwritten."""
    high = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD_CLOEXEC, 50) for each in sockets]
    try:
        return subprocess.Popen([sys.executable, "-c", ACTIVATE, ",".join(map(str, high)), binary(), "-c", path], pass_fds=high,
                                stderr=subprocess.PIPE, text=True)
    finally:
        for fd in high:
            os.close(fd)


def listening(family, address):
    one = socket.socket(family)
    one.bind(address)
    one.listen(50)
    return one


def test_socket_activation(mariadb, tmp_path):
    """TCP and Unix sockets of the manager's are served; they outlive the process, and who connects then waits for the next one."""
    port, path = free_port(), str(tmp_path / "s")
    config = write_ini(tmp_path / "pool.ini", {
        "sluse": {"listen": f"127.0.0.1:{port}", "socket": path, "workers": 3}, "backend": {"host": "127.0.0.1", "port": mariadb.port},
        "account app": {"password": "app"}, "stats": {"listen": ""}})
    sockets = [listening(socket.AF_INET, ("127.0.0.1", port)), listening(socket.AF_UNIX, path)]
    for _ in range(2):
        early = socket.create_connection(("127.0.0.1", port))   # before there is a process
        process = activate(config, sockets)
        early.settimeout(20)
        assert early.recv(1)   # the greeting
        early.close()
        for arguments in (dict(port=port), dict(path=path)):
            with RawClient(**arguments) as client:
                assert client.value("SELECT 1") == "1"
                client.quit()
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 0, said
        assert os.path.exists(path)


def test_a_socket_that_nobody_asked_for(mariadb, tmp_path):
    port = free_port()
    config = write_ini(tmp_path / "pool.ini", {
        "sluse": {"listen": f"127.0.0.1:{free_port()}"}, "backend": {"host": "127.0.0.1", "port": mariadb.port},
        "account app": {"password": "app"}, "stats": {"listen": ""}})
    process = activate(config, [listening(socket.AF_INET, ("127.0.0.1", port))])
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert f"descriptor 3 is 127.0.0.1:{port}, which neither [sluse] listen nor socket names" in said
