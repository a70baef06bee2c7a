"""What keeps a session on its backend: how each pin begins, how it ends, and that its backend is shared again afterwards."""
import pytest

from harness import ERR, OK, ResultSet, wait_until

SETUP = """
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)
CREATE SEQUENCE s
CREATE PROCEDURE plain() SELECT 1
CREATE PROCEDURE sets() SET @x = 1
CREATE PROCEDURE starts() BEGIN START TRANSACTION; INSERT INTO t (v) VALUES (777); END
CREATE PROCEDURE fails() BEGIN START TRANSACTION; INSERT INTO t (v) VALUES (777); SIGNAL SQLSTATE '45000'; END
INSERT INTO t (id, v) VALUES (1, 1)
"""


@pytest.fixture
def server(schemas):
    connection = schemas.connect(database="app")
    with connection.cursor() as cursor:
        for statement in SETUP.strip().splitlines():
            cursor.execute(statement)
    connection.close()
    schemas.sql("CREATE ROLE IF NOT EXISTS pinning")
    schemas.sql("GRANT pinning TO app@'%'")
    schemas.sql("GRANT RELOAD ON *.* TO app@'%'")
    yield schemas
    schemas.sql("REVOKE RELOAD ON *.* FROM app@'%'")
    schemas.sql("DROP ROLE pinning")


@pytest.fixture
def one(sluse, server):
    """A factory of proxies with one backend for sessions."""
    def make(**pool):
        proxy = sluse(pool=dict(size=2, **{"wait_timeout": "60s", **pool}))
        proxy.wait_read()
        return proxy
    return make


def has(proxy, pin):
    """The reply is with the client a moment before the pins are counted."""
    wait_until(lambda: proxy.pins().get(pin) == 1, 5, f"{pin} is a pin; pins are {proxy.pins()}")


def has_none(proxy):
    wait_until(lambda: proxy.pins() == {}, 5, f"no pins; there are {proxy.pins()}")


def waiting(proxy, n):
    wait_until(lambda: proxy.stats()["pool"]["waiting"] == n, what=f"{n} waiting")


def go(client, steps):
    for step in steps:
        reply = (step(client) if callable(step) else client.query(step))
        reply = reply[-1] if isinstance(reply, list) and reply else reply
        assert not isinstance(getattr(reply, "end", reply), ERR), (step, reply)


def fail(statement, code):
    def step(client):
        assert client.query(statement)[-1].code == code
    return step


def prepare_two(client):
    client.kept = [client.prepare("SELECT 1")[0].statement, client.prepare("SELECT ?")[0].statement]


def close_of(n):
    return lambda client: client.stmt_close(client.kept[n])


class Held:
    """Somebody else waits for the only backend while the session is pinned, and is served when it is not."""

    def __init__(self, proxy):
        self.proxy, self.other = proxy, proxy.client(schema="app")
        self.other.send_command(3, b"SELECT 'served'")
        waiting(proxy, 1)

    def served(self):
        assert self.other.read_reply()[0].rows == ((b"served",),)
        self.other.quit()


# The pin's name, what brings it about, and what ends it.
ENDING = {
    "transaction by BEGIN": ("transaction", ["BEGIN"], ["COMMIT"]),
    "transaction by BEGIN, rolled back": ("transaction", ["BEGIN", "INSERT INTO t (v) VALUES (5)"], ["ROLLBACK"]),
    "transaction with a snapshot": ("transaction", ["START TRANSACTION READ ONLY"], ["COMMIT"]),
    "transaction ended by DDL": ("transaction", ["BEGIN"], ["CREATE TABLE more (id INT)"]),
    "transaction of autocommit=0": ("transaction", ["SET autocommit = 0", "INSERT INTO t (v) VALUES (5)"], ["COMMIT"]),
    "transaction ended by autocommit=1": ("transaction", ["SET autocommit = 0", "INSERT INTO t (v) VALUES (5)"], ["SET autocommit = 1"]),
    "transaction chained": ("transaction", ["BEGIN", "COMMIT AND CHAIN"], ["COMMIT"]),
    "next transaction": ("next_transaction", ["SET TRANSACTION READ ONLY"], ["BEGIN", "COMMIT"]),
    "XA": ("xa", ["XA START 'pin'", "INSERT INTO t (v) VALUES (5)"], ["XA END 'pin'", "XA ROLLBACK 'pin'"]),
    "XA that commits": ("xa", ["XA START 'pin'", "INSERT INTO t (v) VALUES (5)", "XA END 'pin'"], ["XA COMMIT 'pin' ONE PHASE"]),
    "table locks": ("table_locks", ["LOCK TABLES t WRITE"], ["UNLOCK TABLES"]),
    "all tables": ("table_locks", ["FLUSH TABLES WITH READ LOCK"], ["UNLOCK TABLES"]),
    "user locks": ("user_locks", ["SELECT GET_LOCK('pin', 0)"], ["SELECT RELEASE_ALL_LOCKS()"]),
    "backup stage": ("backup_lock", ["BACKUP STAGE START"], ["BACKUP STAGE END"]),
    "prepared statements": ("prepared_statements", [prepare_two, close_of(0)], [close_of(1), "DO 1"]),
}

# What lasts as long as the session; True when COM_RESET_CONNECTION ends it.
LASTING = {
    "temporary table": ("temporary_tables", ["CREATE TEMPORARY TABLE x (id INT)", "DROP TEMPORARY TABLE x"], True),
    "user variable": ("user_variables", ["SET @a = 1"], True),
    "user variable that is read": ("user_variables", ["SELECT @a"], True),
    "handler": ("handler", ["HANDLER t OPEN", "HANDLER t CLOSE"], True),
    "opaque: CALL": ("opaque", ["CALL sets()"], False),
    "opaque: EXECUTE IMMEDIATE": ("opaque", ["EXECUTE IMMEDIATE 'SELECT 1'"], False),
    "opaque: a compound statement": ("opaque", ["BEGIN NOT ATOMIC SELECT 1; END"], False),
    "PREPARE": ("prepare", ["PREPARE q FROM 'SELECT 1'", "DEALLOCATE PREPARE q"], False),
    "unread": ("unread", [fail("SELECT * FROM sys.session", 1142)], False),
    "charset: NAMES": ("charset", ["SET NAMES gbk"], True),
    "charset: client": ("charset", ["SET character_set_client = sjis"], True),
    "variable that does not travel": ("variable", ["SET rand_seed1 = 5"], True),
    "variable that nobody knows": ("variable", [fail("SET nosuch = 5", 1193)], True),
    "role": ("role", ["SET ROLE pinning"], False),
    "role, none": ("role", ["SET ROLE NONE"], False),
    "sequence": ("sequence", [fail("SELECT NEXTVAL(nosuch)", 4091)], True),
    "sequence in standard words": ("sequence", [fail("SELECT NEXT VALUE FOR nosuch", 4091)], True),
    "sequence that was read": ("opaque", ["SELECT NEXTVAL(s)"], False),
    "profiling": ("profiling", ["SET profiling = 1"], False),
    "user lock that is released by name": ("user_locks", ["SELECT GET_LOCK('pin', 0)", "SELECT RELEASE_LOCK('pin')"], True),
    "backup lock": ("opaque", ["BACKUP LOCK t", "BACKUP UNLOCK"], False),
}


@pytest.mark.parametrize("name", ENDING)
def test_begins_and_ends(one, name):
    pin, begin, end = ENDING[name]
    proxy = one()
    client = proxy.client(schema="app")
    go(client, begin)
    has(proxy, pin)
    assert proxy.backends()["leased"] == 1
    held = Held(proxy)
    go(client, end)
    held.served()
    has_none(proxy)
    assert client.value("SELECT 1") == "1"
    proxy.wait_idle()
    assert proxy.stats()["pins"][pin]["times"] >= 1
    client.quit()


@pytest.mark.parametrize("name", [n for n in ENDING if ENDING[n][0] != "xa"])
def test_reset_connection_ends_it(one, name):
    pin, begin, _ = ENDING[name]
    proxy = one()
    client = proxy.client(schema="app")
    go(client, begin)
    held = Held(proxy)
    assert isinstance(client.reset()[0], OK)
    held.served()
    has_none(proxy)
    client.quit()


@pytest.mark.parametrize("way", ["quit", "close", "reset_tcp"])
@pytest.mark.parametrize("name", LASTING)
def test_lasts_to_the_sessions_end(one, name, way):
    pin, begin, _ = LASTING[name]
    proxy = one()
    client = proxy.client(schema="app")
    go(client, begin)
    has(proxy, pin)
    held = Held(proxy)
    assert client.value("SELECT 1") == "1"
    waiting(proxy, 1)
    getattr(client, way)()
    held.served()
    has_none(proxy)


@pytest.mark.parametrize("name", LASTING)
def test_reset_connection_ends_what_it_undoes(one, name):
    pin, begin, ends = LASTING[name]
    proxy = one()
    client = proxy.client(schema="app")
    go(client, begin)
    held = Held(proxy)
    assert isinstance(client.reset()[0], OK)
    if ends:
        held.served()
        has_none(proxy)
        assert client.value("SELECT 1") == "1"
        client.quit()
    else:
        has(proxy, pin)
        waiting(proxy, 1)
        client.quit()
        held.served()


@pytest.mark.parametrize("name", [n for n in (*ENDING, *LASTING) if not n.startswith("XA")])   # those the server refuses
def test_change_user_ends_it(one, name):
    begin = (ENDING.get(name) or LASTING.get(name))[1]
    proxy = one()
    client = proxy.client(schema="app")
    go(client, begin)
    held = Held(proxy)
    assert isinstance(client.change_user("app", "app", "app")[-1], OK)
    assert client.value("SELECT 1") == "1"
    held.served()
    has_none(proxy)
    client.quit()


def test_harmless_code_does_not_pin(one):
    proxy = one()
    client = proxy.client(schema="app")
    go(client, ["SELECT COUNT(*) FROM t", "INSERT INTO t (v) VALUES (2)", "UPDATE t SET v = 3 WHERE id = 1", "SELECT UPPER(CONCAT('a', NOW()))",
                "SHOW TABLES", "EXPLAIN SELECT * FROM t", "SET sql_mode = 'ANSI', time_zone = '+01:00'", "SELECT @@version", "USE other", "USE app",
                "SELECT 'it''s; @x' /* @y */ -- @z", "SET NAMES latin1", "CREATE TABLE one_more (id INT)", "DROP TABLE one_more", fail("SELECT nosuch", 1054),
                fail("SELECT", 1064)])
    assert proxy.stats()["pins"] == {}
    client.quit()


def test_statements_are_counted(one):
    """Those that are unknown are not closed; the pin ends with the last of those that are."""
    proxy = one()
    client = proxy.client(schema="app")
    kept = [client.prepare(f"SELECT {i}")[0].statement for i in range(40)]
    assert isinstance(client.prepare("SELECT nosuch")[0], ERR)
    client.stmt_close(kept[0] + 100000)
    for statement in kept[1:]:
        client.stmt_close(statement)
    reply = client.execute(kept[0])[0]
    assert isinstance(reply, ResultSet) and not isinstance(reply.end, ERR)
    has(proxy, "prepared_statements")
    client.stmt_close(kept[0])
    go(client, ["DO 1"])
    has_none(proxy)
    client.quit()


# --- transactions that nobody announced ---

def left_open(one, begin, server):
    """A session whose transaction the last reply did not show, and somebody who wants its backend in vain."""
    proxy = one(wait_timeout="300ms")
    client, other = proxy.client(schema="app"), proxy.client(schema="app")
    go(client, begin)
    assert other.query("SELECT 1")[0].code == 3168
    assert server.sql("SELECT COUNT(*) FROM app.t WHERE v = 777") == ((0,),)
    return proxy, client, other


UNANNOUNCED = {
    "an ERR in a transaction": ["BEGIN", "INSERT INTO t (v) VALUES (777)", fail("INSERT INTO t (id) VALUES (1)", 1062)],
    "an ERR in a transaction of XA": ["XA START 'pin'", "INSERT INTO t (v) VALUES (777)", fail("INSERT INTO t (id) VALUES (1)", 1062)],
    "autocommit=0 and an ERR": ["SET autocommit = 0", fail("INSERT INTO t (id, v) VALUES (2, 777), (1, 777)", 1062), "INSERT INTO t (v) VALUES (777)"],
    "CALL of START TRANSACTION": ["CALL starts()"],
    "CALL that fails in a transaction": [fail("CALL fails()", 1644)],
}


@pytest.mark.parametrize("name", UNANNOUNCED)
def test_a_wait_never_rolls_back(one, server, name):
    proxy, client, other = left_open(one, UNANNOUNCED[name], server)
    go(client, ["XA END 'pin'", "XA COMMIT 'pin' ONE PHASE"] if "XA" in name else ["COMMIT"])
    assert server.sql("SELECT COUNT(*) FROM app.t WHERE v = 777") == ((1,),)
    client.quit()
    wait_until(lambda: isinstance(other.query("DO 1")[0], OK))
    other.quit()


def test_an_error_in_a_transaction_leaves_the_pin(one, server):
    """No flags tell whether it is still open; it counts as open until the server's next answer."""
    proxy, client, other = left_open(one, UNANNOUNCED["an ERR in a transaction"], server)
    has(proxy, "transaction")
    assert proxy.backends()["leased"] == 1
    other.send_command(3, b"SELECT 1")
    other.read_reply()
    go(client, ["ROLLBACK"])
    has_none(proxy)
    assert other.value("SELECT 1") == "1"
    client.quit(), other.quit()


def test_only_an_error(one):
    """The failed statement opened nothing, which only the server's next answer tells."""
    proxy = one()
    client, other = proxy.client(schema="app"), proxy.client(schema="app")
    go(client, ["SET autocommit = 0", fail("SELECT nosuch", 1054)])
    has(proxy, "unknown_transaction")
    go(client, ["DO 1"])
    assert other.value("SELECT 1") == "1"
    go(client, [fail("CALL nosuch()", 1305)])
    has(proxy, "opaque")
    client.quit()
    assert other.value("SELECT 1") == "1"
    other.quit()


def test_all_pinned_all_waiting(sluse, server):
    """Every backend is held by a client that sends nothing, and somebody waits: an application that needs two connections at once."""
    proxy = sluse(pool=dict(size=3, wait_timeout="60s"))
    first, second, third = (proxy.client(schema="app") for _ in range(3))
    stalled = lambda: proxy.stats()["pool"]["all_pinned_all_waiting"]  # noqa: E731
    go(first, ["BEGIN"])
    go(second, ["BEGIN"])
    wait_until(lambda: proxy.stats()["pool"]["pinned_idle"] == 2)
    assert not stalled()
    third.send_command(3, b"SELECT 'served'")
    waiting(proxy, 1)
    assert stalled()
    first.send_command(3, b"SELECT SLEEP(50)")
    wait_until(lambda: server.running("SLEEP(50)"))
    assert not stalled() and proxy.stats()["pool"]["pinned_idle"] == 1
    assert isinstance(second.query(f"KILL QUERY {first.id}")[0], OK)
    first.read_reply()
    wait_until(stalled)
    go(second, ["COMMIT"])
    assert third.read_reply()[0].rows == ((b"served",),)
    assert not stalled()
    for client in (first, second, third):
        client.quit()
    proxy.wait_idle()
    assert proxy.stats()["pool"]["pinned_idle"] == 0


# --- init_connect ---

@pytest.fixture
def unasked(own_mariadb, sluse, put_between):
    """A factory of proxies whose control thread has not been able to ask yet, with what holds its question, and a client that has a connection."""
    def make(size, init_connect=""):
        server = own_mariadb(options=[f"--init-connect={init_connect}"])
        server.sql("GRANT SUPER ON *.* TO svc@'%'")
        between = put_between(server)
        question = between.hold(b"@@global.init_connect")
        proxy = sluse(between, pool=dict(size=size, wait_timeout="60s"), sluse=dict(workers=1), backend=dict(health_interval="1h", connect_timeout="60s"))
        session = proxy.client()
        session.ok("SET time_zone = '+05:00'")
        wait_until(lambda: question.held and proxy.pins() == {"unknown_init_connect": 1}, what="it is pinned")
        return proxy, question, session
    return make


def test_before_init_connect_is_known(unasked):
    """Who is there before the server could be asked is not held for ever, when it has none."""
    proxy, question, session = unasked(size=2)
    other = proxy.client()
    other.send_command(3, b"SELECT 'served', @@time_zone")
    waiting(proxy, 1)
    question.release()
    assert other.read_reply()[0].rows == ((b"served", b"SYSTEM"),)
    assert session.value("SELECT @@time_zone") == "+05:00"
    other.quit(), session.quit()


def test_before_init_connect_is_known_to_be_there(unasked):
    proxy, question, session = unasked(size=2, init_connect="SET @@div_precision_increment = 7")
    question.release()
    wait_until(lambda: proxy.pins() == {"init_connect": 1}, what="it is there")
    assert session.value("SELECT 1 / 3") == "0.3333333"
    session.quit()


def test_before_init_connect_is_known_to_have_been_there(unasked):
    """A client of sluse has taken it away meanwhile: who came before has what it did, which nobody knows."""
    proxy, question, session = unasked(size=3, init_connect="SET @@div_precision_increment = 7")
    setter = proxy.client(user="svc", password="svc")
    setter.ok("SET GLOBAL init_connect = ''")
    setter.quit()
    question.release()
    wait_until(lambda: proxy.pins() == {"init_connect": 1}, what="it was there")
    assert session.value("SELECT 1 / 3") == "0.3333333"
    session.quit()
