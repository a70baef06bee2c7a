#!/usr/bin/python3
"""Everything at once, for as long as you like: sessions that know what they must be told, while the world around them is changed.

    upheaval.py [--server NAME] [--seconds N] [--seed N] [--clients N] [--without restart,freeze,...]

Sessions come, work and leave in every way. Meanwhile globals are set, code is made and dropped, grants come and go, connections and statements are killed, the
pool is resized, the server stands still or is started anew. A session may be ended or refused by that, but is never told something wrong, the daemon
stands, the server never sees one connection too many, and at the end every gauge is at zero.
"""
import argparse
import os
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import BASE, ERR, MULTI_STATEMENTS, OK, SERVERS, Closed, PeerClosed, RawClient, Sluse, wait_until  # noqa: E402

SIZE = 10
ADMIN = "admin"
LOST = 2 * 10 ** 5   # rows found, of which no connection can be told anew
# Killed, ended, starved, refused for residue, locked out, shut down, no server, no grant (for a moment), a schema or view that goes and comes.
FORCED = {1053, 1077, 1094, 1095, 1105, 1142, 1044, 1205, 1213, 1235, 1290, 1317, 1356, 1927, 1937, 2002, 2003, 2006, 2013, 3024, 3168, 3169, 4031}


class Over(Exception):
    """The session has ended, or was refused something, and nothing more is known of it."""


class Session:
    """One client, and what it must be told."""

    def __init__(self, upheaval, rng, number):
        self.upheaval, self.rng, self.number = upheaval, rng, number
        self.rows, self.pending, self.temporary = [], None, None
        self.schema = rng.choice(("app", "other"))
        self.user = rng.choice(("app", "app", "svc"))
        caps = BASE | MULTI_STATEMENTS if rng.random() < 0.3 else BASE
        self.client = RawClient(upheaval.proxy.port, self.user, self.user, schema=self.schema, caps=caps, plugin=upheaval.server.plugin, timeout=90)
        if not isinstance(self.client.login_reply, OK):
            self.forced(self.client.login_reply)
        self.precision, self.insert_id = None, None

    # Asking

    def forced(self, reply):
        if getattr(reply, "code", None) in FORCED or isinstance(reply, Closed):
            self.upheaval.count(f"error {getattr(reply, 'code', 'closed')}")
            raise Over
        raise AssertionError(f"session {self.number}: {reply!r}")

    def last(self, replies):
        reply = replies[-1]
        end = getattr(reply, "end", reply)
        if isinstance(end, (ERR, Closed)):
            self.forced(end)
        return reply

    def do(self, sql):
        return self.last(self.client.query(sql))

    def ask(self, sql):
        return [tuple(None if v is None else v.decode("utf8", "replace") for v in row) for row in self.do(sql).rows]

    def must(self, sql, *expected):
        got = self.ask(sql)
        assert got == [*expected], f"session {self.number}: {sql}: {got} for {[*expected]}"

    # Acts: what is left, is known

    def set_precision(self):
        self.precision = self.rng.randint(5, 20)
        self.do(f"SET div_precision_increment = {self.precision}")

    def ask_precision(self):
        if self.precision is not None:
            self.must("SELECT @@div_precision_increment, LENGTH(1 / 3)", (str(self.precision), str(self.precision + 2)))

    def set_insert_id(self):
        self.insert_id = self.rng.randint(1, 1 << 60)
        self.do(f"DO LAST_INSERT_ID({self.insert_id})")

    def ask_insert_id(self):
        if self.insert_id is not None:
            self.must("SELECT LAST_INSERT_ID()", (str(self.insert_id),))

    def use(self):
        self.schema = self.rng.choice(("app", "other"))
        self.last(self.client.init_db(self.schema)) if self.rng.random() < 0.5 else self.do(f"USE {self.schema}")

    def ask_place(self):
        self.must("SELECT DATABASE(), SUBSTRING_INDEX(USER(), '@', 1), CONNECTION_ID()", (self.schema, self.user, str(self.client.id)))

    def warn(self):
        self.do(f"SELECT CAST('{self.number}x' AS SIGNED)")
        got = self.ask("SHOW WARNINGS")
        assert len(got) == 1 and f"'{self.number}x'" in got[0][2], f"session {self.number}: {got}"

    def fail(self):
        reply = self.client.query(f"SELECT no_{self.number}")[-1]
        if getattr(reply, "code", None) != 1054:
            self.forced(reply)
        self.must("SELECT @@error_count", ("1",))

    def count_found(self):
        n = self.rng.randint(2, 9)
        self.do("SELECT SQL_CALC_FOUND_ROWS * FROM (" + " UNION ALL ".join(f"SELECT {i}" for i in range(n)) + ") x LIMIT 1")
        self.must("SELECT FOUND_ROWS()", (str(n),))

    def lose(self):
        """What can't be given back is told, or nothing is run that might read it: 1235 leaves everything as it was."""
        self.do("SELECT SQL_CALC_FOUND_ROWS 1 FROM " + ", ".join("(SELECT 1" + " UNION ALL SELECT 1" * 9 + f") {name}" for name in "abcde") + ", (SELECT 1 UNION ALL SELECT 1) f LIMIT 1")
        long = "/*" + "x" * 100000 + "*/" if self.rng.random() < 0.2 else ""
        if self.rng.random() < 0.5:
            reply = self.client.query(f"INSERT INTO app.rows_of (who, v) VALUES ({self.number}, 7) {long}")[-1]
            if isinstance(reply, OK):
                self.insert_id = None
                (self.rows if self.pending is None else self.pending).append(7)
        else:
            reply = self.client.query(f"SELECT f FROM app.telling {long}")[-1]
            if hasattr(reply, "rows") and not isinstance(reply.end, (ERR, Closed)):
                assert reply.rows in (((b"7",),), ((str(LOST).encode(),),)), f"session {self.number}: {reply}"
        end = getattr(reply, "end", reply)
        if isinstance(end, (ERR, Closed)):
            if getattr(end, "code", None) != 1235:
                self.forced(end)
            self.upheaval.count("error 1235")
        if not hasattr(reply, "rows"):
            self.must("SELECT FOUND_ROWS()", (str(LOST),))

    def insert(self):
        values = [self.rng.randint(0, 10 ** 6) for _ in range(self.rng.randint(1, 3))]
        self.do("INSERT INTO app.rows_of (who, v) VALUES " + ",".join(f"({self.number},{v})" for v in values))
        self.insert_id = None
        self.must("SELECT ROW_COUNT()", (str(len(values)),))
        (self.rows if self.pending is None else self.pending).extend(values)

    def ask_rows(self):
        self.must(f"SELECT v FROM app.rows_of WHERE who = {self.number} ORDER BY id", *((str(v),) for v in self.rows + (self.pending or [])))

    def begin(self):
        if self.pending is None and self.temporary is None:
            self.do("BEGIN")
            self.pending = []

    def end(self):
        if self.pending is None:
            return
        if self.rng.random() < 0.5:
            self.do("COMMIT")
            self.rows += self.pending
        else:
            self.do("ROLLBACK")
        self.pending = None

    def make_temporary(self):
        if self.pending is None:
            self.do("CREATE TEMPORARY TABLE IF NOT EXISTS app.tmp (v INT)")
            self.do(f"INSERT INTO app.tmp VALUES ({self.number})")
            self.insert_id = None
            self.temporary = (self.temporary or 0) + 1

    def ask_temporary(self):
        if self.temporary:
            self.must("SELECT COUNT(*), MIN(v), MAX(v) FROM app.tmp", (str(self.temporary), str(self.number), str(self.number)))

    def user_variable(self):
        self.do(f"SET @mine = {self.number}")
        self.must("SELECT @mine", (str(self.number),))

    def lock(self):
        self.must(f"SELECT GET_LOCK('l{self.number}', 0)", ("1",))
        self.must(f"SELECT RELEASE_LOCK('l{self.number}')", ("1",))

    def prepare(self):
        statement = self.last(self.client.prepare("SELECT ? + 1, @@div_precision_increment > 0")).statement
        for n in (self.number, 7):
            row = self.last(self.client.execute(statement, (n,))).rows[0]
            assert int.from_bytes(row[2:10], "little") == n + 1, f"session {self.number}: {row}"
        self.client.stmt_close(statement)

    def view(self):
        self.must("SELECT x FROM app.steady", ("5",))

    def several(self):
        if self.client.caps & MULTI_STATEMENTS:
            self.last(self.client.query(f"SET lc_time_names = 'de_DE'; SELECT {self.number}; SET lc_time_names = DEFAULT"))

    def sleep(self):
        self.do(f"SELECT SLEEP({self.rng.random() / 20})")

    def rows_unread(self):
        """Leaves in the middle of a big result."""
        self.client.send_command(3, ("SELECT REPEAT('x', 20000) FROM " + ",".join(f"(SELECT 1 UNION ALL SELECT 2) {c}" for c in "abcdef")).encode())
        raise Over

    def statement_unread(self):
        self.client.send_command(3, b"SELECT SLEEP(0.2)")
        raise Over

    def set_a_global(self):
        """Refused; but whoever reads the text can't know that."""
        reply = self.client.query("SET GLOBAL max_connections = 399")[-1]
        if getattr(reply, "code", None) != 1227:
            self.forced(reply)

    def reset(self):
        if self.pending is None:
            self.last(self.client.reset())
            self.precision = self.insert_id = self.temporary = None

    ACTS = [set_precision, ask_precision, ask_precision, set_insert_id, ask_insert_id, use, ask_place, ask_place, warn, fail, count_found, lose, insert, insert,
            ask_rows, begin, begin, end, end, make_temporary, ask_temporary, user_variable, lock, prepare, view, several, sleep, set_a_global, reset]

    def live(self):
        try:
            for _ in range(self.rng.choice((1, 2, 3, 10, 40))):
                self.rng.choice(self.ACTS)(self)
                if self.upheaval.over():
                    break
            if self.rng.random() < 0.1:
                self.rng.choice((self.rows_unread, self.statement_unread))()
            self.ask_rows()
        finally:
            self.leave()

    def leave(self):
        way = self.rng.choice(("quit", "quit", "quit", "close", "reset_tcp"))
        try:
            getattr(self.client, way)()
        except OSError:
            self.client.close()


class Upheaval:
    """The world around them. Everything that it does is one method whose name is its kind."""

    def __init__(self, server, seed, clients=12, without=()):
        self.server, self.rng, self.clients = server, random.Random(seed), clients
        self.wrong, self.counts, self.lock, self.number = [], {}, threading.Lock(), 0
        self.stop_at, self.view_number = 0, 0
        self.kinds = [kind for kind in ("globals", "globals_through", "code", "code_through", "code_through", "grants", "kill", "kill_query", "kill_through", "resize", "freeze",
                                        "init_connect", "restart") if kind not in without]
        how = "WITH caching_sha2_password BY" if server.family == "mysql" else "BY"
        for statement in (f"CREATE USER {ADMIN}@'%' IDENTIFIED {how} '{ADMIN}'", f"GRANT ALL ON *.* TO {ADMIN}@'%' WITH GRANT OPTION",
                          "CREATE TABLE app.rows_of (id INT AUTO_INCREMENT PRIMARY KEY, who INT, v INT, KEY (who))",
                          "CREATE VIEW app.steady AS SELECT 5 AS x", "CREATE VIEW app.telling AS SELECT 7 AS f",
                          "CREATE TABLE other.granted (id INT)"):
            server.sql(statement)
        self.proxy = Sluse(server, pool=dict(size=SIZE, wait_timeout="30s"), sluse=dict(workers=2), control=dict(user=ADMIN, stored_code_refresh="200ms"),
                           account_admin={"password": ADMIN})
        wait_until(self.proxy.ready, what="the server is reached")

    def over(self):
        return self.wrong or time.monotonic() > self.stop_at

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    # What happens to them

    def globals(self):
        self.server.sql(f"SET GLOBAL default_week_format = {self.rng.randint(0, 7)}")

    def globals_through(self):
        with RawClient(self.proxy.port, ADMIN, ADMIN, plugin=self.server.plugin, timeout=90) as client:
            client.query(f"SET GLOBAL max_connect_errors = {self.rng.randint(10 ** 5, 10 ** 6)}")

    def code(self):
        self.view_number += 1
        self.server.sql(f"CREATE OR REPLACE VIEW app.moving AS SELECT {self.view_number} AS x")
        if self.view_number % 3 == 0:
            self.server.sql("DROP VIEW app.moving")

    def code_through(self):
        """Sessions wait until it has been read; a view that reads what was before it is none of theirs."""
        what = self.rng.choice(("FOUND_ROWS()", "7"))
        with RawClient(self.proxy.port, ADMIN, ADMIN, plugin=self.server.plugin, timeout=90) as client:
            client.query(f"CREATE OR REPLACE VIEW app.telling AS SELECT {what} AS f")

    def grants(self):
        self.server.sql(self.rng.choice(("GRANT SELECT ON other.granted TO svc@'%'", "GRANT INSERT ON other.granted TO svc@'%'")))

    def victims(self):
        return [p["ID"] for p in self.server.processlist() if p["USER"] in ("app", "svc", ADMIN)]

    def kill(self, what="CONNECTION"):
        victim = self.rng.choice(self.victims() or [0])
        if victim:
            try:
                self.server.sql(f"KILL {what} {victim}")
            except Exception as e:   # it had gone
                if e.args[0] not in (1094, 1095):
                    raise

    def kill_query(self):
        self.kill("QUERY")

    def kill_through(self):
        """By the number that a client has been told."""
        with RawClient(self.proxy.port, plugin=self.server.plugin, timeout=90) as client:
            client.query(f"KILL {self.rng.choice(('QUERY', 'CONNECTION'))} {client.id - self.rng.randint(1, 20)}")

    def resize(self):
        self.proxy.sections["pool"].update(size=self.rng.randint(4, SIZE), debug_migrate=self.rng.choice(("always", "never", "never")))
        self.proxy.reload()

    def freeze(self):
        self.server.sigstop()
        time.sleep(self.rng.random() / 5)
        self.server.cont()

    def init_connect(self):
        self.server.sql("SET GLOBAL init_connect = 'SET @from_init = 1'")
        time.sleep(0.1)
        self.server.sql("SET GLOBAL init_connect = ''")

    def restart(self):
        if self.rng.random() < 0.1:
            self.server.restart()

    # The course of it

    def watch(self):
        """A server closes a connection before it has done with it: for that moment there may be one more."""
        assert self.proxy.process.poll() is None, self.proxy.log()[-6000:]
        wait_until(lambda: len(self.victims()) <= SIZE, 5, f"not more than {SIZE} connections")

    def disturb(self):
        try:
            while not self.over():
                kind = self.rng.choice(self.kinds)
                self.count(kind)
                getattr(self, kind)()
                self.watch()
                time.sleep(self.rng.random() / 20)
        except BaseException as e:
            self.wrong.append(f"{type(e).__name__}: {e}")

    def come_and_go(self, seed):
        rng = random.Random(seed)
        while not self.over():
            with self.lock:
                self.number += 1
                number = self.number
            try:
                Session(self, rng, number).live()
                self.count("sessions that ended by themselves")
            except (Over, PeerClosed, OSError) as e:
                self.count(f"sessions that were ended ({type(e).__name__})")
            except BaseException as e:
                self.wrong.append(f"{type(e).__name__}: {e}")

    def rage(self, seconds):
        self.stop_at = time.monotonic() + seconds
        threads = [threading.Thread(target=self.come_and_go, args=(self.rng.random(),)) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        self.disturb()   # not in a thread: a server that one has started ends with it
        for thread in threads:
            thread.join()
        assert not self.wrong, "\n".join(self.wrong[:5])

    def calm(self):
        """All is as it was: the pool has its size again, gauges are zero, and the log is clean."""
        self.proxy.sections["pool"].update(size=SIZE, debug_migrate="never")
        self.proxy.reload()
        wait_until(lambda: self.proxy.stats()["pool"]["size"] == SIZE, what="the pool has its size")
        self.proxy.assert_quiet(60)
        self.proxy.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", choices=SERVERS, default="mariadb-10.11")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--without", default="", metavar="KIND,KIND")
    options = parser.parse_args()
    with SERVERS[options.server]() as server:
        upheaval = Upheaval(server, options.seed, options.clients, options.without.split(","))
        try:
            upheaval.rage(options.seconds)
            counters = upheaval.proxy.stats()["counters"]
            upheaval.calm()
        except BaseException:
            print(upheaval.proxy.log()[-5000:])
            raise
        finally:
            upheaval.proxy.kill()
        for what, n in sorted(upheaval.counts.items()):
            print(f"{n:8} {what}")
        print({k: v for k, v in counters.items() if v and not k.startswith(("commands", "bytes"))})


if __name__ == "__main__":
    main()
