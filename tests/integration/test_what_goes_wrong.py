"""What goes wrong at the server, and what /readyz, /metrics and the log then say; the node's side is in test_what_goes_wrong_here.py.
docs/what-to-do-when.md says the same to operators."""
import contextlib

import pymysql
import pytest

from harness import ERR, Look, MariaDB, MySQL97, OK, RawClient, wait_until
from harness.compare import in_thread
from harness.replies import Closed
from test_reload import reload

PLACES = 12
HASTY = dict(connect_timeout="1s", health_interval="100ms")


@pytest.fixture(params=[MariaDB, MySQL97], ids=lambda kind: kind.name)
def server(request, server_of):
    return server_of(request.param)


on_mariadb = pytest.mark.parametrize("server", [MariaDB], ids=["mariadb-10.11"], indirect=True)


def look_until(proxy, condition, what):
    """The first look at which it is so."""
    seen = []

    def looks():
        seen.append(Look(proxy))
        return condition(seen[-1])
    wait_until(looks, what=what)
    return seen[-1]


def ready(proxy):
    return look_until(proxy, lambda look: look.status == 200, "/readyz is 200")


def unready(proxy):
    return look_until(proxy, lambda look: look.status == 503, "/readyz is 503")


def well(proxy):
    """Nothing is wrong any more, and everybody can see that."""
    look = look_until(proxy, lambda one: one.body == "ready\n", "/readyz has nothing to say")
    assert look.status == 200 and look("ready") == 1 and look("target_up") == 1 and look("pool_failing") == 0
    return look


def ask(proxy, sql):
    """What a client of its own gets, in the end."""
    with RawClient(proxy.port, timeout=60) as client:
        return client.query(sql)[-1] if isinstance(client.login_reply, OK) else client.login_reply


def at_once(proxy, count, sql="SELECT 'work'"):
    return [thread.result() for thread in [in_thread(ask, proxy, sql) for _ in range(count)]]


def works(proxy):
    return getattr(ask(proxy, "SELECT 'work'"), "rows", None) == ((b"work",),)


# --- stopped, and restarting ---

def test_the_database_is_stopped(sluse, server, clients):
    """Who had a connection loses it, who waits is told why at the deadline, and the log says it once, whoever asks how often."""
    proxy = sluse(server=server, pool=dict(size=4, wait_timeout="1s"), backend=HASTY)
    held = clients(proxy)
    held.ok("BEGIN")
    held.value("SELECT 1")
    assert well(proxy)("target_up") == 1
    server.stop()
    try:
        look = unready(proxy)
        assert look.body.startswith(f"not ready: server 127.0.0.1:{server.port}: ") and look("ready") == 0 and look("target_up") == 0
        assert isinstance(held.query("SELECT 2")[-1], (ERR, Closed))
        replies = at_once(proxy, 12)
        assert {reply.code for reply in replies} == {3168}
        for reply in replies:
            assert "no connection within wait_timeout: pool of 4 connections" in reply.text and "last failure: " in reply.text
            assert reply.text.endswith(f"can't connect to 127.0.0.1:{server.port}: Connection refused")
        look = Look(proxy)
        assert look("errors_total", "3168") == 12 == look("wait_timeouts_total") and look("client_closed_total", "backend_lost") == 1
        assert look("backend_login_failures_total") == look("backend_closed_total", "connect_failed") > 0
        assert look("pool_failing") == 1 and look("pool_waiting_max") > 1 and look("pool_waiting") == 0
        assert len(look.lines(f"warning: server 127.0.0.1:{server.port}: down: ")) <= 2   # the connection was lost, then none could be made
        assert len(look.lines(f"warning: server 127.0.0.1:{server.port}: no new connection: can't connect")) == 1
        assert len(look.complaints()) <= 4, look.complaints()
    finally:
        server.start()
    assert len(well(proxy).lines(f"info: server 127.0.0.1:{server.port}: up, ")) == 2
    assert works(proxy)


@on_mariadb
def test_the_database_restarts(sluse, server, clients):
    """Who waits meanwhile is served when it is back."""
    proxy = sluse(server=server, pool=dict(size=4, wait_timeout="60s"), backend=HASTY)
    well(proxy)
    server.stop()
    try:
        unready(proxy)
        waiting = [in_thread(ask, proxy, f"SELECT {i}") for i in range(8)]
        look = look_until(proxy, lambda one: one("pool_waiting") >= 7 and one("pool_waiting_oldest_seconds") > 0, "they wait")
        assert look.status == 503 and look("clients_current") == 8
    finally:
        server.start()
    assert [thread.result().rows for thread in waiting] == [((b"%d" % i,),) for i in range(8)]
    look = well(proxy)
    assert look("wait_timeouts_total") == 0 and look("errors_total", "3168") == 0 and look("wait_seconds_count") >= 8
    assert len(look.lines(": down: ")) in (1, 2) and len(look.lines(": up, ")) == 2


# --- slow ---

@pytest.fixture
def between(mariadb, put_between):
    return put_between(mariadb)


@on_mariadb
def test_the_database_hangs(sluse, server, clients):
    """SIGSTOP: it accepts and says nothing. That is a timeout, and is called one."""
    proxy = sluse(server=server, pool=dict(size=4, wait_timeout="1500ms"), backend=dict(HASTY, connect_timeout="500ms"))
    well(proxy)
    server.sigstop()
    try:
        look = look_until(proxy, lambda one: one.status == 503 and not one("target_up"), "its silence is noticed")
        assert look.body == f"not ready: server 127.0.0.1:{server.port}: no answer within connect_timeout\n"
        replies = at_once(proxy, 6)
        for reply in replies:
            assert reply.code == 3168 and reply.text.endswith("last failure: no answer within connect_timeout"), reply
        look = Look(proxy)
        assert look("backend_closed_total", "connect_timeout") > 0 and look("backend_login_failures_total") > 0
        assert look("wait_timeouts_total") == 6 and look.longer_than("wait", 1) == 6
        assert len(look.lines(": down: no answer within connect_timeout")) == 1
        assert len(look.lines(": no new connection: no answer within connect_timeout")) == 1
        assert len(look.complaints()) == 2, look.complaints()
    finally:
        server.cont()
    well(proxy)
    wait_until(lambda: works(proxy))


def test_the_database_answers_late(sluse, between, clients):
    """Nothing is broken: readyz stays, the log is silent, and the histograms move."""
    proxy = sluse(server=between, pool=dict(size=2, wait_timeout="60s"), backend=dict(connect_timeout="60s"))
    first, second = clients(proxy), clients(proxy)
    first.value("SELECT 1")
    before = well(proxy)
    between.mute()
    first.send_command(3, b"SELECT 'first'")
    look_until(proxy, lambda one: one("pool_backends", "leased") == 1, "the first has the connection")
    second.send_command(3, b"SELECT 'second'")
    look = look_until(proxy, lambda one: one("pool_waiting_oldest_seconds") > 0.3, "one waits")
    assert look.status == 200 and look.body == "ready\n" and look("target_up") == 1
    assert look("pool_backends", "leased") == 1 and look("pool_waiting") == 1 and look("pool_used") == look("pool_size") == 2
    assert look("pool_pinned_idle") == 0 and look("pool_all_pinned_all_waiting") == 0   # used, not held
    between.unmute()
    assert first.read_reply()[-1].rows == ((b"first",),) and second.read_reply()[-1].rows == ((b"second",),)
    look = look_until(proxy, lambda one: one("query_seconds_count") >= before("query_seconds_count") + 2, "both are counted")
    assert look.longer_than("query", 0.25) - before.longer_than("query", 0.25) == 1
    assert look.longer_than("wait", 0.25) - before.longer_than("wait", 0.25) == 1
    assert look.complaints() == before.complaints()


def test_the_database_accepts_and_does_not_greet(sluse, between):
    """From the start: clients can't be greeted either, and are told why after login_timeout."""
    between.mute()
    proxy = sluse(server=between, sluse=dict(login_timeout="1s"), pool=dict(size=4), backend=dict(HASTY, connect_timeout="500ms"))
    look = look_until(proxy, lambda one: "no answer" in one.body, "its silence is noticed")
    assert look.status == 503 and look("ready") == 0 and look("target_up") == 0
    for error in at_once(proxy, 5):
        assert error.code == 3168 and error.text == (f"sluse: no login within login_timeout: server 127.0.0.1:{between.port} has not been reached yet; "
                                                     "last failure: no answer within connect_timeout")
    look = look_until(proxy, lambda one: one("client_closed_total", "no_server") == 5, "all were counted")
    assert look("errors_total", "3168") == 5 and look("logins_total") == 0
    assert len(look.lines(f"warning: server 127.0.0.1:{between.port}: down: no answer within connect_timeout")) == 1
    assert len(look.complaints()) == 2, look.complaints()
    between.unmute()
    well(proxy)
    assert works(proxy)


# --- refusing ---

def others(server):
    """Clients of the server's own until it takes no more."""
    crowd = []
    while True:
        crowd.append(RawClient(server.port, user="svc", password="svc", plugin=server.plugin))
        if not isinstance(crowd[-1].login_reply, OK):
            assert crowd[-1].login_reply.code == 1040
            crowd.pop().close()
            return crowd


def fill(server, proxy, crowd, leased):
    """True: all places are taken: by root, the control connection, the crowd, and of the pool's only by those that are leased."""
    for frame in proxy.stats()["pool"]["frames"]:
        if frame["state"] == "idle" or not leased:
            with contextlib.suppress(pymysql.err.OperationalError):   # it has gone already
                server.sql(f"KILL {frame['thread_id']}")
    crowd.extend(others(server))
    return 2 + leased + len(crowd) == PLACES


def test_the_database_refuses_with_1040(sluse, server, clients):
    """As long as there is a connection to share, work goes on; without one, clients get the server's own error at the deadline."""
    before = server.sql("SELECT @@global.max_connections")[0][0]
    server.sql(f"SET GLOBAL max_connections = {PLACES}")
    crowd = []
    try:
        proxy = sluse(server=server, pool=dict(size=10, wait_timeout="700ms"), backend=HASTY, control=dict(user="limited", password="limited"))
        wait_until(lambda: proxy.stats()["target"]["globals"]["right"])   # before that nobody leaves a connection
        held = clients(proxy)
        held.ok("BEGIN")
        held.value("SELECT 1")
        well(proxy)
        wait_until(lambda: fill(server, proxy, crowd, 1), what="no place is left")
        errors = at_once(proxy, 6)
        for error in errors:   # who has tried itself, and who waited for those that did
            assert error.code == 1040 or (error.code == 3168 and error.text.endswith("; last failure: error 1040: Too many connections")), error
        look = Look(proxy)
        assert look.status == 200 and look("ready") == 1 and look("target_up") == 1 and look("target_max_connections") == PLACES
        assert look.body == f"ready\nserver 127.0.0.1:{server.port}: no new connection: error 1040: Too many connections\n"
        for number in (1040, 3168):
            assert look("errors_total", str(number)) == sum(error.code == number for error in errors)
        assert look("wait_timeouts_total") == 6 and look("pool_failing") == 1
        assert look("backend_login_failures_total") == look("backend_closed_total", "login_failed") > 0
        assert look("pool_used") < look("pool_size")
        reload(proxy, pool=dict(wait_timeout="60s"))
        waiting = in_thread(ask, proxy, "SELECT 'shared'")
        wait_until(lambda: proxy.stats()["pool"]["waiting"] == 1)
        held.ok("COMMIT")
        assert waiting.result().rows == ((b"shared",),)
        wait_until(lambda: fill(server, proxy, crowd, 0), what="only the control connection has a place")
        look = unready(proxy)
        assert look.body == f"not ready: server 127.0.0.1:{server.port}: no new connection: error 1040: Too many connections\n"
        assert look("ready") == 0 and look("target_up") == 1
        lines = look.lines("no new connection: error 1040: Too many connections")
        assert len(lines) == 1 and f"warning: server 127.0.0.1:{server.port}: " in lines[0] and look.complaints() == lines
        for each in crowd:
            each.close()
        crowd = []
        well(proxy)   # without anybody asking
        assert works(proxy)
    finally:
        for each in crowd:
            each.close()
        server.sql(f"SET GLOBAL max_connections = {before}")
