"""Logging in at a server with caching_sha2_password. On a real MySQL by hand; here against a scripted one."""
import pytest

from fake_server import CachingSha2Server
from harness import ERR, OK, RawClient, wait_until


class Target:
    """What Sluse needs to know of a server."""

    def __init__(self, port):
        self.port, self.socket = port, None


@pytest.fixture
def scripted():
    server = CachingSha2Server("app")
    yield server
    server.close()


def denied(scripted):
    return [login for login in scripted.logins if login[1] == "denied"]


def test_full_then_fast(sluse, scripted):
    proxy = sluse(server=Target(scripted.port))
    wait_until(lambda: {("worker", "full"), ("control", "full")} <= set(scripted.logins))
    for plugin in ("caching_sha2_password", "mysql_native_password"):
        scripted.logins.clear()
        with RawClient(proxy.port, plugin=plugin) as client:
            assert isinstance(client.login_reply, OK), client.login_reply
            assert isinstance(client.query("DO 1")[0], OK)
        assert ("worker", "fast") in scripted.logins and ("worker", "full") not in scripted.logins
        assert not denied(scripted)


def test_cold_again(sluse, scripted):
    """FLUSH PRIVILEGES, a restart: the cache is cold in the middle of it all."""
    proxy = sluse(server=Target(scripted.port))
    wait_until(lambda: ("worker", "full") in scripted.logins)
    RawClient(proxy.port).quit()
    scripted.logins.clear()
    scripted.cold.add("worker")
    with RawClient(proxy.port, schema="other") as client:
        assert isinstance(client.query("DO 1")[0], OK)
    assert ("worker", "full") in scripted.logins
    assert not denied(scripted)


def test_wrong_password_at_the_server(sluse, scripted):
    """The server's own error is the client's."""
    scripted.password = b"another"
    proxy = sluse(server=Target(scripted.port), pool=dict(wait_timeout="2s"))
    with RawClient(proxy.port) as client:
        assert isinstance(client.login_reply, ERR)
        assert (client.login_reply.code, client.login_reply.sqlstate) == (1045, "28000"), client.login_reply
        assert "scripted" in client.login_reply.text
    assert ("worker", "denied") in scripted.logins
    assert not [login for login in scripted.logins if login[1] != "denied"]
