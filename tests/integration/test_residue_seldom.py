"""What a moved session's statement finds in the seldom cases: given, said by the server after all, or refused; by the counters."""
import os

import pytest

from harness import ERR, SERVERS, RawClient, wait_until
from harness.builds import roots
from harness.caps import BASE, MULTI_STATEMENTS
from test_priming import MANY


@pytest.fixture(scope="module", params=SERVERS)
def shared(request):
    if request.param != "mariadb-10.11" and not os.path.isdir(os.path.join(roots(), request.param)):
        pytest.skip(f"{request.param} is not here; tests/install-servers makes it")
    with SERVERS[request.param]() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.fresh_schemas()
    shared.sql("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    shared.sql("INSERT INTO app.t (v) VALUES (1), (2), (3)")
    return shared


@pytest.fixture
def session(sluse, server):
    proxy = sluse(server, pool=dict(size=3, debug_migrate="always"), sluse=dict(workers=1))
    wait_until(lambda: proxy.stats()["target"]["stored_code"]["right"], what="stored code is read")
    with RawClient(proxy.port, schema="app", plugin=server.plugin, caps=BASE | MULTI_STATEMENTS) as client:
        client.proxy = proxy
        yield client


def counted(session):
    return tuple(session.proxy.counter("residues_" + name) for name in ("refused", "retold", "primed"))


def test_an_empty_list_where_the_page_in_has_warned(server, session):
    if server.name != "mariadb-10.11":
        pytest.skip("what warns each time it is set is not here, or not told")
    session.ok("SET optimizer_switch = 'engine_condition_pushdown=on'")
    session.rows("SELECT id FROM t")
    assert session.query("SHOW WARNINGS")[0].rows == ()
    assert counted(session) == (0, 0, 1)
    session.ok("UPDATE t SET v = v + 1")
    statement = session.prepare("SELECT ROW_COUNT(), @@warning_count")[0].statement
    assert len(session.execute(statement)[0].rows) == 1
    assert counted(session) == (0, 0, 2)


def test_an_empty_list_behind_the_question_for_found_rows(server, session):
    """On MySQL that question warns (1287); the session keeps its page because it has found sql_auto_is_null on."""
    session.ok("SET sql_auto_is_null = (SELECT 1)")
    assert session.query("SHOW WARNINGS")[0].rows == ()
    assert counted(session)[0] == 0


def test_what_is_no_statement_is_said_by_the_server(server, session):
    with RawClient(server.port, schema="app", plugin=server.plugin) as direct:
        for text in ("SHOW WARNINGS LIMITx 1", "SHOW ERRORS 1"):
            session.ok("DROP TABLE IF EXISTS nosuch")
            assert session.query(text) == direct.query(text)
            assert session.rows("SHOW WARNINGS") == direct.rows("SHOW WARNINGS")
    assert counted(session) == (0, 2, 0)


def test_what_is_one_and_can_not_be_answered(server, session):
    """The list has a note, and a statement behind it: no value can be put there, and the server can't be given it."""
    session.ok("DROP TABLE IF EXISTS nosuch")
    reply = session.query("SHOW WARNINGS; SELECT 1")[0]
    assert isinstance(reply, ERR) and reply.code == 1235
    assert counted(session)[:2] == (1, 0)
    assert session.rows("SHOW WARNINGS")[0][:2] == ("Note", "1051")


def test_what_may_be_two_statements(server, session):
    """On MySQL nobody knows, for a moment, whether a backslash escapes. Two can't be prepared, and are not asked about: 1064 would be wrong."""
    session.rows("SELECT SQL_CALC_FOUND_ROWS 1" + MANY)
    session.ok("BEGIN")
    session.ok("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
    replies = session.query(r'SELECT FOUND_ROWS() AS "a\"; SELECT 2 -- "')
    if server.family == "mysql":
        assert replies[0].code == 1235 and counted(session)[:2] == (1, 0)
    else:
        assert [r.rows for r in replies] == [((b"1000000",),), ((b"2",),)]


def test_what_only_the_first_of_several_reads(server, session):
    with RawClient(server.port, schema="app", plugin=server.plugin, caps=BASE | MULTI_STATEMENTS) as direct:
        for text in ("SELECT @@warning_count; SELECT 7", "INSERT INTO t (v) VALUES (4); SHOW WARNINGS"):
            for each in (direct, session):
                each.ok("DROP TABLE IF EXISTS nosuch")
            assert [getattr(r, "rows", None) for r in session.query(text)] == [getattr(r, "rows", None) for r in direct.query(text)]
    assert counted(session)[:2] == (0, 0)
    assert session.proxy.counter("residues_written") == 1


def test_found_rows_behind_several_of_which_one_failed(server, session):
    session.rows("SELECT id FROM t WHERE id < 3")
    replies = session.query("INSERT INTO t (v) VALUES (4); INSERT INTO t (id) VALUES (1)")
    assert isinstance(replies[-1], ERR) and replies[-1].code == 1062
    assert session.value("SELECT FOUND_ROWS()") == "2"
    assert counted(session)[0] == 0
