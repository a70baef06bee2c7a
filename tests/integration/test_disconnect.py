"""Clients that go: RST kills at once, FIN after abandon_after; transactions, locks and queries don't outlive them."""
import pytest

from harness import COM_PING, COM_QUERY, OK, RawClient, wait_until
from harness.compare import in_thread

LONG = b"SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns gone"


@pytest.fixture
def table(schemas):
    schemas.sql("CREATE TABLE app.t (id INT PRIMARY KEY)")
    return schemas


def running_client(proxy, server, sql=LONG):
    client = proxy.client()
    client.send_command(COM_QUERY, sql)
    wait_until(lambda: server.running(sql[-20:].decode()))
    return client


def test_rst_kills_the_query_at_once(sluse, table):
    """abandon_after is an hour: only the RST can have done it."""
    proxy = sluse(sluse=dict(abandon_after="1h"))
    client = running_client(proxy, table)
    client.reset_tcp()
    wait_until(lambda: not table.running("gone"))
    assert proxy.counter("queries_abandoned") == 1


def test_fin_kills_the_query_after_a_while(sluse, table):
    proxy = sluse(sluse=dict(abandon_after="300ms"))
    client = running_client(proxy, table)
    client.close()
    wait_until(lambda: not table.running("gone"))
    assert proxy.counter("queries_abandoned") == 1


def test_fin_may_be_a_half_close(sluse, table):
    """The answer still comes when the client has only closed its sending side."""
    proxy = sluse(sluse=dict(abandon_after="1h"))
    client = proxy.client()
    client.send_command(COM_QUERY, b"SELECT SLEEP(0.3), 'answer'")
    client.half_close()
    assert client.read_reply()[0].rows == ((b"0", b"answer"),)
    assert client.wait_closed() == "eof"
    client.close()


def test_half_close_after_abandon(sluse, table):
    """It does not come if the statement takes longer than abandon_after."""
    proxy = sluse(sluse=dict(abandon_after="200ms"))
    client = running_client(proxy, table)
    client.half_close()
    client.wait_closed()
    wait_until(lambda: not table.running("gone"))
    client.close()


@pytest.mark.parametrize("leave", ["close", "reset_tcp", "quit"])
def test_transactions_are_rolled_back(sluse, table, leave):
    proxy = sluse()
    client = proxy.client(schema="app")
    client.ok("BEGIN")
    client.ok("INSERT INTO t VALUES (1)")
    getattr(client, leave)()
    with proxy.client(schema="app") as other:
        other.ok("SET innodb_lock_wait_timeout = 20")
        other.ok("INSERT INTO t VALUES (1)")
        assert other.value("SELECT COUNT(*) FROM t") == "1"


@pytest.mark.parametrize("leave", ["close", "reset_tcp", "quit"])
def test_locks_are_released(sluse, table, leave):
    proxy = sluse()
    client = proxy.client(schema="app")
    assert client.value("SELECT GET_LOCK('gone', 1)") == "1"
    client.ok("LOCK TABLES t WRITE")
    getattr(client, leave)()
    with proxy.client(schema="app") as other:
        assert other.value("SELECT GET_LOCK('gone', 20)") == "1"
        other.ok("INSERT INTO t VALUES (2)")


@pytest.mark.parametrize("leave", ["close", "reset_tcp"])
def test_in_the_middle_of_a_result(sluse, table, leave):
    proxy = sluse(pool=dict(size=2, wait_timeout="60s"), sluse=dict(abandon_after="100ms"))
    for _ in range(5):
        client = proxy.client(rcvbuf=4096, schema="app")
        client.send_command(COM_QUERY, b"SELECT seq, REPEAT('x', 1000) FROM seq_1_to_100000")
        for _ in range(5):
            client.read_packet()
        getattr(client, leave)()
    with proxy.client() as other:
        assert other.value("SELECT 1") == "1"


@pytest.mark.parametrize("leave", ["close", "reset_tcp"])
def test_in_the_middle_of_a_command(sluse, table, leave):
    """The server has half a packet of it: that connection can't be used again."""
    proxy = sluse(pool=dict(size=2, wait_timeout="60s"), sluse=dict(abandon_after="100ms"))
    for size in (1, 5, 20000, 3000000):
        client = proxy.client(schema="app")
        client.ok("DO 1")
        client.send_bytes((5000000).to_bytes(3, "little") + b"\0\3INSERT INTO t VALUES (" + b" " * size)
        getattr(client, leave)()
    with proxy.client(schema="app") as other:
        assert other.value("SELECT COUNT(*) FROM t") == "0"


def test_fin_behind_a_pipeline(sluse, table):
    """What was written before the FIN is done."""
    proxy = sluse(sluse=dict(abandon_after="1h"))
    client = proxy.client(schema="app")
    for i in range(20):
        client.send_command(COM_QUERY, b"INSERT INTO t VALUES (%d)" % i)
    client.half_close()
    client.wait_closed()
    client.close()
    assert table.sql("SELECT COUNT(*) FROM app.t")[0][0] == 20


def test_during_login(sluse, table):
    """At every byte of the handshake response, by FIN and by RST."""
    proxy = sluse()
    probe = proxy.client(schema="app")
    payload = probe.handshake_response()
    data = len(payload).to_bytes(3, "little") + b"\1" + payload
    for cut in range(0, len(data), 3):
        for leave in ("close", "reset_tcp"):
            client = RawClient(proxy.port, login=False)
            client.send_bytes(data[:cut])
            getattr(client, leave)()
    assert isinstance(probe.ping()[0], OK)
    probe.close()


def test_while_its_schema_is_being_proven(sluse, table):
    """A login that waits for a backend and goes."""
    proxy = sluse(pool=dict(size=2, wait_timeout="60s", schema_ttl="0"))
    holder = proxy.client()
    holder.ok("BEGIN")
    for leave in ("close", "reset_tcp"):
        client = RawClient(proxy.port, login=False, schema="app")
        client.send_packet(client.handshake_response(), seq=1)
        wait_until(lambda: proxy.stats()["pool"]["waiting"] == 1)
        getattr(client, leave)()
        wait_until(lambda: proxy.stats()["pool"]["waiting"] == 0)
    holder.close()


def test_storm_of_disconnects(sluse, table):
    """400 sessions that leave in every way at every moment; afterwards all is quiet and nothing is left at the server."""
    proxy = sluse(pool=dict(size=5, wait_timeout="60s"), sluse=dict(abandon_after="50ms"))

    def life(i):
        client = proxy.client(schema="app" if i % 2 else None)
        if i % 3 == 0:
            client.query("BEGIN")
        if i % 4:
            client.send_command(COM_QUERY, [b"SELECT SLEEP(5)", b"SELECT REPEAT('x', 3000000)", b"DO 1"][i % 3])
        if i % 5 == 0:
            client.send_command(COM_PING)
        [client.close, client.reset_tcp, client.half_close][i % 3]()
        client.sock.close()

    def lives(start):
        for i in range(start, start + 50):
            life(i)
    for thread in [in_thread(lives, i * 50) for i in range(8)]:
        thread.result(120)
    proxy.assert_quiet(60)
    wait_until(lambda: not table.running("SLEEP"))
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"
