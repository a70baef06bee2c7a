"""Runs a fuzzer's scripts direct and through sluse, many a second: one server, and only what a script has touched is made new."""
import http.client
import json
import os
import re
from dataclasses import dataclass, replace

from harness import RawClient, Sluse, wait_until
from harness.caps import STATE_CHANGED, TRACK_SYSVAR
from harness.proxy import BAD_LINES, ZERO
from harness.replies import ERR, OK, ResultSet
from harness.wire import Malformed

from fuzz_schema import Schema
from masks import KNOWN
from run import Bench
from runner import Run

# Of what waits for a lock nothing waits long. A thread's memory is not used again, so that FOUND_ROWS() of a fresh session is 0.
OPTIONS = {"mariadb": ("--innodb-lock-wait-timeout=0", "--lock-wait-timeout=1", "--thread-cache-size=0",
                       "--innodb-stats-persistent=0"),
           "mysql": ("--innodb-lock-wait-timeout=1", "--lock-wait-timeout=1", "--thread-cache-size=0",
                     "--innodb-stats-persistent=0")}
STARVED = 3168
PATIENCE = 6   # seconds
SILENCE = "no reply within the time limit"
PUT_IN = re.compile(rb"IF\((1|@@warning_count=0),")   # how values begin that are put into a text (protocol/residue_text.c)
COUNTED = re.compile(r"leases|page|pin|residue|frame|code_wait")


@dataclass(frozen=True)
class Difference:
    index: int          # of the step
    step: object
    phrase: str
    want: list
    got: list

    @property
    def starved(self):
        return starved(self.got)

    @property
    def refused(self):
        """The session has moved, and what the statement reads can't be given to it: said with an error (docs/session-state.md)."""
        return any(isinstance(r, ERR) and r.code == 1235 and r.text.startswith("sluse: ") for r in self.got)

    @property
    def unanswered(self):
        """MariaDB itself leaves COM_FIELD_LIST unanswered (test_facts.py: test_a_field_list_without_an_answer)."""
        return self.want == [SILENCE] and "!fields" in str(self.step)

    @property
    def quoted(self):
        """The server quotes a text into which values were put: in an error, or in the list that tells it again."""
        pairs = [(a, b) for a, b in zip(self.want, self.got) if a != b]
        return len(self.want) == len(self.got) and all(quotes_values(a, b) for a, b in pairs)

    @property
    def kind(self):
        """What is wrong, short: differences of one kind are most likely of one cause."""
        for a, b in zip(self.want, self.got):
            if a != b:
                if type(a) is not type(b):
                    return f"{describe(a)} became {describe(b)}"
                if isinstance(a, ERR):
                    return f"error {a.code} became {b.code}" if a.code != b.code else "an error's text"
                names = [n for n in getattr(a, "__dataclass_fields__", ()) if getattr(a, n) != getattr(b, n)]
                return f"{type(a).__name__} differs in {', '.join(names)}"
        return f"{len(self.want)} results became {len(self.got)}"


def quotes_values(want, got):
    if isinstance(want, ERR) and isinstance(got, ERR):
        return want.code == got.code and bool(PUT_IN.search(got.text.encode()))
    if not isinstance(want, ResultSet) or not isinstance(got, ResultSet) or len(want.rows) != len(got.rows):
        return False
    rows = [(a, b) for a, b in zip(want.rows, got.rows) if a != b]
    return replace(want, rows=got.rows) == got and all(a[:-1] == b[:-1] and PUT_IN.search(b[-1] or b"") for a, b in rows)


def starved(replies):
    return any(isinstance(r, ERR) and r.code == STARVED for r in replies)


def describe(reply):
    if isinstance(reply, ERR):
        return f"error {reply.code}"
    return "silence or nonsense" if isinstance(reply, str) else type(reply).__name__


class FuzzRun(Run):
    """A statement that was never prepared has an id that no server knows; what can't be decoded is a reply too.

    end: the sessions tidy up before they go. known: names of what sluse is known to answer otherwise, which is made equal."""

    def __init__(self, *arguments, end=False, known=()):
        super().__init__(*arguments)
        self.end, self.known = end, known

    def login(self, name, rest):
        replies = super().login(name, rest)
        self.sessions[name].sock.settimeout(PATIENCE)
        if "greets" in self.known and isinstance(replies[-1], OK):
            ok = replies[-1]
            session = tuple(t for t in ok.session if t[0] != TRACK_SYSVAR)
            replies[-1] = replace(ok, status=ok.status & ~STATE_CHANGED, session=session)
        return replies

    def handle(self, rest):
        name, _, more = rest.partition(" ")
        return (int(name) if name.isdigit() else self.statements.get(name, 0x7ffffff0)), more

    def take(self, step):
        try:
            replies = super().take(step)
        except (Malformed, OSError) as e:
            return [f"{type(e).__name__}: {e}"]
        if replies == [SILENCE]:   # what comes later would be taken for the answer to another step
            self.sessions[step.session].close()
        return replies

    def go(self):
        try:
            for step in self.script.steps:
                self.transcript.append((step, self.take(step)))
                if starved(self.transcript[-1][1]):
                    break   # whoever keeps the backends keeps them: each step would wait as long
        finally:
            for client in self.sessions.values():
                if self.end:
                    end(client)
                client.close()
        return self.transcript


def known_of(version):
    """The differences of a server that are known. From 11.4 on MariaDB tells variables with the answer to a login, which sluse does not."""
    return ("greets",) if "MariaDB" in version and not version.startswith("10.") else ()


def end(client):
    """What a session holds is free when this has come back: a server that is only hung up on takes its time."""
    try:
        client.reset()
    except (OSError, AssertionError):
        pass


class Proxy(Sluse):
    """With a connection for /stats that stays open."""
    http_connection = None

    def ask(self):
        for attempt in (0, 1):
            try:
                if self.http_connection is None:
                    self.http_connection = http.client.HTTPConnection("127.0.0.1", self.stats_port, timeout=10)
                self.http_connection.request("GET", "/stats")
                return json.loads(self.http_connection.getresponse().read())
            except (OSError, http.client.HTTPException):
                self.http_connection = None
                if attempt:
                    raise

    def at_rest(self):
        s = self.ask()
        return not s["clients"]["current"] and not s["pool"]["waiting"] and not any(s["pool"]["backends"].get(k) for k in ZERO)


class FuzzBench(Bench):
    """One server and one proxy for many scripts."""

    def __init__(self, server, flavor, through="sluse", residue=False, strict=False, **sections):
        self.server, self.flavor, self.through, self.sections, self.proxy = server, flavor, through, sections, None
        self.schema = Schema(flavor, residue)
        self.root = server.connect(init_command="SET lock_wait_timeout = 10, innodb_lock_wait_timeout = 10")
        self.strict = strict
        self.known = () if strict else known_of(self.sql("SELECT VERSION()")[0][0])
        self.touched = []
        self.rebuild()
        self.read_log = 0
        for name in ("app", "svc"):   # from the second login on, MySQL remembers the password
            RawClient(server.port, name, name, plugin=server.plugin).close()
        self.start()

    def start(self):
        if self.through != "direct":
            self.proxy = Proxy(self.server, accounts=dict(app="app", svc="svc"), **self.sections)
            self.read_log = 0

    @property
    def frames(self):
        """How many sessions may have a backend at a time: one connection is the proxy's own."""
        return self.proxy.size - 1 if self.proxy else 9

    def sql(self, statement):
        with self.root.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def rebuild(self):
        """Everything anew, whatever has been done to it."""
        for name in ("app", "other"):
            self.sql(f"DROP DATABASE IF EXISTS {name}")
            self.sql(f"CREATE DATABASE {name}")
        for statement in self.schema.setup():
            self.sql(statement)
        self.names = self.tables()
        self.touched = []

    def tables(self):
        return {(schema, name): kind for schema in ("app", "other") for name, kind in self.sql(f"SHOW FULL TABLES FROM {schema}")}

    def make_new(self):
        for texts in self.touched:
            for statement in self.schema.undo(texts):
                self.sql(statement)
            if self.schema.may_make(texts):
                self.drop_strays()
        self.touched = []

    def drop_strays(self):
        """A name with a typing error in it is none that undo() knows."""
        for (schema, name), kind in self.tables().items():
            if (schema, name) not in self.names:
                self.sql(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {schema}.`{name.replace('`', '``')}`")

    def pass_of(self, script, form, through):
        self.make_new()
        proxied = bool(through and self.proxy)
        texts = [step.text for step in script.steps]
        self.touched.append(texts)
        run = FuzzRun(script, (self.proxy if proxied else self.server).port, form, self.server, KNOWN if self.proxy else (),
                      end=not proxied, known=self.known)
        try:
            run.go()
        finally:
            if proxied:
                self.rest()
            if any("XA PREPARE" in t.upper() for t in texts):
                self.end_xa(run)
        return run

    def rest(self):
        if self.proxy.process.poll() is None:
            wait_until(self.proxy.at_rest, 30, "sluse is at rest", interval=0.0005)

    def end_xa(self, run):
        ids = set(run.ids.values())
        wait_until(lambda: not ids & {p["ID"] for p in self.server.processlist()}, what="sessions have ended")
        for row in self.sql("XA RECOVER"):
            self.sql("XA ROLLBACK '%s'" % row[3])

    def judge(self, script):
        """Runs a script both ways: its differences, and what the proxy logged that it must not (or that it has died)."""
        form = script.forms[0]
        direct = self.pass_of(script, form, False)
        try:
            through = self.pass_of(script, form, True)
        except (OSError, AssertionError) as e:
            if not self.proxy:
                raise
            return [], f"{type(e).__name__}: {e}\n{self.complaint() or ''}", direct
        phrases = getattr(script, "phrases", None) or [""] * len(script.steps)
        found = [Difference(i, step, phrases[i], want, got)
                 for i, ((step, want), (_, got)) in enumerate(zip(direct.transcript, through.transcript)) if want != got]
        if not self.strict:
            found = [d for d in found if not d.quoted]
        return found, self.complaint(), direct

    def complaint(self):
        """The proxy's last words if it has died, or what a sanitizer said; None: all is well."""
        if not self.proxy:
            return None
        if self.proxy.process.poll() is not None:
            return f"sluse ended with {self.proxy.process.returncode}:\n{self.proxy.log()[-6000:]}"
        size = os.path.getsize(self.proxy.log_path)
        if size == self.read_log:
            return None
        with open(self.proxy.log_path, errors="replace") as f:
            f.seek(self.read_log)
            new = f.read()
        self.read_log = size
        return new[-6000:] if BAD_LINES.search(new) else None

    def recover(self):
        """After a difference no table is trusted. The code that is stored stays: the proxy may know it."""
        if self.proxy:
            try:
                dead = bool(self.complaint())
                if not dead:
                    self.rest()
            except (OSError, AssertionError):
                dead = True
            if dead:
                self.proxy.kill()
                self.start()
        self.make_new()
        for statement in self.schema.fresh_rows():
            self.sql(statement)

    def counters(self):
        """What the proxy counted of sessions that move."""
        counted = self.proxy.ask()["counters"] if self.proxy else {}
        return {k: v for k, v in counted.items() if v and COUNTED.match(k)}

    def close(self):
        self.root.close()
        super().close()
