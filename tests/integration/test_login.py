"""Login of clients: what the server would answer, answered by sluse."""
import socket

import pytest

from harness import (BASE, COMPRESS, CONNECT_WITH_DB, DEPRECATE_EOF, ERR, OK, PLUGIN_AUTH, PLUGIN_AUTH_LENENC,
                     PROTOCOL_41, SECURE_CONNECTION, SESSION_TRACK, SSL, Closed, RawClient, wait_until)
from harness.compare import after_greeting, plain, same

TRACKED = BASE | SESSION_TRACK | DEPRECATE_EOF


@pytest.fixture
def proxy(sluse, schemas):
    return sluse(accounts=dict(app="app", svc="svc", limited="limited", nopass=""))


def attempt(port, **arguments):
    client = RawClient(port, **arguments)
    try:
        return client.login_steps, client.login_reply
    finally:
        client.close()


def test_greeting_is_the_servers(proxy, mariadb):
    direct, through = RawClient(mariadb.port), RawClient(proxy.port)
    for key in ("protocol", "version", "collation", "status", "nonce_size", "plugin"):
        assert through.greeting[key] == direct.greeting[key], key
    assert through.greeting["nonce"] != RawClient(proxy.port, login=False).greeting["nonce"]
    assert b"\0" not in through.greeting["nonce"]
    offered, real = through.greeting["caps"], direct.greeting["caps"]
    assert not offered & ~real & ~1, "bits that the server does not have"
    assert not offered & (COMPRESS | SSL), "bits that nobody built"
    assert through.greeting["extended"] == 0
    for bit in (PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, SESSION_TRACK, DEPRECATE_EOF):
        assert offered & bit
    direct.close(), through.close()


def test_ids_are_virtual_and_unique(proxy, clients):
    ids = [clients(proxy).id for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(0x80000000 <= i <= 0xffffffff for i in ids)


@pytest.mark.parametrize("arguments", [
    dict(), dict(schema="app"), dict(schema=""), dict(schema="information_schema"), dict(user="svc", password="svc"),
    dict(user="nopass", password=""), dict(plugin="caching_sha2_password"), dict(plugin="nonsense"), dict(plugin=""),
    dict(plugin="mysql_clear_password"), dict(caps=BASE & ~PLUGIN_AUTH), dict(caps=BASE & ~PLUGIN_AUTH_LENENC),
    dict(attrs={"program_name": "x", "k" * 300: "v" * 3000}), dict(caps=TRACKED, schema="app"), dict(caps=TRACKED),
    dict(caps=BASE | SESSION_TRACK, schema="other"), dict(max_packet=0),
], ids=repr)
def test_good_logins(proxy, mariadb, arguments):
    reply = attempt(proxy.port, **arguments)[1]
    assert isinstance(reply, OK)
    assert reply == attempt(mariadb.port, **arguments)[1] or arguments.get("plugin")


@pytest.mark.parametrize("arguments", [
    dict(password="wrong"), dict(password=""), dict(user="nosuch", password="x"), dict(user="nosuch", password=""),
    dict(user="", password=""), dict(user="nopass", password="x"), dict(user="x" * 200, password=""), dict(user="ä", password="x"),
    dict(schema="nosuch"), dict(schema="mysql"), dict(user="limited", password="limited", schema="other"),
    dict(user="limited", password="limited", schema="nosuch"), dict(schema="bad/name "), dict(schema="x" * 64),
    dict(schema="x" * 65), dict(schema="APP"), dict(response=b"x" * 20), dict(response=b"x" * 19), dict(response=b"x" * 21),
    dict(response=b"x" * 250), dict(plugin="nonsense", password="wrong"), dict(plugin="nonsense", password=""),
    dict(plugin="nonsense", user="nosuch"), dict(caps=BASE & ~SECURE_CONNECTION & ~PLUGIN_AUTH_LENENC & ~PLUGIN_AUTH),
    dict(collation=35), dict(collation=128),
], ids=repr)
def test_bad_logins_get_the_servers_error(proxy, mariadb, arguments):
    def ask(port):
        client = RawClient(port, **arguments)
        ended = client.wait_closed()
        client.close()
        return client.login_reply, ended
    assert "ERR(" in same(mariadb, proxy, ask)


def test_account_that_sluse_does_not_have(proxy, mariadb):
    """An account of the server that pool.ini does not name is unknown: as if the server did not know it."""
    mariadb.sql("CREATE OR REPLACE USER elsewhere@'%' IDENTIFIED BY 'x'")
    steps, reply = attempt(proxy.port, user="elsewhere", password="x")
    assert (reply.code, reply.sqlstate) == (1045, "28000")
    mariadb.sql("DROP USER elsewhere@'%'")


def test_sha2_fast_path(proxy):
    """A client that starts with caching_sha2_password logs in, by a switch or by the fast path, right and wrong."""
    steps, reply = attempt(proxy.port, plugin="caching_sha2_password")
    assert isinstance(reply, OK)
    assert steps in ([("switch", 2, "mysql_native_password")], [("more", 2, b"\3")])
    assert attempt(proxy.port, plugin="caching_sha2_password", password="wrong")[1].code == 1045


def test_password_hash_account(sluse, mariadb):
    digest = mariadb.sql("SELECT PASSWORD('app')")[0][0]
    proxy = sluse(accounts={}, **{"account app": dict(password_hash=digest)}, control=dict(user="svc", password="svc"))
    with proxy.client(schema="app") as client:
        assert client.value("SELECT USER()").startswith("app@")
    assert attempt(proxy.port, password="wrong")[1].code == 1045


def test_password_file_account(sluse, mariadb, tmp_path):
    path = tmp_path / "secret"
    path.write_text("app\n")
    path.chmod(0o644)
    proxy = sluse(accounts={}, **{"account app": dict(password_file=path)})
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"


# 5 and 14 are left out: no server has them; ids of ucs2, utf16 and utf32 are refused (above)
@pytest.mark.parametrize("collation", [1, 8, 11, 28, 33, 45, 46, 63, 83, 192, 224, 246, 247])
def test_collation_of_the_handshake(proxy, mariadb, clients, collation):
    def ask(port):
        client = clients(port, collation=collation)
        return client.rows("SELECT @@collation_connection, @@character_set_client, @@character_set_results")
    same(mariadb, proxy, ask)


@pytest.mark.parametrize("collation", [0, 5, 255])
def test_unknown_collation_is_the_servers_default(proxy, mariadb, clients, collation):
    same(mariadb, proxy, lambda port: clients(port, collation=collation).rows("SELECT @@collation_connection"))




@pytest.mark.parametrize("cut", [0, 1, 3, 4, 8, 9, 20, 31, 32, 33, 35, 36, 37, 45])
def test_truncated_handshakes(proxy, mariadb, cut):
    payload = good_response(mariadb)[:cut]
    assert b"Bad handshake" in after_greeting(mariadb.port, payload)[1]
    same(mariadb, proxy, lambda port: after_greeting(port, payload))


def good_response(mariadb):
    client = RawClient(mariadb.port, login=False)
    client.close()
    return client.handshake_response()


@pytest.mark.parametrize("seq", [0, 2, 5, 255])
def test_handshake_out_of_order(proxy, mariadb, seq):
    same(mariadb, proxy, lambda port: after_greeting(port, good_response(mariadb), seq=seq))


@pytest.mark.parametrize("payload", [bytes(range(100)), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 500], ids=lambda p: repr(p[:8]))
def test_garbage_handshakes(proxy, mariadb, payload):
    same(mariadb, proxy, lambda port: after_greeting(port, payload))


def test_client_of_before_protocol_41(proxy):
    """The bit is not set: an error without SQLSTATE."""
    for payload in (b"\0" * 100, b"\0" * 70000):
        seq, body = after_greeting(proxy.port, payload)
        assert seq == 2 and body[:3] in (b"\xff\x13\x04", b"\xff\x15\x04") and body[3:4] != b"#"


def test_http_instead_of_a_handshake(proxy, mariadb):
    same(mariadb, proxy, lambda port: after_greeting(port, b"", raw=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 4))


def test_trailing_junk_and_huge_attributes(proxy, mariadb):
    """Wrong token, so that the answer is an error that both can give."""
    body = good_response(mariadb) + b"junk" * 100
    same(mariadb, proxy, lambda port: after_greeting(port, body))


def test_oversized_handshake(proxy):
    """16 MB announced: closed without a word or with an error, and never buffered."""
    before = proxy.rss()
    for _ in range(20):
        after_greeting(proxy.port, b"", raw=b"\xff\xff\xff\x01" + b"A" * 200000)
    assert proxy.rss() - before < 8 << 20


@pytest.mark.parametrize("started", [b"", b"\x50\0\0\1abc", b"\x50\0"])
def test_slow_handshake(sluse, started):
    """Closed at the deadline, without an error packet."""
    proxy = sluse(sluse=dict(login_timeout="200ms"))
    client = RawClient(proxy.port, login=False)
    client.send_bytes(started)
    assert client.wait_closed() in ("eof", "reset")
    wait_until(lambda: proxy.stats()["client_closed"].get("login_timeout", 0) == 1)
    client.close()


def test_slow_answer_to_the_switch(sluse):
    proxy = sluse(sluse=dict(login_timeout="200ms"))
    client = RawClient(proxy.port, login=False, plugin="nonsense")
    client.send_packet(client.handshake_response(), seq=1)
    assert client.read_packet()[1][:1] == b"\xfe"
    assert client.wait_closed() in ("eof", "reset")
    client.close()


def test_handshake_byte_by_byte(proxy):
    client = RawClient(proxy.port, login=False, schema="app")
    payload = client.handshake_response()
    for byte in len(payload).to_bytes(3, "little") + b"\1" + payload:
        client.send_bytes(bytes([byte]))
    client.seq = 2
    assert isinstance(client.finish_auth(client.greeting["nonce"], client.plugin), OK)
    assert client.value("SELECT DATABASE()") == "app"
    client.close()


def test_command_in_the_same_write_as_the_handshake(proxy):
    """A client need not wait for the OK; no driver does this, but the bytes may not be lost or misread."""
    client = RawClient(proxy.port, login=False)
    payload = client.handshake_response()
    client.send_bytes(len(payload).to_bytes(3, "little") + b"\1" + payload + b"\1\0\0\0\x0e")
    client.seq = 2
    assert isinstance(client.finish_auth(client.greeting["nonce"], client.plugin), OK)
    client.seq = 1
    assert isinstance(client.read_reply()[0], OK)
    client.close()


def test_bare_probes_are_silent(proxy):
    for _ in range(30):
        socket.create_connection(("127.0.0.1", proxy.port)).close()
    client = RawClient(proxy.port, login=False)
    client.reset_tcp()
    proxy.assert_quiet()
    noise = [line for line in proxy.log().splitlines() if "warn" in line.lower() or "error" in line.lower()]
    assert not noise, noise


def test_half_close_after_the_greeting(proxy, mariadb):
    def ask(port):
        client = RawClient(port, login=False)
        client.half_close()
        return client.wait_closed()
    same(mariadb, proxy, ask)


def test_max_clients(sluse, clients):
    """Refused as a server refuses: 1040 in place of the greeting, without SQLSTATE; a place comes back."""
    proxy = sluse(sluse=dict(max_clients=3))
    inside = [clients(proxy) for _ in range(3)]
    refused = RawClient(proxy.port)
    assert refused.greeting is None
    assert refused.login_reply == ERR(0, 1040, None, "Too many connections")
    assert refused.wait_closed() in ("eof", "reset")
    refused.close()
    assert proxy.counter("clients_refused") == 1
    inside[0].quit()
    wait_until(lambda: isinstance(clients(proxy).login_reply, OK))


def test_unix_socket(proxy):
    client = RawClient(path=proxy.socket, schema="app")
    assert isinstance(client.login_reply, OK)
    assert client.value("SELECT DATABASE()") == "app"
    client.close()


def test_login_needs_no_backend(sluse, own_mariadb):
    """A client without a schema logs in, pings and goes while every connection is taken."""
    proxy = sluse(server=own_mariadb(), pool=dict(size=2))
    holder = proxy.client()
    holder.ok("BEGIN")
    with proxy.client() as client:
        assert isinstance(client.ping()[0], OK)
    holder.close()


def test_proven_schema_needs_no_backend(sluse, schemas):
    proxy = sluse(pool=dict(size=2, schema_ttl="1h"))
    proxy.client(schema="app").quit()
    proxy.wait_idle()
    holder = proxy.client(schema="app")
    holder.ok("BEGIN")
    with proxy.client(schema="app") as client:
        assert isinstance(client.login_reply, OK)
    holder.close()


def test_schema_dropped_after_it_was_proven(sluse, schemas):
    """With schema_ttl = 0 the server is asked every time."""
    proxy = sluse(pool=dict(schema_ttl="0"))
    schemas.sql("CREATE DATABASE app_gone")
    schemas.sql("GRANT ALL ON app_gone.* TO app@'%'")
    proxy.client(schema="app_gone").quit()
    schemas.sql("DROP DATABASE app_gone")
    refused = RawClient(proxy.port, schema="app_gone")
    assert refused.login_reply.code == 1049
    refused.close()
    schemas.sql("REVOKE ALL ON app_gone.* FROM app@'%'")


def test_ssl_bit_without_tls_is_ignored(proxy, mariadb):
    same(mariadb, proxy, lambda port: attempt(port, caps=BASE | SSL)[1])


def test_connect_with_db_bit_without_a_schema(proxy, mariadb):
    """The bit is set but the packet has no room for the schema: what the server says."""
    def ask(port):
        client = RawClient(port, login=False)
        client.caps |= CONNECT_WITH_DB
        client.schema = "app"
        payload = client.handshake_response()
        cut = payload.index(b"app\0", 40)
        client.send_packet(payload[:cut + 2], seq=1)
        reply = client.finish_auth(client.greeting["nonce"], client.plugin)
        client.close()
        return reply if not isinstance(reply, Closed) else "closed"
    same(mariadb, proxy, ask)


def test_wrong_passwords_never_reach_the_server(sluse, own_mariadb):
    server = own_mariadb()
    proxy = sluse(server=server)
    before = server.status("Connections")
    errors = {plain(attempt(proxy.port, password=f"wrong{i}")[1]) for i in range(200)}
    assert len(errors) == 1
    assert server.status("Access_denied_errors") == 0
    assert server.status("Connections") - before <= 3
    assert proxy.counter("logins_denied") == 200
