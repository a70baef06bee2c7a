"""A session's settings go out in the same write as its statement, where the server can't refuse them; and what can come in between."""
import signal

import pytest

from harness import BASE, ERR, LOCAL_FILES, MULTI_STATEMENTS, OK, RawClient, wait_until
from harness.replies import decode_err
from test_paging_ends import Standstill, closed, ok, ready


@pytest.fixture(scope="module")
def shared(each_kind):
    with each_kind(options=["--local-infile=ON"]) as server:
        yield server


@pytest.fixture
def server(shared):
    shared.fresh_schemas()
    shared.sql("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT)")
    return shared


@pytest.fixture
def one(sluse):
    """A factory of proxies with one backend for sessions."""
    def make(server, **sections):
        return ready(sluse(server=server, pool=dict(size=2, wait_timeout="60s", **sections.pop("pool", {})), **sections))
    return make


@pytest.fixture
def pair(server):
    """Two sessions that have the same settings, with other values: each is loaded over the other by what differs, and nothing has to be asked."""
    made = []

    def make(proxy, *more, names=(0, 1), **arguments):
        for i in range(2):
            client = RawClient(proxy.port, schema="app", plugin=server.plugin, timeout=60, **arguments)
            made.append(client)
            ok(client, f"SET SESSION div_precision_increment = {i + 5}, sql_mode = '{('ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES')[i]}'",
               f"SET NAMES {('latin1', 'utf8mb4')[i]}", *(statement.format(names[i]) for statement in more), "SELECT 1")
        ok(made[0], "SELECT 1")
        ok(made[1], "SELECT 1")
        return made[0], made[1]
    yield make
    for client in made:
        client.close()


def ahead(proxy):
    counters = proxy.stats()["counters"]
    return counters["page_ins_ahead"], counters["page_ins_ahead_failed"], counters["page_ins_difference"]


STATE = "SELECT @@div_precision_increment, @@sql_mode, @@character_set_client, @@autocommit"


def state(i):
    return (str(i + 5), ("ANSI_QUOTES", "NO_BACKSLASH_ESCAPES")[i], ("latin1", "utf8mb4")[i], str(1 - i))


def test_they_go_ahead(one, server, pair):
    proxy = one(server)
    clients = pair(proxy, "SET autocommit = 1 - {}", "COMMIT")
    before = ahead(proxy)
    for _ in range(10):
        for i, client in enumerate(clients):
            assert client.rows(STATE) == [state(i)]
            ok(client, "COMMIT")
    now = ahead(proxy)
    assert now[0] - before[0] == now[2] - before[2] == 20 and now[1] == 0


def test_last_insert_id_goes_ahead(one, server, pair):
    proxy = one(server)
    clients = pair(proxy)
    for i, client in enumerate(clients):
        ok(client, f"DO LAST_INSERT_ID(18446744073709551615 - {i})")
    before = ahead(proxy)
    for i, client in enumerate(clients):
        assert client.value("SELECT LAST_INSERT_ID()") == str(18446744073709551615 - i)
    assert ahead(proxy)[0] - before[0] == 2


@pytest.mark.parametrize("what", ["SET time_zone = '+0{}:00'", "SET lc_messages = '{}'", "SET default_storage_engine = '{}'", "USE {}"])
def test_what_can_be_refused_is_answered_first(one, server, pair, what):
    """The schema may be gone, and so may what a name stood for."""
    names = {"lc": ("de_DE", "nb_NO"), "default": ("MyISAM", "MEMORY"), "USE": ("app", "other")}
    values = next((names[key] for key in names if key in what), "12")
    proxy = one(server)
    clients = pair(proxy)
    for client, value in zip(clients, values):
        ok(client, what.format(value), "SELECT 1")
    before = ahead(proxy)
    for client in clients:
        ok(client, "SELECT 1")
    now = ahead(proxy)
    assert now[2] - before[2] == 2 and now[0] == before[0]


def test_under_a_tiny_limit_of_time_nothing_goes_ahead(one, server, pair):
    if server.family == "mysql":
        pytest.skip("its max_execution_time is for SELECT")
    proxy = one(server)
    clients = pair(proxy, "SET max_statement_time = {}.5")
    before = ahead(proxy)
    for client in clients:
        ok(client, "SELECT 1")
    now = ahead(proxy)
    assert now[2] - before[2] == 2 and now[0] == before[0]


# --- any kind of command stands behind it ---

def test_in_front_of_a_file(one, server, pair):
    proxy = one(server)
    clients = pair(proxy, caps=BASE | LOCAL_FILES)
    before = ahead(proxy)
    for i, client in enumerate(clients):
        client.infile_default = b"".join(b"%d\t%d\n" % (n * 2 + i, i) for n in range(1, 20000))
        assert client.query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t")[-1].affected == 19999
    assert clients[0].value("SELECT COUNT(*) FROM t") == "39998"
    assert ahead(proxy)[0] - before[0] == 3


def test_in_front_of_a_long_statement(one, server, pair):
    """In pieces, and in more than one packet."""
    proxy = one(server)
    clients = pair(proxy)
    before = ahead(proxy)
    for i, client in enumerate(clients):
        ok(client, f"INSERT INTO t (v) VALUES (CONCAT('{'x' * 5000000}', @@div_precision_increment))")
    assert ahead(proxy)[0] - before[0] == 2
    assert clients[0].rows("SELECT LENGTH(v), RIGHT(v, 1) FROM t ORDER BY id") == [("5000001", "5"), ("5000001", "6")]


def test_in_front_of_a_command_without_a_reply(one, server, pair):
    """Nothing comes behind the answer to the page-in; then a command does, or the end."""
    proxy = one(server)
    first, second = pair(proxy)

    def close(client):
        before = ahead(proxy)[0]
        client.send_command(25, b"\x99\0\0\0")
        wait_until(lambda: ahead(proxy)[0] == before + 1, what="the page-in has gone out")
    close(first)
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    close(first)
    assert first.rows(STATE)[0][:3] == state(0)[:3]
    close(second)
    second.quit()
    assert first.rows(STATE)[0][:3] == state(0)[:3]
    assert ahead(proxy)[1] == 0


def test_what_reads_residue_waits_for_it(one, server, pair):
    """The page-in is a statement too, and may warn: what the one before it left is not told from that."""
    proxy = one(server)
    clients = pair(proxy)
    for ask, expected in (("SELECT ROW_COUNT()", "3"), ("SELECT FOUND_ROWS()", "2")):
        for client in clients:
            if "ROW_COUNT" in ask:
                ok(client, "INSERT INTO t (v) VALUES (1), (2), (3)")
            else:
                assert len(client.rows("SELECT 1 UNION SELECT 2")) == 2
        before = ahead(proxy)
        for client in clients:
            assert client.value(ask) == expected
        assert ahead(proxy)[0] > before[0]   # FOUND_ROWS() warns on MySQL: then there is no difference to be said


# --- what comes in between ---

def test_a_refusal_ends_the_session(one, server, pair, put_between):
    """Its statement has run without its settings: nobody is told that all is well, and nothing else goes wrong."""
    between = put_between(server)
    proxy = one(between)
    first, second = pair(proxy)
    between.spoil = True
    error = first.query("INSERT INTO t (v) VALUES (@@div_precision_increment)")[0]
    assert isinstance(error, ERR) and (error.code, error.sqlstate) == (1105, "HY000") and "(error 1064)" in error.text, error
    assert closed(first)
    assert between.spoilt == 1 and ahead(proxy)[1] == 1
    assert "settings that went ahead of a command: error 1064" in proxy.log()
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    second.quit()


INACTIVE = b"\xff\xbf\x0f#HY000The client was disconnected by the server because of inactivity."
STATES = [tuple(value.encode() for value in state(i)[:3]) for i in range(2)]
KILLED = b"\xff\x87\x07#70100Connection was killed"


@pytest.mark.parametrize("ending", ["fin", b"%c\0\0\0%b" % (len(INACTIVE), INACTIVE), b"%c\0\0\1%b" % (len(KILLED), KILLED)], ids=["FIN", "4031", "1927"])
@pytest.mark.parametrize("statement", ["INSERT INTO t (v) VALUES (@@div_precision_increment)", "SELECT ROW_COUNT(), @@div_precision_increment"],
                         ids=["behind", "waiting"])
def test_the_server_ends_the_connection(one, server, pair, put_between, ending, statement):
    """Before it has answered the page-in: so it has not begun with the statement, which is sent on another connection. What the client sent behind it follows."""
    between = put_between(server)
    proxy = one(between)
    first, second = pair(proxy)
    commands = proxy.counter("commands")
    between.ending = ending
    first.send_command(3, statement.encode())
    first.send_command(3, STATE.encode())
    reply = first.read_reply()[-1]
    assert reply.rows == ((b"-1", b"5"),) if "ROW_COUNT" in statement else reply.affected == 1, reply
    first.seq = 1
    assert first.read_reply()[-1].rows[0][:3] == STATES[0]
    assert between.ended == 1 and ahead(proxy)[1] == 0 and proxy.counter("page_ins_repeated") == 1
    assert proxy.counter("commands") == commands + 2
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    assert second.rows("SELECT v FROM t") == [("5",)] * ("INSERT" in statement)
    first.quit(), second.quit()


def test_the_server_resets_the_connection(one, server, pair, put_between):
    """Then answers may have been lost on their way, and nobody knows what has run."""
    between = put_between(server)
    proxy = one(between)
    first, second = pair(proxy)
    between.ending = "rst"
    first.send_command(3, b"INSERT INTO t (v) VALUES (1)")
    assert closed(first)
    assert between.ended == 1 and proxy.counter("page_ins_repeated") == 0
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    second.quit()


def test_a_connection_that_was_killed_while_nobody_looked(one, server, pair):
    """It costs nobody the session, however lately it was used."""
    proxy = one(server)
    clients = pair(proxy)
    of_sessions = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"
    for i in (0, 1, 0, 1):
        assert clients[1 - i].rows(STATE)[0][:3] == state(1 - i)[:3]
        proxy.signal(signal.SIGSTOP)
        try:
            for (number,) in server.sql(of_sessions):
                server.sql(f"KILL {number}")
            wait_until(lambda: not server.sql(of_sessions), what="the server has ended it")
            clients[i].send_command(3, STATE.encode())
        finally:
            proxy.signal(signal.SIGCONT)
        assert clients[i].read_reply()[-1].rows[0][:3] == STATES[i]
    assert ahead(proxy)[1] == 0
    for client in clients:
        client.quit()


def sent_while_still(proxy, client, statement):
    """It is on its way, behind its page-in."""
    before = ahead(proxy)[0]
    client.send_command(3, statement)
    wait_until(lambda: ahead(proxy)[0] == before + 1, what="the page-in has gone out")


def test_a_server_that_does_not_answer_it(one, server, pair):
    """connect_timeout is over it, as over any page-in. Whether the statement ran is not known."""
    proxy = one(server, backend=dict(connect_timeout="500ms"))
    first, second = pair(proxy)
    with Standstill(proxy, server):
        sent_while_still(proxy, first, b"SELECT 1")
        assert decode_err(*first.read_packet()).code == 1105
        assert closed(first)
    assert ahead(proxy)[1] == 1
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    second.quit()


def test_kill_query_hits_the_statement(one, server, pair):
    """Not the page-in in front of it: the session goes on, with its settings."""
    proxy = one(server)
    first, second = pair(proxy)
    killer = proxy.client(schema="app", plugin=server.plugin)
    with Standstill(proxy, server):
        sent_while_still(proxy, first, b"SELECT SLEEP(50) FROM t RIGHT JOIN (SELECT 1) one ON TRUE")
        killer.send_command(3, f"KILL QUERY {first.id}".encode())
        wait_until(lambda: proxy.counter("kills_virtual") == 1)
    assert isinstance(killer.read_reply()[0], OK)
    reply = first.read_reply()[-1]
    if server.family == "mariadb" or isinstance(getattr(reply, "end", reply), ERR):
        assert getattr(reply, "end", reply).code == 1317
    assert first.rows(STATE)[0][:3] == state(0)[:3]
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    assert ahead(proxy)[1] == 0
    for client in (first, second, killer):
        client.quit()


@pytest.mark.parametrize("leave", ["close", "reset_tcp"])
def test_the_client_leaves_meanwhile(one, server, pair, leave):
    """Its query is killed, not its page-in: an INSERT without autocommit leaves nothing, with the settings of somebody else it might."""
    proxy = one(server, sluse=dict(abandon_after="100ms"))
    first, second = pair(proxy, "SET autocommit = {}", "COMMIT")
    with Standstill(proxy, server):
        sent_while_still(proxy, first, b"INSERT INTO t (v) VALUES (@@div_precision_increment)")
        getattr(first, leave)()
        wait_until(lambda: proxy.stats()["clients"]["current"] == 1)
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    assert second.rows("SELECT v FROM t") == []
    assert ahead(proxy)[1] == 0
    second.quit()


def test_globals_are_set_while_a_session_is_loaded(sluse, server, pair):
    """What was loaded is right only with the globals of then: it is loaded once more, on the same connection."""
    proxy = ready(sluse(server=server, pool=dict(size=3, wait_timeout="60s")))
    setter, gate = (proxy.client(schema="app", plugin=server.plugin, timeout=60, caps=BASE | MULTI_STATEMENTS), server.connect())
    gate.cursor().execute("DO GET_LOCK('gate', 0)")
    ok(setter, "BEGIN")
    first, second = pair(proxy, "USE {0}", names=("app", "other"))
    loaded = sum(proxy.counter(f"page_ins_{way}") for way in ("difference", "reset", "login"))
    with Standstill(proxy, server):
        first.send_command(3, STATE.encode())
        wait_until(lambda: proxy.backends()["restoring"] == 1, what="its page is being loaded")
        setter.send_command(3, b"DO GET_LOCK('gate', 60); SET GLOBAL max_connections = 500")
        wait_until(lambda: not proxy.stats()["target"]["globals"]["right"], what="nobody knows the globals")
    assert first.read_reply()[-1].rows[0][:3] == STATES[0]
    gate.close()
    assert setter.read_reply()[-1].code == 1227
    assert sum(proxy.counter(f"page_ins_{way}") for way in ("difference", "reset", "login")) == loaded + 2
    assert second.rows(STATE)[0][:3] == state(1)[:3]
    for client in (first, second, setter):
        client.quit()
