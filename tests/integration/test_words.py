"""protocol/word.def and protocol/function.def against the servers: nothing that a server reserves or builds in is missing, and nothing is there that it has not."""
import os
import re

import pytest

from harness import ERR, RawClient
from harness.proxy import ROOT

COLUMN = {"mariadb": 0, "mysql": 1}
# `FROM DUAL` is read by the parser itself.
READ_OTHERWISE = {"dual"}
# Not built in here: a name that nobody has, a routine that nobody may call, no schema; or for the server's own views alone.
NO_FUNCTION = {1046, 1128, 1305, 1370, 1630, 3566}
ARGUMENTS = ("", "1", "1,2", "1,2,3", "1,2,3,4", "*")


def rows(name, pattern):
    with open(os.path.join(ROOT, "protocol", name)) as f:
        return {row[0]: row[1:] for row in re.findall(pattern, f.read())}


WORDS = rows("word.def", r"WORD\((\w+), \w+, (\w+), (\w+)\)")
FUNCTIONS = rows("function.def", r"FUNCTION\((\w+), \w+, (\w+), (\w+), (\w+)\)")


@pytest.fixture(scope="module")
def server(each_kind):
    with each_kind() as server:
        yield server


@pytest.fixture
def client(server):
    with RawClient(path=server.socket, user="root", password="", plugin=server.plugin, schema="mysql") as client:
        yield client


def none(found, what):
    assert not found, f"{what}: {', '.join(sorted(found))}"


def code(client, statement):
    reply = client.query(statement)[-1]
    return reply.code if isinstance(reply, ERR) else 0


def names(client, statement):
    found = {row[0].decode().lower() for row in client.query(statement)[-1].rows}
    return {name for name in found if re.fullmatch(r"\w+", name)}


def keywords(client):
    return names(client, "SELECT word FROM information_schema.keywords")


def test_words(server, client):
    words = keywords(client)
    assert len(words) > 600
    reserved = {word for word in words if code(client, f"SELECT 1 FROM {word}") == 1064}
    none(reserved - WORDS.keys(), "reserved here, and not in word.def")
    classes = {word: row[COLUMN[server.family]] for word, row in WORDS.items()}
    claimed = {word for word, kind in classes.items() if kind == "RESERVED"}
    none(claimed - reserved - READ_OTHERWISE, "word.def says RESERVED: a table of that name would not be seen")
    if server.family == "mysql":   # on MariaDB routines are looked up all the same
        opens = {word for word, kind in classes.items() if kind == "OPENS"}
        none(opens - words, "word.def says OPENS, and here it is no keyword: a routine of that name would not be seen")


def is_built_in(client, name):
    """True, False, or None: only in a syntax of its own."""
    codes = {code(client, f"SELECT 1 FROM DUAL WHERE 0 AND {name}({arguments})") for arguments in ARGUMENTS}
    return None if codes == {1064} else not codes <= NO_FUNCTION | {1064}


def is_claimed(server, name, number):
    mariadb, mysql, effect = FUNCTIONS[name]
    since = (mariadb, mysql)[COLUMN[server.family]]
    if effect == "GONE" and server.family == "mysql":
        return None
    return since == "ALWAYS" or (since != "NEVER" and int(since) <= number)


def test_functions(server, client):
    parts = re.match(rb"(\d+)\.(\d+)\.(\d+)", client.query("SELECT VERSION()")[-1].rows[0][0]).groups()
    number = int(parts[0]) * 10000 + int(parts[1]) * 100 + int(parts[2])
    more = "SELECT function FROM information_schema.sql_functions" if server.family == "mariadb" else "SELECT name FROM mysql.help_topic"
    listed = names(client, more)
    assert len(listed) > 100
    built_in = {name: is_built_in(client, name) for name in listed | keywords(client) | FUNCTIONS.keys()}
    syntax = {word for word, row in WORDS.items() if row[COLUMN[server.family]] != "NAME"}
    here = {name for name, is_here in built_in.items() if is_here}
    none(here - FUNCTIONS.keys() - syntax, "built in here, and not in function.def")
    claims = {name: is_claimed(server, name, number) for name in FUNCTIONS}
    none({n for n, c in claims.items() if c and built_in[n] is False}, "function.def has it, and here it may be somebody's own")
    none({n for n, c in claims.items() if c is False and built_in[n]}, "function.def says that it is not here")
