"""Sessions as pages: they share backends between their commands, and nobody can tell."""
import pytest

from harness import BASE, ERR, FOUND_ROWS, OK, RawClient, wait_until
from harness.compare import in_thread

PAGE_INS = ("page_ins_difference", "page_ins_reset", "page_ins_login")


@pytest.fixture
def tables(schemas):
    """A table in each schema; made before a proxy reads what code they have."""
    for schema in ("app", "other"):
        schemas.sql(f"CREATE TABLE {schema}.t (id INT AUTO_INCREMENT PRIMARY KEY, who INT, v VARCHAR(20))")
    return schemas


@pytest.fixture
def shared(sluse, tables):
    """A factory of proxies that know the schemas' stored code, with as many backends for sessions as told."""
    def make(backends=1, workers=2, **pool):
        proxy = sluse(pool=dict(size=backends + 1, wait_timeout="60s", **pool), sluse=dict(workers=workers))
        proxy.wait_read()
        return proxy
    return make


def pinned(proxy):
    return {name: pin["now"] for name, pin in proxy.stats()["pins"].items() if pin["now"]}


def page_ins(proxy):
    counters = proxy.stats()["counters"]
    return sum(counters[name] for name in PAGE_INS)


def run(client, *statements):
    for statement in statements:
        reply = client.query(statement)[-1]
        assert not isinstance(getattr(reply, "end", reply), ERR), (statement, reply)


# --- residence ---

def test_no_backend_between_commands(shared):
    proxy = shared(backends=3)
    client = proxy.client(schema="app")
    assert client.value("SELECT 1") == "1"
    proxy.wait_idle()
    backends, before = proxy.backends(), proxy.stats()["counters"]
    assert backends["leased"] == 0 and backends["idle"] >= 1
    for i in range(10):
        run(client, f"INSERT INTO t (who) VALUES ({i})", f"SET div_precision_increment = {i}")
        assert client.rows("SELECT LAST_INSERT_ID(), @@div_precision_increment") == [(str(i + 1), str(i))]
    after = proxy.stats()["counters"]
    assert after["leases_resident"] - before["leases_resident"] == 30
    assert [after[name] for name in ("pages_stolen", "pages_asked", *PAGE_INS)] == [before[name] for name in ("pages_stolen", "pages_asked", *PAGE_INS)]
    assert proxy.backends()["leased"] == 0
    client.quit()


def test_an_idle_backend_is_taken_before_a_page_is_stolen(shared):
    """Two sessions, two backends: each finds its page where it was."""
    proxy = shared(backends=2, workers=1)
    first, second = proxy.client(schema="app"), proxy.client(schema="app")
    for client in (first, second) * 5:
        assert client.value("SELECT 1") == "1"
    assert proxy.counter("pages_stolen") == 0
    assert proxy.counter("leases_resident") == 8 + proxy.counter("logins_schema_asked")   # its backend was the first to log in on
    first.quit(), second.quit()


# What it does to the session, by the client's number; what is asked then; what the answer is.
ALTERNATING = {
    "insert id": (lambda n: [f"INSERT INTO t (id) VALUES ({n * 1000})", "INSERT INTO t (who) VALUES (1)"], "SELECT LAST_INSERT_ID()",
                  lambda n: [(str(n * 1000 + 1),)]),
    "insert id that was set": (lambda n: [f"DO LAST_INSERT_ID({n}77)"], "SELECT LAST_INSERT_ID(), @@last_insert_id", lambda n: [(f"{n}77",) * 2]),
    "the largest insert id": (lambda n: [f"SET last_insert_id = {2 ** 64 - n}"], "SELECT LAST_INSERT_ID()", lambda n: [(str(2 ** 64 - n),)]),
    "numbers": (lambda n: [f"SET div_precision_increment = {n}, max_sort_length = {n}00"], "SELECT @@div_precision_increment, @@max_sort_length, 1 / 3",
                lambda n: [(str(n), f"{n}00", "0." + "3" * n)]),
    "texts": (lambda n: [f"SET time_zone = '+0{n}:00'", f"SET sql_mode = '{'ANSI,' * (n - 1)}'"],
              "SELECT @@time_zone, @@sql_mode LIKE '%ANSI%', FROM_UNIXTIME(0)", lambda n: [(f"+0{n}:00", str(n - 1), f"1970-01-01 0{n}:00:00")]),
    "one has set, one has not": (lambda n: ["SET lc_time_names = 'de_DE'"] if n == 1 else [], "SELECT DAYNAME('2024-01-01')",
                                 lambda n: [("Montag" if n == 1 else "Monday",)]),
    "names": (lambda n: [f"SET NAMES {['latin1', 'utf8mb4'][n - 1]}"], "SELECT @@character_set_client, @@character_set_results, @@collation_connection, HEX('\u00e9')",
              lambda n: [(["latin1", "utf8mb4"][n - 1],) * 2 + (["latin1_swedish_ci", "utf8mb4_general_ci"][n - 1], "C3A9")]),
    "schema": (lambda n: [f"USE {['app', 'other'][n - 1]}"], "SELECT DATABASE()", lambda n: [(["app", "other"][n - 1],)]),
    "autocommit": (lambda n: [f"SET autocommit = {n - 1}"], "SELECT @@autocommit", lambda n: [(str(n - 1),)]),
    "isolation": (lambda n: [f"SET SESSION TRANSACTION ISOLATION LEVEL {['SERIALIZABLE', 'READ COMMITTED'][n - 1]}"], "SELECT @@tx_isolation",
                  lambda n: [(["SERIALIZABLE", "READ-COMMITTED"][n - 1],)]),
    "ROW_COUNT() of a write": (lambda n: ["INSERT INTO t (who) VALUES " + ",".join(["(1)"] * n)], "SELECT ROW_COUNT()", lambda n: [(str(n),)]),
    "ROW_COUNT() of rows": (lambda n: ["SELECT 1"] if n == 1 else ["DO 1"], "SELECT ROW_COUNT() AS a", lambda n: [(str(n - 2),)]),
    "FOUND_ROWS()": (lambda n: [f"SELECT seq FROM seq_1_to_{n * 5}"], "SELECT FOUND_ROWS()", lambda n: [(str(n * 5),)]),
    "FOUND_ROWS() of a LIMIT": (lambda n: [f"SELECT SQL_CALC_FOUND_ROWS seq FROM seq_1_to_{n * 5} LIMIT 2"], "SELECT FOUND_ROWS()",
                                lambda n: [(str(n * 5),)]),
    "warnings": (lambda n: [f"SELECT CAST('{n}x' AS SIGNED)"], "SHOW WARNINGS",
                 lambda n: [("Warning", "1292", f"Truncated incorrect INTEGER value: '{n}x'")]),
    "counts of an empty list": (lambda n: ["SELECT who FROM t"] if n == 1 else ["SET max_error_count = 0", "SELECT CAST('x' AS SIGNED)"],
                                "SELECT @@warning_count, @@error_count", lambda n: [(str(n - 1), "0")]),
    "warnings of one": (lambda n: ["SELECT CAST('x' AS SIGNED)"] if n == 1 else ["SELECT who FROM t"], "SHOW COUNT(*) WARNINGS", lambda n: [(str(2 - n),)]),
}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ALTERNATING)
def test_two_sessions_alternate_on_one_backend(shared, name, workers):
    """Each sees its own, and after the other has been on the backend it sees it still."""
    change, ask, answer = ALTERNATING[name]
    proxy = shared(workers=workers)
    clients = [proxy.client(schema="app"), proxy.client(schema="app")]
    for i, client in enumerate(clients):
        run(client, *change(i + 1))
    for i, client in enumerate(clients):
        assert client.rows(ask) == answer(i + 1), f"client {i + 1}"
    for client in clients:
        run(client, "DO 0")
    counters = proxy.stats()["counters"]
    assert pinned(proxy) == {}
    assert counters["pages_stolen"] >= 3 and page_ins(proxy) >= 2, counters
    assert counters["backend_connects"] - sum(proxy.stats()["backend_closed"].values()) <= 1
    for client in clients:
        client.quit()


def test_everything_at_once_for_a_while(shared):
    """Five sessions with all kinds of settings, in turns on one backend."""
    proxy = shared()
    clients = [proxy.client(schema="app") for _ in range(5)]
    for i, client in enumerate(clients):
        run(client, f"SET time_zone = '+0{i}:30', div_precision_increment = {i + 1}", f"USE {['app', 'other'][i % 2]}",
            f"INSERT INTO t (id, who) VALUES ({i + 1}00, {i})", f"INSERT INTO t (who) VALUES ({i})")
    for turn in range(6):
        for i, client in enumerate(clients):
            assert client.rows("SELECT @@time_zone, 2 / 3 > 0.6, @@div_precision_increment, DATABASE(), LAST_INSERT_ID()") == \
                [(f"+0{i}:30", "1", str(i + 1), ["app", "other"][i % 2], str((i + 1) * 100 + 1 + turn))]
            run(client, f"INSERT INTO t (id, who) VALUES ({(i + 1) * 100 + 2 + turn}, {i})", f"DO LAST_INSERT_ID({(i + 1) * 100 + 2 + turn})")
    for i, client in enumerate(clients):
        assert client.value(f"SELECT COUNT(*) FROM t WHERE who = {i}") == "8"
        client.quit()
    assert proxy.backends()["idle"] <= 1


def test_ways_in(shared):
    """The smallest difference, a reset and a change of user are each taken."""
    proxy = shared(workers=1)
    first, second, stranger = proxy.client(schema="app"), proxy.client(schema="app"), proxy.client(user="svc", password="svc", schema="app")
    for client in (first, second):
        client.value("SELECT 1")

    def grows(name, client):
        before = proxy.counter(name)
        assert client.value("SELECT 1") == "1"
        assert proxy.counter(name) == before + 1, name
    grows("page_ins_difference", first)       # both are as they logged in
    run(first, "SET div_precision_increment = 7")
    grows("page_ins_reset", second)           # what the other has set must go
    grows("page_ins_difference", first)       # one setting more
    stranger.value("SELECT 1")
    grows("page_ins_login", first)
    assert first.value("SELECT @@div_precision_increment") == "7"
    for client in (first, second, stranger):
        client.quit()


# --- many ---

def test_pages_that_wait_are_served_in_order(shared, tables):
    """Sessions that have begun long ago and are paged out get their turns as they came."""
    proxy = shared(workers=3)
    queue = [proxy.client(schema="app") for _ in range(10)]
    for i, client in enumerate(queue):
        run(client, f"SET div_precision_increment = {i}")
    holder = proxy.client(schema="app")
    run(holder, "BEGIN")
    for i, client in enumerate(queue):
        client.send_command(3, b"INSERT INTO t (who, v) VALUES (%d, @@div_precision_increment)" % i)
        wait_until(lambda: proxy.stats()["pool"]["waiting"] == i + 1)
    run(holder, "COMMIT")
    for client in queue:
        assert isinstance(client.read_reply()[0], OK)
        client.quit()
    assert tables.sql("SELECT who, v FROM app.t ORDER BY id") == tuple((i, str(i)) for i in range(10))
    holder.quit()


@pytest.mark.parametrize("arguments", [dict(), dict(debug_migrate="always")], ids=repr)
def test_two_keys_and_two_accounts_in_a_crowd(shared, arguments):
    """Backends are turned over all the time while pages lie on others; nobody's page is lost or mixed up."""
    proxy = shared(backends=3, **arguments)
    kinds = [dict(), dict(caps=BASE | FOUND_ROWS), dict(user="svc", password="svc")]

    def work(i):
        with RawClient(proxy.port, schema="app", timeout=60, **kinds[i % 3]) as client:
            run(client, f"SET div_precision_increment = {i}")
            for _ in range(25):
                done = client.query(f"INSERT INTO t (who) VALUES ({i})")[0]
                assert isinstance(done, OK), done
                assert client.rows("SELECT LAST_INSERT_ID(), @@div_precision_increment, SUBSTRING_INDEX(USER(), '@', 1)") == \
                    [(str(done.insert_id), str(i), kinds[i % 3].get("user", "app"))]
                assert client.query(f"UPDATE t SET who = {i} WHERE id = {done.insert_id}")[0].affected == (1 if i % 3 == 1 else 0)
            client.quit()
    for thread in [in_thread(work, i) for i in range(12)]:
        thread.result(120)
    assert proxy.stats()["pool"]["used_max"] <= 4
    assert proxy.counter("pages_stolen") > 0
