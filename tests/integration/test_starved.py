"""The log line when sessions get no connection: how many, how long, what holds the pool, what helps. Nothing of a statement is in it."""
import re

import pytest

from harness import OK, wait_until
from harness.compare import in_thread

LINE = re.compile(r"warning: (no connection within wait_timeout|max_waiting sessions wait for a connection already): pool of (\d+) connections to \S+, (\d+) in"
                  r" use, (\d+) sessions waiting; waited (\d+) ms of \d+ ms; what helps: (.*); pinned by: (.*); (\d+) are held by clients at rest"
                  r"(?: \(and (\d+) before\))?$", re.MULTILINE)
PINNED = 'docs/what-to-do-when.md, "Every connection is pinned"'


def lines(proxy):
    return LINE.findall(proxy.log())


def starve(proxy):
    with proxy.client() as client:
        assert client.query("SELECT 'secret text'")[0].code == 3168


@pytest.fixture
def starving(sluse, clients):
    """A factory: a pool for two sessions that two have who did that; and the line that came of a third one."""
    def make(*statements, **sections):
        proxy = sluse(pool=dict(size=3, wait_timeout="200ms"), sluse=dict(workers=1), **sections)
        proxy.wait_read()
        victim = clients(proxy)
        for _ in range(2):
            holder = clients(proxy, schema="app")
            for statement in statements:
                assert isinstance(holder.query(statement)[-1], OK)
        wait_until(lambda: proxy.stats()["pool"]["pinned_idle"] == 2)
        assert victim.query("SELECT 'secret text'")[0].code == 3168
        line, = lines(proxy)
        assert "secret" not in proxy.log()
        return line
    return make


def test_transactions(starving, schemas):
    what, size, used, waiting, waited, remedy, pins, held, before = starving("BEGIN", "SET @x = 'secret'")
    assert (what, size, used, waiting, held, before) == ("no connection within wait_timeout", "3", "3", "1", "2", "") and int(waited) >= 200
    assert pins == "transaction 2, user_variables 2"
    assert remedy == f"functions that COMMIT and go, a lower idle_in_transaction_timeout, or a larger [pool] size: {PINNED}"


def test_what_functions_do(starving, schemas):
    *_, remedy, pins, _, _ = starving("CREATE TEMPORARY TABLE secret (a INT)")
    assert pins == "temporary_tables 2"
    assert remedy == f"functions that disconnect when they are done, or a larger [pool] size: {PINNED}"


def test_unread(starving, own_mariadb):
    server = own_mariadb()
    server.sql("CREATE USER poor@'%' IDENTIFIED BY 'poor'")
    server.sql("CREATE TABLE app.t (a INT)")
    *_, remedy, pins, _, _ = starving("INSERT INTO app.t VALUES (1)", server=server, control=dict(user="poor", password="poor"))
    assert "unread 2" in pins
    assert remedy == f"privileges for the control account, which sluse --check --connect names: {PINNED}"


def test_init_connect(sluse, own_mariadb, clients):
    """Each session has a connection of its own."""
    proxy = sluse(server=own_mariadb(options=["--init-connect=SET @secret = 1"]), pool=dict(size=3, wait_timeout="200ms"), sluse=dict(workers=1))
    wait_until(proxy.ready)
    for _ in range(2):
        clients(proxy).ok("DO 1")
    third = clients(proxy)
    refused = third.query("DO 1")[0] if isinstance(third.login_reply, OK) else third.login_reply   # as long as the login is believed
    assert refused.code == 3168
    (*_, remedy, pins, _, _), = lines(proxy)
    assert pins == "init_connect 2" and "secret" not in proxy.log()
    assert remedy == f"no init_connect at the server, or a larger [pool] size: {PINNED}"


def test_unknown_init_connect(sluse, schemas, clients):
    """Likewise, as long as nobody can say that it has none."""
    proxy = sluse(pool=dict(size=3, wait_timeout="200ms"), sluse=dict(workers=1), control=dict(user="app", password="secret"))
    holders = [clients(proxy) for _ in range(2)]
    for holder in holders:
        holder.ok("DO 1")
    third = clients(proxy)
    refused = third.query("DO 1")[0] if isinstance(third.login_reply, OK) else third.login_reply   # as long as the login is believed
    assert refused.code == 3168
    (*_, remedy, pins, _, _), = lines(proxy)
    assert pins == "unknown_init_connect 2" and "secret" not in proxy.log()
    assert remedy == f"a control account that the server lets in, which the log and /readyz tell of: {PINNED}"


def test_busy(sluse, clients, schemas):
    """Nobody is pinned: the connections are at work. Those in between are counted in the next line; max_waiting has its own."""
    proxy = sluse(pool=dict(size=2, wait_timeout="300ms", max_waiting=1), sluse=dict(workers=1))
    holder = clients(proxy)
    holder.send_command(3, b"SELECT SLEEP(60), 'secret'")
    wait_until(lambda: schemas.running("'secret'"))
    threads = [in_thread(starve, proxy) for _ in range(4)]
    for thread in threads:
        thread.result()
    while len(lines(proxy)) < 2 or not any("wait_timeout" in line[0] for line in lines(proxy)):
        starve(proxy)
    said = lines(proxy)
    assert {line[6] for line in said} == {"nothing"} and {line[7] for line in said} == {"0"}
    assert {line[5] for line in said} == {"faster statements, or a larger [pool] size if the server has room: docs/sizing.md"}
    counters = proxy.stats()["counters"]
    told = sum(int(line[8] or 0) + 1 for line in said)
    assert 4 <= told <= counters["wait_timeouts"] + counters["waits_refused"] and counters["waits_refused"] > 0
    assert "secret" not in proxy.log()
    schemas.sql(f"KILL QUERY {schemas.running(chr(39) + 'secret')[0]}")
    holder.read_reply()


def test_a_server_that_is_down(sluse, own_mariadb, clients):
    """Then no size helps, and other lines say why."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=3, wait_timeout="200ms"), sluse=dict(workers=1))
    wait_until(proxy.ready)
    client = clients(proxy)
    server.stop()
    wait_until(lambda: ": down: " in proxy.log())
    assert client.query("SELECT 1")[0].code == 3168
    assert not lines(proxy)
    server.start()
