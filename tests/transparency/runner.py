"""Runs a script's sessions against one address and returns everything that they got."""
import shlex

from harness import caps as C
from harness import RawClient, wait_until
from harness.commands import Long
from harness.rawclient import PeerClosed
from harness.replies import Closed, OK, PrepareOK

from masks import masked, verdict, without_proof
from script import expression

NAMES = {"eof": C.DEPRECATE_EOF, "track": C.SESSION_TRACK, "found_rows": C.FOUND_ROWS, "multi": C.MULTI_STATEMENTS,
         "local": C.LOCAL_FILES, "ignore_space": C.IGNORE_SPACE, "interactive": C.INTERACTIVE, "odbc": C.ODBC,
         "sigpipe": C.IGNORE_SIGPIPE, "expired": C.EXPIRED_PASSWORDS}
ALL = ("found_rows", "multi", "local", "ignore_space", "interactive", "odbc", "sigpipe")
# Each script runs with each of these.
FORMS = {"plain": (), "eof": ("eof",), "track": ("track",), "eof+track": ("eof", "track"),
         "all": ALL, "all+eof+track": ALL + ("eof", "track")}


def bits(names):
    value = 0
    for name in names:
        value |= NAMES[name]
    return value


class Run:
    """One pass of a script. transcript: a list of (step, list of replies), masked."""

    def __init__(self, script, port, form, server, masks=()):
        self.script, self.port, self.server = script, port, server
        self.caps = C.BASE | bits(FORMS[form]) | bits(script.caps)
        self.masks = tuple(script.masks) + tuple(masks)
        self.sessions, self.ids, self.statements, self.transcript = {}, {}, {}, []
        self.logging_in = False
        self.proxy = None   # what it goes through
        self.session, self.connections = None, {}   # whose step it is; what CONNECTION_ID() was at first, by session

    def go(self):
        try:
            for step in self.script.steps:
                if not step.is_for(self.server.name):
                    continue
                self.transcript.append((step, self.take(step)))
        finally:
            for client in self.sessions.values():
                client.close()
        return self.transcript

    def take(self, step):
        self.session = step.session
        try:
            replies = self.reply(step)
        except PeerClosed as e:
            replies = [Closed(e.how)]
        except BrokenPipeError:
            replies = [Closed("eof")]
        except ConnectionResetError:
            replies = [Closed("reset")]
        except AssertionError as e:
            replies = [f"{type(e).__name__}: {e}"]
        except TimeoutError:
            replies = ["no reply within the time limit"]
        names = self.masks + step.masks
        if "verdict" in names:
            replies, names = verdict(replies), tuple(n for n in names if n != "verdict")
        return [masked(r, names, self) for r in replies]

    def reply(self, step):
        verb, _, rest = step.text.partition(" ")
        self.logging_in = verb == "!login" or step.session not in self.sessions
        if verb == "!login":
            return self.login(step.session, rest)
        if step.session not in self.sessions:
            opened = self.login(step.session, "")[-1]
            if not isinstance(opened, OK):
                return [opened]
        client = self.sessions[step.session]
        if verb.startswith("!"):
            done = getattr(self, "do_" + verb[1:].replace("-", "_"))(client, rest)
            return done if isinstance(done, list) else [done]
        return client.query(self.fill(step.text))

    def fill(self, text):
        for name, number in self.ids.items():
            text = text.replace("{%s}" % name, str(number))
        return text

    def login(self, name, rest):
        arguments = dict(user="app", password="app", schema="app", caps=self.caps, collation=45, plugin=self.server.plugin)
        for word in shlex.split(rest):
            key, _, value = word.partition("=")
            if key in ("collation", "max_packet"):
                arguments[key] = int(value)
            elif key == "noschema":
                arguments["schema"] = None
            elif key == "caps":
                arguments["caps"] |= bits(value.split(","))
            elif key == "nocaps":
                arguments["caps"] &= ~bits(value.split(","))
            elif key == "response":
                arguments[key] = value.encode()
            else:
                arguments[key] = value
        if name in self.sessions:
            self.sessions[name].close()
        client = self.sessions[name] = RawClient(self.port, **arguments)
        client.infile = dict(self.script.files)
        if client.greeting:
            self.ids[name] = client.id
        return client.login_steps + [without_proof(client.login_reply)]

    # Verbs

    def handle(self, rest):
        """The statement id of a name, or the number itself, and the rest of the line."""
        name, _, more = rest.partition(" ")
        return (int(name) if name.isdigit() else self.statements[name]), more

    def do_prepare(self, client, rest):
        """!prepare NAME SQL"""
        name, _, sql = rest.partition(" ")
        replies = client.prepare(self.fill(sql))
        if isinstance(replies[0], PrepareOK):
            self.statements[name] = replies[0].statement
        return replies

    def do_execute(self, client, rest, cursor=0, types=True):
        """!execute NAME (python tuple of parameters; LONG for one that was sent by !long)"""
        statement, more = self.handle(rest)
        params = expression(more or "()", LONG=Long())
        return client.execute(statement, params, cursor, types)

    def do_cursor(self, client, rest):
        """!cursor NAME (parameters): execute with CURSOR_TYPE_READ_ONLY"""
        return self.do_execute(client, rest, cursor=1)

    def do_again(self, client, rest):
        """!again NAME (parameters): execute without types, as sent before"""
        return self.do_execute(client, rest, types=False)

    def do_fetch(self, client, rest):
        statement, n = self.handle(rest)
        return client.fetch(statement, int(n))

    def do_long(self, client, rest):
        """!long NAME PARAM b'...'"""
        statement, more = self.handle(rest)
        param, _, data = more.partition(" ")
        return client.long_data(statement, int(param), expression(data))

    def do_stmt_reset(self, client, rest):
        return client.stmt_reset(self.handle(rest)[0])

    def do_stmt_close(self, client, rest):
        return client.stmt_close(self.handle(rest)[0])

    def do_ping(self, client, rest):
        return client.ping()

    def do_init_db(self, client, rest):
        return client.init_db(rest)

    def do_statistics(self, client, rest):
        return client.statistics()

    def do_fields(self, client, rest):
        return client.field_list(*rest.split(" "))

    def do_set_option(self, client, rest):
        return client.set_option(int(rest))

    def do_process_kill(self, client, rest):
        return client.process_kill(int(self.fill(rest)))

    def do_reset(self, client, rest):
        return client.reset()

    def do_change_user(self, client, rest):
        """!change-user user=... password=... schema=... collation=..."""
        arguments = dict(user="app", password="app", schema="")
        arguments.update(word.split("=", 1) for word in shlex.split(rest))
        arguments["collation"] = int(arguments.get("collation", 45))
        arguments.setdefault("plugin", self.server.plugin)
        replies = client.change_user(**arguments)
        return client.login_steps + [without_proof(r) for r in replies]

    def do_command(self, client, rest):
        """!command NUMBER [b'payload']"""
        number, _, payload = rest.partition(" ")
        return client.command(int(number), expression(payload) if payload else b"")

    def do_raw(self, client, rest):
        """!raw b'...': a statement with any bytes (a python expression)"""
        return client.query(expression(rest))

    def do_empty(self, client, rest):
        client.send_packet(b"", seq=0)
        return client.read_reply()

    def do_send(self, client, rest):
        """!send SQL: without reading the reply, which !reply does"""
        client.send_command(C.COM_QUERY, self.fill(rest).encode())
        return []

    def do_reply(self, client, rest):
        return client.read_reply()

    def do_running(self, client, rest):
        """!running TEXT: waits until the server runs a statement with it"""
        wait_until(lambda: self.server.running(rest), what=f"running: {rest}")
        return []

    def do_settled(self, client, rest):
        """!settled: sluse has read the stored code that sessions have changed; until then who names a table stays in place"""
        if self.proxy:
            wait_until(lambda: self.proxy.stats()["target"]["stored_code"]["right"], what="stored code is read")
        return []

    def do_quit(self, client, rest):
        return client.quit()

    def do_close(self, client, rest):
        client.close()
        return []

    def do_closed(self, client, rest):
        """!closed: the peer closes"""
        return client.wait_closed()

    def do_ended(self, client, rest):
        """!ended: likewise, whether by FIN or by RST"""
        return "closed" if client.wait_closed() else "open"
