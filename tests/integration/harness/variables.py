"""The table protocol/variable.def, what a server says of its variables, and the texts by which a page is read and set."""
import os
import re

from .replies import ERR

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
TAGS = {"m10": "mariadb-10.11", "m11": "mariadb-11.8", "my9": "mysql-9.7"}   # how the table calls them, and the harness
NUMBERS = {1, 2, 3, 4, 5, 8, 9, 246}   # types of columns

# Move by themselves, or differ between any two connections.
NOISE = {"timestamp", "rand_seed1", "rand_seed2", "pseudo_thread_id", "statement_id", "warning_count", "error_count"}


def text_of(path):
    with open(os.path.join(ROOT, "protocol", path)) as f:
        return re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)


class Table:
    """rows: name -> (policy, kind, servers); views: name -> (row, servers); globals: name -> servers."""

    def __init__(self):
        text = text_of("variable.def")
        self.rows = {n: (p, k, s.split()) for n, p, k, s in re.findall(r'^VARIABLE\((\w+), (\w+), (\w+), "([^"]*)"\)', text, re.M)}
        self.views = {n: (r, s.split()) for n, r, s in re.findall(r'^SAME\((\w+), (\w+), "([^"]*)"\)', text, re.M)}
        self.globals = {n: s.split() for n, s in re.findall(r'GLOBAL\((\w+), "([^"]*)"\)', text_of("variable_global.def"))}

    def names(self, tag):
        return {n for n, row in {**self.rows, **self.views}.items() if tag in row[-1]}

    def row(self, name):
        return self.views[name][0] if name in self.views else name

    def policy(self, name):
        return self.rows[self.row(name)][0]

    def travels(self, name):
        return self.policy(name) in ("TRAVELS", "CHARSET", "MODE", "FLAG")

    def moving(self, tag):
        """What is read and set on this server, by its names there, in the order of the table."""
        return [spoken(n, tag) for n in sorted(self.rows) if self.travels(n) and spoken(n, tag) in self.names(tag)]


def spoken(row, tag):
    """variable_name of variable.c."""
    renamed = {"tx_isolation": "transaction_isolation", "tx_read_only": "transaction_read_only"}
    return row if tag == "m10" else renamed.get(row, row)


def settings(client, names):
    """All of them in one SELECT, as backend_save.c asks: bytes, whatever the session's settings are."""
    reply = client.query("SELECT " + ",".join(f"CAST(@@session.{n} AS BINARY)" for n in names) + " LIMIT 1")[-1]
    assert not isinstance(reply, ERR) and not isinstance(reply.end, ERR), (reply, getattr(reply, "end", None))
    return dict(zip(names, reply.rows[0]))


def literal(kind, value):
    """As backend_page_in.c writes it: with a character set of its own, because most text variables can't be set under one like utf16."""
    if value is None:
        return "NULL"
    if kind == "NUMBER":
        return value.decode()
    if re.fullmatch(rb"[ -&(-\[\]-~]*", value):
        return f"_utf8mb4'{value.decode()}'"
    return f"_utf8mb4 X'{value.hex().upper()}'"


def is_number(client, name):
    """Is it a numeric column? None when it can't be read as the session's."""
    reply = client.query(f"SELECT @@session.{name}")[-1]
    return None if isinstance(reply, ERR) else reply.columns[0][-6] in NUMBERS
