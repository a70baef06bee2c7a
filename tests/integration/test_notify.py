"""sd_notify, as a service manager would hear it."""
import os
import signal
import socket

import pytest

from harness import wait_until


class Manager:
    """A datagram socket and what was said to it."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
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
