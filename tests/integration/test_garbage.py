"""A proxy drowned in garbage goes on, leaks nothing, and never passes garbage to the server."""
import random

import pytest

from harness import ERR, OK, RawClient, wait_until
from harness.rawclient import PeerClosed


def drain(client):
    client.sock.settimeout(0.2)
    try:
        while client.sock.recv(65536):
            pass
    except OSError:
        pass
    client.close()


@pytest.fixture
def proxy(sluse, schemas):
    proxy = sluse(sluse=dict(login_timeout="2s", abandon_after="100ms"))
    yield proxy
    with proxy.client(schema="app") as client:
        assert client.value("SELECT 1") == "1"
    proxy.assert_quiet(30)


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_before_login(proxy, seed):
    rng = random.Random(seed)
    for _ in range(100):
        client = RawClient(proxy.port, login=False)
        data = rng.randbytes(rng.choice((1, 3, 4, 5, 40, 300, 70000)))
        if rng.random() < 0.5:
            data = len(data).to_bytes(3, "little") + b"\1" + data
        try:
            client.send_bytes(data)
            client.half_close()
        except OSError:
            pass
        drain(client)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_handshakes(proxy, seed):
    rng = random.Random(seed)
    for _ in range(150):
        client = RawClient(proxy.port, login=False, schema=rng.choice((None, "app", "x" * 300)), plugin=rng.choice((
            "mysql_native_password", "caching_sha2_password", "x")), attrs={"a" * rng.randrange(300): "b" * rng.randrange(70000)})
        data = bytearray(client.handshake_response())
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0x14, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, rng.randrange(256)))
        try:
            client.send_packet(bytes(data[:rng.randrange(1, len(data) + 1)] if rng.random() < 0.3 else data), seq=1)
            client.half_close()
        except OSError:
            pass
        drain(client)


@pytest.mark.parametrize("seed", range(6))
def test_random_commands(proxy, seed):
    """Valid packets with random contents: each gets a reply or the connection ends."""
    rng = random.Random(seed)
    for _ in range(30):
        client = proxy.client(schema="app", timeout=20)
        try:
            for _ in range(20):
                command = rng.choice((2, 3, 4, 9, 12, 14, 17, 22, 23, 24, 25, 26, 27, 28, 31, rng.randrange(256)))
                if command in (1, 8):
                    continue
                client.send_command(command, rng.randbytes(rng.choice((0, 1, 2, 4, 9, 30, 300))))
                if command == 17:
                    break
            client.send_command(14)
            client.half_close()
        except OSError:
            pass
        drain(client)


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_after_login(proxy, seed):
    rng = random.Random(seed)
    for _ in range(50):
        client = proxy.client()
        if rng.random() < 0.5:
            client.value("SELECT 1")
        try:
            client.send_bytes(rng.randbytes(rng.choice((1, 4, 5, 100, 70000))))
            client.half_close()
        except OSError:
            pass
        drain(client)


@pytest.mark.parametrize("command", [22, 23, 24, 25, 26, 28])
def test_short_statement_commands(proxy, mariadb, command):
    """Every length from 0 to 12: the server's own answer, or its silence, and the session goes on."""
    client = proxy.client()
    client.prepare("SELECT ?, ?")
    for size in range(13):
        client.send_command(command, (b"\1" + bytes(12))[:size])
        if command in (24, 25):
            continue
        try:
            reply = client.read_reply("prepare" if command == 22 else "fetch" if command == 28 else "execute")
        except PeerClosed:
            break
        assert reply
    if command == 24:
        client.stmt_reset(1)
    else:
        assert isinstance(client.ping()[0], OK)
    client.close()


def test_change_user_garbage(proxy):
    """An answer to the switch that is none."""
    for answer in (b"", b"x", b"x" * 20, b"x" * 21, b"x" * 100000):
        client = proxy.client()
        client.value("SELECT 1")
        client.send_command(17, b"app\0\0app\0\x2d\0mysql_native_password\0")
        _, packet = client.read_packet()
        assert packet[:1] == b"\xfe"
        client.send_packet(answer)
        try:
            assert client.read_packet()[1][:1] == b"\xff"
        except PeerClosed:
            pass
        client.close()


def test_a_packet_inside_a_reply(proxy, mariadb):
    """A client that writes while its result is running: the command waits its turn."""
    client = proxy.client()
    client.send_command(3, b"SELECT SLEEP(0.2)")
    wait_until(lambda: mariadb.running("SLEEP(0.2)"))
    client.send_command(3, b"SELECT 2")
    client.seq = 1
    assert client.read_reply()[0].rows == ((b"0",),)
    client.seq = 1
    assert client.read_reply()[0].rows == ((b"2",),)
    client.close()


def test_huge_lengths(proxy):
    """Announcing 16 MB costs the proxy no 16 MB."""
    before = proxy.rss()
    crowd = []
    for _ in range(200):
        client = proxy.client()
        client.send_bytes(b"\xff\xff\xff\0\3SELECT '" + b"x" * 1000)
        crowd.append(client)
    assert isinstance(proxy.client().ping()[0], OK)
    assert proxy.rss() - before < 64 << 20
    for client in crowd:
        client.close()


def test_the_server_saw_no_garbage(sluse, own_mariadb):
    """Bad logins and malformed packets end in sluse; the server counts no aborted connect."""
    server = own_mariadb()
    proxy = sluse(server=server)
    rng = random.Random(1)
    for _ in range(100):
        client = RawClient(proxy.port, login=False)
        client.send_packet(rng.randbytes(60), seq=1)
        drain(client)
    for _ in range(20):
        client = RawClient(proxy.port, password="wrong")
        assert isinstance(client.login_reply, ERR)
        client.close()
    assert server.status("Aborted_connects") == 0
