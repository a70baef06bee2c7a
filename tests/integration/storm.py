"""Thousands of clients at once from one process: non-blocking sockets, one selector, no thread a client."""
import resource
import selectors
import socket
import time

from harness import auth, caps as C
from harness.wire import le, lenstr


def raise_file_limit(n):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < n:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(n, hard), hard))
    return min(max(soft, n), hard) >= n


class Visitor:
    """Connects, logs in, runs its statements one after another, says COM_QUIT. .state ends as "done" or an error."""

    def __init__(self, port, statements, user="app", password=b"app", schema=b"app",
                 plugin="mysql_native_password"):
        self.plugin = plugin
        self.port, self.statements, self.user, self.password, self.schema = port, list(statements), user, password, schema
        self.buf, self.state, self.started = bytearray(), "greeting", time.monotonic()
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex(("127.0.0.1", port))

    def packets(self):
        while len(self.buf) >= 4:
            size = int.from_bytes(self.buf[:3], "little")
            if len(self.buf) < 4 + size:
                return
            body = bytes(self.buf[4:4 + size])
            del self.buf[:4 + size]
            yield body

    def readable(self):
        """Takes a step; True while there is more to come."""
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return True
        except OSError as e:
            self.state = f"{type(e).__name__} in {self.state}"
            return False
        if not data:
            self.state = "done" if self.state == "quit" else f"closed in {self.state}"
            return False
        self.buf += data
        for body in self.packets():
            self.packet(body)
        return True

    def packet(self, body):
        if body[:1] == b"\xff":
            self.state = f"error {int.from_bytes(body[1:3], 'little')} in {self.state}: {body[3:].decode('utf8', 'replace')}"
            self.sock.shutdown(socket.SHUT_RDWR)
        elif self.state == "greeting":
            end = body.index(b"\0", 1)
            nonce = body[end + 5:end + 13] + body[end + 32:end + 44]
            caps = C.BASE & ~C.CONNECT_ATTRS | C.CONNECT_WITH_DB | C.DEPRECATE_EOF
            token = auth.answer(self.plugin, self.password, nonce)
            self.send(le(caps, 4) + le(1 << 24, 4) + b"\x2d" + bytes(23) + self.user.encode() + b"\0" + lenstr(token) + self.schema
                      + b"\0" + self.plugin.encode() + b"\0", 1)
            self.state = "login"
        elif self.state == "login":
            if body != b"\1\3":   # caching_sha2_password: right so far
                self.next()
        elif self.state == "ok" and body[:1] == b"\0":
            self.next()
        elif self.state == "rows" or self.state == "ok":
            self.state = "rows"
            if body[:1] == b"\xfe" and len(body) < 0xffffff:
                self.next()

    def next(self):
        if self.statements:
            self.state = "ok"
            self.send(b"\3" + self.statements.pop(0), 0)
        else:
            self.state = "quit"
            self.send(b"\1", 0)

    def send(self, body, seq):
        self.sock.send(le(len(body), 3) + bytes([seq]) + body)


def storm(visitors, timeout=300):
    """Runs them all; returns the list of their final states."""
    selector = selectors.DefaultSelector()
    left = 0
    for visitor in visitors:
        selector.register(visitor.sock, selectors.EVENT_READ, visitor)
        left += 1
    end = time.monotonic() + timeout
    while left:
        assert time.monotonic() < end, f"{left} clients are still there"
        for key, _ in selector.select(1):
            visitor = key.data
            if not visitor.readable():
                selector.unregister(visitor.sock)
                visitor.sock.close()
                left -= 1
    return [v.state for v in visitors]
