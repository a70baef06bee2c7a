"""Fixtures: one server for the whole run, a proxy for each test that is quiet and clean at its end."""
import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fake_server import Between  # noqa: E402
from harness import SERVERS, MariaDB, RawClient, Sluse  # noqa: E402
from harness.builds import roots  # noqa: E402


def interrupt(*_):
    raise KeyboardInterrupt


def pytest_configure():
    """SIGTERM ends the run as Ctrl-C does, so that servers and directories go."""
    signal.signal(signal.SIGTERM, interrupt)


@pytest.fixture(scope="session")
def mariadb():
    """The shared server. Tests that change globals or stop it use own_mariadb."""
    server = MariaDB()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def server_of():
    """server_of(MySQL97): one of that kind for the whole run, for tests that stop it (and start it again) or change its globals (and change them back)."""
    servers = {}

    def get(kind):
        if kind not in servers:
            servers[kind] = kind()
        return servers[kind]
    yield get
    for server in servers.values():
        server.remove()


@pytest.fixture(scope="session")
def installed():
    """installed("mysql-9.7"): that kind of server; the test is skipped where tests/install-servers has not put it."""
    def kind(name):
        if name != MariaDB.name and not os.path.isdir(os.path.join(roots(), name)):
            pytest.skip(f"{name} is not here; tests/install-servers makes it")
        return SERVERS[name]
    return kind


@pytest.fixture(scope="module", params=SERVERS)
def each_kind(request, installed):
    """The kinds of server, one after the other."""
    return installed(request.param)


@pytest.fixture
def own_mariadb():
    """A factory of servers for one test."""
    servers = []

    def make(**arguments):
        servers.append(MariaDB(**arguments))
        return servers[-1]
    yield make
    for server in servers:
        server.remove()


@pytest.fixture
def schemas(mariadb):
    """Empty schemas `app` and `other` on the shared server."""
    mariadb.fresh_schemas()
    return mariadb


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, "report_" + report.when, report)
    if report.when == "call" and report.failed:
        for proxy in getattr(item, "proxies", ()):
            report.sections.append(("sluse log (end)", proxy.log()[-4000:]))


@pytest.fixture
def sluse(request, mariadb):
    """A factory of proxies: sluse(pool=dict(size=3)); in front of the shared server unless server= is given.

    At the end every proxy must come to rest (no client, no leased backend, no waiter), end with 0 on SIGTERM and have
    logged no sanitizer report and no broken invariant. quiet=False leaves the rest out."""
    proxies = request.node.proxies = []
    loud = set()

    def make(server=None, quiet=True, **arguments):
        proxy = Sluse(server or mariadb, start=False, **arguments)
        proxies.append(proxy)
        if not quiet:
            loud.add(proxy)
        proxy.start()
        return proxy
    yield make
    failed = getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    try:
        for proxy in proxies:
            if proxy.process is not None:
                if not failed and proxy not in loud:
                    proxy.assert_quiet()
                if failed:
                    proxy.kill()
                    proxy.assert_clean_log()
                else:
                    proxy.stop()
    finally:
        for proxy in proxies:
            proxy.kill()


@pytest.fixture
def put_between(sluse):
    """A factory of somebody between a proxy and a server, see fake_server.py. They go before the proxy is judged."""
    made = []

    def make(server):
        made.append(Between(server))
        return made[-1]
    yield make
    for each in made:
        each.close()


@pytest.fixture
def clients(sluse):
    """A factory of RawClients that are closed at the end of the test (before the proxy is judged)."""
    made = []

    def make(port, **arguments):
        made.append(RawClient(getattr(port, "port", port), **arguments))
        return made[-1]
    yield make
    for client in made:
        client.close()
