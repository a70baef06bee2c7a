"""protocol/variable.def against the servers: it names what they have, and what travels is the same on another connection."""
import re

import pytest

from harness import ERR, RawClient
from harness.variables import NOISE, TAGS, Table, is_number, literal, settings, spoken, text_of

TABLE = Table()
OPTIONS = {"mariadb": ["--query-cache-type=ON", "--query-cache-size=1M"], "mysql": ["--performance-schema=on"]}

# What may be set: from the server's own lists, and here where those are silent.
VALUES = {
    "binlog_row_value_options": ["PARTIAL_JSON", "''"], "character_set_client": ["latin1", "gbk"],
    "character_set_collations": ["'utf8mb4=uca1400_nopad_as_cs'", "'latin1=latin1_german1_ci,utf8mb4=utf8mb4_bin'", "''"],
    "character_set_connection": ["latin1", "utf16"], "character_set_filesystem": ["latin1", "utf16"],
    "character_set_results": ["latin1", "NULL", "utf16"], "character_set_server": ["utf16", "latin1"],
    "collation_connection": ["utf16_bin", "latin1_german1_ci"], "collation_server": ["utf16_bin", "latin1_german1_ci"],
    "default_collation_for_utf8mb4": ["utf8mb4_general_ci"], "default_master_connection": ["'abc'", "'it''s \\\\ ø'"],
    "default_storage_engine": ["MyISAM", "'MEMORY'"], "default_tmp_storage_engine": ["MyISAM", "'MEMORY'"],
    "enforce_storage_engine": ["InnoDB", "NULL"], "lc_messages": ["'de_DE'", "'nb_NO'"], "lc_time_names": ["'de_DE'", "'nb_NO'"],
    "myisam_stats_method": ["nulls_equal", "nulls_ignored"], "storage_engine": ["MyISAM"], "time_zone": ["'+03:00'", "'-11:30'"],
    **{name: ["600", "1000"] for name in (
        "wait_timeout", "interactive_timeout", "idle_transaction_timeout", "idle_readonly_transaction_timeout", "idle_write_transaction_timeout",
        "net_read_timeout", "net_write_timeout")},
    "session_track_system_variables": ["''", "'time_zone,autocommit'", "'*'"],
    "sql_mode": ["''", "'ANSI'", "'ORACLE'", "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'", "'TRADITIONAL'", "'PAD_CHAR_TO_FULL_LENGTH'"],
}

# Settings under which the values are asked for, and over which they are set: nothing of that may depend on them.
HOSTILE = [
    "SET sql_select_limit = 0", "SET character_set_results = utf16", "SET character_set_results = ucs2", "SET character_set_results = NULL",
    "SET collation_connection = utf16_bin", "SET character_set_connection = utf32", "SET NAMES gbk", "SET NAMES sjis", "SET NAMES latin1",
    "SET NAMES swe7", "SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'", "SET sql_big_selects = 0", "SET autocommit = 0", "SET sql_safe_updates = 1",
    "SET max_error_count = 0", "SET sql_buffer_result = 1", "SET tmp_table_size = 1024, max_heap_table_size = 16384",
    "SET query_alloc_block_size = 1024", "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", "SET lc_messages = 'de_DE'",
]
HOSTILE_OF = {
    "m10": HOSTILE + ["SET sql_mode = 'ORACLE'", "SET max_statement_time = 0.000001"],
    "m11": HOSTILE + ["SET sql_mode = 'ORACLE'", "SET max_statement_time = 0.000001", "SET max_tmp_session_space_usage = 65536"],
    "my9": HOSTILE + ["SET parser_max_mem_size = 10000000", "SET sql_require_primary_key = 1"],
}

# What leaves a warning on MariaDB when it is set again, as it did when the client set it.
WARN = ["optimizer_switch = 'engine_condition_pushdown=on'"]


@pytest.fixture(scope="module", params=TAGS)
def tag(request):
    return request.param


@pytest.fixture(scope="module")
def server(tag, installed):
    with installed(TAGS[tag])(options=OPTIONS["mysql" if tag == "my9" else "mariadb"]) as server:
        yield server


@pytest.fixture
def connect(server):
    made = []

    def make(*statements, **arguments):
        made.append(RawClient(path=server.socket, user="root", password="", plugin=server.plugin, **arguments))
        for statement in statements:
            made[-1].ok(statement)
        return made[-1]
    yield make
    for client in made:
        client.close()


def described(server):
    """name -> (is it only global, can it be set, type, lowest, highest, names of values)."""
    if server.family == "mysql":
        rows = server.sql("SELECT LOWER(VARIABLE_NAME), VARIABLE_SCOPE = 'GLOBAL', TRUE, UPPER(DATA_TYPE), MIN_VALUE, MAX_VALUE, NULL"
                          " FROM performance_schema.variables_metadata")
    else:
        rows = server.sql("SELECT LOWER(VARIABLE_NAME), VARIABLE_SCOPE = 'GLOBAL', READ_ONLY = 'NO', VARIABLE_TYPE, NUMERIC_MIN_VALUE,"
                          " NUMERIC_MAX_VALUE, ENUM_VALUE_LIST FROM information_schema.SYSTEM_VARIABLES")
    return {row[0]: row[1:] for row in rows}


def candidates(name, about, now):
    """Values to try; those that the server refuses are left out later."""
    _, _, kind, lowest, highest, names = about
    if name in VALUES:
        return VALUES[name]
    if now and b"=on" in now:   # switches
        return [f"'{part.split('=')[0]}={state}'" for part in now.decode().split(",") for state in ("on", "off")]
    if kind == "BOOLEAN":
        return ["ON", "OFF"]
    if kind in ("ENUM", "SET") and names:
        names = names.split(",")
        return [f"'{n}'" for n in names] + (["''", f"'{','.join(names)}'"] if kind == "SET" else [])
    if kind in ("ENUMERATION", "SET"):   # MySQL does not tell their names
        return [str(n) for n in range(10)]
    if kind in ("DOUBLE", "NUMERIC"):
        return ["12.3456789", "0.5", "0"]
    now, low, high = int(now) if now and now.isdigit() else 0, int(lowest), int(highest)
    return [str(low), str(low + (high - low) // 2), str(min(high, max(low, now) + 4096)), str(high)]


def kinds_of(tag):
    return {n: TABLE.rows[TABLE.row(n)][1] for n in sorted(TABLE.names(tag))}


def restore(client, tag, values):
    """Sets values that were read elsewhere, in one statement; those that are read-only are left out."""
    kinds = kinds_of(tag)
    return client.ok("SET " + ",".join(f"{n}={literal(kinds[n], v)}" for n, v in values.items()))


def differences(before, after):
    return {n: (before[n], after[n]) for n in before if before[n] != after[n] and n not in NOISE}


# The table


def test_the_table_has_what_the_server_has(server, tag, connect):
    client, about = connect(), described(server)
    there = {n for n, row in about.items() if not row[0]}
    assert len(there) > 150
    assert there - TABLE.names(tag) == set(), "not in variable.def"
    assert TABLE.names(tag) - there == set(), "not on the server"
    assert [n for n in TABLE.moving(tag) if (TABLE.rows[TABLE.row(n)][1] == "NUMBER") != is_number(client, n)] == []


def test_the_table_has_the_servers_globals(server, tag):
    there = {n for n, row in described(server).items() if row[0]}
    assert there - set(TABLE.globals) - set(TABLE.rows) - set(TABLE.views) == set(), "not in variable_global.def"
    assert {n for n, servers in TABLE.globals.items() if tag in servers} - there == set(), "not on the server"


def test_what_can_not_be_set_pins(server, tag):
    assert [n for n, row in described(server).items() if not row[0] and not row[1] and TABLE.policy(n) != "PINS"] == []


# What travels


def trip(connect, tag, name, value):
    """Sets a variable to a value, then to its default, and takes it to another connection each time. Returns whether the value was another than
    before (None: it is refused) and what went wrong."""
    names, row = sorted(TABLE.names(tag)), spoken(TABLE.row(name), tag)
    here, there = connect(), connect()
    fresh, wrong = settings(here, names), []
    if isinstance(here.query(f"SET SESSION {name} = {value}")[-1], ERR):
        return None, []
    set_to = settings(here, names)
    others = {spoken(TABLE.row(n), tag) for n in differences(fresh, set_to) if TABLE.policy(n) != "PINS"} - {row}
    if others:
        wrong.append(f"{name} = {value} changes {others}")
    for step in (value, "DEFAULT"):
        here.ok(f"SET SESSION {name} = {step}")
        here_now = settings(here, names)
        done = restore(there, tag, {row: here_now[row]})
        if done.warnings and tag != "my9" and f"{name} = {step}" not in WARN:
            wrong.append(f"{name} = {step} warns: {there.rows('SHOW WARNINGS')}")
        differ = differences(here_now, settings(there, names))
        if differ:
            wrong.append(f"{name} = {step}: {differ}")
    here.close()
    there.close()
    return set_to[name] != fresh[name], wrong


def test_what_travels_is_equal_elsewhere(server, tag, connect):
    about, wrong = described(server), []
    now = settings(connect(), sorted(TABLE.names(tag)))
    names = sorted(n for n in TABLE.names(tag) if TABLE.travels(n))
    assert len(names) > 100
    for name in names:
        changed = []
        for value in candidates(name, about[name], now[name]):
            another, bad = trip(connect, tag, name, value)
            changed.append(another)
            wrong += bad
        if True not in changed:
            wrong.append(f"{name}: no value was tried but {now[name]}")
    assert wrong == [], "\n".join(wrong)


def other_values(connect, server, tag):
    """A session in which everything that travels has another value, as far as all of it goes together."""
    about, names, client = described(server), TABLE.moving(tag), connect()
    fresh = settings(client, names)
    for name in sorted(names, key=lambda n: TABLE.policy(n) in ("CHARSET", "MODE")):   # these change what a literal is
        for value in candidates(name, about[name], fresh[name]):
            if not isinstance(client.query(f"SET SESSION {name} = {value}")[-1], ERR) and settings(client, [name])[name] != fresh[name]:
                break
        else:
            raise AssertionError(name)
    return client


def test_all_of_it_in_one_question_and_one_answer(server, tag, connect):
    names = TABLE.moving(tag)
    here, there = other_values(connect, server, tag), connect()
    fresh, values = settings(there, names), settings(here, names)
    assert set(differences(fresh, values)) == set(names)
    restore(there, tag, values)
    assert settings(there, names) == values
    restore(there, tag, fresh)      # and back, as a page that has the same variables is loaded
    assert settings(there, names) == fresh


def test_asking_and_setting_do_not_depend_on_the_session(server, tag, connect):
    """Both under a setting that others would stumble over, and in a session that got it from elsewhere."""
    names, full = TABLE.moving(tag), settings(other_values(connect, server, tag), TABLE.moving(tag))
    for hostile in HOSTILE_OF[tag]:
        here, there, fresh = connect(hostile), connect(hostile), connect()
        values, usual = settings(here, names), settings(fresh, names)
        assert 0 < len(differences(usual, values)) <= 4, hostile
        restore(fresh, tag, values)
        assert settings(fresh, names) == values, hostile
        restore(there, tag, full)
        assert settings(there, names) == full, hostile
        for client in (here, there, fresh):
            client.close()


def sure(tag):
    """What is written ahead of a statement there."""
    here = ("BOTH", "MYSQL" if tag == "my9" else "MARIADB")
    rows = re.findall(r"SURE\((\w+), (\w+)\)", text_of("variable_sure.def"))
    fixed = dict(re.findall(r"FIXED\((\w+), (\w+)\)", text_of("variable_fixed.def")))
    assert len(rows) == len(dict(rows)) > 30
    names = [name for name, where in rows if where in here]
    assert [name for name in names if fixed.get(name) in here] == []
    return [spoken(name, tag) for name in names]


def test_what_is_sure_can_not_be_refused(server, tag, connect):
    """Without a privilege, whatever the value is that it has had, and whatever there is at the moment of the other sure ones."""
    names, about, tried = sure(tag), described(server), 0
    assert set(names) <= set(TABLE.moving(tag))
    fresh = settings(connect(), names)
    RawClient(server.port, user="app", password="app", plugin=server.plugin).close()   # MySQL remembers the password from now on
    for name in names:
        here = connect()
        there = RawClient(path=server.socket, user="app", password="app", plugin=server.plugin)
        for value in candidates(name, about[name], fresh[name]):
            if isinstance(here.query(f"SET SESSION {name} = {value}")[-1], ERR):
                continue
            restore(there, tag, settings(here, names))
            assert differences(settings(here, names), settings(there, names)) == {}, (name, value)
            tried += 1
        there.close()
    assert tried > 2 * len(names)


# Why some do not travel, or not alone


def test_without_session_the_isolation_is_for_one_transaction(tag, connect):
    """SET @@x is not SET x: the session's value stays, so asking for it would not show what the next transaction has."""
    name = spoken("tx_read_only", tag)
    client = connect(f"SET @@{name} = 1")
    assert client.value(f"SELECT @@session.{name}") == "0"
    client = connect("CREATE TABLE IF NOT EXISTS app.one_shot (id INT)", f"SET @@{name} = 1")
    assert client.query("INSERT INTO app.one_shot VALUES (1)")[-1].code == 1792
    for statement in ("BEGIN", "COMMIT", "INSERT INTO app.one_shot VALUES (1)"):
        client.ok(statement)
    client = connect(f"SET {name} = 1")
    assert client.value(f"SELECT @@session.{name}") == "1"


def test_sql_auto_is_null_can_not_be_moved(tag, connect):
    """On MariaDB what `IS NULL` finds is used up once, and last_insert_id does not bring it along. On MySQL it would."""
    here, there = connect("USE app", "SET sql_auto_is_null = 1"), connect("USE app", "SET sql_auto_is_null = 1")
    here.query("DROP TABLE auto")
    here.ok("CREATE TABLE auto (id INT AUTO_INCREMENT PRIMARY KEY)")
    here.ok("INSERT INTO auto VALUES (NULL)")
    there.ok("SET last_insert_id = " + here.value("SELECT LAST_INSERT_ID()"))
    found = [client.rows("SELECT id FROM auto WHERE id IS NULL") for client in (here, here, there)]
    assert found == ([[("1",)]] * 3 if tag == "my9" else [[("1",)], [], []])


def test_a_schema_sets_the_databases_collation(connect, server):
    server.sql("CREATE DATABASE greek CHARACTER SET greek")
    client = connect("SET collation_database = utf16_bin", "USE greek")
    assert client.value("SELECT @@session.collation_database") == "greek_general_ci"
    server.sql("DROP DATABASE greek")


def test_a_limit_of_rows_changes_another_variable(connect):
    client = connect("SET sql_big_selects = 1", "SET max_join_size = 10")
    assert client.value("SELECT @@session.sql_big_selects") == "0"


def test_a_literal_needs_its_own_character_set(connect):
    client = connect("SET collation_connection = utf16_bin")
    assert client.query("SET time_zone = '+03:00'")[-1].code == 1298
    client.ok("SET time_zone = _utf8mb4'+03:00'")
    assert client.rows("SELECT CAST(@@session.time_zone AS BINARY)") == [("+03:00",)]
