"""SIGTERM: nobody new, who rests is ended, who works may finish within drain_timeout. A second signal, and SIGINT, don't wait."""
import signal
import socket
import threading

import pytest

from harness import ERR, MariaDB118, MySQL97, PeerClosed, RawClient, wait_until

CUT = 3
AT_WORK = b"SELECT GET_LOCK('gate', 60), 'at work'"


def begin(proxy, number=signal.SIGTERM):
    proxy.signal(number)
    wait_until(lambda: proxy.http("/readyz") == (503, "draining\n"), what="/readyz says that it drains")


def end(proxy, status=0):
    """It has been told to end: it does, with this status and with nothing in its log that should not be there."""
    assert proxy.process.wait(60) == status, proxy.log()[-3000:]
    proxy.process = None
    proxy.assert_clean_log()


@pytest.fixture
def draining(sluse):
    """A factory of proxies that drain; for long unless told otherwise."""
    def make(timeout="60s", **arguments):
        return sluse(quiet=False, sluse=dict(drain_timeout=timeout), **arguments)
    return make


@pytest.fixture
def gate(schemas):
    """A lock at the server, held: AT_WORK waits for it. Call it to let AT_WORK through."""
    holder = schemas.connect()

    def ask(sql):
        with holder.cursor() as cursor:
            cursor.execute(sql)
    ask("SELECT GET_LOCK('gate', 60)")
    yield lambda: ask("SELECT RELEASE_LOCK('gate')")
    holder.close()


def test_idle_are_ended_and_busy_finish(draining, schemas, gate):
    """A statement under way, one that waits for a connection and an open transaction go to their end, and only then are their clients ended."""
    proxy = draining(pool=dict(size=3, wait_timeout="60s"))
    schemas.sql("CREATE TABLE app.t (a INT) ENGINE=InnoDB")
    with proxy.client(schema="app") as idle, proxy.client(schema="app") as working, proxy.client(schema="app") as held, proxy.client(schema="app") as waiting:
        idle.value("SELECT 1")
        held.ok("BEGIN")
        held.ok("INSERT INTO t VALUES (1)")
        working.send_command(3, AT_WORK)
        wait_until(lambda: schemas.running("at work"))
        waiting.send_command(3, b"SELECT 'waited'")
        wait_until(lambda: proxy.stats()["pool"]["waiting"] == 1)
        begin(proxy)
        assert proxy.http("/healthz") == (200, "ok\n")
        assert idle.wait_closed() == "eof"
        wait_until(lambda: proxy.stats()["client_closed"].get("drained") == 1)
        assert proxy.stats()["pool"]["waiting"] == 1 and schemas.running("at work")
        held.ok("INSERT INTO t VALUES (2)")
        held.ok("COMMIT")
        assert waiting.read_reply()[0].rows == ((b"waited",),)
        gate()
        assert working.read_reply()[0].rows == ((b"1", b"at work"),)
        for client in (held, waiting, working):
            assert client.wait_closed() == "eof"
        end(proxy)
    assert schemas.sql("SELECT COUNT(*) FROM app.t") == ((2,),)
    assert "draining: 4 clients left" in proxy.log() and "stopped; 0 clients were cut" in proxy.log()


def refuses(family, address):
    with socket.socket(family) as client:
        try:
            client.connect(address)
        except ConnectionRefusedError:
            return True
    return False


def test_nobody_new(draining, gate, schemas):
    """TCP and the Unix socket refuse, and don't leave anybody hanging; a session that is there can be used on."""
    proxy = draining()
    with proxy.client() as working:
        working.send_command(3, AT_WORK)
        wait_until(lambda: schemas.running("at work"))
        begin(proxy)
        wait_until(lambda: refuses(socket.AF_INET, ("127.0.0.1", proxy.port)) and refuses(socket.AF_UNIX, proxy.socket), what="both refuse")
        gate()
        working.read_reply()
        assert working.value("SELECT 'and one more'") == "and one more"
        working.quit()
        end(proxy)


def test_deadline_cuts(draining, gate, schemas):
    """What takes longer than drain_timeout is cut, and the exit status tells; the transaction is rolled back."""
    proxy = draining("100ms")
    schemas.sql("CREATE TABLE app.t (a INT) ENGINE=InnoDB")
    with proxy.client() as working, proxy.client(schema="app") as held:
        held.ok("BEGIN")
        held.ok("INSERT INTO t VALUES (1)")
        working.send_command(3, AT_WORK)
        wait_until(lambda: schemas.running("at work"))
        proxy.signal(signal.SIGTERM)
        assert working.wait_closed() == "eof" and held.wait_closed() == "eof"   # without a word, as MariaDB does
        end(proxy, CUT)
    assert "stopped; 2 clients were cut" in proxy.log()
    wait_until(lambda: not schemas.running("at work"))
    assert schemas.sql("SELECT COUNT(*) FROM app.t") == ((0,),)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_does_not_wait(draining, gate, schemas, second):
    proxy = draining()
    with proxy.client() as working:
        working.send_command(3, AT_WORK)
        wait_until(lambda: schemas.running("at work"))
        begin(proxy)
        proxy.signal(second)
        assert working.wait_closed() == "eof"
        end(proxy, CUT)
    assert f"{second.name} while draining: stopping at once" in proxy.log()
    assert "stopped; 1 clients were cut" in proxy.log()


def test_sigint_and_a_timeout_of_0_do_not_drain(draining, gate, schemas):
    for timeout, number in (("60s", signal.SIGINT), ("0", signal.SIGTERM)):
        proxy = draining(timeout)
        with proxy.client() as working:
            working.send_command(3, AT_WORK)
            wait_until(lambda: schemas.running("at work"))
            proxy.signal(number)
            assert working.wait_closed() == "eof"
            end(proxy)
        assert "draining" not in proxy.log()
        wait_until(lambda: not schemas.running("at work"))


def test_reload_while_draining_changes_nothing(draining, gate, schemas):
    proxy = draining()
    with proxy.client() as working:
        working.send_command(3, AT_WORK)
        wait_until(lambda: schemas.running("at work"))
        begin(proxy)
        proxy.reload()
        wait_until(lambda: "SIGHUP: draining, nothing is reloaded" in proxy.log())
        gate()
        assert working.read_reply()[0].rows == ((b"1", b"at work"),)
        working.quit()
        end(proxy)


def function(port, results):
    """What a function does: a connection, three statements, and gone. Nothing may go wrong once it is connected."""
    try:
        client = RawClient(port, schema="app", login=False)
    except (OSError, PeerClosed) as e:   # refused, or reset as the listener closed: it never began
        results.append(e)
        return False
    with client:
        client.login()
        client.ok("BEGIN")
        client.ok("INSERT INTO load_of VALUES (1)")
        client.ok("COMMIT")
        assert client.value("SELECT 'done'") == "done"
        client.quit()
    return True


def test_under_load_nobody_has_an_error(draining, schemas):
    """Functions come and go on 8 threads when SIGTERM comes: each that got a greeting gets all its answers."""
    proxy = draining(pool=dict(size=4, wait_timeout="60s"))
    schemas.sql("CREATE TABLE app.load_of (a INT) ENGINE=InnoDB")
    problems, refused, done = [], [], []

    def visit():
        try:
            while function(proxy.port, refused):
                done.append(1)
        except BaseException as e:
            problems.append(e)
    threads = [threading.Thread(target=visit, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(done) > 40)
    proxy.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(60)
    assert not problems and len(refused) == 8
    end(proxy)
    assert schemas.sql("SELECT COUNT(*) FROM app.load_of") == ((len(done),),)


@pytest.mark.parametrize("kind", [MariaDB118, MySQL97], ids=lambda kind: kind.name)
def test_as_the_server_does(sluse, kind):
    """What idle clients, open transactions and running statements see of a server's SIGTERM, they see of ours: a FIN, and MySQL's 1053 for a statement."""
    def look(port, stop):
        idle, held, running = (RawClient(port, schema="app", plugin=kind.plugin) for _ in range(3))
        with idle, held, running:
            idle.value("SELECT 1")
            held.ok("BEGIN")
            held.ok("UPDATE t SET a = a + 1 WHERE a > 0")
            running.send_command(3, b"UPDATE t SET a = 5, b = 'runs'")
            wait_until(lambda: server.running("runs"))
            stop()
            seen = [idle.wait_closed(), held.wait_closed()]
            try:
                seen.append(running.read_reply()[0])
            except PeerClosed as e:
                seen.append(str(e))
            return seen
    with kind() as server:
        server.sql("CREATE TABLE app.t (a INT PRIMARY KEY, b VARCHAR(9)) ENGINE=InnoDB")
        server.sql("INSERT INTO app.t VALUES (1, '')")
        proxy = sluse(server=server, quiet=False, sluse=dict(drain_timeout="100ms"))
        through = look(proxy.port, lambda: proxy.signal(signal.SIGTERM))
        end(proxy, CUT)
        wait_until(lambda: not server.running("runs"))
        assert look(server.port, lambda: server.process.send_signal(signal.SIGTERM)) == through
        server.process.wait(60)
    assert isinstance(through[2], ERR) == (kind is MySQL97)
