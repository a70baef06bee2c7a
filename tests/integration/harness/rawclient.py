"""A client that speaks the protocol byte by byte: every capability, every command, every way of going away."""
import socket
import struct

from . import auth, caps as C
from .commands import Commands
from .replies import (Closed, LocalInfile, PrepareOK, ResultSet, Text, decode_eof, decode_err, decode_ok,
                      decode_text_row, is_binary_row)
from .wire import Malformed, Reader, le, lenenc, lenstr, split_packets


class SequenceError(AssertionError):
    """A packet came with another sequence id than the one that was due."""


class PeerClosed(ConnectionError):
    """The peer closed while a packet was due; .how is "eof" or "reset"."""

    def __init__(self, how, got=b""):
        super().__init__(f"peer closed ({how}), got {bytes(got)[:80]!r}")
        self.how = how


class RawClient(Commands):
    """A session. With login=False only the greeting is read; with greet=False not even that."""

    def __init__(self, port=None, user="app", password="app", schema=None, caps=C.BASE, collation=45,
                 plugin="mysql_native_password", attrs=None, host="127.0.0.1", path=None, timeout=20,
                 max_packet=1 << 30, login=True, greet=True, rcvbuf=None, response=None):
        self.user, self.password, self.schema = user, password.encode(), schema
        self.caps, self.collation, self.plugin, self.attrs = caps, collation, plugin, attrs or {}
        self.max_packet, self.response = max_packet, response
        self.buf, self.seq, self.greeting, self.login_reply = bytearray(), 0, None, None
        self.login_steps, self.statements = [], {}
        self.infile = {}           # what LOAD DATA LOCAL gets, by name
        self.infile_default = b""
        self.sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        try:
            self.sock.connect(path or (host, port))
            if not path:
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if greet:
                self.read_greeting()
                if login and self.login_reply is None:
                    self.login()
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Packets

    def _fill(self, n):
        while len(self.buf) < n:
            try:
                more = self.sock.recv(1 << 20 if n > 1 << 16 else 1 << 16)
            except ConnectionResetError:
                raise PeerClosed("reset", self.buf) from None
            if not more:
                raise PeerClosed("eof", self.buf)
            self.buf += more

    def read_packet(self):
        """One payload, joined if it came in several packets; returns (sequence id of its last packet, payload)."""
        whole = None
        while True:
            self._fill(4)
            size, seq = int.from_bytes(self.buf[:3], "little"), self.buf[3]
            self._fill(4 + size)
            part = bytes(self.buf[4:4 + size])
            del self.buf[:4 + size]
            if seq != self.seq:
                raise SequenceError(f"sequence id {seq}, due {self.seq}: {part[:80]!r}")
            self.seq = (seq + 1) & 0xff
            whole = part if whole is None else whole + part
            if size < 0xffffff:
                return seq, whole

    def send_bytes(self, data):
        self.sock.sendall(data)

    def send_packet(self, payload, seq=None):
        """A payload as packets, with the sequence id that is due or a chosen one."""
        data, self.seq = split_packets(payload, self.seq if seq is None else seq)
        self.send_bytes(data)

    def send_command(self, command, payload=b""):
        self.send_packet(bytes([command]) + payload, seq=0)

    # Greeting and login

    def read_greeting(self):
        self.seq = 0
        seq, p = self.read_packet()
        if p[:1] == b"\xff":
            self.login_reply = decode_err(seq, p)
            return
        r = Reader(p)
        g = {"protocol": r.int(1), "version": r.nulstr().decode(), "id": r.int(4), "nonce": r.take(8)}
        r.take(1)
        g["caps"] = r.int(2)
        g["collation"], g["status"] = r.int(1), r.int(2)
        g["caps"] |= r.int(2) << 16
        size = r.int(1)
        r.take(6)
        g["extended"] = r.int(4)
        g["nonce_size"] = size
        g["nonce"] += r.take(max(13, size - 8))[:12]
        g["plugin"] = r.nulstr().decode() if r.left() else ""
        g["tail"] = r.rest()
        self.greeting = g

    @property
    def id(self):
        return self.greeting["id"]

    def handshake_response(self):
        caps = self.caps | (C.CONNECT_WITH_DB if self.schema is not None else 0)
        token = self.response
        if token is None:
            token = auth.answer(self.plugin, self.password, self.greeting["nonce"])
        p = le(caps, 4) + le(self.max_packet, 4) + bytes([self.collation & 0xff]) + bytes(19)
        # MariaDB's place for extended capabilities; MySQL's second byte of a large collation id is not on the wire
        p += bytes(4) + self.user.encode() + b"\0"
        if caps & C.PLUGIN_AUTH_LENENC:
            p += lenstr(token)
        elif caps & C.SECURE_CONNECTION:
            p += bytes([len(token)]) + token
        else:
            p += token + b"\0"
        if caps & C.CONNECT_WITH_DB:
            p += self.schema.encode() + b"\0"
        if caps & C.PLUGIN_AUTH:
            p += self.plugin.encode() + b"\0"
        if caps & C.CONNECT_ATTRS:
            p += self.encoded_attrs()
        return p

    def encoded_attrs(self):
        pairs = b"".join(lenstr(k.encode()) + lenstr(v.encode()) for k, v in self.attrs.items())
        return lenenc(len(pairs)) + pairs

    def login(self):
        """Sends the handshake response and follows the exchange; the last packet is .login_reply."""
        self.send_packet(self.handshake_response(), seq=1)
        self.login_reply = self.finish_auth(self.greeting["nonce"], self.plugin)
        return self.login_reply

    def finish_auth(self, nonce, plugin):
        try:
            while True:
                seq, p = self.read_packet()
                if p[:1] == b"\x00":
                    return decode_ok(seq, p, self.caps)
                if p[:1] == b"\xff":
                    return decode_err(seq, p)
                if p[:1] == b"\xfe":
                    r = Reader(p[1:])
                    plugin = r.nulstr().decode() if r.left() else "mysql_old_password"
                    nonce = r.rest()[:20]
                    self.login_steps.append(("switch", seq, plugin))
                    self.send_packet(auth.answer(plugin, self.password, nonce))
                elif p[:1] == b"\x01":
                    self.login_steps.append(("more", seq, p[1:2]))
                    if p[1:2] == b"\x04":
                        self.send_packet(b"\x02")
                        _, pem = self.read_packet()
                        self.send_packet(auth.sha2_rsa(self.password, nonce, pem[1:]))
                else:
                    raise Malformed(f"during login: {p!r}")
        except PeerClosed as e:
            return Closed(e.how)

    # Replies

    def read_reply(self, kind="query"):
        """All results of one command. kind: query, execute, fetch, prepare, fields, text, eof, none."""
        if kind == "none":
            return []
        out = []
        try:
            if kind == "prepare":
                return [self._read_prepare()]
            while True:
                one = self._read_one(kind, out)
                out.append(one)
                status = getattr(one, "status", 0) if not isinstance(one, ResultSet) else (
                    getattr(one.end or one.mid, "status", 0))
                if isinstance(one, ResultSet) and getattr(one.mid, "status", 0) & C.PS_OUT_PARAMS:
                    status |= one.mid.status   # MySQL's EOF at their end lacks MORE_RESULTS; libmysqlclient does this too
                if not status & C.MORE_RESULTS:
                    return out
        except PeerClosed as e:
            out.append(Closed(e.how))
            return out

    def _read_one(self, kind, out):
        seq, p = self.read_packet()
        if kind == "text" and p[:1] != b"\xff":
            return Text(seq, p)
        if kind in ("fields", "fetch"):
            return self._read_rows(seq, b"", (), None, kind, first=(seq, p))
        if p[:1] == b"\x00":
            return decode_ok(seq, p, self.caps)
        if p[:1] == b"\xff":
            return decode_err(seq, p)
        if p[:1] == b"\xfe":
            return self._end(seq, p)
        if p[:1] == b"\xfb":
            name = p[1:]
            out.append(LocalInfile(seq, name))
            self.send_infile(self.infile.get(name.decode(), self.infile_default))
            return self._read_one(kind, out)
        count = Reader(p).lenenc()
        columns = tuple(self.read_packet()[1] for _ in range(count))
        mid = None
        if not self.caps & C.DEPRECATE_EOF:
            mseq, m = self.read_packet()
            if m[:1] == b"\xff":
                return ResultSet(seq, p, columns, None, (), decode_err(mseq, m), kind == "execute")
            if m[:1] == b"\x00" and kind == "execute":
                return ResultSet(seq, p, columns, None, (), decode_ok(mseq, m, self.caps), True)
            mid = decode_eof(mseq, m)
            if kind == "execute" and mid.status & C.CURSOR_EXISTS:
                return ResultSet(seq, p, columns, mid, (), None, True)
        return self._read_rows(seq, p, columns, mid, kind)

    def _end(self, seq, p):
        return decode_ok(seq, p, self.caps) if self.caps & C.DEPRECATE_EOF else decode_eof(seq, p)

    def _read_rows(self, first_seq, head, columns, mid, kind, first=None):
        rows, binary = [], kind in ("execute", "fetch", "fields")
        while True:
            seq, p = first or self.read_packet()
            first = None
            if p[:1] == b"\xff":
                end = decode_err(seq, p)
            elif p[:1] == b"\xfe" and len(p) < (0xffffff if self.caps & C.DEPRECATE_EOF else 9):
                end = self._end(seq, p)
            elif kind == "execute" and not rows and not is_binary_row(columns, p):
                end = decode_ok(seq, p, self.caps)
            else:
                rows.append(p if binary else decode_text_row(p))
                continue
            return ResultSet(first_seq, head, columns, mid, tuple(rows), end, binary)

    def _read_prepare(self):
        seq, p = self.read_packet()
        if p[:1] == b"\xff":
            return decode_err(seq, p)
        r = Reader(p)
        r.int(1)
        statement, columns, params = r.int(4), r.int(2), r.int(2)
        r.int(1)
        warnings = r.int(2)
        lists, eofs = [], []
        for n in (params, columns):
            lists.append(tuple(self.read_packet()[1] for _ in range(n)))
            if n and not self.caps & C.DEPRECATE_EOF:
                eofs.append(decode_eof(*self.read_packet()))
        self.statements[statement] = params
        return PrepareOK(seq, statement, lists[1], lists[0], warnings, tuple(eofs), r.rest())

    def send_infile(self, data, chunk=1 << 20):
        """Answers a request for a file; None refuses with the empty packet only."""
        for at in range(0, len(data or b""), chunk):
            self.send_packet(data[at:at + chunk])
        self.send_packet(b"")

    # Going away

    def close(self):
        """FIN."""
        self.sock.close()

    def reset_tcp(self):
        """RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def wait_closed(self):
        """Reads until the peer closes; returns the way it did."""
        try:
            while True:
                if not self.sock.recv(1 << 16):
                    return "eof"
        except ConnectionResetError:
            return "reset"
