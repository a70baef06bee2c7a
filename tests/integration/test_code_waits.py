"""Statements of sessions that have moved, while it is not known what is stored at the server: what they run may read what no connection can be given
back. They wait until it has been read."""
import os
import signal

import pytest

from fake_server import Between
from harness import ERR, OK, SERVERS, RawClient, wait_until
from harness.builds import roots
from test_priming import MANY
from test_stored_code import ALL, grant
from test_unread import Hold

LOSES = "SELECT SQL_CALC_FOUND_ROWS 1" + MANY   # its FOUND_ROWS(), a million, can be given back to no connection
INSERT = "INSERT INTO t (v) VALUES (1)"
READS = "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = FOUND_ROWS()"
HARMLESS = "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v + 1"
INTERRUPTED = ERR(1, 1317, "70100", "Query execution was interrupted")


@pytest.fixture(scope="module", params=SERVERS)
def shared(request):
    if request.param != "mariadb-10.11" and not os.path.isdir(os.path.join(roots(), request.param)):
        pytest.skip(f"{request.param} is not here; tests/install-servers makes it")
    with SERVERS[request.param]() as server:
        how = "WITH caching_sha2_password BY" if server.family == "mysql" else "BY"
        server.sql(f"CREATE USER admin@'%' IDENTIFIED {how} 'admin'")
        server.sql("GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION")
        grant(server, ALL, "SELECT, TRIGGER, SHOW VIEW, EXECUTE ON *.*")
        grant(server, "half", "SELECT, TRIGGER, SHOW VIEW, EXECUTE ON other.*")
        yield server


@pytest.fixture
def server(shared):
    shared.fresh_schemas()
    shared.sql("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    shared.sql("CREATE TABLE app.held (a INT)")
    return shared


class World:
    """A proxy with somebody between it and the server, who can hold a reading of the stored code; sessions that move after each command, and one, `changer`,
    that changes what is stored."""

    def __init__(self, server, sluse, control, **pool):
        self.server, self.between, self.made, self.hold = server, Between(server), [], None
        self.proxy = sluse(self.between, pool=pool, sluse=dict(workers=1, drain_timeout="20s"), account_admin={"password": "admin"},
                           control={**control, "stored_code_refresh": "24h"}, backend=dict(health_interval="1h", connect_timeout="60s"))
        wait_until(self.is_right, what="stored code is read")
        self.changer = self.client("admin")

    def is_right(self):
        return self.proxy.stats()["target"]["stored_code"]["right"]

    def client(self, user="app"):
        self.made.append(RawClient(self.proxy.port, user=user, password=user, schema="app", plugin=self.server.plugin))
        return self.made[-1]

    def loser(self, *statements):
        session = self.client()
        session.rows(LOSES)
        for statement in statements:
            session.ok(statement)
        return session

    def counters(self):
        return tuple(self.proxy.counter(name) for name in ("code_waits", "code_waits_expired", "residues_refused"))

    def change(self, *statements):
        """What is stored is changed, and not read before the end of the hold."""
        reading = self.between.hold(b"information_schema.TRIGGERS")
        for statement in statements:
            self.changer.ok(statement)
        wait_until(lambda: reading.held, what="the stored code is being read")
        return reading

    def begin_change(self):
        """A change is under way: it is not read before end_change, and the control thread is free for other things."""
        self.hold = Hold(self.server)
        self.changer.send_command(3, b"RENAME TABLE held TO now_free")
        wait_until(lambda: self.server.running("now_free") and not self.is_right(), what="the table is being renamed")

    def end_change(self):
        self.hold.end()
        assert isinstance(self.changer.read_reply()[0], OK)

    def until_waiting(self, session, statement, payload=None):
        before = self.proxy.counter("code_waits")
        session.send_command(*(payload or (3, statement.encode())))
        wait_until(lambda: self.proxy.counter("code_waits") == before + 1, what=f"{statement} waits")

    def close(self):
        if self.hold:
            self.hold.end()
        for each in self.made:
            each.close()
        self.between.close()


@pytest.fixture
def world(sluse, server):
    made = []

    def make(control=None, **pool):
        made.append(World(server, sluse, control or {"user": ALL, "password": "pw"}, **{"size": 5, "debug_migrate": "always", **pool}))
        return made[-1]
    yield make
    for each in made:
        each.close()


def refused(reply):
    assert isinstance(reply, ERR) and (reply.code, reply.sqlstate) == (1235, "42000"), reply
    return reply.text


def in_table(server):
    return [row[0] for row in server.sql("SELECT v FROM app.t ORDER BY id")]


# --- judged by what has been read ---

def test_a_trigger_that_reads_it(world, server):
    """Made in that moment: better no answer than another session's FOUND_ROWS()."""
    w = world()
    session = w.loser()
    reading = w.change(READS)
    w.until_waiting(session, INSERT)
    reading.release()
    refused(session.read_reply()[0])
    assert in_table(server) == [] and w.counters() == (1, 0, 1)
    assert session.value("SELECT FOUND_ROWS()") == "1000000"


def test_a_harmless_trigger(world, server):
    """A migration's first INSERT behind its CREATE TRIGGER is not refused for what might have been."""
    w = world()
    session = w.loser()
    reading = w.change(HARMLESS)
    w.until_waiting(session, INSERT)
    reading.release()
    assert session.read_reply()[0].affected == 1
    assert session.value("SELECT FOUND_ROWS()") == "1000000"
    assert in_table(server) == [2] and w.counters() == (1, 0, 0)


def test_a_view_that_reads_it(world):
    w = world()
    session, other = w.loser(), w.loser()
    reading = w.change("CREATE VIEW telling AS SELECT FOUND_ROWS() AS f", "CREATE VIEW harmless AS SELECT 7 AS f")
    w.until_waiting(session, "SELECT f FROM telling")
    w.until_waiting(other, "SELECT f FROM harmless")
    reading.release()
    refused(session.read_reply()[0])
    assert other.read_reply()[0].rows == ((b"7",),)


def test_a_routine(world):
    """One that is called and not known was refused at once."""
    w = world()
    session, other = w.loser(), w.loser()
    reading = w.change("CREATE FUNCTION harmless() RETURNS INT DETERMINISTIC RETURN 7", "CREATE FUNCTION telling() RETURNS INT DETERMINISTIC RETURN FOUND_ROWS()")
    w.until_waiting(session, "SELECT harmless()")
    w.until_waiting(other, "SELECT telling()")
    reading.release()
    assert session.read_reply()[0].rows == ((b"7",),)
    refused(other.read_reply()[0])


@pytest.mark.parametrize("trigger", [READS, HARMLESS], ids=["reads", "harmless"])
def test_a_prepared_statement(world, server, trigger):
    """Its session is pinned, and keeps its connection while it waits."""
    w = world()
    session = w.loser()
    statement = session.prepare("INSERT INTO t (v) VALUES (?)")[0].statement
    reading = w.change(trigger)
    w.until_waiting(session, "the execution", (0x17, session.execute_payload(statement, (1,))))
    assert w.proxy.stats()["pins"]["prepared_statements"]["now"] == 1
    reading.release()
    reply = session.read_reply("binary")[0]
    if trigger == READS:
        refused(reply)
    else:
        assert reply.affected == 1
    assert in_table(server) == ([] if trigger == READS else [2])


@pytest.mark.parametrize("length", [100000, 300000])
@pytest.mark.parametrize("trigger", [READS, HARMLESS], ids=["reads", "harmless"])
def test_a_long_text(world, server, trigger, length):
    """Of which most has been sent when it shows what it uses: it waits before that."""
    w = world()
    session = w.loser()
    reading = w.change(trigger)
    w.until_waiting(session, f"{INSERT} /*{'x' * length}*/")
    reading.release()
    if trigger == READS:
        refused(session.read_reply()[0])
    else:
        assert session.read_reply()[0].affected == 1
    assert session.value("SELECT FOUND_ROWS()") == "1000000"
    assert in_table(server) == ([] if trigger == READS else [2])


def test_a_long_text_whose_code_is_known(world, server):
    """That its trigger reads what the connection has not shows only at its end."""
    w = world()
    w.changer.ok(READS)
    wait_until(w.is_right)
    session = w.loser()
    refused(session.query(f"{INSERT} /*{'x' * 300000}*/")[0])
    assert session.value("SELECT FOUND_ROWS()") == "1000000"
    assert in_table(server) == [] and w.counters() == (0, 0, 1)


def test_row_count(world, server):
    """On MySQL no connection can be given the ROW_COUNT() of more than one row."""
    w = world()
    session = w.client()
    session.ok("INSERT INTO t (v) VALUES (1), (2), (3)")
    reading = w.change("CREATE FUNCTION counting() RETURNS BIGINT NO SQL RETURN ROW_COUNT()")
    if server.family == "mysql":
        w.until_waiting(session, "SELECT counting()")
        reading.release()
        refused(session.read_reply()[0])
    else:
        assert session.value("SELECT counting()") == "3"
        reading.release()
    assert w.counters()[0] == (server.family == "mysql")


def test_a_list_of_who_is_refused(world):
    """It stays as it was: it was not given up for what could not be given back anyway."""
    w = world()
    w.changer.ok(READS)
    wait_until(w.is_right)
    session = w.loser("SET @a = 1", "DROP TABLE IF EXISTS nosuch")
    refused(session.query(INSERT)[0])
    assert session.rows("SHOW WARNINGS")[0][:2] == ("Note", "1051")
    assert w.counters() == (0, 0, 1)


def test_a_list_while_it_waits(world):
    """Nor was it given up before it was known whether the statement will be run."""
    w = world()
    session = w.loser("SET @a = 1", "DROP TABLE IF EXISTS nosuch")
    reading = w.change(READS)
    w.until_waiting(session, INSERT)
    assert isinstance(w.client().query(f"KILL QUERY {session.id}")[0], OK)
    assert session.read_reply()[0] == INTERRUPTED
    reading.release()
    assert session.rows("SHOW WARNINGS")[0][:2] == ("Note", "1051")


def test_what_the_server_would_run_when_it_is_asked(world, server):
    """MariaDB runs a constant function, in some places, as it prepares. What is refused has not been run."""
    server.sql("CREATE FUNCTION app.storing() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO held VALUES (FOUND_ROWS()); RETURN 1; END")
    w = world()
    session = w.loser()
    for text in ("SELECT ROUND(1.55, storing())", "SELECT id FROM t WHERE (id, v) = (storing(), 1)", "SELECT 'a' LIKE 'b' ESCAPE storing()"):
        refused(session.query(text)[0])
    assert server.sql("SELECT * FROM app.held") == ()


def test_a_kill_while_the_server_is_asked(world, server):
    """Before a statement is refused the server is asked whether it is one: that may wait for a lock, and a KILL hits it as it would the statement."""
    if server.family != "mysql":
        pytest.skip("it is not asked about what may run code")
    w = world()
    w.changer.ok(READS)
    wait_until(w.is_right)
    session = w.loser()
    with Hold(server, "t"), RawClient(server.port, user="admin", password="admin", schema="app", plugin=server.plugin) as direct:
        direct.send_command(3, b"RENAME TABLE t TO gone")
        wait_until(lambda: server.running("TO gone"), what="a lock is waited for")
        session.send_command(3, INSERT.encode())
        wait_until(lambda: [p for p in server.processlist() if p["USER"] == "app" and "metadata lock" in (p["STATE"] or "")], what="it waits behind that")
        assert isinstance(w.client("admin").query(f"KILL QUERY {session.id}")[0], OK)
        assert session.read_reply()[0] == INTERRUPTED
        (number,) = server.running("TO gone")
        server.sql(f"KILL QUERY {number}")
    assert in_table(server) == [] and w.counters() == (0, 0, 0)
    assert session.value("SELECT FOUND_ROWS()") == "1000000"


def test_a_deadlock_while_the_server_is_asked(world, server):
    """It ends the transaction: that is not to be hidden behind a 1235."""
    server.sql("CREATE TABLE app.u (a INT)")
    w = world()
    w.changer.ok(READS)
    wait_until(w.is_right)
    session = w.loser("BEGIN", "INSERT INTO u VALUES (1)")
    with RawClient(server.port, user="admin", password="admin", schema="app", plugin=server.plugin) as direct:
        direct.send_command(3, b"RENAME TABLE t TO t2, u TO u2")   # has the first, and waits for the second
        wait_until(lambda: server.running("TO u2"), what="a lock is waited for")
        reply = session.query(INSERT)[0]
        session.ok("COMMIT")
        assert isinstance(direct.read_reply()[0], OK)
    if server.family == "mysql":
        assert (reply.code, reply.sqlstate) == (1213, "40001"), reply
        assert server.sql("SELECT a FROM app.u2") == () and w.counters() == (0, 0, 0)
    else:   # it is not asked
        refused(reply)
        assert server.sql("SELECT a FROM app.u2") == ((1,),)


# --- who does not wait ---

def test_what_can_be_given_back(world, server):
    """It is, as nobody knows who reads it: there is nothing to wait for."""
    w = world()
    session = w.client()
    session.rows("SELECT 1 UNION SELECT 2 UNION SELECT 3")
    reading = w.change(READS)
    assert session.ok(INSERT).affected == 1
    assert not reading.released.is_set() and w.counters() == (0, 0, 0)
    reading.release()
    assert in_table(server) == [3]


def test_who_needs_nothing(world):
    """Sessions that have just begun, or that run nothing of which it matters."""
    w = world()
    session = w.loser()
    reading = w.change(READS)
    assert w.client().ok(INSERT).affected == 1
    for statement in ("SELECT 1 LIMIT 1", "SET @@div_precision_increment = 5", "SELECT ABS(-1)"):
        assert not isinstance(session.query(statement)[0], ERR)
    assert w.counters() == (0, 0, 0)
    reading.release()


def test_a_schema_that_nobody_can_read(world, server):
    """Nothing would come of waiting. What its tables have for triggers is not supposed; a routine that is called may do anything."""
    w = world({"user": "half", "password": "pw"})
    session = w.loser()
    assert session.ok(INSERT).affected == 1
    assert w.loser().query("SELECT app.nosuch()")[0].code == (1305 if server.family == "mysql" else 1235)
    server.sql("CREATE FUNCTION app.there() RETURNS INT RETURN 1")
    refused(w.loser().query("SELECT app.there()")[0])
    assert w.counters() == (0, 0, 1 if server.family == "mysql" else 2)


def test_others_have_the_connection(world):
    """Who waits and is pinned by nothing holds none: the only one is there for everybody else."""
    w = world(size=2, debug_migrate="never")
    session = w.loser()
    reading = w.change(HARMLESS)
    w.until_waiting(session, INSERT)
    for _ in range(3):
        assert w.client().value("SELECT 5") == "5"
    assert w.proxy.counter("wait_timeouts") == 0
    reading.release()
    assert session.read_reply()[0].affected == 1


# --- other ends ---

def test_too_long(world, server):
    """1235, as nobody knows; the session goes on."""
    w = world(wait_timeout="300ms")
    session = w.loser()
    w.begin_change()
    assert "within wait_timeout" in refused(session.query(INSERT)[0])
    assert w.counters() == (1, 1, 1) and in_table(server) == []
    assert session.value("SELECT FOUND_ROWS()") == "1000000"
    w.end_change()
    wait_until(w.is_right)
    assert session.ok(INSERT).affected == 1


def test_a_long_text_too_long(world, server):
    w = world(wait_timeout="300ms")
    session, other = w.loser(), w.loser()
    w.begin_change()
    assert "within wait_timeout" in refused(session.query(f"{INSERT} /*{'x' * 300000}*/")[0])
    assert other.value(f"SELECT 5 /*{'x' * 300000}*/") == "5"
    assert in_table(server) == [] and w.counters() == (2, 2, 1)
    w.end_change()


def test_a_change_that_waits_for_it(world, server):
    """For a lock of its transaction: neither would end without the other."""
    w = world(wait_timeout="300ms")
    session = w.loser("BEGIN", "INSERT INTO held VALUES (1)")
    w.changer.send_command(3, b"RENAME TABLE held TO now_free")
    wait_until(lambda: server.running("now_free"))
    refused(session.query(INSERT)[0])
    session.ok("COMMIT")
    assert isinstance(w.changer.read_reply()[0], OK)
    wait_until(w.is_right)
    assert session.ok(INSERT).affected == 1
    assert server.sql("SELECT COUNT(*) FROM app.now_free") == ((1,),) and w.counters() == (1, 1, 1)


def test_one_change_after_the_other(world, server):
    """What is read between two changes is worth nothing: it waits on, and no longer than wait_timeout for all of them."""
    w = world()
    session, second = w.loser(), w.client("admin")
    reading = w.change(HARMLESS)
    w.until_waiting(session, INSERT)
    again = w.between.hold(b"information_schema.VIEWS")
    second.ok("CREATE VIEW one AS SELECT 1 AS a")
    reading.release()
    wait_until(lambda: again.held)
    second.ok("CREATE VIEW two AS SELECT 1 AS a")
    again.release()
    assert session.read_reply()[0].affected == 1
    assert w.counters() == (1, 0, 0)


def test_it_can_not_be_read(world, server):
    """Whoever waits is judged as before there was anything to wait for, and nobody waits any more until it could be read again."""
    w = world()
    session = w.loser()
    w.begin_change()
    w.until_waiting(session, INSERT)
    w.between.replaced = b"information_schema.TRIGGERS", b"information_schema.NONE_SUCH"
    w.end_change()
    assert session.read_reply()[0].affected == 1
    other = w.loser()
    assert other.ok(INSERT).affected == 1
    assert not w.is_right() and w.counters() == (1, 0, 0)
    w.between.replaced = None
    w.changer.ok("RENAME TABLE now_free TO held")
    wait_until(w.is_right)
    reading = w.change(HARMLESS)
    w.until_waiting(w.loser(), INSERT)
    reading.release()


def test_the_control_connection_is_lost(world, server):
    """As long as it may come back there is something to wait for."""
    w = world()
    session = w.loser()
    reading = w.change(HARMLESS)
    w.until_waiting(session, INSERT)
    (number,), = server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s", (ALL,))
    server.sql(f"KILL {number}")
    reading.release()
    w.proxy.sections["backend"]["health_interval"] = "100ms"
    w.proxy.reload()
    assert session.read_reply()[0].affected == 1
    assert in_table(server) == [2] and w.counters() == (1, 0, 0)


@pytest.fixture(params=["free", "pinned"])
def waiting(request, world):
    """A world and a session in it that waits, and holds a connection or none."""
    w = world()
    session = w.loser(*(["SET @a = 1"] if request.param == "pinned" else []))
    w.begin_change()
    w.until_waiting(session, INSERT)
    return w, session, request.param == "pinned"


@pytest.mark.parametrize("killer", ["app", "admin"])
def test_kill_query(waiting, server, killer):
    """It is not run, and everything is as it was before."""
    w, session, pinned = waiting
    assert isinstance(w.client(killer).query(f"KILL QUERY {session.id}")[0], OK)
    assert session.read_reply()[0] == INTERRUPTED
    w.end_change()
    assert session.value("SELECT FOUND_ROWS()") == "1000000"
    assert in_table(server) == [] and w.counters() == (1, 0, 0)


@pytest.mark.parametrize("killer", ["app", "admin"])
def test_kill(waiting, server, killer):
    w, session, pinned = waiting
    assert isinstance(w.client(killer).query(f"KILL {session.id}")[0], OK)
    assert session.wait_closed() == "eof"
    w.end_change()
    assert in_table(server) == []


def test_who_may_not_kill(waiting, server):
    w, session, pinned = waiting
    server.sql("DROP USER IF EXISTS limited@'%'")
    assert w.client("svc").query(f"KILL QUERY {session.id}")[0].code == 1095
    w.end_change()
    assert session.read_reply()[0].affected == 1


@pytest.mark.parametrize("how", ["reset_tcp", "half_close"])
def test_the_client_goes(waiting, server, how):
    w, session, pinned = waiting
    w.proxy.sections["sluse"]["abandon_after"] = "100ms"
    w.proxy.reload()
    wait_until(lambda: w.proxy.stats()["conf"]["reloads"] == 1)
    before = w.proxy.stats()["clients"]["current"]
    getattr(session, how)()
    wait_until(lambda: w.proxy.stats()["clients"]["current"] == before - 1, what="it has ended")
    w.end_change()
    wait_until(w.is_right)
    assert in_table(server) == [] and w.client().value("SELECT 1") == "1"


def test_the_server_ends_its_connection(waiting, server):
    """A session that is on none does not notice."""
    w, session, pinned = waiting
    for (number,) in server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app' AND COMMAND = 'Sleep'"):
        server.sql(f"KILL {number}")
    if pinned:
        assert session.wait_closed() in ("eof", "reset")
    w.end_change()
    if not pinned:
        assert session.read_reply()[0].affected == 1


def test_it_is_stopped(waiting, server):
    w, session, pinned = waiting
    w.proxy.signal(signal.SIGTERM)
    w.proxy.signal(signal.SIGINT)
    if server.family == "mysql":
        assert session.read_reply()[0] == ERR(1, 1053, "08S01", "Server shutdown in progress")
    assert session.wait_closed() in ("eof", "reset")
    w.proxy.process.wait(60)
    w.proxy.process = None
    w.proxy.assert_clean_log()
    w.hold.end()


def test_it_is_drained(waiting):
    """A statement that waits is one that is under way."""
    w, session, pinned = waiting
    w.proxy.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in w.proxy.log())
    w.end_change()
    assert isinstance(session.read_reply()[0], OK)
    assert session.wait_closed() == "eof"
    assert w.proxy.process.wait(60) == 0
    w.proxy.process = None
