"""What a fresh session is may change: SET GLOBAL, GRANT, REVOKE, DROP USER, passwords. Who has begun goes on as before, who begins is as at the server."""
import re
from contextlib import contextmanager

import pytest

from harness import BASE, ERR, IGNORE_SPACE, INTERACTIVE, MULTI_STATEMENTS, OK, Closed, MariaDB, wait_until
from harness.variables import TAGS, Table, is_number, literal, settings, spoken, text_of
from test_variables import candidates, described

TABLE = Table()
FIXED = dict(re.findall(r"FIXED\((\w+), (\w+)\)", text_of("variable_fixed.def")))
# In variable_fixed.def for another reason than that they can't be set.
MORE = {"max_delayed_threads", "default_table_encryption", "character_set_database", "collation_database", "max_join_size", "max_relay_log_size",
        "sql_slave_skip_counter", "old", "old_alter_table",
        "optimizer_trace", "profiling", "profiling_history_size", "optimizer_adjust_secondary_key_costs"}

# name -> another value than the servers' default.
CHANGED = {"sql_mode": "'ANSI_QUOTES,PIPES_AS_CONCAT'", "time_zone": "'+03:00'", "sort_buffer_size": "300000", "sql_select_limit": "3",
           "div_precision_increment": "7", "lc_time_names": "'de_DE'", "group_concat_max_len": "5", "default_week_format": "3",
           "collation_server": "'latin1_german1_ci'", "max_sort_length": "77", "unique_checks": "0", "innodb_lock_wait_timeout": "17"}
CHAOS = dict(debug_migrate="always", size=4)
STEALING = dict(size=2)


def tag_of(server):
    return {name: tag for tag, name in TAGS.items()}[server.name]


@pytest.fixture(scope="module", params=TAGS.values())
def everyone(request, installed):
    with installed(request.param)() as server:
        prepare(server)
        yield server


@pytest.fixture(scope="module")
def own():
    with MariaDB() as server:
        prepare(server)
        yield server


def prepare(server):
    how = "IDENTIFIED VIA mysql_native_password USING PASSWORD('admin')" if server.family == "mariadb" else "IDENTIFIED WITH caching_sha2_password BY 'admin'"
    server.sql(f"CREATE USER admin@'%' {how}")
    server.sql("GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION")
    server.sql("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")


@pytest.fixture
def front(sluse):
    """A factory of proxies that know the stored code: else a session would be pinned by it."""
    def make(server, pool, **sections):
        sections.setdefault("account_admin", {"password": "admin"})
        sections.setdefault("control", dict(user="admin", password="admin"))
        proxy = sluse(server=server, pool=dict(pool), **sections)
        proxy.wait_read()
        return proxy
    return make


def client_of(proxy, user="app", password=None, **arguments):
    arguments.setdefault("schema", "app")
    return proxy.client(user=user, password=user if password is None else password, plugin=proxy.server.plugin, **arguments)


def admin(proxy):
    return client_of(proxy, "admin", schema=None)


def look(client):
    """Values, and what they do."""
    names = ", ".join(f"@@{name}" for name in CHANGED)
    row = client.rows(f"SELECT {names}, @@session.transaction_isolation, 1 / 3, DAYNAME('2024-01-01'), FROM_UNIXTIME(86400), 'a' || 'b'"
                      if client.family == "mysql" else
                      f"SELECT {names}, @@session.tx_isolation, 1 / 3, DAYNAME('2024-01-01'), FROM_UNIXTIME(86400), 'a' || 'b'")
    return row, len(client.rows("SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5")), quoted(client)


def quoted(client):
    """A text, or the name of a column?"""
    reply = client.query('SELECT "nosuch"')[-1]
    return reply.code if isinstance(reply, ERR) else reply.rows


def looker(proxy, **arguments):
    client = client_of(proxy, **arguments)
    client.family = proxy.server.family
    return client


def globals_of(proxy):
    return proxy.stats()["target"]["globals"]


def page_ins(proxy):
    counters = proxy.stats()["counters"]
    return sum(counters[f"page_ins_{way}"] for way in ("difference", "reset", "login"))


@contextmanager
def restored(server, names):
    """The globals are afterwards what they were."""
    number = {name: f"@@global.{name}" for name in names}
    before = dict(zip(number, server.sql("SELECT " + ", ".join(number.values()))[0]))
    try:
        yield
    finally:
        for name, value in before.items():
            server.sql(f"SET GLOBAL {name} = %s", (value,))


def assignments(changed):
    return "SET " + ", ".join(f"GLOBAL {name} = {value}" for name, value in changed.items())


def wait_for_a_reading(proxy):
    """One that has begun since."""
    seen = globals_of(proxy)["readings"]
    wait_until(lambda: globals_of(proxy)["readings"] > seen + 1, what="the globals are read")


@contextmanager
def changed(proxy, how, values=CHANGED):
    """Set by somebody else, and seen by sluse; or by a client of sluse, and then there is nothing to wait for."""
    server = proxy.server
    with restored(server, values):
        if how == "directly":
            wait_for_a_reading(proxy)   # who began before it, did so before the change, and sluse knows
            before = globals_of(proxy)["epoch"]
            server.sql(assignments(values))
            wait_until(lambda: globals_of(proxy)["epoch"] > before and globals_of(proxy)["right"], what="the globals are read anew")
        else:
            with admin(proxy) as client:
                client.ok(assignments(values))
        yield


class Moves:
    """Makes sessions leave their backend: in chaos they do it by themselves, else somebody else needs the only one."""

    def __init__(self, proxy, pool):
        self.other = None if pool is CHAOS else client_of(proxy)

    def __call__(self):
        if self.other:
            assert self.other.value("SELECT 1") == "1"


# --- SET GLOBAL ---

@pytest.mark.parametrize("pool", [CHAOS, STEALING], ids=["chaos", "stealing"])
@pytest.mark.parametrize("how", ["directly", "through"])
def test_set_global(front, everyone, how, pool):
    """Whoever has begun keeps what it began with, wherever it goes; whoever begins now has the new values. Own settings are own settings."""
    proxy = front(everyone, pool)
    old, setter, move = looker(proxy), looker(proxy), Moves(proxy, pool)
    setter.ok("SET time_zone = '+05:00', max_sort_length = 99")
    before, set_before = look(old), look(setter)
    move()
    with changed(proxy, how):
        loads = page_ins(proxy)
        for _ in range(4):
            move()
            assert look(old) == before
            move()
            assert look(setter) == set_before
        with looker(proxy) as new:
            now = look(new)
            direct = everyone.sql("SELECT " + ", ".join(f"@@global.{name}" for name in CHANGED))[0]
            assert now[0][0][:len(CHANGED)] == tuple(str(value) for value in direct)
            assert now[0][0][-4:] == ("0.3333333", "Montag", "1970-01-02 03:00:00", "ab") and now[1:] == (3, 1054)
            for _ in range(2):
                move()
                assert look(new) == now
                assert look(old) == before
        old.ok("SET time_zone = DEFAULT, sort_buffer_size = 400000")
        move()
        assert old.rows("SELECT @@time_zone, @@sort_buffer_size, @@lc_time_names") == [("+03:00", "400000", "en_US")]
        setter.reset()
        move()
        # MySQL's reset goes to the server's own character set, so nothing but values is compared
        assert look(setter)[0] == now[0]
        assert page_ins(proxy) > loads and proxy.counter("sessions_kept_globals") >= 2
    assert proxy.stats()["counters"]["backend_restore_failures"] == 0


def test_each_of_many_epochs(front, everyone):
    """More of them than are kept, a session of each; the first is on no connection all the time."""
    proxy = front(everyone, CHAOS)
    sessions = []
    with restored(everyone, ["div_precision_increment", "default_week_format"]), admin(proxy) as setter:
        for i in range(20):
            setter.ok(f"SET GLOBAL div_precision_increment = {i}, GLOBAL default_week_format = {i % 7}")
            if i % 2:   # else two changes may be seen as one
                wait_until(lambda: globals_of(proxy)["right"], what="the globals are read anew")
            sessions.append(client_of(proxy))
            assert sessions[-1].rows("SELECT @@div_precision_increment, @@default_week_format") == [(str(i), str(i % 7))]
        for _ in range(2):
            for i, client in enumerate(sessions):
                assert client.rows("SELECT @@div_precision_increment, @@default_week_format, 1 / 3") == [
                    (str(i), str(i % 7), "0." + "3" * i if i else "0")], i
        assert globals_of(proxy)["epoch"] > 10
    for client in sessions:
        client.quit()


@contextmanager
def gate(server):
    """Statements that wait for GET_LOCK('gate', 60) wait until it ends."""
    holder = server.connect()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK('gate', 20)")
            assert cursor.fetchall() == ((1,),)
            yield lambda: cursor.execute("DO RELEASE_LOCK('gate')")
    finally:
        holder.close()


@pytest.mark.parametrize("pool", [CHAOS, dict(size=3)], ids=["chaos", "stealing"])
def test_while_it_is_being_set(front, everyone, pool):
    """From before the statement is sent until the globals were read anew nobody knows what a backend gets: sessions that move have all of their own."""
    proxy = front(everyone, {**pool, "wait_timeout": "60s"})
    old, fresh, other, setter = looker(proxy), looker(proxy), client_of(proxy), client_of(proxy, "admin", caps=BASE | MULTI_STATEMENTS)
    before = look(old)
    other.value("SELECT 1")
    with restored(everyone, CHANGED), gate(everyone) as release:
        half = dict(list(CHANGED.items())[::2])
        rest = {name: value for name, value in CHANGED.items() if name not in half}
        setter.send_command(3, f"{assignments(half)}; DO GET_LOCK('gate', 60); {assignments(rest)}".encode())
        wait_until(lambda: everyone.running("GET_LOCK"), what="half of it is done")
        for _ in range(4):
            other.value("SELECT 1")
            assert look(old) == before
        assert not globals_of(proxy)["right"]
        born = look(fresh)   # at the server it would have the first half
        for _ in range(3):
            other.value("SELECT 1")
            assert look(fresh) == born
            assert look(old) == before
        release()
        assert all(not isinstance(reply, ERR) for reply in setter.read_reply())
        with looker(proxy) as new:
            assert look(new)[1:] == (3, 1054)
        wait_until(lambda: globals_of(proxy)["right"], what="the globals are read anew")
        for _ in range(4):
            other.value("SELECT 1")
            assert look(old) == before
            assert look(fresh) == born
    assert proxy.stats()["counters"]["backend_restore_failures"] == 0


def test_before_it_was_seen(front, own):
    """Somebody else has set a global, and sluse has not looked yet: a session that begins then begins with what it finds. As long as it is on the
    connection where it began, that is asked, so that it keeps it."""
    proxy = front(own, dict(size=4), sluse=dict(workers=1), backend=dict(health_interval="1h"))
    old, born = looker(proxy), looker(proxy)
    before = look(old)
    with restored(own, CHANGED), admin(proxy) as somebody:
        own.sql(assignments({"div_precision_increment": 9, "lc_time_names": "'nb_NO'"}))
        found = look(born)
        assert found[0][0][-4:-2] == ("0.333333333", "mandag")
        somebody.ok("FLUSH PRIVILEGES")   # and now it looks
        wait_until(lambda: globals_of(proxy)["right"] and globals_of(proxy)["epoch"] == 2, what="the globals are read anew")
        for _ in range(3):
            assert take_all(proxy, 3) == ("0.333333333",)
            assert look(old) == before
            assert look(born) == found
        assert proxy.counter("pages_asked") >= 2


def take_all(proxy, count):
    """Clients that need every connection at a time; what a new session has."""
    clients = [client_of(proxy) for _ in range(count)]
    for client in clients:
        client.ok("BEGIN")
    value = clients[0].rows("SELECT 1 / 3")[0]
    for client in clients:
        client.ok("COMMIT")
        client.quit()
    return value


def test_who_may_not_set_them_changes_nothing(front, own):
    """No reading, no new logins: else any client could make all others pay for its attempts."""
    proxy = front(own, dict(size=4), backend=dict(health_interval="1h"))
    with client_of(proxy) as client:
        before = globals_of(proxy)
        for statement in ("SET GLOBAL sort_buffer_size = 300000", "GRANT SELECT ON *.* TO app@'%'", "CREATE USER x", "DROP USER svc@'%'",
                          "REVOKE ALL ON *.* FROM svc@'%'", "ALTER USER svc@'%' ACCOUNT LOCK"):
            assert isinstance(client.query(statement)[-1], ERR), statement
            wait_until(lambda: globals_of(proxy)["right"], what=f"the end of it is seen: {statement}")
        assert globals_of(proxy)["readings"] == before["readings"]


def test_while_nobody_can_look(front, own):
    """The control connection is lost, and its account locked: sessions have all of their own until it is back."""
    own.sql("CREATE USER looker@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('looker')")
    own.sql("GRANT SELECT, TRIGGER, SHOW VIEW ON *.* TO looker@'%'")
    proxy = front(own, CHAOS, control=dict(user="looker", password="looker"), backend=dict(health_interval="50ms"))
    old = looker(proxy)
    before = look(old)
    wait_for_a_reading(proxy)
    try:
        own.sql("ALTER USER looker@'%' ACCOUNT LOCK")
        for row in own.processlist("looker"):
            own.sql(f"KILL {row['ID']}")
        wait_until(lambda: not globals_of(proxy)["right"] and not proxy.stats()["target"]["up"], what="it is lost")
        with restored(own, CHANGED):
            own.sql(assignments(CHANGED))
            for _ in range(4):
                assert look(old) == before
            own.sql("ALTER USER looker@'%' ACCOUNT UNLOCK")
            wait_until(lambda: globals_of(proxy)["right"], what="it is back")
            for _ in range(4):
                assert look(old) == before
            with looker(proxy) as new:
                assert look(new)[0][0][-4:] == ("0.3333333", "Montag", "1970-01-02 03:00:00", "ab")
    finally:
        own.sql("DROP USER looker@'%'")


def test_reset_connection_takes_the_globals_of_now(front, everyone):
    proxy = front(everyone, CHAOS)
    client = looker(proxy)
    before = look(client)
    with changed(proxy, "through", {"div_precision_increment": "8", "time_zone": "'+02:00'"}):
        assert look(client) == before
        client.reset()
        assert client.rows("SELECT @@div_precision_increment, 1 / 3, @@time_zone") == [("8", "0.33333333", "+02:00")]
        client.ok("DO 0")
        assert client.rows("SELECT @@div_precision_increment, 1 / 3, @@time_zone") == [("8", "0.33333333", "+02:00")]


def test_set_global_that_was_prepared(front, everyone):
    proxy = front(everyone, dict(CHAOS, size=5))
    old = looker(proxy)
    before = look(old)
    with restored(everyone, ["div_precision_increment"]), admin(proxy) as setter:
        statement = setter.prepare("SET GLOBAL div_precision_increment = 9")[0].statement
        assert isinstance(setter.execute(statement, ())[0], OK)
        with looker(proxy) as new:
            assert new.value("SELECT @@div_precision_increment") == "9"
        for _ in range(3):
            assert look(old) == before


def test_what_a_login_makes_of_the_globals(front, everyone):
    """IGNORE_SPACE is a bit more in sql_mode, INTERACTIVE takes interactive_timeout for wait_timeout: sessions keep that, too."""
    proxy = front(everyone, dict(CHAOS, size=6, wait_timeout="60s"))
    special = dict(caps=BASE | IGNORE_SPACE | INTERACTIVE)
    plain, ask = client_of(proxy), "SELECT @@sql_mode, @@wait_timeout, @@interactive_timeout"
    values = {"sql_mode": "'ANSI_QUOTES'", "wait_timeout": "2345", "interactive_timeout": "1234"}
    plain_before = plain.rows(ask)
    for meanwhile in (True, False):   # all of them become its own, or those that differ
        old = client_of(proxy, **special)
        before = old.rows(ask)
        assert "IGNORE_SPACE" in before[0][0]
        with restored(everyone, values), gate(everyone) as release, client_of(proxy, "admin", caps=BASE | MULTI_STATEMENTS) as setter:
            setter.send_command(3, f"{assignments(values)}; DO GET_LOCK('gate', 60)".encode())
            wait_until(lambda: everyone.running("GET_LOCK"), what="it is under way")
            if meanwhile:
                assert old.rows(ask) == before
                assert plain.rows(ask) == plain_before
            release()
            assert isinstance(setter.read_reply()[-1], OK)
            wait_until(lambda: globals_of(proxy)["right"], what="the globals are read anew")
            new = client_of(proxy, **special)
            for _ in range(2):
                assert new.rows(ask) == [("ANSI_QUOTES,IGNORE_SPACE", "1234", "1234")]
                assert old.rows(ask) == before
                assert plain.rows(ask) == plain_before
        wait_for_a_reading(proxy)


def test_character_sets_of_a_login_without_a_collation(front, own):
    """Collation 0 in the handshake means the server's global character sets."""
    proxy = front(own, CHAOS)
    old = client_of(proxy, collation=0)
    ask = "SELECT @@character_set_client, @@character_set_results, @@collation_connection, HEX('\u00e9')"
    before = old.rows(ask)
    values = {"character_set_client": "latin1", "character_set_results": "latin1", "collation_connection": "latin1_german1_ci"}
    with changed(proxy, "through", values):
        for _ in range(3):
            assert old.rows(ask) == before
        with client_of(proxy, collation=0) as new:
            assert new.rows(ask)[0][:3] == tuple(values.values())
        with client_of(proxy) as new:
            assert new.rows(ask)[0][:3] == ("utf8mb4", "utf8mb4", "utf8mb4_general_ci")


# --- which variables ---

def is_fixed(name, server):
    return FIXED.get(TABLE.row(name)) in ("BOTH", server.family.upper())


def read_names(server, client):
    """What sluse reads, and what it does not because a session can't be given it."""
    tag = tag_of(server)
    names = [spoken(name, tag) for name in sorted(TABLE.rows) if spoken(name, tag) in TABLE.names(tag) and name != "last_insert_id"]
    names = [name for name in names if not isinstance(client.query(f"SELECT @@global.{name}")[-1], ERR)]
    return [name for name in names if not is_fixed(name, server)], [name for name in names if is_fixed(name, server)]


def test_what_a_session_can_be_given(front, everyone):
    """Without a privilege: all that is read in one SET, which changes nothing; of the rest none."""
    client = client_of(front(everyone, STEALING))
    read, fixed = read_names(everyone, client)
    assert len(read) > 100
    kinds = {name: TABLE.rows[TABLE.row(name)][1] for name in read + fixed}
    before = settings(client, read)
    reply = client.query("SET " + ",".join(f"{name}={literal(kinds[name], value)}" for name, value in before.items() if name != "autocommit"))[-1]
    assert isinstance(reply, OK), reply
    assert settings(client, read) == before
    for name in fixed:
        if name in MORE:
            continue
        value = client.query(f"SELECT CAST(@@global.{name} AS BINARY)")[-1].rows[0][0]
        assert isinstance(client.query(f"SET {name}={literal(kinds[name], value)}")[-1], ERR), name
    client.quit()


# Would break what asks, or can't be set beside the others.
LEFT_OUT = {"max_session_mem_used", "autocommit", "sql_select_limit", "character_set_client", "character_set_results", "collation_connection", "sql_mode",
            "character_set_server", "default_storage_engine", "parser_max_mem_size", "max_statement_time", "max_execution_time", "sql_require_primary_key",
            "query_alloc_block_size", "net_read_timeout", "net_write_timeout", "wait_timeout", "interactive_timeout", "session_track_schema",
            "session_track_state_change", "session_track_transaction_info", "character_set_collations", "global_connection_memory_tracking",
            "max_tmp_session_space_usage", "lc_messages", "sql_log_off", "tcp_nodelay", "old_alter_table"}


def test_every_global_there_is(front, everyone):
    """All of them are set to something else at a time: a session that has begun has the old ones, and one that begins the new."""
    proxy = front(everyone, CHAOS)
    old = client_of(proxy)
    read = [name for name in read_names(everyone, old)[0] if name not in LEFT_OUT]
    about, kinds = described(everyone), {name: TABLE.rows[TABLE.row(name)][1] for name in read}
    old.ok("INSERT INTO t (v) VALUES (1)")   # MariaDB copies what belongs to storage engines when it is first used
    was, before, epoch = settings(old, read), {}, globals_of(proxy)["epoch"]
    wait_for_a_reading(proxy)
    try:
        for name in read:
            value = everyone.sql(f"SELECT CAST(@@global.{name} AS BINARY)")[0][0]
            if change(everyone, name, values_for(name, about[name], value), value):
                before[name] = value
        wait_until(lambda: globals_of(proxy)["epoch"] > epoch, what="the globals are read anew")
        wait_for_a_reading(proxy)
        with client_of(proxy) as new:
            now = settings(new, read)
        different = {name for name in read if now[name] != was[name]}
        assert different >= set(before) and len(before) > 80, set(before) - different
        for _ in range(3):
            assert {name: (was[name], value) for name, value in settings(old, read).items() if value != was[name]} == {}
    finally:
        for name, value in before.items():
            everyone.sql(f"SET GLOBAL {name} = {literal(kinds[name], value)}")


def values_for(name, about, now):
    try:
        return candidates(name, about, now)
    except (TypeError, ValueError):   # a text of which nobody tells what it may be
        return []


def change(server, name, values, before):
    """To the first value that the server takes, and that is another one."""
    for value in values:
        try:
            server.sql(f"SET GLOBAL {name} = {value}")
        except Exception:   # noqa: BLE001: refused; the next may not be
            continue
        if server.sql(f"SELECT CAST(@@global.{name} AS BINARY)")[0][0] != before:
            return True
    return False


# --- grants ---

@pytest.fixture
def guest(everyone):
    """An account that may do nothing, made anew."""
    how = ("IDENTIFIED VIA mysql_native_password USING PASSWORD('guest')" if everyone.family == "mariadb" else
           "IDENTIFIED WITH caching_sha2_password BY 'guest'")
    everyone.sql("DROP USER IF EXISTS guest@'%'")
    everyone.sql(f"CREATE USER guest@'%' {how}")
    everyone.sql("DROP DATABASE IF EXISTS secret")
    everyone.sql("CREATE DATABASE secret")
    everyone.sql("CREATE TABLE secret.s (id INT)")
    yield everyone
    everyone.sql("DROP USER IF EXISTS guest@'%'")
    everyone.sql("DROP DATABASE secret")


# Long enough that nothing is seen by the clock.
SLOW = dict(CHAOS, privilege_refresh="1h", schema_ttl="1h")


def guests_front(front, server, pool=SLOW):
    return front(server, pool, account_guest={"password": "guest"})


def reads(client):
    return not isinstance(client.query("SELECT * FROM secret.s")[-1], ERR)


def guest_of(proxy, **arguments):
    return client_of(proxy, "guest", schema=None, **arguments)


def test_grants_through_sluse_are_seen_by_the_next_session(front, guest):
    """GRANT and REVOKE are seen at once, and a session that has seen a GRANT never goes back behind it."""
    proxy = guests_front(front, guest)
    with admin(proxy) as setter:
        first = guest_of(proxy)
        assert not reads(first)
        for _ in range(2):
            setter.ok("GRANT SELECT ON *.* TO guest@'%'")
            second = guest_of(proxy)
            for _ in range(8):
                assert reads(second)
                first.value("SELECT 1")   # some backends have an older login
            setter.ok("REVOKE SELECT ON *.* FROM guest@'%'")
            with guest_of(proxy) as third:
                for _ in range(4):
                    assert not reads(third)
            second.quit()
        first.quit()


def test_grants_by_others_are_seen_within_privilege_refresh(front, guest):
    proxy = guests_front(front, guest, dict(CHAOS, privilege_refresh="200ms"))
    guest_of(proxy).quit()

    def reads_now():
        with guest_of(proxy) as client:
            return reads(client)
    assert not reads_now()
    guest.sql("GRANT SELECT ON secret.* TO guest@'%'")
    wait_until(reads_now)
    guest.sql("REVOKE SELECT ON secret.* FROM guest@'%'")
    wait_until(lambda: not reads_now())


def refusal(proxy, **arguments):
    """What becomes of a login and the first statement: the error's number, or None."""
    with guest_of(proxy, login=False, **arguments) as client:
        reply = client.login()
        if not isinstance(reply, ERR):
            reply = client.query("SELECT 1")[-1]
        return reply.code if isinstance(reply, ERR) else None


REFUSED = {"drop": ("DROP USER guest@'%'", {1045}), "lock": ("ALTER USER guest@'%' ACCOUNT LOCK", {4151, 3118}),
           "password": (None, {1045})}


def refusing(server, what):
    statement, codes = REFUSED[what]
    other = "IDENTIFIED VIA mysql_native_password USING PASSWORD('other')" if server.family == "mariadb" else "IDENTIFIED BY 'other'"
    return statement or f"ALTER USER guest@'%' {other}", codes


@pytest.mark.parametrize("how", ["directly", "through"])
@pytest.mark.parametrize("what", REFUSED)
def test_an_account_that_is_refused(front, guest, what, how):
    """New logins are refused, at once or within schema_ttl. A session that has begun goes on where it is; where it would need a login it gets the
    server's error, and ends. It never hangs."""
    statement, codes = refusing(guest, what)
    proxy = guests_front(front, guest, dict(size=3, privilege_refresh="100ms", schema_ttl="1h" if how == "through" else "100ms"))
    with admin(proxy) as setter:
        resident, paged = guest_of(proxy), guest_of(proxy)
        paged.ok("SET div_precision_increment = 5")
        assert resident.value("SELECT 1") == paged.value("SELECT 1") == "1"
        others = [client_of(proxy), client_of(proxy)]
        for other in others:   # takes a backend, and logs it in as somebody else
            other.ok("BEGIN")
        for other in others:
            other.ok("COMMIT")
        setter.ok("DO 0")
        if how == "through":
            setter.ok(statement)
            assert refusal(proxy) in codes
        else:
            guest.sql(statement)
            wait_until(lambda: refusal(proxy) in codes, what="new sessions are refused")
        for client in (resident, paged):
            reply = client.query("SELECT @@div_precision_increment")[-1]
            assert isinstance(reply, ERR) and reply.code in codes, reply
            assert isinstance(client.query("SELECT 1")[-1], Closed)
        with client_of(proxy) as app:
            assert app.value("SELECT 1") == "1"


def test_a_session_of_a_dropped_account_goes_on_where_it_is(front, guest):
    """As at the server."""
    proxy = guests_front(front, guest, dict(size=4))
    client = guest_of(proxy)
    assert client.value("SELECT 1") == "1"
    with admin(proxy) as setter:
        setter.ok("DROP USER guest@'%'")
        for _ in range(3):
            assert client.value("SELECT 1") == "1"
    client.quit()


def test_default_role_through_sluse(front, guest):
    """A reset would not take it on: the next session's login does."""
    proxy = guests_front(front, guest, dict(size=3, privilege_refresh="1h"))
    try:
        with admin(proxy) as setter:
            setter.ok("CREATE ROLE reader")
            guest_of(proxy).quit()
            for statement in ("GRANT SELECT ON secret.* TO reader", "GRANT reader TO guest@'%'",
                              f"SET DEFAULT ROLE reader {'FOR' if guest.family == 'mariadb' else 'TO'} guest@'%'"):
                setter.ok(statement)
            with guest_of(proxy) as client:
                assert reads(client)
    finally:
        guest.sql("DROP ROLE reader")


# --- init_connect ---

def test_init_connect_through_sluse(front, own):
    proxy = front(own, dict(size=5))

    def value():
        with client_of(proxy) as client:
            return client.value("SELECT @ic")
    assert value() is None
    wait_until(lambda: globals_of(proxy)["right"], what="the globals have been read")
    began = globals_of(proxy)["readings"]
    with restored(own, ["init_connect"]), admin(proxy) as setter:
        setter.ok("SET GLOBAL init_connect = 'SET @ic = 9'")
        wait_until(lambda: value() == "9")
        setter.ok("SET GLOBAL init_connect = ''")
        wait_until(lambda: value() is None)
    # One or two: a login needs no reading to find what is set, so the second may be asked for before the first has begun, which then serves both.
    wait_until(lambda: globals_of(proxy)["right"] and globals_of(proxy)["readings"] > began, what="and have been read anew")
