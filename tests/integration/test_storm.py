"""Thousands at once on a small pool."""
from collections import Counter

import pytest

from harness import wait_until
from test_pool import CLOSING
from storm import Visitor, raise_file_limit, storm


@pytest.mark.slow
def test_5000_clients_on_a_pool_of_20(sluse, own_mariadb):
    """All finish; the server never sees more than the pool (and the asker); nobody gets a 1040 or a timeout."""
    if not raise_file_limit(11000):
        pytest.skip("the limit of open files is too low")
    server = own_mariadb(max_connections=40)
    server.sql("CREATE TABLE app.visits (id INT AUTO_INCREMENT PRIMARY KEY, who INT)")
    proxy = sluse(server=server, pool=dict(size=20, wait_timeout="300s"), sluse=dict(max_clients=6000, login_timeout="120s"))
    server.sql("FLUSH STATUS")
    states = Counter(storm([Visitor(proxy.port, [b"SET NAMES utf8mb4", b"INSERT INTO visits (who) VALUES (%d)" % i,
                                                 b"SELECT who FROM visits WHERE id = LAST_INSERT_ID()"]) for i in range(5000)]))
    assert states == {"done": 5000}
    assert server.sql("SELECT COUNT(*), COUNT(DISTINCT who) FROM app.visits") == ((5000, 5000),)
    assert server.status("Max_used_connections") <= 20 + 1 + CLOSING
    stats = proxy.stats()
    assert stats["pool"]["used_max"] <= 20
    assert stats["counters"]["wait_timeouts"] == 0
    assert stats["pool"]["waiting_max"] > 100


def test_churn_of_several_accounts(sluse, own_mariadb):
    """1,500 short lives of three accounts and two schemas, 150 at a time, on 5 connections: the bound holds, none is lost."""
    server = own_mariadb(max_connections=40)
    proxy = sluse(server=server, pool=dict(size=5, wait_timeout="120s"))
    server.sql("FLUSH STATUS")
    kinds = [("app", b"app"), ("svc", b"other"), ("limited", b"app")]
    states = Counter()
    for turn in range(10):
        states.update(storm([Visitor(proxy.port, [b"SELECT %d" % i, b"SET @a = %d" % i], kinds[i % 3][0], kinds[i % 3][0].encode(),
                                     kinds[i % 3][1]) for i in range(150)]))
    assert states == {"done": 1500}
    assert server.status("Max_used_connections") <= 5 + 1 + CLOSING


def test_waiting_crowd_vanishes(sluse, own_mariadb):
    """1,000 clients wait and are cut off at once; the next one is served."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(size=2, wait_timeout="120s"), sluse=dict(abandon_after="100ms"))
    holder = proxy.client()
    holder.ok("BEGIN")
    crowd = [proxy.client() for _ in range(1000)]
    for client in crowd:
        client.send_command(3, b"DO 1")
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == 1000)
    for i, client in enumerate(crowd):
        client.reset_tcp() if i % 2 else client.close()
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == 0)
    holder.quit()
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"
