"""What can befall a session while its page lies somewhere: deadlines, KILL, a server that restarts, clients that leave."""
import glob
import threading

import pytest

from harness import BASE, ERR, FOUND_ROWS, OK, RawClient, ResultSet, wait_until
from harness.compare import in_thread
from harness.rawclient import PeerClosed
from harness.replies import decode_err


@pytest.fixture
def tables(schemas):
    schemas.sql("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    return schemas


def ready(proxy):
    proxy.wait_read()
    return proxy


@pytest.fixture
def one(sluse, tables):
    """A factory of proxies with one backend for sessions."""
    def make(**sections):
        pool = dict(size=2, wait_timeout="60s", **sections.pop("pool", {}))
        return ready(sluse(pool=pool, **sections))
    return make


def waiting(proxy, n):
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == n, what=f"{n} waiting")


def closed(client):
    """It is told, or not, and then its connection ends."""
    try:
        while True:
            client.seq = client.buf[3] if len(client.buf) > 3 else client.seq
            client.read_packet()
    except (PeerClosed, ConnectionError, AssertionError):
        return client.wait_closed() in ("eof", "reset")


def ok(client, *statements):
    for statement in statements:
        reply = client.query(statement)[-1]
        assert not isinstance(getattr(reply, "end", reply), ERR), (statement, reply)


# --- deadlines ---

@pytest.mark.parametrize("begin", [["BEGIN"], ["SET autocommit = 0"]], ids=" ".join)
def test_idle_in_transaction_timeout(one, tables, begin):
    """Rolled back; the client hears why when it looks, and its backend is the next one's."""
    proxy = one(pool=dict(idle_in_transaction_timeout="300ms"))
    client, other = proxy.client(schema="app"), proxy.client(schema="app")
    ok(client, *begin, "INSERT INTO t (v) VALUES (1)")
    other.send_command(3, b"SELECT COUNT(*) FROM t")
    assert other.read_reply()[0].rows == ((b"0",),)
    client.seq = 0
    error = decode_err(*client.read_packet())
    assert (error.seq, error.code, error.sqlstate) == (0, 4031, "HY000") and "idle_in_transaction_timeout" in error.text
    assert client.wait_closed() == "eof"
    client.close()
    assert proxy.counter("idle_transactions_ended") == 1
    assert proxy.stats()["client_closed"]["idle_in_transaction"] == 1
    assert tables.sql("SELECT COUNT(*) FROM app.t") == ((0,),)
    other.quit()


def test_who_goes_on_is_not_timed_out(one):
    """Only a transaction, and only the time without a command counts."""
    proxy = one(pool=dict(idle_in_transaction_timeout="400ms"))
    client, other = proxy.client(schema="app"), proxy.client(schema="app")
    ok(client, "BEGIN")
    for _ in range(6):
        ok(client, "SELECT SLEEP(0.15)")
    ok(client, "SELECT SLEEP(0.9)", "COMMIT", "SET @a = 5")
    ended = proxy.client(schema="app")
    ended.send_command(3, b"BEGIN")
    client.ok("SELECT SLEEP(0.9) INTO @b")
    assert client.value("SELECT @a") == "5"
    client.quit()
    assert isinstance(ended.read_reply()[0], OK)
    wait_until(lambda: proxy.counter("idle_transactions_ended") == 1)
    assert other.value("SELECT 1") == "1"
    other.quit()
    ended.close()


def test_an_open_transaction_behind_an_error_is_timed_out(one, tables):
    """The ERR did not tell whether the transaction is still open, and nobody else asks for the backend."""
    proxy = one(pool=dict(idle_in_transaction_timeout="300ms"))
    client = proxy.client(schema="app")
    ok(client, "BEGIN", "INSERT INTO t (id) VALUES (1)")
    assert client.query("INSERT INTO t (id) VALUES (1)")[0].code == 1062
    wait_until(lambda: proxy.counter("idle_transactions_ended") == 1, 5)
    client.close()
    wait_until(lambda: tables.sql("SELECT TRX_ID FROM information_schema.INNODB_TRX") == ())


def test_an_open_transaction_that_was_found_out_is_timed_out(one):
    """Another's wait found that it is open; then it ends as any."""
    proxy = one(pool=dict(idle_in_transaction_timeout="500ms"))
    client, other = proxy.client(schema="app"), proxy.client(schema="app")
    ok(client, "BEGIN", "INSERT INTO t (id) VALUES (1)")
    assert client.query("INSERT INTO t (id) VALUES (1)")[0].code == 1062
    assert other.value("SELECT 'served'") == "served"
    assert proxy.counter("idle_transactions_ended") == 1
    other.quit()
    client.close()


@pytest.mark.parametrize("sql", ["SELECT SLEEP(50) AS too_long", "SELECT COUNT(*) FROM seq_1_to_100000 a, seq_1_to_100000 b, seq_1_to_10000 too_long"])
def test_query_timeout(one, sql):
    proxy = one(pool=dict(query_timeout="300ms"))
    client = proxy.client(schema="app")
    reply = client.query(sql)[-1]
    error = reply.end if isinstance(reply, ResultSet) else reply
    assert isinstance(error, ERR) and error.code in (1317, 1969), reply
    assert proxy.counter("query_timeouts") == 1
    assert client.value("SELECT 1") == "1"
    other = proxy.client(schema="app")
    assert other.value("SELECT SLEEP(0.01)") == "0"
    assert proxy.counter("query_timeouts") == 1
    client.quit(), other.quit()


def test_query_timeout_in_a_transaction(one, tables):
    """The statement is killed; the transaction is the client's to end."""
    proxy = one(pool=dict(query_timeout="300ms"))
    client = proxy.client(schema="app")
    ok(client, "BEGIN", "INSERT INTO t (v) VALUES (1)")
    client.query("SELECT SLEEP(50)")
    ok(client, "COMMIT")
    assert tables.sql("SELECT COUNT(*) FROM app.t") == ((1,),)
    client.quit()


# --- pages that can't come back ---

def test_schema_dropped_while_paged_out(one, tables):
    """The error comes once; then the session is in no schema, and everything else of it is there."""
    proxy = one()
    client, other = proxy.client(schema="other"), proxy.client(schema="app")
    ok(client, "SET div_precision_increment = 7", "SELECT 1")
    ok(other, "SELECT 1")
    tables.sql("DROP DATABASE other")
    try:
        assert client.query("INSERT INTO app.t (v) VALUES (1)")[0].code == 1049
        assert tables.sql("SELECT COUNT(*) FROM app.t") == ((0,),)
        assert client.rows("SELECT DATABASE(), @@div_precision_increment") == [(None, "7")]
        assert other.value("SELECT DATABASE()") == "app"
        ok(client, "USE app")
        assert other.value("SELECT 1") == "1"
        assert client.value("SELECT DATABASE()") == "app"
    finally:
        tables.sql("CREATE DATABASE IF NOT EXISTS other")
    client.quit(), other.quit()


# --- the server goes ---

@pytest.fixture
def own(sluse, own_mariadb):
    """A factory of proxies in front of a server of their own, as (server, proxy)."""
    def make(**pool):
        server = own_mariadb()
        server.sql("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
        return server, ready(sluse(server=server, pool=dict(wait_timeout="60s", **pool)))
    return make


def test_sessions_survive_a_restart(own):
    """Paged out, or resident with nothing that only the server knew: they go on where they were."""
    server, proxy = own(size=2)
    away, resident = proxy.client(schema="app"), proxy.client(schema="app")
    for i, client in enumerate((away, resident)):
        ok(client, f"SET div_precision_increment = {i + 5}", f"DO LAST_INSERT_ID({i + 70})", "USE other")
    ok(away, "DO 1")
    ok(resident, "DO 1")
    server.restart()
    wait_until(proxy.ready)
    for i, client in enumerate((away, resident)):
        assert client.rows("SELECT @@div_precision_increment, LAST_INSERT_ID(), DATABASE()") == [(str(i + 5), str(i + 70), "other")]
        client.quit()


@pytest.mark.parametrize("begin", [["BEGIN", "INSERT INTO t (v) VALUES (1)"], ["SET @a = 1"], ["INSERT INTO t (v) VALUES (1)"]], ids=lambda b: b[0])
def test_sessions_that_a_restart_ends(own, begin):
    """What the server alone had is lost, and the session with it: it is not told that all is well."""
    server, proxy = own(size=3)
    client = proxy.client(schema="app")
    ok(client, *begin)
    server.restart()
    wait_until(proxy.ready)
    assert closed(client)
    client.close()
    with proxy.client(schema="app") as after:
        assert after.value("SELECT COUNT(*) FROM t WHERE v = 1") == ("1" if begin[0].startswith("INSERT") else "0")
        after.quit()


def test_a_backend_killed_under_a_page(one, tables):
    """The resident session has nothing to lose and goes on; so does the one whose page is elsewhere."""
    proxy = one()
    away, resident = proxy.client(schema="app"), proxy.client(schema="app")
    ok(away, "SET div_precision_increment = 6", "DO 1")
    ok(resident, "SET div_precision_increment = 7", "DO 1")
    ok(away, "DO 1")
    ok(resident, "DO 1")
    before = proxy.counter("backend_connects")
    for row in tables.processlist("app"):
        tables.sql(f"KILL {row['ID']}")
    wait_until(lambda: proxy.backends()["idle"] == 0)
    assert resident.value("SELECT @@div_precision_increment") == "7"
    assert away.value("SELECT @@div_precision_increment") == "6"
    assert proxy.counter("backend_connects") > before
    away.quit(), resident.quit()


# --- KILL ---

def in_state(proxy, server, state):
    """A victim in that state, and who else takes part."""
    victim, other = proxy.client(schema="app"), proxy.client(schema="app")
    ok(victim, "SET div_precision_increment = 9", "INSERT INTO t (v) VALUES (1)")
    if state == "paged out":
        ok(other, "SELECT 1")
    elif state == "running":
        victim.send_command(3, b"SELECT SLEEP(50)")
        wait_until(lambda: server.running("SLEEP(50)"))
    elif state == "waiting":
        ok(other, "BEGIN")
        victim.send_command(3, b"SELECT 1")
        waiting(proxy, 1)
    return victim, other


STATES = ("paged out", "resident", "running", "waiting")


@pytest.mark.parametrize("state", STATES)
def test_kill_query(one, tables, state):
    proxy = one()
    killer = proxy.client()
    victim, other = in_state(proxy, tables, state)
    assert isinstance(killer.query(f"KILL QUERY {victim.id}")[0], OK)
    if state in ("running", "waiting"):
        reply = victim.read_reply()[-1]
        assert getattr(reply, "end", reply).code == 1317
    ok(other, "COMMIT")
    for _ in range(3):
        assert victim.rows("SELECT @@div_precision_increment, LAST_INSERT_ID()") == [("9", "1")]
        ok(other, "DO 1")
    for client in (victim, other, killer):
        client.quit()


@pytest.mark.parametrize("state", STATES)
def test_kill_connection(one, tables, state):
    proxy = one()
    killer = proxy.client()
    victim, other = in_state(proxy, tables, state)
    assert isinstance(killer.query(f"KILL {victim.id}")[0], OK)
    assert closed(victim)
    victim.close()
    wait_until(lambda: killer.query(f"KILL {victim.id}")[0] == ERR(1, 1094, "HY000", f"Unknown thread id: {victim.id}"))
    ok(other, "COMMIT", "SELECT 1")
    assert other.rows("SELECT @@div_precision_increment, LAST_INSERT_ID()") == [("4", "0")]
    other.quit(), killer.quit()


# --- a server that stands still, so that what takes a moment can be looked at ---

def text_of(path):
    with open(path) as f:
        return f.read()


class Standstill:
    """The server answers nothing meanwhile."""

    def __init__(self, proxy, server):
        self.proxy, self.server = proxy, server

    def stopped(self):
        """A stop takes effect one thread after another."""
        threads = glob.glob(f"/proc/{self.server.process.pid}/task/*/stat")
        return all(text_of(thread).rpartition(")")[2].split()[0] == "T" for thread in threads)

    def begin(self):
        wait_until(self.stopped, what="every thread of the server stands still")

    def __enter__(self):
        self.server.sigstop()
        try:
            self.begin()
        except BaseException as e:
            stats = self.proxy.stats()
            self.server.cont()
            raise AssertionError(f"{e}: {stats['pool']} {stats['counters']}") from e
        return self

    def __exit__(self, *_):
        self.server.cont()


class Still(Standstill):
    """And the owner's page is being read for the taker."""

    def __init__(self, proxy, server, owner, taker):
        super().__init__(proxy, server)
        self.taker = taker
        ok(owner, "INSERT INTO t (v) VALUES (1)")

    def begin(self):
        super().begin()
        self.taker.send_command(3, b"SELECT 'served'")
        wait_until(lambda: self.proxy.backends()["saving"] == 1, what="a page is being read")


def served(client):
    assert client.read_reply()[0].rows == ((b"served",),)


@pytest.mark.parametrize("more", [0, 1])
def test_the_owner_comes_back_while_backends_are_turned_over(sluse, tables, mariadb, more):
    """Somebody with another key waits and backends are closed for it. A page that can't move (a transaction that nobody has been told of) is run
    where it is, and nobody loses anything."""
    proxy = ready(sluse(pool=dict(size=3 + more, wait_timeout="60s"), sluse=dict(workers=1, abandon_after="20ms")))
    owner, *others = (proxy.client(schema="app") for _ in range(2 + more))
    takers = [proxy.client(schema="app", caps=BASE | FOUND_ROWS) for _ in range(1 + more)]
    ok(owner, "INSERT INTO t (id, v) VALUES (1, 1)")
    for other in others:
        ok(other, "SELECT 1")
    ok(owner, "SET autocommit = 0")
    assert owner.query("INSERT INTO t (id, v) VALUES (5, 777), (1, 1)")[0].code == 1062
    with Standstill(proxy, mariadb):
        for i, taker in enumerate(takers):
            taker.send_command(3, b"SELECT 'served'")
            wait_until(lambda: proxy.backends()["closing"] == i + 1, what="a backend is turned over")
        owner.send_command(3, b"SELECT 'served'")
        wait_until(lambda: proxy.backends()["leased"] == 1, what="the owner is where its page is")
        for taker in takers[1:]:
            taker.reset_tcp()
            waiting(proxy, 1)
    served(owner)
    served(takers[0])
    ok(owner, "COMMIT")
    for client in (owner, takers[0], *others):
        client.quit()


@pytest.mark.parametrize("leave", ["quit", "close", "reset_tcp"])
@pytest.mark.parametrize("asks", [False, True], ids=["idle", "with a command"])
def test_leaving_while_the_page_is_read(one, mariadb, leave, asks):
    proxy = one(sluse=dict(abandon_after="100ms"))
    owner, taker = proxy.client(schema="app"), proxy.client(schema="app")
    with Still(proxy, mariadb, owner, taker):
        if asks:
            owner.send_command(3, b"SELECT 1")
        if leave == "quit":
            owner.send_command(1)
            owner.close()
        else:
            getattr(owner, leave)()
        wait_until(lambda: proxy.stats()["clients"]["current"] == 1)
    served(taker)
    assert taker.rows("SELECT LAST_INSERT_ID(), @@div_precision_increment") == [("0", "4")]
    taker.quit()


@pytest.mark.parametrize("leave", ["close", "reset_tcp"])
def test_the_taker_leaves_while_the_page_is_read(one, mariadb, leave):
    """The page was read for nobody; its session goes on."""
    proxy = one(sluse=dict(abandon_after="100ms"))
    owner, taker, third = (proxy.client(schema="app") for _ in range(3))
    with Still(proxy, mariadb, owner, taker):
        getattr(taker, leave)()
        wait_until(lambda: proxy.stats()["clients"]["current"] == 2)
    assert owner.value("SELECT LAST_INSERT_ID()") == "1"
    assert third.value("SELECT LAST_INSERT_ID()") == "0"
    owner.quit(), third.quit()


def test_everybody_leaves_while_the_page_is_read(one, mariadb):
    proxy = one(sluse=dict(abandon_after="100ms"))
    owner, taker, third = (proxy.client(schema="app") for _ in range(3))
    with Still(proxy, mariadb, owner, taker):
        third.send_command(3, b"SELECT 1")
        waiting(proxy, 1)
        owner.close(), taker.reset_tcp(), third.reset_tcp()
        wait_until(lambda: proxy.stats()["clients"]["current"] == 0)
    proxy.wait_idle()
    with proxy.client(schema="app") as client:
        assert client.rows("SELECT LAST_INSERT_ID(), COUNT(*) FROM t") == [("0", "1")]
        client.quit()


def test_the_owner_comes_back_while_its_page_is_read(one, mariadb):
    """It waits for that, then for its turn, and finds all that it had."""
    proxy = one()
    owner, taker = proxy.client(schema="app"), proxy.client(schema="app")
    with Still(proxy, mariadb, owner, taker):
        owner.send_command(3, b"SELECT LAST_INSERT_ID()")
        wait_until(lambda: proxy.counter("leases") >= 1)
    served(taker)
    assert owner.read_reply()[0].rows == ((b"1",),)
    owner.quit(), taker.quit()


@pytest.mark.parametrize("verb", ["KILL QUERY", "KILL"])
@pytest.mark.parametrize("asks", [False, True], ids=["idle", "with a command"])
def test_kill_while_the_page_is_read(one, mariadb, verb, asks):
    proxy = one()
    owner, taker, killer = (proxy.client(schema="app") for _ in range(3))
    with Still(proxy, mariadb, owner, taker):
        if asks:
            before = proxy.stats()["counters"]["client_bytes_in"]
            owner.send_command(3, b"SELECT LAST_INSERT_ID()")
            wait_until(lambda: proxy.stats()["counters"]["client_bytes_in"] > before)
        assert isinstance(killer.query(f"{verb} {owner.id}")[0], OK)
        if verb == "KILL":
            assert closed(owner)
            owner.close()
        elif asks:
            assert owner.read_reply()[0].code == 1317
    served(taker)
    if verb == "KILL QUERY":
        assert owner.value("SELECT LAST_INSERT_ID()") == "1"
        owner.quit()
    taker.quit(), killer.quit()


def test_a_page_that_is_never_read(one, mariadb):
    """The server does not answer within connect_timeout: what it alone knew is lost, and who waits is served by another connection."""
    proxy = one(backend=dict(connect_timeout="500ms"))
    owner, taker = proxy.client(schema="app"), proxy.client(schema="app")
    with Still(proxy, mariadb, owner, taker):
        assert closed(owner)
        owner.close()
    served(taker)
    taker.quit()


# --- crowds ---

@pytest.mark.parametrize("arguments", [dict(), dict(debug_migrate="always")], ids=repr)
def test_short_clients_come_and_go(sluse, tables, arguments):
    """They leave with pages unread, with replies unread, in transactions, while they wait."""
    proxy = ready(sluse(pool=dict(size=3, wait_timeout="60s", **arguments), sluse=dict(workers=2, abandon_after="20ms")))
    ways = ("quit", "close", "reset_tcp")
    gate = threading.Barrier(8, timeout=60)

    def work(i):
        gate.wait()
        for n in range(40):
            client = RawClient(proxy.port, schema="app", timeout=60)
            for step in range((i + n) % 4):
                done = client.query(f"INSERT INTO t (v) VALUES ({i})")[0]
                assert isinstance(done, OK), done
                if step == 1:
                    assert client.value("SELECT LAST_INSERT_ID()") == str(done.insert_id)
                elif step == 2:
                    ok(client, "BEGIN", "INSERT INTO t (v) VALUES (-1)")
            if n % 5 == 0:
                client.send_command(3, b"SELECT v, SLEEP(0.001) FROM t LIMIT 20")
            try:
                getattr(client, ways[(i + n // 3) % 3])()
            except (OSError, AssertionError):
                client.close()
    for thread in [in_thread(work, i) for i in range(8)]:
        thread.result(120)
    proxy.wait_idle()
    assert tables.sql("SELECT COUNT(*) FROM app.t WHERE v < 0") == ((0,),)
    with proxy.client(schema="app") as client:
        assert client.rows("SELECT LAST_INSERT_ID(), DATABASE(), @@in_transaction") == [("0", "app", "0")]
        client.quit()
