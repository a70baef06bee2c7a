"""/metrics and /stats: one table, everything in it can be moved, and what holds the pool can be seen."""
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import jsonschema
import pytest

from harness import BASE, ERR, FOUND_ROWS, OK, wait_until
from harness.look import samples
from test_code_waits import LOSES
from test_unread import Hold

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import stats_tables  # noqa: E402

COM_REGISTER_SLAVE = 0x15


def moved(proxy, name):
    """Is the counter, or the histogram's count, above 0 on both pages?"""
    stats = proxy.stats()
    if name in stats["counters"]:
        return stats["counters"][name] > 0 and samples(proxy)[f"sluse_{name}_total", None] > 0
    return stats["histograms"][name]["count"] > 0 and samples(proxy)[f"sluse_{name}_seconds_count", None] > 0


def go(client, *statements):
    for statement in statements:
        reply = client.query(statement)[-1]
        assert not isinstance(getattr(reply, "end", reply), ERR), (statement, reply)


@pytest.fixture
def known(sluse, schemas):
    """A factory of proxies that know the stored code, with as many backends for sessions as told, and a table app.t."""
    def make(backends=1, workers=1, server=None, sections=None, **pool):
        (server or schemas).sql("CREATE TABLE IF NOT EXISTS app.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
        proxy = sluse(server=server, pool=dict(size=backends + 1, **pool), sluse=dict(workers=workers), **(sections or {}))
        proxy.wait_read()
        return proxy
    return make


# --- how each counter is moved: what is done, and what that moves ---

def visits(known, clients, **_):
    """A session, and another like it."""
    proxy = known(3)
    first = clients(proxy, schema="app")
    go(first, "BEGIN", "SELECT 1", "COMMIT", "SELECT 2")
    first.quit()
    proxy.wait_idle()
    second = clients(proxy, schema="app")
    assert isinstance(second.ping()[0], OK)    # it is on no backend yet
    go(second, "SELECT 1")
    return proxy


def denials(sluse, clients, **_):
    proxy = sluse(sluse=dict(max_clients=1))
    assert clients(proxy, password="wrong").login_reply.code == 1045
    wait_until(lambda: proxy.stats()["clients"]["current"] == 0)
    clients(proxy)
    assert clients(proxy).login_reply.code == 1040
    return proxy


def shortage(sluse, clients, **_):
    """More clients than there are descriptors for: the next one waits outside."""
    proxy = sluse(nofile=100)
    for _ in range(100):
        clients(proxy, login=False, greet=False)
    return proxy


def crowds(sluse, clients, **_):
    """The kernel does not spread connections evenly."""
    proxy = sluse(sluse=dict(workers=4))
    for _ in range(100):
        clients(proxy)
        if proxy.counter("clients_passed_on"):
            break
    return proxy


def moves(known, clients, **_):
    """The only backend goes from worker to worker."""
    proxy = known(workers=2)
    by_worker = {}
    while len(by_worker) < 2:
        client = clients(proxy, schema="app")
        by_worker[client.id >> 25 & 63] = client
    for client in by_worker.values():
        go(client, "SELECT 1")
    return proxy


def waits(known, clients, **_):
    proxy = known(max_waiting=1, wait_timeout="500ms")
    holder, first, second = (clients(proxy) for _ in range(3))
    go(holder, "BEGIN")
    first.send_command(3, b"SELECT 1")
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == 1)
    assert second.query("SELECT 1")[0].code == 3168
    assert first.read_reply()[0].code == 3168
    return proxy


def pages(known, clients, **_):
    """Two sessions, and then one of another account, take turns on one backend."""
    proxy = known()
    first, second, other = clients(proxy, schema="app"), clients(proxy, schema="app"), clients(proxy, user="svc", password="svc", schema="app")
    for client, statement in ((first, "SET div_precision_increment = 7"), (second, "DO 1"), (first, "DO 1"), (second, "DO 1"), (other, "DO 1"), (first, "DO 1")):
        go(client, statement)
    return proxy


def page_that_stays(known, clients, **_):
    """More warnings than a session keeps."""
    proxy = known(wait_timeout="500ms")
    owner, other = clients(proxy, schema="app"), clients(proxy, schema="app")
    go(owner, "SET max_error_count = 5000", "SELECT MAX(CAST(CONCAT(seq, 'x') AS SIGNED)) FROM seq_1_to_3000")
    assert other.query("DO 1")[0].code == 3168
    return proxy


def residues(known, clients, **_):
    proxy = known()
    owner, other = clients(proxy, schema="app"), clients(proxy, schema="app")

    def after(leaves, asks):
        go(owner, leaves)
        go(other, "DO 1")
        return owner.query(asks)[-1]
    assert after("SELECT CAST('1x' AS SIGNED)", "SHOW WARNINGS").rows
    assert after("INSERT INTO t (v) VALUES (1), (2)", "SELECT ROW_COUNT()").rows == ((b"2",),)
    assert after("SELECT CAST('1x' AS SIGNED)", "GET DIAGNOSTICS CONDITION 1 @a = RETURNED_SQLSTATE").code == 1235
    assert after("DO 1", "SELECT 1 x y, CONNECTION_ID()").code == 1064
    assert after("SELECT v FROM t LIMIT 1", "EXECUTE IMMEDIATE 'SELECT FOUND_ROWS()'").rows == ((b"1",),)
    return proxy


def unknown_code(known, clients, schemas, **_):
    """A session that has moved, while somebody's change of what is stored is under way."""
    proxy = known(3, wait_timeout="300ms", debug_migrate="always")
    schemas.sql("CREATE TABLE app.held (a INT)")
    changer, session = clients(proxy, schema="app"), clients(proxy, schema="app")
    go(session, LOSES)
    with Hold(schemas) as hold:
        changer.send_command(3, b"RENAME TABLE held TO now_free")
        wait_until(lambda: schemas.running("now_free"))
        assert session.query("INSERT INTO t (v) VALUES (1)")[0].code == 1235
        hold.end()
        changer.read_reply()
    return proxy


def keys(known, clients, **_):
    """A capability that only a login sets."""
    proxy = known()
    go(clients(proxy), "DO 1")
    go(clients(proxy, caps=BASE | FOUND_ROWS), "DO 1")
    return proxy


def deadlines(known, clients, **_):
    proxy = known(3, idle_in_transaction_timeout="200ms", query_timeout="200ms")
    idle, slow = clients(proxy), clients(proxy)
    go(idle, "BEGIN")
    slow.query("SELECT SLEEP(20)")
    idle.wait_closed()
    return proxy


def silence(known, clients, **_):
    proxy = known()
    silent, other = clients(proxy), clients(proxy)
    go(silent, "SET wait_timeout = 1")
    go(other, "DO 1")
    silent.wait_closed()
    return proxy


def kills(known, clients, schemas, **_):
    proxy = known(3)
    victim, owner, stranger, gone = clients(proxy), clients(proxy), clients(proxy, user="limited", password="limited"), clients(proxy)
    go(victim, "BEGIN")
    assert stranger.query(f"KILL QUERY {victim.id}")[0].code == 1095
    assert isinstance(owner.query(f"KILL {victim.id}")[0], OK)
    gone.send_command(3, b"SELECT SLEEP(30), 'whose client goes'")
    wait_until(lambda: schemas.running("whose client goes"))
    gone.reset_tcp()
    wait_until(lambda: moved(proxy, "replies_discarded"))
    return proxy


def spent(known, clients, **_):
    proxy = known(2)
    client = clients(proxy)
    client.send_command(COM_REGISTER_SLAVE)
    assert isinstance(client.read_reply()[-1], ERR)
    client.quit()
    wait_until(lambda: moved(proxy, "frames_spent"))
    return proxy


def refusals(sluse, clients, **_):
    """An account that the server does not know: no login goes well, and no change of user."""
    proxy = sluse(accounts=dict(app="app", ghost="ghost"), pool=dict(size=2))
    wait_until(proxy.ready)
    go(clients(proxy), "DO 1")
    ghost = clients(proxy, user="ghost", password="ghost")
    if isinstance(ghost.login_reply, OK):
        assert isinstance(ghost.query("DO 1")[0], ERR)
    return proxy


def strangers(sluse, clients, **_):
    """The first account, of which the connection is that asks for the greeting, is not known to the server."""
    proxy = sluse(accounts=dict(ghost="ghost", app="app"), control=dict(user="app", password="app"))
    wait_until(lambda: moved(proxy, "backend_login_failures"))
    return proxy


def cut_off(sluse, clients, own_mariadb, **_):
    """drain_timeout is over with a client at work; as its server hangs, sluse waits a moment for it, and answers until then."""
    server = own_mariadb()
    proxy = sluse(server=server, quiet=False, sluse=dict(drain_timeout="100ms"))
    client = clients(proxy)
    go(client, "BEGIN", "SELECT 1")
    server.sigstop()
    proxy.signal(signal.SIGTERM)
    wait_until(lambda: moved(proxy, "clients_cut"))
    assert client.wait_closed() == "eof" and proxy.process.wait(60) == 3
    proxy.process = None
    return None


def globals_change(known, clients, own_mariadb, **_):
    server = own_mariadb()
    proxy = known(server=server, sections=dict(backend=dict(health_interval="200ms")))
    go(clients(proxy, schema="app"), "DO 1")
    server.sql("SET GLOBAL div_precision_increment = 7")
    wait_until(lambda: moved(proxy, "sessions_kept_globals"))
    return proxy


MOVED_BY = {
    visits: "clients_accepted logins logins_schema_asked commands commands_local replies client_bytes_in client_bytes_out backend_bytes_in backend_bytes_out leases"
            " leases_equal leases_resident backend_connects backend_logins backend_cleanings wait query transaction login backend_login",
    denials: "clients_refused logins_denied",
    shortage: "accept_pauses",
    crowds: "clients_passed_on",
    moves: "leases_moved",
    waits: "leases_waited wait_timeouts waits_refused",
    pages: "pages_stolen pages_asked page_ins_difference page_ins_ahead page_ins_reset page_ins_login backend_restores",
    page_that_stays: "pages_kept",
    residues: "residues_answered residues_written residues_refused residues_retold residues_primed",
    unknown_code: "code_waits code_waits_expired",
    keys: "backend_turned_over",
    deadlines: "idle_transactions_ended query_timeouts",
    silence: "silent_ended",
    kills: "kills_virtual kills_sent kills_failed queries_abandoned replies_discarded",
    spent: "frames_spent",
    refusals: "backend_restore_failures",
    strangers: "backend_login_failures",
    globals_change: "sessions_kept_globals",
    cut_off: "clients_cut",
}


# Only a server that refuses what it can't refuse moves these: a scripted one, in that file.
MOVED_ELSEWHERE = {"page_ins_ahead_failed": "test_ahead.py", "page_ins_repeated": "test_ahead.py"}


def test_every_counter_is_moved_by_a_test():
    names = [name for moving in MOVED_BY.values() for name in moving.split()] + [*MOVED_ELSEWHERE]
    for name, path in MOVED_ELSEWHERE.items():
        with open(os.path.join(os.path.dirname(__file__), path)) as f:
            assert name in f.read()
    assert sorted(names) == sorted([*stats_tables.counters(), *stats_tables.histograms()])


@pytest.mark.parametrize("scenario", MOVED_BY, ids=lambda scenario: scenario.__name__)
def test_counters_move(scenario, known, sluse, schemas, clients, own_mariadb):
    proxy = scenario(known=known, sluse=sluse, schemas=schemas, clients=clients, own_mariadb=own_mariadb)
    for name in MOVED_BY[scenario].split() if proxy else ():    # a reply is with its client a moment before it is counted
        wait_until(lambda: moved(proxy, name), what=f"{name} has moved")


# --- the pages ---

@pytest.fixture
def busy(known, clients):
    """A proxy with something of everything: a pinned session, a waiting one, errors, ended ones."""
    proxy = known(wait_timeout="60s")
    holder, waiter = clients(proxy, schema="app"), clients(proxy)
    clients(proxy).quit()
    assert holder.query("SELECT nosuch")[0].code == 1054
    go(holder, "BEGIN", "SET @a = 1")
    waiter.send_command(3, b"SELECT SLEEP(0.3)")
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == 1)
    yield proxy, holder, waiter


def test_metrics_are_prometheus(busy):
    """promtool has nothing to say, and what is there is what the table has."""
    proxy, holder, waiter = busy
    with urllib.request.urlopen(f"http://127.0.0.1:{proxy.stats_port}/metrics", timeout=10) as reply:
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        page = reply.read().decode()
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE)) == stats_tables.metrics()
    assert set(re.findall(r"^# HELP (\w+) ", page, re.MULTILINE)) == set(stats_tables.metrics())
    for metric, values in (("sluse_client_closed_total", stats_tables.reasons()), ("sluse_pins_total", stats_tables.pins()),
                           ("sluse_pool_backends", stats_tables.states())):
        assert {label for name, label in samples(proxy) if name == metric} == set(values)


def test_stats_are_as_the_schema_says(busy):
    proxy, holder, waiter = busy
    schema = json.loads(stats_tables.text("docs/stats.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    stats = proxy.stats()
    jsonschema.validate(stats, schema, jsonschema.Draft202012Validator)
    for broken in ({**stats, "more": 1}, {**stats, "pool": {k: v for k, v in stats["pool"].items() if k != "frames"}},
                   {**stats, "errors": {"1054": -1}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema, jsonschema.Draft202012Validator)


def test_both_pages_say_the_same(busy):
    proxy, holder, waiter = busy
    stats, metrics = proxy.stats(), samples(proxy)
    for field, (kind, metric, _) in stats_tables.gauges().items():
        value = stats
        for part in field.split("."):
            value = value[part]
        if kind not in ("TIME", "SECONDS"):
            assert metrics[metric, None] == value, field
    for name in stats_tables.counters():
        assert metrics[f"sluse_{name}_total", None] == stats["counters"][name], name
    for name, histogram in stats["histograms"].items():
        buckets = [value for (metric, _), value in metrics.items() if metric == f"sluse_{name}_seconds_bucket"]
        assert buckets == [sum(histogram["buckets"][:i + 1]) for i in range(len(buckets))] and buckets[-1] == histogram["count"]
        assert [float(le) * 1000 for metric, le in metrics if metric == f"sluse_{name}_seconds_bucket"][:-1] == stats["histogram_bounds_ms"]
    assert stats["errors"] == {"1054": 1} and metrics["sluse_errors_total", "1054"] == 1
    assert stats["client_closed"] == {"quit": 1} and metrics["sluse_client_closed_total", "quit"] == 1
    assert {name: pin["now"] for name, pin in stats["pins"].items()} == {"transaction": 1, "user_variables": 1}
    assert metrics["sluse_pinned_sessions", "transaction"] == 1 and metrics["sluse_pinned_sessions", "role"] == 0


def test_what_holds_the_pool_can_be_seen(busy):
    """A frame names its session and its pins; a waiter and a pin have an age; and all of it goes."""
    proxy, holder, waiter = busy
    stats = proxy.stats()
    frame, = stats["pool"]["frames"]
    assert (frame["state"], frame["session"], frame["resident"], sorted(frame["pins"])) == ("leased", holder.id, False, ["transaction", "user_variables"])
    assert frame["command_ms"] is None    # it is the other one's that waits
    assert frame["thread_id"] in {row["ID"] for row in proxy.server.processlist("app")}
    assert stats["pool"]["all_pinned_all_waiting"] is True
    assert stats["pins"]["transaction"]["oldest_ms"] >= stats["pins"]["user_variables"]["oldest_ms"] > 0
    wait_until(lambda: proxy.stats()["pool"]["waiting_oldest_ms"] > 100)
    assert proxy.stats()["pins"]["user_variables"]["oldest_ms"] > 100
    assert samples(proxy)["sluse_pool_waiting_oldest_seconds", None] > 0.1 and samples(proxy)["sluse_pinned_oldest_seconds", "transaction"] > 0.1
    go(holder, "COMMIT")
    wait_until(lambda: proxy.stats()["pool"]["frames"][0]["pins"] == ["user_variables"])
    assert proxy.stats()["pins"]["transaction"] == {"times": 1, "now": 0, "oldest_ms": 0}
    holder.quit()
    assert waiter.read_reply()[0].rows == ((b"0",),)
    wait_until(lambda: proxy.stats()["pool"]["frames"][0]["resident"])
    frame, = proxy.stats()["pool"]["frames"]
    assert (frame["state"], frame["session"], frame["pins"]) == ("idle", waiter.id, [])
    waiter.quit()
    wait_until(lambda: [f["session"] for f in proxy.stats()["pool"]["frames"]] == [None])
    assert proxy.stats()["pool"]["waiting_oldest_ms"] == 0


def test_times_are_in_their_buckets(busy):
    """What is known to have taken longer is in none of the lower buckets."""
    proxy, holder, waiter = busy
    bounds = proxy.stats()["histogram_bounds_ms"]
    waiting = proxy.stats()["pool"]
    wait_until(lambda: proxy.stats()["pool"]["waiting_oldest_ms"] > 100)
    assert waiting["waiting"] == 1
    go(holder, "COMMIT")
    wait_until(lambda: proxy.stats()["histograms"]["transaction"]["count"] == 1)
    before = proxy.stats()["histograms"]
    holder.quit()
    assert waiter.read_reply()[0].rows == ((b"0",),)
    wait_until(lambda: proxy.stats()["histograms"]["query"]["count"] > before["query"]["count"])
    after = proxy.stats()["histograms"]
    assert before["transaction"]["count"] == 1 and before["transaction"]["sum_ms"] > 100
    assert sum(before["transaction"]["buckets"][bounds.index(100) + 1:]) == 1

    def new(name, longer_than):
        return sum(b - a for a, b in list(zip(before[name]["buckets"], after[name]["buckets"]))[bounds.index(longer_than) + 1:])
    assert new("wait", 100) == 1 and new("query", 250) == 1
    assert after["query"]["count"] == before["query"]["count"] + 1 and after["query"]["sum_ms"] - before["query"]["sum_ms"] >= 300
