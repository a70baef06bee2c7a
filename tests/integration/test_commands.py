"""Command bytes: served, relayed or refused as a server would."""
import pytest

from harness import (BASE, COM_CHANGE_USER, COM_STMT_EXECUTE, COM_STMT_FETCH, DEPRECATE_EOF, ERR, MULTI_STATEMENTS, OK,
                     SESSION_TRACK, RawClient, wait_until)
from harness.compare import same

FORMS = [BASE, BASE | DEPRECATE_EOF, BASE | SESSION_TRACK, BASE | DEPRECATE_EOF | SESSION_TRACK]


@pytest.fixture
def proxy(sluse, schemas):
    schemas.sql("CREATE TABLE app.t (id INT PRIMARY KEY DEFAULT 3, v VARCHAR(9))")
    return sluse()


UNASSIGNED = [0, 5, 6, 11, 15, 16, 20, 29, *range(32, 50), 100, 127, 128, 200, 249, 251, 252, 253, 254, 255]


@pytest.mark.parametrize("payload", [b"", b"abc", b"x" * 70000])
def test_unknown_commands(proxy, mariadb, payload):
    def ask(port):
        with RawClient(port, schema="app") as client:
            return [client.command(n, payload)[0] for n in UNASSIGNED], client.value("SELECT 1")
    same(mariadb, proxy, ask)


@pytest.mark.parametrize("number,payload", [(7, b"\1"), (8, b""), (13, b""), (19, b"\3app\1t")], ids=str)
def test_privileged_commands(proxy, mariadb, number, payload):
    def ask(port):
        with RawClient(port) as client:
            return client.command(number, payload), client.value("SELECT 1")
    same(mariadb, proxy, ask)


@pytest.mark.parametrize("number,payload", [(18, b"\4\0\0\0\0\0\1\0\0\0binlog.000001"), (21, b"\1\0\0\0\0\0\0\0\0"), (30, b"\0" * 22)],
                         ids=["BINLOG_DUMP", "REGISTER_SLAVE", "BINLOG_DUMP_GTID"])
def test_replication_commands(proxy, mariadb, number, payload):
    """Refused as by the server to an account without the privilege; never streamed."""
    def ask(port):
        with RawClient(port) as client:
            reply = client.command(number, payload)[0]
            assert isinstance(reply, ERR)
            return reply
    same(mariadb, proxy, ask)


def test_empty_packet(proxy, mariadb):
    def ask(port):
        with RawClient(port) as client:
            client.send_packet(b"", seq=0)
            return client.read_reply(), client.ping()
    same(mariadb, proxy, ask)


@pytest.mark.parametrize("caps", FORMS)
def test_ping_statistics_fields_options(proxy, mariadb, caps):
    def ask(port):
        with RawClient(port, schema="app", caps=caps) as client:
            out = [client.ping(), client.field_list("t"), client.field_list("t", "v%"), client.field_list("nosuch"),
                   client.set_option(0), client.query("SELECT 1; SELECT 2"), client.set_option(1), client.query("SELECT 1; SELECT 2"),
                   client.set_option(2), client.set_option(65535), client.ping()]
            text = client.statistics()[0]
            assert text.seq == 1 and text.text.startswith(b"Uptime: ")
            return out
    same(mariadb, proxy, ask)


@pytest.mark.parametrize("caps", FORMS)
@pytest.mark.parametrize("name", ["app", "other", "information_schema", "nosuch", "mysql", "", "bad/name ", "x" * 65])
def test_init_db(proxy, mariadb, name, caps):
    def ask(port):
        with RawClient(port, schema="app", caps=caps) as client:
            return client.init_db(name), client.rows("SELECT DATABASE(), ROW_COUNT()")
    same(mariadb, proxy, ask)


def test_init_db_is_remembered_without_a_backend(proxy):
    with proxy.client() as client:
        assert isinstance(client.init_db("app")[0], OK)
        assert client.value("SELECT DATABASE()") == "app"


@pytest.mark.parametrize("caps", FORMS)
def test_statement_commands_in_error(proxy, mariadb, caps):
    def ask(port):
        with RawClient(port, schema="app", caps=caps) as client:
            out = [client.execute(777), client.fetch(777, 1), client.stmt_reset(777)]
            client.stmt_close(777)
            client.long_data(777, 0, b"x")
            out += [client.ping(), client.prepare(""), client.prepare("SELEC"), client.prepare("SELECT * FROM nosuch"),
                    client.command(COM_STMT_EXECUTE, b"\1\0", "execute"), client.command(COM_STMT_FETCH, b"\1\0\0\0", "fetch")]
            return out + [client.value("SELECT 1")]
    same(mariadb, proxy, ask)


def test_statement_ids_belong_to_their_session(proxy):
    """No session can use, close or reset a statement of another, whatever number it guesses."""
    a, b = proxy.client(schema="app"), proxy.client(schema="app")
    mine = a.prepare("SELECT 'mine'")[0].statement
    for guess in range(0, mine + 5):
        reply = b.execute(guess)[0]
        assert isinstance(reply, ERR) and reply.code == 1243, (guess, reply)
        b.stmt_close(guess)
    b.ping()
    assert a.execute(mine)[0].rows[0].endswith(b"mine")
    a.close(), b.close()


# COM_RESET_CONNECTION

@pytest.mark.parametrize("collation", [8, 33, 45, 46, 224])
def test_reset_goes_back_to_the_handshakes_collation(proxy, mariadb, collation):
    def ask(port):
        with RawClient(port, schema="app", collation=collation) as client:
            client.ok("SET NAMES latin1 COLLATE latin1_bin")
            return client.reset(), client.rows("SELECT @@collation_connection, @@character_set_client, DATABASE()")
    same(mariadb, proxy, ask)


def test_reset_before_anything(proxy, mariadb):
    def ask(port):
        with RawClient(port, schema="app") as client:
            return client.reset(), client.reset(), client.ping(), client.value("SELECT DATABASE()")
    same(mariadb, proxy, ask)


def test_reset_rolls_back(proxy, mariadb):
    def ask(port):
        with RawClient(port, schema="app") as client:
            client.ok("BEGIN")
            client.ok("INSERT INTO t VALUES (100, 'x')")
            return client.reset(), client.rows("SELECT COUNT(*), @@in_transaction FROM t")
    same(mariadb, proxy, ask)


# COM_CHANGE_USER

@pytest.mark.parametrize("caps", FORMS)
def test_change_user(proxy, mariadb, caps):
    def ask(port):
        with RawClient(port, schema="app", caps=caps) as client:
            client.ok("SET @a = 5")
            out = [client.change_user("svc", "svc", "other", collation=8), client.login_steps,
                   client.rows("SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE(), @a, @@collation_connection")]
            out += [client.change_user("app", "app", ""), client.value("SELECT DATABASE()")]
            return out
    same(mariadb, proxy, ask)


def test_change_user_fails_and_the_old_session_goes_on(proxy, mariadb):
    def ask(port):
        with RawClient(port, schema="app") as client:
            client.ok("SET @a = 5")
            bad = client.change_user("app", "wrong", "other")
            return (bad, client.rows("SELECT DATABASE(), @a"), client.change_user("svc", "svc", "nosuch"),
                    client.rows("SELECT DATABASE(), SUBSTRING_INDEX(USER(), '@', 1)"), client.ping())
    same(mariadb, proxy, ask)


def test_change_user_thrice_wrong(proxy, mariadb):
    """Then COM_CHANGE_USER is unknown, on this connection only."""
    def ask(port):
        with RawClient(port) as client:
            out = [client.change_user("app", f"wrong{i}") for i in range(3)]
            out += [client.change_user("app", "wrong"), client.change_user("app", "app"), client.ping()]
        with RawClient(port) as client:
            return out + [client.change_user("app", "app")]
    same(mariadb, proxy, ask)


@pytest.mark.parametrize("payload", [b"app", b"app\0", b"app\0\x14abc", b"app\0\x14" + b"x" * 20 + b"app", b"app\0\0"], ids=repr)
def test_change_user_malformed(proxy, mariadb, payload):
    def ask(port):
        with RawClient(port, schema="app") as client:
            client.send_command(COM_CHANGE_USER, payload)
            return client.finish_auth(client.greeting["nonce"], client.plugin), client.ping(), client.value("SELECT DATABASE()")
    same(mariadb, proxy, ask)


def test_change_user_ends_a_transaction(proxy, mariadb):
    def ask(port):
        with RawClient(port, schema="app") as client:
            client.ok("BEGIN")
            client.ok("INSERT INTO t VALUES (200, 'x')")
            client.change_user("svc", "svc", "app")
            return client.rows("SELECT COUNT(*) FROM t WHERE id = 200")
    same(mariadb, proxy, ask)


def test_change_user_under_a_full_pool(sluse, schemas):
    """The session that changes its user already holds the one connection; it can't wait for itself."""
    proxy = sluse(pool=dict(size=2, wait_timeout="2s"))
    with proxy.client() as client:
        assert client.value("SELECT 1") == "1"
        for user in ("svc", "app", "limited", "app"):
            assert isinstance(client.change_user(user, user, "app")[0], OK)
            assert client.value("SELECT SUBSTRING_INDEX(USER(), '@', 1)") == user


def test_set_option_is_of_the_session(proxy):
    a, b = proxy.client(), proxy.client(caps=BASE | MULTI_STATEMENTS)
    a.set_option(0)
    b.set_option(1)
    assert len(a.query("SELECT 1; SELECT 2")) == 2
    assert b.query("SELECT 1; SELECT 2")[0].code == 1064
    a.close(), b.close()


def test_quit_closes(proxy):
    client = proxy.client()
    client.value("SELECT 1")
    assert client.quit() == "eof"
    wait_until(lambda: proxy.stats()["client_closed"].get("quit", 0) == 1)


def test_statistics_are_of_a_string_not_a_packet(proxy):
    with proxy.client() as client:
        for _ in range(3):
            assert b"Threads: " in client.statistics()[0].text
            assert client.value("SELECT 1") == "1"
