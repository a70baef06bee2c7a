"""400 clients share 20 backends, in transactions of two statements: nothing is lost, nothing pins but the transactions, and everybody is served in turn."""
import threading
from collections import deque

import pytest

from harness import ERR, OK, RawClient, wait_until
from harness.compare import in_thread

PEOPLE, BACKENDS = 400, 20


@pytest.fixture(scope="module")
def everyone(each_kind):
    with each_kind() as server:
        yield server


@pytest.fixture
def ledger(everyone):
    everyone.fresh_schemas()
    everyone.sql("CREATE TABLE app.account (id INT PRIMARY KEY, balance INT NOT NULL)")
    everyone.sql("CREATE TABLE app.entry (id INT AUTO_INCREMENT PRIMARY KEY, account INT NOT NULL, amount INT NOT NULL, kind CHAR(1) NOT NULL)")
    everyone.sql(f"INSERT INTO app.account VALUES {','.join(f'({i}, 0)' for i in range(PEOPLE))}")
    return everyone


@pytest.fixture
def proxy(sluse, ledger):
    """One more connection is the control thread's."""
    proxy = sluse(server=ledger, pool=dict(size=BACKENDS + 1, wait_timeout="120s"))
    wait_until(lambda: proxy.stats()["target"]["stored_code"]["right"])
    return proxy


def client_of(proxy):
    return RawClient(proxy.port, schema="app", plugin=proxy.server.plugin, timeout=120)


def run(client, *statements):
    for statement in statements:
        reply = client.query(statement)[-1]
        assert not isinstance(getattr(reply, "end", reply), ERR), (statement, reply)


def transaction(client, i, amount):
    run(client, f"INSERT INTO entry (account, amount, kind) VALUES ({i}, {amount}, 't')", f"UPDATE account SET balance = balance + {amount} WHERE id = {i}",
        "COMMIT")


def check_books(server, entries, total):
    assert [int(n) for n in server.sql("SELECT COUNT(*), SUM(amount) FROM app.entry")[0]] == [entries, total]
    assert server.sql("SELECT COUNT(*) FROM app.account a WHERE balance <> (SELECT SUM(amount) FROM app.entry e WHERE e.account = a.id)") == ((0,),)


def check_stats(stats):
    """Nobody had more than the bound, or was sent away; and only transactions have pinned."""
    assert stats["clients"]["current"] == PEOPLE and stats["pool"]["used_max"] == BACKENDS + 1, stats["pool"]
    assert (stats["counters"]["wait_timeouts"], stats["counters"]["waits_refused"]) == (0, 0)
    assert list(stats["pins"]) == ["transaction"], stats["pins"]


def test_everybody_at_once(proxy, ledger):
    rounds = 2
    everybody = threading.Barrier(PEOPLE + 1, timeout=120)

    def keep_books(client, i):
        """Transactions of two statements, and pairs without one; a pair asks for its own id in between."""
        for amount in range(1, rounds + 1):
            run(client, "BEGIN")
            transaction(client, i, amount)
            done = client.query(f"INSERT INTO entry (account, amount, kind) VALUES ({i}, {amount}, 'p')")[0]
            assert isinstance(done, OK), done
            assert client.value("SELECT LAST_INSERT_ID()") == str(done.insert_id)
            run(client, f"UPDATE account SET balance = balance + {amount} WHERE id = {i}")

    def work(i):
        with client_of(proxy) as client:
            run(client, "SELECT 1")
            everybody.wait()
            keep_books(client, i)
            everybody.wait()
            everybody.wait()
            client.quit()
    threads = [in_thread(work, i) for i in range(PEOPLE)]
    everybody.wait()
    everybody.wait()
    stats = proxy.stats()
    everybody.wait()
    for thread in threads:
        thread.result(120)
    check_books(ledger, PEOPLE * rounds * 2, PEOPLE * rounds * (rounds + 1))
    check_stats(stats)
    assert stats["counters"]["leases_waited"] > 0 and stats["counters"]["pages_stolen"] > 0


def test_nobody_waits_longer_than_its_turn(proxy, ledger):
    """20 are at work, 380 wait; whenever one is done, the one that has waited longest is next, and nobody else."""
    people = [client_of(proxy) for _ in range(PEOPLE)]
    for client in people:
        run(client, "SELECT 1")
    at_work = deque(enumerate(people[:BACKENDS]))
    for _, client in at_work:
        run(client, "BEGIN")
    for i, client in enumerate(people[BACKENDS:]):
        client.send_command(3, b"BEGIN")
        wait_until(lambda: proxy.stats()["pool"]["waiting"] == i + 1, interval=0.001)
    for i, client in enumerate(people[BACKENDS:], BACKENDS):
        worker, works = at_work.popleft()
        transaction(works, worker, 1)
        assert isinstance(client.read_reply()[0], OK), i
        assert proxy.stats()["pool"]["waiting"] == PEOPLE - 1 - i
        at_work.append((i, client))
    for i, client in at_work:
        transaction(client, i, 1)
    check_books(ledger, PEOPLE, PEOPLE)
    stats = proxy.stats()
    check_stats(stats)
    assert stats["counters"]["leases_waited"] >= PEOPLE - BACKENDS
    for client in people:
        client.quit()
