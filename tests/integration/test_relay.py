"""Bytes through the relay: sizes, splits, pipelines, LOCAL INFILE, slow readers."""
import os

import pytest

from harness import (BASE, COM_PING, COM_QUERY, COM_QUIT, DEPRECATE_EOF, ERR, LOCAL_FILES, MULTI_STATEMENTS, OK,
                     SESSION_TRACK, LocalInfile, RawClient, ResultSet, wait_until)
from harness.commands import Long
from harness.compare import in_thread, same
from harness.rawclient import PeerClosed
from harness.wire import split_packets

FORMS = [BASE, BASE | DEPRECATE_EOF, BASE | SESSION_TRACK, BASE | DEPRECATE_EOF | SESSION_TRACK]
MAX = 0xffffff


@pytest.fixture(scope="module")
def server():
    """max_allowed_packet is large here."""
    from harness import MariaDB
    with MariaDB(options=["--max-allowed-packet=128M", "--net-buffer-length=16K"]) as server:
        yield server


@pytest.fixture
def proxy(sluse, server):
    server.fresh_schemas()
    return sluse(server=server)


@pytest.mark.parametrize("caps", FORMS)
@pytest.mark.parametrize("size", [MAX - 5, MAX - 4, MAX - 3, MAX, 17000000, 2 * MAX - 8, 2 * MAX - 7, 2 * MAX])
def test_rows_over_16_mb(proxy, server, size, caps):
    def ask(port):
        with RawClient(port, caps=caps, timeout=120) as client:
            reply = client.query(f"SELECT REPEAT('x', {size})")[0]
            assert reply.rows[0][0] == b"x" * size
            return reply.seq, reply.mid, reply.end, client.value("SELECT 1")
    same(server, proxy, ask)


@pytest.mark.parametrize("size", [MAX - 1, MAX, MAX + 1, 17000000, 2 * MAX - 1, 2 * MAX, 2 * MAX + 1])
def test_commands_over_16_mb(proxy, server, size):
    """size is that of the payload, command byte included."""
    head, tail = b"SELECT LENGTH('", b"')"

    def ask(port):
        with RawClient(port, timeout=120) as client:
            reply = client.query(head + b"x" * (size - 1 - len(head) - len(tail)) + tail)[0]
            return reply.seq, reply.rows, reply.end, client.value("SELECT 1")
    same(server, proxy, ask)


def test_long_data_over_16_mb(proxy, server):
    def ask(port):
        with RawClient(port, timeout=120) as client:
            statement = client.prepare("SELECT LENGTH(?), MD5(?)")[0].statement
            client.long_data(statement, 0, b"a" * (MAX + 100))
            client.long_data(statement, 0, b"b" * 1000)
            client.long_data(statement, 1, b"c" * 5000)
            return client.execute(statement, (Long(), Long())), client.value("SELECT 1")
    same(server, proxy, ask)


@pytest.mark.parametrize("extra", [-1, 0, 1, 100000])
def test_max_allowed_packet(sluse, mariadb, extra):
    """A command that is too big for the server: 1153, or a connection that ends; the next session is well."""
    limit = int(mariadb.sql("SELECT @@global.max_allowed_packet")[0][0])
    proxy = sluse()
    head, tail = b"SELECT LENGTH('", b"')"
    client = proxy.client(timeout=60)
    try:
        client.send_command(COM_QUERY, head + b"x" * (limit + extra - 1 - len(head) - len(tail)) + tail)
        reply = client.read_reply()[0]
    except (ConnectionResetError, BrokenPipeError):
        reply = None
    if extra < 0:
        assert isinstance(reply, ResultSet)
    else:
        assert reply is None or isinstance(reply, ERR) and reply.code == 1153 or getattr(reply, "how", None)
    client.close()
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


@pytest.mark.parametrize("caps", FORMS)
def test_sequence_ids_wrap(proxy, server, caps):
    """RawClient checks every id; 1,000 rows and 300 columns pass 255 several times."""
    def ask(port):
        with RawClient(port, caps=caps, schema="app") as client:
            reply = client.query("SELECT seq, REPEAT('y', seq) FROM seq_1_to_1000")[0]
            wide = client.query("SELECT " + ", ".join(map(str, range(300))))[0]
            return hash(reply.rows), len(reply.rows), reply.mid and reply.mid.seq, reply.end, wide
    same(server, proxy, ask)


def test_split_at_every_byte(proxy):
    """A command that comes in two writes, cut at every place."""
    data, _ = split_packets(bytes([COM_QUERY]) + b"SELECT 'abcdefgh'")
    with proxy.client() as client:
        for cut in range(1, len(data)):
            client.send_bytes(data[:cut])
            client.send_bytes(data[cut:])
            client.seq = 1
            assert client.read_reply()[0].rows == ((b"abcdefgh",),)


def test_pipeline_of_1000(proxy):
    """1,000 commands in one write are answered in order."""
    data = b"".join(split_packets(bytes([COM_QUERY]) + b"SELECT %d" % i)[0] for i in range(1000))
    with proxy.client(timeout=60) as client:
        thread = in_thread(client.send_bytes, data)
        for i in range(1000):
            client.seq = 1
            assert client.read_reply()[0].rows == ((b"%d" % i,),)
        thread.result()


def test_pipeline_of_all_kinds(proxy, server):
    ping = b"\1\0\0\0" + bytes([COM_PING])
    parts = [ping, split_packets(b"\3SET @a = 7")[0], split_packets(b"\3SELEC")[0], ping,
             split_packets(b"\3SELECT @a")[0], split_packets(b"\2other")[0], split_packets(b"\3SELECT DATABASE()")[0]]

    def ask(port):
        with RawClient(port) as client:
            client.send_bytes(b"".join(parts))
            out = []
            for _ in parts:
                client.seq = 1
                out.append(client.read_reply())
            return out
    same(server, proxy, ask)


def test_pipeline_behind_a_quit(proxy):
    with proxy.client() as client:
        client.send_bytes(b"\1\0\0\0" + bytes([COM_PING]) + b"\1\0\0\0" + bytes([COM_QUIT]) + b"\1\0\0\0" + bytes([COM_PING]))
        client.seq = 1
        assert isinstance(client.read_reply()[0], OK)
        assert client.wait_closed() in ("eof", "reset")


def test_pipeline_then_half_close(proxy):
    """A client writes everything, closes its sending side and reads all the answers."""
    data = b"".join(split_packets(bytes([COM_QUERY]) + b"SELECT %d" % i)[0] for i in range(50))
    with proxy.client() as client:
        client.send_bytes(data)
        client.half_close()
        for i in range(50):
            client.seq = 1
            assert client.read_reply()[0].rows == ((b"%d" % i,),)
        assert client.wait_closed() == "eof"


@pytest.mark.parametrize("seq", [1, 5, 255])
def test_command_out_of_order(proxy, server, seq):
    def ask(port):
        with RawClient(port) as client:
            client.send_packet(b"\x0e", seq=seq)
            client._fill(4)
            size, got = int.from_bytes(client.buf[:3], "little"), client.buf[3]
            client._fill(4 + size)
            body = bytes(client.buf[4:4 + size])
            client.wait_closed()
            return got, body
    same(server, proxy, ask)


# LOAD DATA LOCAL

@pytest.fixture
def table(server, proxy):
    server.sql("CREATE TABLE app.t (id INT PRIMARY KEY, v LONGTEXT)")
    return server


def test_local_infile_never_opens_a_file_here(proxy, table, tmp_path):
    """The name is the client's business: sluse passes it on and reads nothing."""
    path = tmp_path / "secret"
    path.write_text("1\tsecret\n")
    with proxy.client(schema="app", caps=BASE | LOCAL_FILES) as client:
        client.infile = {str(path): b"7\tfrom the client\n"}
        replies = client.query(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE t")
        assert replies[0] == LocalInfile(1, str(path).encode())
        assert client.rows("SELECT * FROM t") == [("7", "from the client")]


def test_local_infile_of_64_mb(proxy, table):
    with proxy.client(schema="app", caps=BASE | LOCAL_FILES, timeout=120) as client:
        client.infile_default = b"".join(b"%d\t%s\n" % (i, b"x" * 65000) for i in range(1000))
        before = proxy.rss()
        reply = client.query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t")[-1]
        assert (reply.affected, reply.warnings) == (1000, 0)
        assert proxy.rss() - before < 24 << 20
        assert client.value("SELECT COUNT(*) FROM t") == "1000"


def test_local_infile_with_a_pipeline_behind(proxy, table):
    """A command behind the file's end in the same write."""
    with proxy.client(schema="app", caps=BASE | LOCAL_FILES) as client:
        client.send_command(COM_QUERY, b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t")
        assert client.read_packet()[1][:1] == b"\xfb"
        client.send_bytes(split_packets(b"1\ta\n", 2)[0] + b"\0\0\0\3" + b"\1\0\0\0\x0e")
        client.seq = 4
        assert client.read_reply()[0].affected == 1
        client.seq = 1
        assert isinstance(client.read_reply()[0], OK)


def test_local_infile_the_server_stops_early(proxy, table):
    """The server reports an error while the client is still sending; the session stays usable."""
    with proxy.client(schema="app", caps=BASE | LOCAL_FILES, timeout=60) as client:
        client.infile_default = b"1\ta\n1\tdup\n" + b"".join(b"%d\t%s\n" % (i, b"y" * 1000) for i in range(2, 5000))
        client.ok("SET sql_mode = 'STRICT_ALL_TABLES'")
        client.query("CREATE TRIGGER bad BEFORE INSERT ON t FOR EACH ROW IF NEW.id = 1 THEN SIGNAL SQLSTATE '45000'; END IF")
        reply = client.query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t")[-1]
        assert isinstance(reply, ERR)
        assert client.value("SELECT COUNT(*) FROM t") == "0"


@pytest.mark.parametrize("leave", ["close", "reset_tcp"])
def test_local_infile_the_client_goes(proxy, table, leave):
    client = proxy.client(schema="app", caps=BASE | LOCAL_FILES)
    client.send_command(COM_QUERY, b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t")
    assert client.read_packet()[1][:1] == b"\xfb"
    client.send_packet(b"1\ta\n2\t")
    getattr(client, leave)()
    proxy.assert_quiet()
    assert table.sql("SELECT COUNT(*) FROM app.t")[0][0] == 0


@pytest.mark.parametrize("text", ["LOAD DATA LOCAL INFILE 'x' INTO TABLE app.t",
                                  "/* c */ load/**/data concurrent local infile 'x' into table app.t"])
@pytest.mark.parametrize("caps", FORMS)
def test_local_infile_without_the_capability(proxy, table, text, caps):
    def ask(port):
        with RawClient(port, caps=caps) as client:
            return client.query(text), client.ping(), client.query("SELECT 1")
    same(table, proxy, ask)


# Slow readers

@pytest.mark.parametrize("caps", [BASE, BASE | DEPRECATE_EOF])
def test_slow_readers_are_bounded_in_memory(proxy, server, caps):
    """10 clients ask for 50 MB each and read nothing: sluse stops reading from the server."""
    slow = [proxy.client(caps=caps, rcvbuf=4096, timeout=120, schema="app") for _ in range(8)]
    before = proxy.rss()
    for client in slow:
        client.send_command(COM_QUERY, b"SELECT seq, REPEAT('z', 5000) FROM seq_1_to_10000")
    stuck = 0

    def settled():
        nonlocal stuck
        now = proxy.counter("backend_bytes_in")
        still, stuck = now == stuck, now
        return still and now > 8 * 1000
    wait_until(settled, 30, "the relay has stopped", interval=0.3)
    assert stuck < 8 * (20 << 20)
    assert proxy.rss() - before < 32 << 20
    with proxy.client() as other:
        assert other.value("SELECT 1") == "1"
    for client in slow[:4]:
        reply = client.read_reply()[0]
        assert len(reply.rows) == 10000 and reply.rows[-1] == (b"10000", b"z" * 5000)
        assert client.value("SELECT 1") == "1"
        client.quit()
    for client in slow[4:]:
        client.reset_tcp()
    proxy.assert_quiet()


def test_slow_sender(proxy):
    """A client that stops in the middle of a packet holds nothing but its own session."""
    client = proxy.client()
    client.send_bytes(b"\xff\xff\0\0\3SELECT ")
    with proxy.client() as other:
        assert other.value("SELECT 1") == "1"
    client.close()


def test_idle_clients_hold_no_buffers(sluse, server):
    """1,000 idle clients that each had a 1 MB result cost a few KB each. (Sanitizers add a lot: bound generous.)"""
    proxy = sluse(server=server, sluse=dict(max_clients=2000))
    crowd = []
    for _ in range(1000):
        crowd.append(proxy.client())
        crowd[-1].ping()
    base = proxy.rss()
    for client in crowd[:9]:
        client.query("SELECT REPEAT('x', 1000000)")
    assert proxy.rss() - base < 40 << 20
    assert base < 400 << 20
    for client in crowd:
        client.close()


# Cut off

def test_server_kills_the_session_in_the_middle_of_rows(proxy, server):
    client = proxy.client(rcvbuf=4096, timeout=30, schema="app")
    client.send_command(COM_QUERY, b"SELECT seq, REPEAT('cut', 2000) FROM seq_1_to_100000")
    victim = wait_until(lambda: server.running("REPEAT('cut'"))[0]
    server.sql(f"KILL {victim}")
    with pytest.raises(PeerClosed):
        while True:
            client.read_packet()
    client.close()
    with proxy.client() as other:
        assert other.value("SELECT 1") == "1"


def test_random_bytes_in_results(proxy, server):
    """Rows full of bytes that look like headers of packets."""
    blob = os.urandom(50000) + b"\xfe\0\0\2\0" * 1000 + b"\xff\xff\xff\xff\xfb" * 1000
    server.sql("CREATE TABLE app.b (id INT PRIMARY KEY, v LONGBLOB)")
    for caps in FORMS:
        with proxy.client(caps=caps | MULTI_STATEMENTS, schema="app") as client:
            statement = client.prepare("REPLACE INTO b VALUES (1, ?)")[0].statement
            assert isinstance(client.execute(statement, (blob,))[0], OK)
            assert client.query("SELECT v, v FROM b; SELECT v FROM b")[1].rows == ((blob,),)
