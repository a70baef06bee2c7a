"""The commands of a session, one method each; every method returns the list of decoded results."""
import struct

from . import auth, caps as C
from .replies import OK
from .wire import le, lenstr

TYPE_NULL, TYPE_LONGLONG, TYPE_DOUBLE, TYPE_STRING, TYPE_BLOB = 6, 8, 5, 254, 252


def encode_param(value):
    """Type, unsigned flag and bytes of a parameter."""
    if value is None:
        return TYPE_NULL, 0, b""
    if isinstance(value, int):
        return TYPE_LONGLONG, 0x80 if value >= 1 << 63 else 0, (value & (1 << 64) - 1).to_bytes(8, "little")
    if isinstance(value, float):
        return TYPE_DOUBLE, 0, struct.pack("<d", value)
    if isinstance(value, bytes):
        return TYPE_BLOB, 0, lenstr(value)
    return TYPE_STRING, 0, lenstr(value.encode())


class Long:
    """In place of a parameter whose value went by COM_STMT_SEND_LONG_DATA."""


class Commands:
    """Mixed into RawClient."""

    def command(self, number, payload=b"", kind="query"):
        self.send_command(number, payload)
        return self.read_reply(kind)

    def query(self, sql):
        return self.command(C.COM_QUERY, sql if isinstance(sql, bytes) else sql.encode())

    def rows(self, sql):
        """The rows of a query that must succeed, as tuples of str and None."""
        reply = self.query(sql)[-1]
        assert hasattr(reply, "rows"), f"{sql}: {reply!r}"
        assert not hasattr(reply.end, "code"), f"{sql}: {reply.end!r}"
        return [tuple(None if v is None else v.decode("utf8", "replace") for v in row) for row in reply.rows]

    def value(self, sql):
        return self.rows(sql)[0][0]

    def ok(self, sql):
        """The OK of a statement that must succeed."""
        reply = self.query(sql)[-1]
        assert isinstance(reply, OK), f"{sql}: {reply!r}"
        return reply

    def ping(self):
        return self.command(C.COM_PING)

    def init_db(self, name):
        return self.command(C.COM_INIT_DB, name.encode())

    def statistics(self):
        return self.command(C.COM_STATISTICS, kind="text")

    def field_list(self, table, wild=""):
        return self.command(C.COM_FIELD_LIST, table.encode() + b"\0" + wild.encode(), kind="fields")

    def set_option(self, n):
        return self.command(C.COM_SET_OPTION, le(n, 2))

    def process_kill(self, n):
        return self.command(C.COM_PROCESS_KILL, le(n, 4))

    def process_info(self):
        return self.command(C.COM_PROCESS_INFO)

    def debug(self):
        return self.command(C.COM_DEBUG)

    def reset(self):
        return self.command(C.COM_RESET_CONNECTION)

    def quit(self):
        """COM_QUIT, then waits until the peer has closed."""
        self.send_command(C.COM_QUIT)
        how = self.wait_closed()
        self.sock.close()
        return how

    def change_user(self, user, password, schema="", collation=45, plugin="mysql_native_password", token=None,
                    tail=True):
        """COM_CHANGE_USER; the token is for the greeting's nonce unless given, as libmariadb does it."""
        self.password = password.encode()
        if token is None:
            token = auth.answer(plugin, self.password, self.greeting["nonce"])
        p = user.encode() + b"\0" + bytes([len(token)]) + token + schema.encode() + b"\0"
        if tail:
            p += le(collation, 2)
            if self.caps & C.PLUGIN_AUTH:
                p += plugin.encode() + b"\0"
            if self.caps & C.CONNECT_ATTRS:
                p += self.encoded_attrs()
        self.login_steps = []
        self.send_command(C.COM_CHANGE_USER, p)
        return [self.finish_auth(self.greeting["nonce"], plugin)]

    # Prepared statements

    def prepare(self, sql):
        return self.command(C.COM_STMT_PREPARE, sql if isinstance(sql, bytes) else sql.encode(), kind="prepare")

    def execute_payload(self, statement, params=(), cursor=0, types=True):
        p = le(statement, 4) + bytes([cursor]) + le(1, 4)
        if params:
            nulls = bytearray((len(params) + 7) // 8)
            kinds, values = b"", b""
            for i, value in enumerate(params):
                if value is None:
                    nulls[i // 8] |= 1 << i % 8
                if isinstance(value, Long):
                    kinds += bytes([TYPE_BLOB, 0])
                    continue
                kind, unsigned, data = encode_param(value)
                kinds += bytes([kind, unsigned])
                values += data
            p += bytes(nulls) + (b"\1" + kinds if types else b"\0") + values
        return p

    def execute(self, statement, params=(), cursor=0, types=True):
        return self.command(C.COM_STMT_EXECUTE, self.execute_payload(statement, params, cursor, types), kind="execute")

    def fetch(self, statement, n):
        return self.command(C.COM_STMT_FETCH, le(statement, 4) + le(n, 4), kind="fetch")

    def long_data(self, statement, param, data):
        return self.command(C.COM_STMT_SEND_LONG_DATA, le(statement, 4) + le(param, 2) + data, kind="none")

    def stmt_reset(self, statement):
        return self.command(C.COM_STMT_RESET, le(statement, 4))

    def stmt_close(self, statement):
        return self.command(C.COM_STMT_CLOSE, le(statement, 4), kind="none")
