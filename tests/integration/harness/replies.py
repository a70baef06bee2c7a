"""Replies of a server as comparable values."""
from dataclasses import dataclass, field

from . import caps as C
from .wire import Reader, Malformed, lenstr

STATUS_NAMES = {v: k for k, v in vars(C).items() if k in (
    "IN_TRANS AUTOCOMMIT MORE_RESULTS NO_GOOD_INDEX NO_INDEX CURSOR_EXISTS LAST_ROW_SENT DB_DROPPED NO_BACKSLASH "
    "METADATA_CHANGED QUERY_SLOW PS_OUT_PARAMS IN_TRANS_READONLY STATE_CHANGED").split()}


def short(b, n=200):
    b = bytes(b)
    return repr(b) if len(b) <= n else f"{b[:n // 2]!r}...{b[-16:]!r} ({len(b)} bytes)"


def flags(status):
    return "|".join(name for bit, name in sorted(STATUS_NAMES.items()) if status & bit) or "0"


@dataclass(frozen=True)
class OK:
    seq: int
    header: int
    affected: int
    insert_id: int
    status: int
    warnings: int
    info: bytes = b""
    session: tuple = ()

    def __repr__(self):
        return (f"OK(#{self.seq} {self.header:02x} affected={self.affected} insert_id={self.insert_id} "
                f"{flags(self.status)} warnings={self.warnings} info={self.info!r} session={self.session!r})")


@dataclass(frozen=True)
class EOF:
    seq: int
    warnings: int
    status: int

    def __repr__(self):
        return f"EOF(#{self.seq} {flags(self.status)} warnings={self.warnings})"


@dataclass(frozen=True)
class ERR:
    seq: int
    code: int
    sqlstate: str     # None where the packet has no '#'
    text: str

    def __repr__(self):
        return f"ERR(#{self.seq} {self.code} {self.sqlstate} {self.text!r})"


@dataclass(frozen=True)
class ResultSet:
    seq: int
    head: bytes               # the packet with the number of columns
    columns: tuple            # raw
    mid: object               # EOF behind the columns, or None
    rows: tuple               # text protocol: tuples of bytes and None; binary: raw
    end: object               # EOF, OK or ERR; None when a cursor is open and no second EOF came
    binary: bool = field(default=False)

    @property
    def status(self):
        return (self.end or self.mid).status

    @property
    def warnings(self):
        return (self.end or self.mid).warnings

    @property
    def names(self):
        return tuple(column_name(c) for c in self.columns)

    def __repr__(self):
        rows = ", ".join(short(r) if self.binary else "(" + ", ".join(
            "NULL" if v is None else short(v) for v in r) + ")" for r in self.rows[:6])
        more = f", ... {len(self.rows)} rows" if len(self.rows) > 6 else ""
        return (f"ResultSet(#{self.seq} {short(self.head)} columns={[c.hex() for c in self.columns][:8]} "
                f"mid={self.mid!r} rows=[{rows}{more}] end={self.end!r})")


@dataclass(frozen=True)
class LocalInfile:
    seq: int
    name: bytes


@dataclass(frozen=True)
class PrepareOK:
    seq: int
    statement: int
    columns: tuple
    params: tuple
    warnings: int
    eofs: tuple
    tail: bytes = b""


@dataclass(frozen=True)
class Text:
    """A reply that is a bare string: COM_STATISTICS."""
    seq: int
    text: bytes


@dataclass(frozen=True)
class Closed:
    """The peer closed instead of answering: "eof" or "reset"."""
    how: str


def column_name(raw):
    r = Reader(raw)
    for _ in range(4):
        r.lenstr()
    return r.lenstr()


def column_facts(raw):
    """Schema, table, name, collation, length, type, flags, decimals of a column definition."""
    r = Reader(raw)
    _, schema, table, _, name, _ = (r.lenstr() for _ in range(6))
    r.lenenc()
    return dict(schema=schema, table=table, name=name, collation=r.int(2), length=r.int(4), type=r.int(1),
                flags=r.int(2), decimals=r.int(1))


def decode_session(data):
    """Tracker data: pairs of type and value; a system variable is (0, name, value)."""
    r, out = Reader(data), []
    while r.left():
        kind = r.int(1)
        block = Reader(r.lenstr())
        if kind == C.TRACK_SYSVAR:
            while block.left():
                out.append((kind, block.lenstr(), block.lenstr()))
        elif kind in (C.TRACK_GTID, C.TRACK_STATE):
            out.append((kind, block.rest()))
        else:
            out.append((kind, block.lenstr()))
            if block.left():
                raise Malformed(f"tracker {kind} has bytes left")
    return tuple(out)


def decode_ok(seq, payload, client_caps):
    r = Reader(payload)
    header, affected, insert_id, status, warnings = r.int(1), r.lenenc(), r.lenenc(), r.int(2), r.int(2)
    info, session = b"", ()
    if client_caps & C.SESSION_TRACK:
        if r.left():
            info = r.lenstr()
        if status & C.STATE_CHANGED and r.left():
            session = decode_session(r.lenstr())
        if r.left():
            raise Malformed(f"OK has bytes left: {payload!r}")
    else:
        info = r.rest()
    return OK(seq, header, affected, insert_id, status, warnings, info, session)


SIZES = {1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 4: 4, 8: 8, 5: 8, 6: 0}   # of values, by the type of the column
TEMPORAL = (7, 10, 11, 12)


def is_binary_row(columns, payload):
    """Is it a row of these columns? Where MySQL has a cursor's statement executed without one, an OK may stand in its place."""
    r = Reader(payload)
    try:
        r.int(1)
        nulls = r.int((len(columns) + 9) // 8) >> 2
        for i, column in enumerate(columns):
            if nulls >> i & 1:
                continue
            d = Reader(column)
            for _ in range(6):
                d.lenstr()
            d.take(7)
            kind = d.int(1)
            if kind in TEMPORAL:
                r.take(r.int(1))
            elif kind in SIZES:
                r.take(SIZES[kind])
            else:
                r.lenstr()
    except Malformed:
        return False
    return not r.left()


def decode_eof(seq, payload):
    r = Reader(payload)
    r.int(1)
    reply = EOF(seq, r.int(2), r.int(2))
    if r.left():
        raise Malformed(f"EOF has bytes left: {payload!r}")
    return reply


def decode_err(seq, payload):
    r = Reader(payload)
    r.int(1)
    code, rest = r.int(2), r.rest()
    if rest[:1] == b"#":
        return ERR(seq, code, rest[1:6].decode("latin1"), rest[6:].decode("utf8", "replace"))
    return ERR(seq, code, None, rest.decode("utf8", "replace"))


def decode_text_row(payload):
    r, out = Reader(payload), []
    while r.left():
        out.append(r.lenstr())
    if b"".join(b"\xfb" if v is None else lenstr(v) for v in out) != bytes(payload):
        raise Malformed("a length of a row is not in its shortest form")
    return tuple(out)
