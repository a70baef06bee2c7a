"""What may differ between direct and through, each with a name and a reason. Everything else must be equal."""
import re
from dataclasses import is_dataclass, replace

from harness import caps as C
from harness.replies import EOF, ERR, OK, PrepareOK, ResultSet, Text

HOST = re.compile(rb"@('?)(localhost|127\.0\.0\.1)(:\d+)?('?)")
PROOF = re.compile(rb"A?\x01[0-9A-F]{64}")
# What a proxy that relays without waiting for the end of a result can't know when it writes the EOF behind the columns.
MID_FLAGS = C.NO_INDEX | C.NO_GOOD_INDEX | C.QUERY_SLOW | C.STATE_CHANGED
# Trackers that count up by themselves.
COUNTING = (b"last_gtid", b"statement_id")
# Variables that no two connections, or no two moments, have in common.
VOLATILE = {b"gtid_binlog_pos", b"gtid_binlog_state", b"gtid_current_pos", b"gtid_executed", b"pseudo_thread_id", b"rand_seed1", b"rand_seed2", b"timestamp",
            *COUNTING}


def edit_values(reply, change):
    """The same reply with change(bytes) applied to texts and row values."""
    if isinstance(reply, ERR):
        return replace(reply, text=change(reply.text.encode()).decode("utf8", "replace"))
    if isinstance(reply, OK):
        return replace(reply, info=change(reply.info))
    if isinstance(reply, Text):
        return replace(reply, text=change(reply.text))
    if isinstance(reply, ResultSet):
        rows = tuple(change(r) if reply.binary else tuple(v if v is None else change(v) for v in r) for r in reply.rows)
        return replace(reply, rows=rows, end=edit_values(reply.end, change))
    return reply


def mask_id(reply, run):
    """Connection ids are handles. In rows only a value that is an id as a whole."""
    names = {str(number).encode(): b"<id %s>" % name.encode() for name, number in run.ids.items()}

    def in_text(value):
        return re.sub(rb"\d+", lambda m: names.get(m[0], m[0]), value)

    def in_row(value):
        if isinstance(reply, ResultSet) and reply.binary:
            for name, number in run.ids.items():
                for size in (8, 4):
                    value = value.replace(number.to_bytes(size, "little"), b"<id %s>" % name.encode())
            return value
        return names.get(value, value)
    if isinstance(reply, ResultSet):
        return replace(edit_values(reply, in_row), end=edit_values(reply.end, in_text))
    return edit_values(reply, in_text)


def mask_connection(reply, run):
    """CONNECTION_ID() is the server's business, but in one session it must stay what it was; in utf16 and the like, too."""
    def known(value):
        number = value and value.replace(b"\0", b"")
        if not number or not number.isdigit() or number in (b"0", b"1"):
            return value
        same = run.connections.setdefault(run.session, number) == number
        return b"<connection>" if same else b"<another connection>"
    if isinstance(reply, ResultSet) and not reply.binary:
        return replace(reply, rows=tuple(tuple(map(known, row)) for row in reply.rows))
    return reply


def mask_statement(reply, run):
    """Ids of prepared statements are handles; a reused backend counts on."""
    if isinstance(reply, PrepareOK):
        return replace(reply, statement=0)
    def change(value):
        if isinstance(reply, ResultSet) and reply.binary:   # the text's length is in front of it
            value = re.sub(rb"(?s).(?=(The statement|Unknown prepared statement|Die Anweisung) )", b"<length>", value)
        value = re.sub(rb"(handler|statement) \((\d+)\)", rb"\1 (<statement>)", value)
        return re.sub(rb"(Die Anweisung) \((\d+)\)", rb"\1 (<statement>)", value)
    return edit_values(reply, change)


def mask_host(reply, run):
    """The server sees the node, and sluse may name the peer by address."""
    return edit_values(reply, lambda v: HOST.sub(rb"@\1<host>\4", v))


def mask_rows(reply, run):
    """Values that are never the same twice; their number must be."""
    if isinstance(reply, ResultSet):
        return replace(reply, rows=tuple(b"row %d" % i for i in range(len(reply.rows))), binary=True)
    return reply


def mask_order(reply, run):
    """Rows without ORDER BY."""
    return replace(reply, rows=tuple(sorted(reply.rows, key=repr))) if isinstance(reply, ResultSet) else reply


def mask_digits(reply, run):
    """Counters of the server, as in COM_STATISTICS."""
    return edit_values(reply, lambda v: re.sub(rb"[\d.]+", b"N", v))


def mask_gtid(reply, run):
    """last_gtid and the tracker of GTIDs count up with every write, MySQL's statement_id with every statement."""
    def one(tracker):
        if tracker[0] == C.TRACK_GTID:
            return tracker[0], b"<counter>"
        return (*tracker[:2], b"<counter>") if tracker[0] == C.TRACK_SYSVAR and tracker[1] in COUNTING else tracker

    def clean(ok):
        return replace(ok, session=tuple(map(one, ok.session))) if isinstance(ok, OK) else ok
    return replace(reply, end=clean(reply.end)) if isinstance(reply, ResultSet) else clean(reply)


def mask_volatile(reply, run):
    """In a SHOW VARIABLES of all there are. And the time that is told behind SET timestamp = 0."""
    def one(tracker):
        return (*tracker[:2], b"<now>") if tracker[:2] == (C.TRACK_SYSVAR, b"timestamp") and b"." in tracker[2] else tracker

    if isinstance(reply, OK):
        return replace(reply, session=tuple(map(one, reply.session)))
    if isinstance(reply, ResultSet) and not reply.binary and len(reply.rows) > 300 and len(reply.columns) == 2:
        return replace(reply, rows=tuple((name, b"<volatile>") if name in VOLATILE else (name, value) for name, value in reply.rows))
    return reply


def mask_mid_eof(reply, run):
    """The EOF behind the columns, in NO_INDEX, QUERY_SLOW and warnings, which are known only at the end; MySQL's never has STATE_CHANGED."""
    flags = MID_FLAGS if run.server.name.startswith("mariadb") else MID_FLAGS & ~C.STATE_CHANGED
    if isinstance(reply, ResultSet) and isinstance(reply.mid, EOF) and not reply.mid.status & C.CURSOR_EXISTS:
        return replace(reply, mid=replace(reply.mid, status=reply.mid.status & ~flags, warnings=0))
    return reply


def without_proof(reply):
    """MariaDB 11.4 and later say with a login's OK that their certificate is theirs: a hash of it, the password and the nonce. Without
    TLS nobody reads it, and sluse, which has no certificate, has nothing to say."""
    if isinstance(reply, OK) and PROOF.fullmatch(reply.info):
        return replace(reply, info=b"")
    return reply


def mask_plan(reply, run):
    """Whether an index serves a look into MySQL's dictionary follows the dictionary's statistics."""
    if isinstance(reply, ResultSet) and reply.end is not None and not isinstance(reply.end, ERR):
        return replace(reply, end=replace(reply.end, status=reply.end.status & ~(C.NO_INDEX | C.NO_GOOD_INDEX)))
    return reply


def mask_login_variables(reply, run):
    """MariaDB 11.8 tells a login's variables (autocommit, character sets, time_zone, redirect_url) to who tracks; sluse only the schema."""
    if isinstance(reply, OK) and run.logging_in:
        return replace(reply, session=tuple(t for t in reply.session if t[0] != 0), status=reply.status & ~C.STATE_CHANGED)
    return reply


RULES = {"id": mask_id, "connection": mask_connection, "statement-id": mask_statement, "host": mask_host, "rows": mask_rows, "order": mask_order,
         "digits": mask_digits, "gtid": mask_gtid, "volatile": mask_volatile, "mid-eof": mask_mid_eof, "plan": mask_plan, "login-variables": mask_login_variables}

# Applied to every script when the run goes through sluse: the differences that it is allowed everywhere. It only shrinks.
KNOWN = ("mid-eof",)
KNOWN_ON = {"mariadb-11.8": ("login-variables",)}


def sort_trackers(reply):
    """MariaDB lists the changed variables in the order of a hash table."""
    if isinstance(reply, OK):
        return replace(reply, session=tuple(sorted(reply.session)))
    if isinstance(reply, ResultSet):
        return replace(reply, end=sort_trackers(reply.end))
    return reply


def verdict(replies):
    """The [verdict] of a login: its last packet. Of a wrong password caching_sha2_password lets the server ask for the whole password; sluse
    has it and knows. And when the client's plugin is not the account's, sluse may choose another than the server."""
    return [replace(r, seq=0) for r in replies if isinstance(r, (OK, ERR))]


def masked(reply, names, run):
    if not is_dataclass(reply):
        return reply
    reply = sort_trackers(reply)
    for name in names:
        reply = RULES[name](reply, run)
    return reply
