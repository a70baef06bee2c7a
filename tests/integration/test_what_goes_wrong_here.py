"""What goes wrong on the node, and what /readyz, /metrics and the log then say; the server's side is in test_what_goes_wrong.py.
docs/what-to-do-when.md says the same to operators."""
import http.client
import os
import re
import resource
import select
import signal
import threading
import time

from harness import Look, OK, RawClient, wait_until
from harness.compare import in_thread
from harness.proxy import ROOT
from test_drain import CUT, end
from test_reload import reload
from test_what_goes_wrong import ask, at_once, look_until, on_mariadb, server, well, works  # noqa: F401


# --- the pool ---

def test_the_pool_is_too_small(sluse, clients):
    """All but the control connection are held by clients at rest; who waits gets 3168 with pool, bound and wait in its text, and it is counted by number."""
    proxy = sluse(pool=dict(size=3, wait_timeout="600ms"))
    holders = [clients(proxy), clients(proxy)]
    for holder in holders:
        holder.ok("BEGIN")
        holder.value("SELECT 1")
    before = well(proxy)
    waiting = [in_thread(ask, proxy, "SELECT 1") for _ in range(3)]
    look = look_until(proxy, lambda one: one("pool_waiting") == 3, "three wait")
    assert look("pool_used") == look("pool_size") == 3 and look("pool_pinned_idle") == 2 and look("pool_all_pinned_all_waiting") == 1
    assert look("pinned_sessions", "transaction") == 2
    look_until(proxy, lambda one: one("pool_waiting_oldest_seconds") > 0.1, "for some time")
    for thread in waiting:
        error = thread.result()
        assert error.code == 3168 and re.match(r"sluse: no connection within wait_timeout: pool of 3 connections to \S+, 3 in use, [123] sessions waiting; "
                                               r"waited \d+ ms of 600 ms$", error.text), error
    look = well(proxy)
    assert look("errors_total", "3168") == look("wait_timeouts_total") == 3 and look("leases_waited_total") >= 3
    assert look.longer_than("wait", 0.5) - before.longer_than("wait", 0.5) == 3
    assert look("pool_waiting") == 0 == look("pool_waiting_oldest_seconds") == look("pool_all_pinned_all_waiting")
    lines = look.complaints()
    assert 1 <= len(lines) <= 2 and all("warning: no connection within wait_timeout: pool of 3 connections" in line for line in lines)   # one a worker
    assert lines[0].endswith("; 2 are held by clients at rest")
    said = reload(proxy, pool=dict(size=4))
    assert "[pool] size: 3 -> 4" in said and works(proxy)
    assert Look(proxy)("pool_size") == 4


def test_too_many_wait(sluse, clients):
    """max_waiting: who is one too many is told at once."""
    proxy = sluse(pool=dict(size=2, max_waiting=1, wait_timeout="60s"), sluse=dict(workers=1))
    holder = clients(proxy)
    holder.ok("BEGIN")
    holder.value("SELECT 1")
    waiting = in_thread(ask, proxy, "SELECT 'waited'")
    look_until(proxy, lambda one: one("pool_waiting") == 1, "one waits")
    for error in at_once(proxy, 5):
        assert error.code == 3168 and "max_waiting sessions wait for a connection already" in error.text
    look = well(proxy)
    assert look("waits_refused_total") == 5 == look("errors_total", "3168") and look("wait_timeouts_total") == 0
    assert len(look.complaints()) == 1 and "warning: max_waiting sessions wait for a connection already: pool of 2" in look.complaints()[0]
    holder.ok("COMMIT")
    assert waiting.result().rows == ((b"waited",),)


def test_a_client_leaks_a_transaction(sluse, schemas, clients):
    proxy = sluse(pool=dict(size=2, wait_timeout="60s", idle_in_transaction_timeout="700ms"))
    schemas.sql("CREATE TABLE app.t (a INT) ENGINE=InnoDB")
    leak = clients(proxy, schema="app")
    leak.ok("BEGIN")
    leak.ok("INSERT INTO t VALUES (1)")
    waiting = in_thread(ask, proxy, "SELECT 'waited'")
    look = look_until(proxy, lambda one: one("pinned_oldest_seconds", "transaction") > 0.2 and one("pool_waiting") == 1, "it gets old")
    assert look.status == 200 and look.body == "ready\n"
    assert look("pinned_sessions", "transaction") == 1 == look("pool_pinned_idle") == look("pool_all_pinned_all_waiting")
    assert waiting.result().rows == ((b"waited",),)
    leak.seq = 0   # unasked
    assert leak.read_reply()[0].code == 4031 and leak.wait_closed() == "eof"
    look = well(proxy)
    assert look("idle_transactions_ended_total") == look("client_closed_total", "idle_in_transaction") == look("errors_total", "4031") == 1
    assert look("pinned_sessions", "transaction") == look("pinned_oldest_seconds", "transaction") == look("pool_pinned_idle") == 0
    assert len(look.complaints()) == 1 and look.complaints()[0].endswith(f"warning: client {leak.id} app@localhost: closed: idle_in_transaction")
    assert schemas.sql("SELECT COUNT(*) FROM app.t") == ((0,),)


# --- passwords ---

def test_a_wrong_password_in_pool_ini(sluse, server):  # noqa: F811
    """Clients get the server's own error; the log has it once, and the server is not asked for each of them. Other accounts don't suffer."""
    proxy = sluse(server=server, accounts=dict(app="wrong", svc="svc"), control=dict(user="svc", password="svc"), pool=dict(size=3))
    look_until(proxy, lambda one: one("accounts_refused") == 1, "it is noticed before any client comes")

    def as_app(password="wrong"):
        with RawClient(proxy.port, password=password) as client:
            return client.query("SELECT 'work'")[-1] if isinstance(client.login_reply, OK) else client.login_reply

    def as_svc():
        with RawClient(proxy.port, user="svc", password="svc") as client:
            return client.value("SELECT 'work'")
    for error in [thread.result() for thread in [in_thread(as_app) for _ in range(50)]]:
        assert error.code == 1045 and error.text.startswith("Access denied for user 'app'@"), error
    assert as_svc() == "work"
    look = look_until(proxy, lambda one: one("client_closed_total", "account_denied") == 50, "all were counted")
    assert look.status == 200 and look.body.startswith("ready\naccount app: refused by the server: error 1045: Access denied for user 'app'@"), look.body
    assert look("ready") == 1 == look("accounts_refused") and look("errors_total", "1045") == 50 and look("logins_denied_total") == 0
    assert 1 <= look("backend_login_failures_total") + look("backend_restore_failures_total") < 15   # one a second, but for those that began together
    lines = look.lines("account app: refused by the server: error 1045: Access denied")
    assert len(lines) == 1 == len(look.complaints()) and "warning: " in lines[0]

    assert "[account svc]: removed" in reload(proxy, account_svc=None)
    look = Look(proxy)
    assert look.status == 503 and look.body.startswith("not ready: account app: refused by the server: error 1045: "), look.body
    assert look("ready") == 0 and look("target_up") == 1
    said = reload(proxy, account_app=dict(password="app"))
    assert "[account app]: password changed" in said and "wrong" not in said
    assert as_app(password="app").rows == ((b"work",),)
    assert well(proxy)("accounts_refused") == 0


@on_mariadb
def test_an_account_is_let_in_again(sluse, server):  # noqa: F811
    """What kept it out is mended at the server: sluse finds out by itself, though nobody comes to a node that is not ready."""
    server.sql("ALTER USER app@'%' ACCOUNT LOCK")
    try:
        proxy = sluse(server=server, accounts=dict(app="app"), control=dict(user="svc", password="svc"))
        look = look_until(proxy, lambda one: one.status == 503 and "account app" in one.body, "the lock is noticed without any client")
        assert re.match(r"not ready: account app: refused by the server: error 4151: ", look.body), look.body
    finally:
        server.sql("ALTER USER app@'%' ACCOUNT UNLOCK")
    look = well(proxy)
    assert len(look.lines("warning: account app: refused by the server: error 4151: ")) == 1
    assert len(look.lines("info: account app: let in by the server again")) == 1
    assert works(proxy)


def test_a_wrong_password_of_the_control_account(sluse):
    proxy = sluse(control=dict(user="svc", password="wrong"), backend=dict(health_interval="50ms"))
    look = look_until(proxy, lambda one: "Access denied" in one.body, "it is told")
    assert look.status == 503 and look.body.startswith(f"not ready: server 127.0.0.1:{proxy.server.port}: Access denied for user 'svc'@")
    assert look("ready") == 0 == look("target_up")
    assert len(look.complaints()) == 1 and ": down: Access denied for user 'svc'@" in look.complaints()[0]
    reload(proxy, control=dict(password="svc"))
    assert len(well(proxy).complaints()) == 1


def test_a_wrong_password_of_clients(sluse, server):  # noqa: F811
    """1045, counted by number; the log names where they come from, and does not grow with each of them."""
    proxy = sluse(server=server)
    well(proxy)
    for _ in range(200):
        with RawClient(proxy.port, password="wrong") as client:
            assert client.login_reply.code == 1045 and client.login_reply.text == "Access denied for user 'app'@'localhost' (using password: YES)"
    look = look_until(proxy, lambda one: one("client_closed_total", "access_denied") == 200, "all were counted")
    assert look.body == "ready\n" and look("logins_denied_total") == look("errors_total", "1045") == 200 and look("accounts_refused") == 0
    lines = look.lines(" -@localhost: closed: access_denied")
    left_out = sum(int(number) for line in lines for number in re.findall(r"\(and (\d+) before\)$", line))
    assert len(lines) + left_out <= 200 and lines[0].endswith("closed: access_denied") and "info: client 2" in lines[0]
    assert not look.complaints()


# --- pool.ini ---

def test_a_bad_reload(sluse, clients):
    """Each mistake with its line and what would be right; nothing changes, and /metrics says that the file is not what runs."""
    proxy = sluse()
    client = clients(proxy)
    client.value("SELECT 1")
    well(proxy)
    said = reload(proxy, pool=dict(size=7, wait_timeout="soon", max_witing=5))
    with open(proxy.directory + "/pool.ini") as f:
        numbered = {line.split(" = ")[0]: number for number, line in enumerate(f.read().splitlines(), 1)}
    for key, remedy in (("wait_timeout", "10s"), ("max_witing", "did you mean 'max_waiting'")):
        line, = [each for each in said.splitlines() if key in each]
        assert f"error: reload: {proxy.directory}/pool.ini:{numbered[key]}: " in line and remedy in line, line
    assert said.splitlines()[-1].endswith("error: reload: nothing was changed")
    look = well(proxy)
    assert look("pool_size") == 10 and look("conf_stale") == 1 == look("conf_reloads_refused_total") and look("conf_reloads_total") == 0
    assert client.value("SELECT 2") == "2"
    proxy.sections["pool"] = dict(size=7)
    assert "[pool] size: 10 -> 7" in reload(proxy)
    look = well(proxy)
    assert look("pool_size") == 7 and look("conf_stale") == 0 and look("conf_reloads_total") == 1 == look("conf_reloads_refused_total")


# --- descriptors ---

class Kept:
    """The pages over one connection, and the log: for when there is no descriptor for another."""

    def __init__(self, proxy):
        self.log = proxy.log
        self.connection = http.client.HTTPConnection("127.0.0.1", proxy.stats_port, timeout=20)

    def http(self, path):
        self.connection.request("GET", path)
        reply = self.connection.getresponse()
        return reply.status, reply.read().decode()


def test_descriptors_run_out(sluse, clients):
    """Who is in is served, who comes waits, the pool can't grow, and it is said why; with descriptors all of it goes on."""
    proxy = sluse(pool=dict(size=9, wait_timeout="60s"), sluse=dict(workers=1))   # an idle connection of another worker would not be taken
    holders = []

    def all_are_held():
        states = proxy.backends()
        if states["idle"] or not holders:
            holders.append(clients(proxy))
            holders[-1].ok("BEGIN")
            holders[-1].value("SELECT 1")
        return holders and not any(number for state, number in states.items() if state != "leased")
    wait_until(all_are_held)
    other = clients(proxy)   # is on no connection, and believed without one
    well(proxy)
    kept = Kept(proxy)
    kept.http("/readyz")
    limit = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (3, limit[1]))
    try:
        outside = clients(proxy, greet=False)
        other.send_command(3, b"SELECT 'other', SLEEP(0)")
        for _ in range(3):
            assert holders[0].value("SELECT 'held'") == "held"
        look = look_until(kept, lambda one: one.lines("can't accept clients: ") and one("pool_failing") == 1, "it is noticed")
        error = f"server 127.0.0.1:{proxy.server.port}: no new connection: can't connect to 127.0.0.1:{proxy.server.port}: Too many open files"
        assert look.status == 200 and look.body == f"ready\n{error}\n"
        assert look("clients_current") == 1 + len(holders) == look("clients_accepted_total") and look("clients_refused_total") == 0
        assert len(look.lines(f"warning: {error}")) == 1 and "warning: can't accept clients: Too many open files" in look.lines("can't accept")[0]
    finally:
        resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, limit)
    assert other.read_reply()[-1].rows == ((b"other", b"0"),)
    outside.read_greeting()
    well(proxy)
    kept.connection.close()


# --- the end ---

def work_on(proxy, n, committed, after, stop):
    """Transactions one after another, `after` of them after SIGTERM; then at rest until the end, which must be one as of a server that stops."""
    with proxy.client(schema="app", timeout=60) as client:
        for i in range(10 ** 6):
            if stop.is_set():
                after -= 1
            if after < 0:
                break
            client.ok("BEGIN")
            client.ok(f"INSERT INTO work_of VALUES ({n}, {i})")
            assert client.rows(f"SELECT COUNT(*), {n} FROM work_of WHERE who = {n}") == [(str(i + 1), str(n))]
            client.ok("COMMIT")
            committed.append((n, i))
        assert not select.select([client.sock], [], [], 0)[0] or stop.is_set()
        return client.wait_closed()


def test_drain_under_load(sluse, schemas):
    """64 clients at work: each statement is answered, and each session ends between two of them; readyz says draining as long as anybody is there."""
    schemas.sql("CREATE TABLE app.work_of (who INT, what INT, KEY (who)) ENGINE=InnoDB")
    proxy = sluse(quiet=False, sluse=dict(drain_timeout="60s"), pool=dict(size=8, wait_timeout="60s"))
    committed, stop = [], threading.Event()
    threads = [in_thread(work_on, proxy, n, committed, n % 4, stop) for n in range(64)]
    wait_until(lambda: len({who for who, _ in committed}) == 64, 60, "all are at work")
    proxy.signal(signal.SIGTERM)
    stop.set()
    seen = []
    while proxy.process.poll() is None:
        try:
            seen.append(Look(proxy))
        except OSError:   # it has gone
            break
    assert [thread.result() for thread in threads] == ["eof"] * 64
    end(proxy)
    draining = [look for look in seen if look.body == "draining\n"]
    assert draining and all(look.status == 503 and look("ready") == 0 for look in draining)
    assert seen.index(draining[0]) == len(seen) - len(draining)   # from the first to the last
    assert all(look("wait_timeouts_total") == 0 and not any(number for (metric, _), number in look.metrics.items() if metric == "sluse_errors_total")
               for look in seen)
    assert draining[-1]("clients_current") < 64
    assert sorted(schemas.sql("SELECT * FROM app.work_of")) == sorted(committed)
    log = Look.lines_of(proxy.log(), "info: ")
    assert any("info: draining: 64 clients left; those at work have 60000 ms" in line for line in log)
    assert log[-1].endswith("info: stopped; 0 clients were cut, 64 ended at rest") and not Look.lines_of(proxy.log(), "warning: ")
    assert draining[-1]("client_closed_total", "drained") <= 64


def never_rest(proxy, cut):
    with proxy.client(timeout=60) as client:
        while True:
            try:
                reply = client.query("SELECT 'again', SLEEP(0.01)")[-1]
            except OSError:
                reply = None
            if getattr(reply, "rows", None) != ((b"again", b"0"),):
                cut.append(time.monotonic())
                return reply


def test_the_deadline_of_a_drain(sluse):
    """Who never comes to rest is cut, not before drain_timeout; and it is said."""
    proxy = sluse(quiet=False, sluse=dict(drain_timeout="1s"), pool=dict(size=4, wait_timeout="60s"))
    cut = []
    threads = [in_thread(never_rest, proxy, cut) for _ in range(8)]
    wait_until(lambda: proxy.counter("replies") > 50, what="all are at work")
    told = time.monotonic()
    proxy.signal(signal.SIGTERM)
    look = look_until(proxy, lambda one: one.status == 503, "it drains")
    assert look.body == "draining\n" and look("clients_current") == 8
    for thread in threads:
        thread.result()
    end(proxy, CUT)
    assert min(cut) - told >= 1
    assert proxy.log().splitlines()[-1].endswith("warning: stopped; 8 clients were cut, 0 ended at rest")


UNTOLD = {"leases_waited_total", "logins_total", "pool_waiting_max", "wait_seconds_count"}   # these help the tests alone
MANUAL = ("no new connection: error 1040: Too many connections", "no new connection: no answer within connect_timeout", "down: no answer within connect_timeout", ": up, ",
          "last failure: ", "no connection within wait_timeout: pool of ", "are held by clients at rest", "max_waiting sessions wait for a connection already",
          "closed: idle_in_transaction", "closed: access_denied", "account_denied", "account app: refused by the server: error 1045: Access denied",
          "account app: let in by the server again", "down: Access denied", "reload: nothing was changed", "stopped; 0 clients were cut, 64 ended at rest", "draining: 64 clients left")


def test_the_manual_has_these_words():
    """What the tests here and in test_what_goes_wrong.py look for, docs/what-to-do-when.md tells."""
    with open(os.path.join(ROOT, "docs", "what-to-do-when.md")) as f:
        manual = f.read()
    assert [words for words in MANUAL if words not in manual] == []
    tests = ""
    for name in ("test_what_goes_wrong.py", "test_what_goes_wrong_here.py"):
        with open(os.path.join(ROOT, "tests", "integration", name)) as f:
            tests += f.read().split("\nMANUAL = ")[0]
    assert [metric for metric in set(re.findall(r'look\("(\w+)"', tests)) if f"sluse_{metric}" not in manual and metric not in UNTOLD] == []
