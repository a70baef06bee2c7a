"""One test for each fault that was found after the code it is in: what went wrong, and that it does not any more."""
import os
import socket

from harness import ERR, OK, RawClient, ResultSet, Sluse, wait_until
from harness.caps import BASE, FOUND_ROWS, MULTI_STATEMENTS

PING = b"\1\0\0\0\x0e"


def test_flood_before_the_greeting(sluse, own_mariadb):
    """Bytes that come before the server is known were kept without limit, and 128 KiB of them ended the process."""
    server = own_mariadb()
    server.stop()
    proxy = sluse(server=server)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as flood:
        flood.setblocking(False)
        sent = 0
        try:
            while sent < 32 << 20:
                sent += flood.send(b"x" * 65536)
        except BlockingIOError:
            pass
        assert sent < 32 << 20
    server.start()
    wait_until(proxy.ready)
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_reset_with_much_kept(sluse, schemas):
    """A client that reads nothing, asks much and goes by RST: what was kept then was longer than what could be read with it."""
    proxy = sluse()
    for _ in range(5):
        client = proxy.client(schema="app", rcvbuf=4096)
        client.send_command(3, b"SELECT REPEAT('x', 1000000), seq FROM seq_1_to_50")
        client.sock.setblocking(False)
        try:
            while True:
                client.sock.send(PING * 20000)
        except BlockingIOError:
            pass
        client.reset_tcp()
    proxy.wait_idle()
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


def test_recovers_while_clients_keep_coming(sluse, own_mariadb):
    """After an outage nobody looked at the queue again as long as somebody was always in it."""
    server = own_mariadb()
    proxy = sluse(server=server, pool=dict(wait_timeout="300ms", idle_timeout="1s"), sluse=dict(abandon_after="100ms"))
    proxy.client().quit()
    server.stop()

    def ask():
        client = RawClient(proxy.port, timeout=30)
        good = isinstance(client.login_reply, OK) and isinstance(client.query("SELECT 1")[0], ResultSet)
        client.close()
        return good
    for _ in range(5):
        assert not ask()
    server.start()
    wait_until(ask, 15)


def test_idle_connections_of_another_kind_make_room(sluse, schemas, clients):
    """Several sessions of a kind that no idle connection fits, at once: each idle one makes room, not only the first."""
    proxy = sluse(pool=dict(size=5, wait_timeout="20s"))
    crowd = [clients(proxy) for _ in range(4)]
    for client in crowd:
        client.ok("DO 1")
    for client in crowd:
        client.quit()
    proxy.wait_idle()
    others = [clients(proxy, caps=BASE | FOUND_ROWS) for _ in range(4)]
    for client in others:
        client.send_command(3, b"DO 1")
    for client in others:
        assert isinstance(client.read_reply()[0], OK)
    assert proxy.counter("wait_timeouts") == 0


def test_an_option_in_two_parts(sluse, schemas):
    """COM_SET_OPTION was taken for the opposite when its last bytes came later, and multi-statements stayed on for the next session."""
    proxy = sluse(pool=dict(size=2))
    client = proxy.client(schema="app", caps=BASE & ~MULTI_STATEMENTS)
    client.ok("DO 1")
    bytes_in = proxy.counter("client_bytes_in")
    client.send_bytes(b"\3\0\0\0\x1b")
    wait_until(lambda: proxy.counter("client_bytes_in") == bytes_in + 5)
    client.send_bytes(b"\0\0")
    client.seq = 1
    assert not isinstance(client.read_reply()[0], ERR)
    assert len(client.query("SELECT 1; SELECT 2")) == 2
    client.quit()
    proxy.wait_idle()
    with proxy.client(schema="app", caps=BASE & ~MULTI_STATEMENTS) as other:
        assert isinstance(other.query("SELECT 1; SELECT 2")[0], ERR)


def test_flags_of_the_session_before(sluse, schemas):
    """After a short cleaning the next client's login OK had the autocommit flag of the session before."""
    proxy = sluse(pool=dict(size=2, schema_ttl="0"))
    for _ in range(4):
        client = proxy.client(schema="app")
        assert client.login_reply.status & 2, client.login_reply
        client.ok("SET autocommit = 0")
        client.quit()
        proxy.wait_idle()
    with proxy.client(schema="app") as client:
        assert client.ping()[0].status & 2


def test_the_servers_of_these_tests_write_a_binary_log(mariadb):
    """With it every write has a GTID to report; for a while a comment had swallowed the option."""
    assert mariadb.sql("SELECT @@log_bin, @@binlog_format") == ((1, "ROW"),)


def test_stats_port_taken(mariadb):
    """The process ended with threads at work on what it had freed, and left its socket file."""
    proxy = Sluse(mariadb, start=False)
    try:
        with socket.create_server(("127.0.0.1", proxy.stats_port)):
            proxy.start(wait=False)
            assert proxy.process.wait(20) == 1
        assert "can't listen" in proxy.log() and "Sanitizer" not in proxy.log(), proxy.log()
        assert not proxy.socket or not os.path.exists(proxy.socket)
    finally:
        proxy.kill()


def test_a_reply_behind_a_closed_direction(sluse, schemas):
    """Of a client that has ended its direction and reads slowly, the tail of the last reply was cut off."""
    proxy = sluse(sluse=dict(abandon_after="20s"))
    client = proxy.client(schema="app", rcvbuf=4096, timeout=30)
    client.send_command(3, b"SELECT seq, REPEAT('tail', 25000) FROM seq_1_to_40")
    client.sock.shutdown(socket.SHUT_WR)
    wait_until(lambda: proxy.counter("replies") >= 1 or proxy.counter("client_bytes_out") > 0)
    assert len(client.read_reply()[0].rows) == 40
    assert client.wait_closed() == "eof"
    client.close()


def test_localhost_is_reached_over_tcp(mariadb, sluse):
    """To libmariadb localhost is a Unix socket: the control connection watched another server than the pool's, or none."""
    proxy = sluse(backend=dict(host="localhost", port=mariadb.port))
    wait_until(lambda: proxy.stats()["target"]["up"], what="the control connection is there")
    assert proxy.stats()["target"]["last_error"] == ""
