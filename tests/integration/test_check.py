"""sluse --check --connect: what it finds at each kind of server, and what it advises; its exit status."""
import re
import subprocess

import pymysql
import pytest

from harness import SERVERS, wait_until
from harness.proxy import binary, write_ini


@pytest.fixture(scope="module", params=SERVERS)
def shared(request):
    with SERVERS[request.param](max_connections=100) as server:
        yield server


@pytest.fixture
def server(shared):
    """Globals that a test sets are back afterwards."""
    shared.fresh_schemas()
    shared.before = {}
    yield shared
    for name, value in shared.before.items():
        shared.sql(f"SET GLOBAL {name} = %s", (value,))


def set_global(server, name, value):
    server.before.setdefault(name, server.sql(f"SELECT @@global.{name}")[0][0])
    server.sql(f"SET GLOBAL {name} = %s", (value,))


@pytest.fixture
def user(server):
    """A factory of accounts with a password that occurs nowhere else."""
    made = []

    def make(name, how=None, rest=""):
        server.sql(f"CREATE USER {name}@'%' IDENTIFIED " + (how or f"BY '{name}:secret'") + rest)
        made.append(name)
        return {f"account {name}": {"password": f"{name}:secret"}}
    yield make
    for name in made:
        server.sql(f"DROP USER {name}@'%'")


class Checked:
    """What it said. `advice` is by what it is about."""

    def __init__(self, done, path):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        lines = [line for line in self.out.splitlines() if line.startswith("  ")]
        self.found = dict(line[2:].split(": ", 1) for line in lines if not line.startswith("  ! "))
        self.advice = [line[4:] for line in lines if line.startswith("  ! ")]
        self.failures = [line[4:] for line in self.err.splitlines()]
        assert all(line.startswith("  ! ") for line in self.err.splitlines()), self.err
        assert ":secret" not in self.out + self.err
        assert self.out.startswith(f"{path}: ok\n")
        tail = re.fullmatch(r"server (\S+): (\d+) failures, (\d+) warnings", self.out.splitlines()[-1])
        assert tail and (int(tail[2]), int(tail[3])) == (len(self.failures), len(self.server_advice)), self.out
        assert self.status == (1 if self.failures else 0)

    @property
    def server_advice(self):
        return [line for line in self.advice if not line.startswith("node: ")]

    def about(self, what):
        return [line.split(": ", 1)[1] for line in self.server_advice if line.startswith(what + ": ")]


@pytest.fixture
def check(server, tmp_path):
    """Runs it: sections over two accounts; port= for another server."""
    def run(accounts=("app", "svc"), port=None, **sections):
        path = tmp_path / "pool.ini"
        base = {"backend": {"host": "127.0.0.1", "port": port or server.port, "connect_timeout": "20s"}}
        base |= {f"account {name}": {"password": name} for name in accounts}
        for name, keys in sections.items():
            name = name.replace("account_", "account ")
            base[name] = {**base.get(name, {}), **keys}
        write_ini(path, base)
        return Checked(subprocess.run([binary(), "--check", str(path), "--connect"], capture_output=True, text=True, timeout=120), path)
    return run


def test_all_is_well(check, server):
    said = check()
    assert said.status == 0 and said.server_advice == [] and said.err == ""
    family, number = server.name.split("-")
    assert said.found["version"].lower().startswith(f"{family} {number}.")
    assert f"({server.sql('SELECT VERSION()')[0][0]})" in said.found["version"]
    assert said.found["tls"].endswith("sluse does not speak it yet, so the way to the server has to be private")
    assert re.match(r"max_connections = 100, max_user_connections = 0; now \d+, at most \d+ since the server's start; \[pool\] size = 20$", said.found["connections"])
    assert said.found["nodes"].startswith("these accounts come from 1 addresses; ")
    assert said.found["timeouts"] == "wait_timeout = 28800 s, interactive_timeout = 28800 s; [pool] idle_timeout = 60 s, min_idle = 0, max_lifetime = 1800 s"
    assert "session_track_schema = ON" in said.found["trackers"] and "autocommit" in said.found["trackers"]
    assert "autocommit = ON, completion_type = NO_CHAIN, init_connect empty" in said.found["settings"]
    assert said.found["stored code"].startswith("of 2 schemas read in ")
    assert said.found["login app"] == said.found["login svc"] == f"ok, plugin {server.plugin}, max_user_connections = 0"
    assert said.found["grants"] == "app@% can read the stored code of every schema that the accounts see"


# --- who gets in ---

def test_a_wrong_password(check, server, user):
    """The others are tried all the same, and what the control account sees is told."""
    said = check(account_svc={"password": "wrong:secret"})
    failure, = said.failures
    assert failure.startswith("login svc: error 1045: Access denied") and "another password" in failure
    assert "login app" in said.found and "grants" in said.found


def test_the_control_accounts_wrong_password(check):
    said = check(control={"user": "app", "password": "wrong:secret"})
    failure, = said.failures
    assert failure.startswith("login app: error 1045")
    assert "login svc" in said.found and "version" not in said.found


def test_a_server_that_is_down(check):
    """One attempt is enough."""
    said = check(port=1)
    failure, = said.failures
    assert re.match(r"login app: error 200[23]: .*is the server running", failure)


def test_a_name_that_does_not_exist(check):
    said = check(backend={"host": "nosuch.invalid"})
    failure, = said.failures
    assert re.match(r"login app: error 200[235]: .*(resolved|address right)", failure)


def test_a_server_that_refuses(check, server):
    """max_connections are in use; and later it is told that somebody was refused."""
    set_global(server, "max_connections", 10)
    crowd = []
    try:
        with pytest.raises(pymysql.err.OperationalError) as refused:
            while True:
                crowd.append(server.connect(user="svc", password="svc"))
        assert refused.value.args[0] == 1040
        said = check()
    finally:
        for each in crowd:
            each.close()
    assert [failure[:23] for failure in said.failures] == ["login app: error 1040: ", "login svc: error 1040: "]
    assert "lower [pool] size on the nodes, or raise max_connections" in said.failures[0]
    server.sql("FLUSH STATUS")


def test_a_server_that_has_refused(check, server):
    """All of max_connections were in use at some time; more of them help."""
    set_global(server, "max_connections", 10)
    crowd = []
    while server.status("Max_used_connections") < 10:
        crowd.append(server.connect(user="svc", password="svc"))
    for each in crowd:
        each.close()
    wait_until(lambda: not server.processlist("svc"))
    advice, = check(pool={"size": 5}).about("connections")
    assert advice.startswith("max_connections = 10 were all in use at a time")
    set_global(server, "max_connections", 100)
    assert not check().about("connections")
    server.sql("FLUSH STATUS")


@pytest.mark.parametrize("change,errors,advice", [
    ("ACCOUNT LOCK", (3118, 4151), "the account is locked: ALTER USER ... ACCOUNT UNLOCK"),
    ("PASSWORD EXPIRE", (1820, 1862), "its password has expired: ALTER USER"),
    ("REQUIRE SSL", (1045,), "only with TLS, which sluse does not speak"),
], ids=lambda value: value if isinstance(value, str) and value.isupper() else "")
@pytest.mark.parametrize("control", [False, True], ids=["an account", "the control account"])
def test_an_account_that_can_not_be_used(check, server, user, change, errors, advice, control):
    """The others are tried, whichever it is."""
    one = user("one")
    server.sql(f"ALTER USER one@'%' {change}")
    said = check(control=dict(user="one", password="one:secret") if control else {}, **one)
    failures = {re.match(r"(login one|facts): error (\d+): ", line).groups() for line in said.failures}
    assert failures <= {(where, str(error)) for where in ("login one", "facts") for error in errors} and failures, said.failures
    assert any(line.startswith("login one: ") and line.endswith(advice) for line in said.failures)
    assert said.found["login app"].startswith("ok") and said.found["login svc"].startswith("ok")


def test_a_server_that_wants_tls(check, server):
    set_global(server, "require_secure_transport", 1)
    said = check()
    assert [line[:8] for line in said.failures] == ["login ap", "login sv"]
    assert all("TLS" in line for line in said.failures)


def test_only_a_hash(check, server):
    said = check(account_svc={"password": None, "password_hash": "*" + "0" * 40})
    assert said.found["login svc"] == "not tried: only a hash is known" and said.status == 0


def test_an_account_with_a_limit(check, user):
    few = user("few", rest=" WITH MAX_USER_CONNECTIONS 3")
    advice, = check(**few).about("login few")
    assert advice.startswith("max_user_connections = 3 is less than [pool] size = 20")
    assert not check(pool={"size": 3}, **few).about("login few")


def test_a_plugin_that_sluse_has_not(check, server, user):
    """libmariadb gets in with it, clients would not."""
    if server.family == "mariadb":
        plugin = "mysql_old_password"
        set_global(server, "secure_auth", 0)
        stored, = server.sql("SELECT OLD_PASSWORD('other:secret')")[0]
        other = user("other", f"VIA {plugin} USING '{stored}'")
    else:
        plugin = "sha256_password"
        other = user("other", f"WITH {plugin} BY 'other:secret'")
    said = check(**other)
    assert said.found["login other"].startswith(f"ok, plugin {plugin}")
    assert said.about("login other") == [f"sluse has no {plugin}: clients of this account get in nowhere; ALTER USER with mysql_native_password or"
                                         " caching_sha2_password"]


# --- how many there may be ---

def test_size_is_more_than_the_server_allows(check):
    said = check(pool={"size": 101})
    assert said.about("connections") == ["[pool] size = 101 is more than max_connections = 100: lower size, or raise max_connections"]
    assert not check(pool={"size": 90}).about("connections")


def test_several_nodes(check, server):
    """Another address with the same account counts as a node of the same size."""
    with server.connect(user="app", password="app", bind_address="127.0.0.2"):
        said = check(pool={"size": 60})
        assert said.found["nodes"].startswith("these accounts come from 2 addresses")
        assert said.about("connections") == ["2 nodes with [pool] size = 60 each are more than max_connections = 100: lower size to 50, or raise max_connections"]
        assert not check(pool={"size": 50}).about("connections")


def test_others(check, server, user):
    """Who may see the process list sees that others need room, too."""
    boss = user("boss")
    server.sql("GRANT PROCESS ON *.* TO boss@'%'")
    control = {"user": "boss", "password": "boss:secret"}
    others = int(re.search(r"; (\d+) connections that can be seen", check(control=control, **boss).found["nodes"])[1])
    assert others >= 1   # root's
    said = check(control=control, pool={"size": 100}, **boss)
    assert said.about("connections") == [f"[pool] size = 100 on 1 nodes, and {others} connections of others, are more than max_connections = 100: lower size to"
                                         f" {100 - others}, or raise max_connections"]
    assert not check(pool={"size": 100}).about("connections")   # app sees its own


# --- timeouts ---

@pytest.mark.parametrize("pool,key,rest", [
    ({"idle_timeout": "9h", "max_lifetime": "0"}, "idle_timeout = 32400 s", "set idle_timeout below it"),
    ({"idle_timeout": "0", "max_lifetime": "0"}, "max_lifetime = 0 s, never", "set idle_timeout below it"),
    ({"min_idle": "2", "max_lifetime": "8h"}, "max_lifetime = 28800 s", "set max_lifetime below it"),
    ({"idle_timeout": "9h"}, None, None),   # max_lifetime is half an hour
    ({"min_idle": "2"}, None, None),
], ids=lambda value: " ".join(value) if isinstance(value, dict) else "")
def test_idle_connections(check, pool, key, rest):
    """Who ends an idle connection: the server or sluse?"""
    advice = check(pool=pool).about("timeouts")
    if key is None:
        assert advice == []
    else:
        assert advice == [f"the server closes idle connections after wait_timeout = 28800 s, before sluse does ([pool] {key}): {rest}, or raise wait_timeout"]


def test_a_short_wait_timeout(check, server):
    for name in ("wait_timeout", "interactive_timeout"):
        set_global(server, name, 30 if name == "wait_timeout" else 50)
    advice = check(backend={"health_interval": "30s"}).about("timeouts")
    assert [line.partition(",")[0] for line in advice] == [
        "the server closes idle connections after wait_timeout = 30 s", "the server closes idle connections after interactive_timeout = 50 s",
        "[backend] health_interval = 30 s is not below wait_timeout = 30 s: the server closes the control connection between two questions"]
    assert not check(pool={"idle_timeout": "28s"}).about("timeouts")


def test_idle_transactions(check, server):
    if server.family != "mariadb":
        assert not check().about("timeouts")   # MySQL has no such setting
        return
    set_global(server, "idle_transaction_timeout", 20)
    advice, = check().about("timeouts")
    assert "idle_transaction_timeout = 20 s" in advice and "idle_in_transaction_timeout below it" in advice
    assert not check(pool={"idle_in_transaction_timeout": "10s"}).about("timeouts")


# --- settings ---

@pytest.mark.parametrize("name,value,what", [
    ("init_connect", "SET @x = 1", "init_connect is set"),
    ("autocommit", 0, "autocommit = OFF"),
    ("completion_type", "CHAIN", "completion_type = CHAIN"),
])
def test_a_setting_that_makes_sessions_share_less(check, server, name, value, what):
    set_global(server, name, value)
    said = check()
    advice, = said.about("settings")
    assert advice.startswith(what)
    assert "@x" not in said.out


def test_oracle_mode(check, server):
    if server.family != "mariadb":
        with pytest.raises(pymysql.err.MySQLError):
            server.sql("SET sql_mode = 'ORACLE'")
        return
    set_global(server, "sql_mode", "ORACLE")
    advice, = check().about("settings")
    assert advice.startswith("sql_mode has ORACLE")


# --- stored code ---

def grants_of(advice):
    """The statements in it, for every schema and schema by schema."""
    text = advice.split(": ", 1)[1]
    return ["GRANT" + each.rstrip("; ") for each in re.split(r"(?:; or |; |^)GRANT", text)[1:]]


@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "by schema"])
def test_no_grants(check, server, user, everywhere):
    """The control account can read nothing; the GRANTs that are advised help, as they stand."""
    poor = user("poor")
    server.sql("CREATE DATABASE IF NOT EXISTS `we_ird``name`")
    server.sql("GRANT SELECT ON `we\\_ird``name`.* TO svc@'%'")
    control = {"user": "poor", "password": "poor:secret"}
    try:
        said = check(control=control, **poor)
        assert said.status == 0 and said.found["grants"] == "poor@% can't read all stored code of 3 schemas that the accounts see: app, other, we_ird`name"
        assert said.found["stored code"].startswith("of 0 schemas")
        advice, = said.about("grants")
        assert advice.startswith("sessions that use one of these are pinned (unread), and share less: GRANT SELECT, TRIGGER, SHOW VIEW ON *.* TO 'poor'@'%'; or ")
        all_of_it, *each = grants_of(advice)
        assert len(each) == 3
        for statement in [all_of_it] if everywhere else each:
            server.sql(statement)
        said = check(control=control, **poor)
        assert said.about("grants") == [] and said.found["grants"] == "poor@% can read the stored code of every schema that the accounts see"
        assert said.found["stored code"].startswith("of 3 schemas")
    finally:
        server.sql("REVOKE SELECT ON `we\\_ird``name`.* FROM svc@'%'")
        server.sql("DROP DATABASE `we_ird``name`")


def test_some_grants(check, server):
    """What another account sees counts; that it can't see it, the control account does not know."""
    said = check(accounts=("limited", "app"))
    assert said.found["grants"] == "limited@% can't read all stored code of 2 schemas that the accounts see: app, other"
    said = check(accounts=("limited",))
    assert said.found["grants"] == "limited@% can't read all stored code of 1 schemas that the accounts see: app"
    advice, = said.about("grants")
    assert advice.startswith("sessions that use it are pinned (unread)")


def test_exact_names(check, server, user):
    """MySQL with partial_revokes: global privileges may have exceptions, and a schema's name is no pattern."""
    if server.family == "mariadb":
        assert server.sql("SHOW GLOBAL VARIABLES LIKE 'partial_revokes'") == ()
        return
    poor = user("poor")
    server.sql("CREATE DATABASE with_line")
    set_global(server, "partial_revokes", 1)
    try:
        server.sql("GRANT SELECT ON with_line.* TO poor@'%'")
        said = check(accounts=(), **poor)
        advice, = said.about("grants")
        assert grants_of(advice) == ["GRANT SELECT, TRIGGER, SHOW VIEW, EXECUTE ON `with_line`.* TO 'poor'@'%'"]
        server.sql(grants_of(advice)[0])
        assert not check(accounts=(), **poor).about("grants")
    finally:
        server.sql("REVOKE ALL, GRANT OPTION FROM poor@'%'")
        server.sql("DROP DATABASE with_line")


def test_how_much_stored_code(check, server):
    """A view is plain, a routine that sets a variable is not."""
    server.sql("CREATE TABLE app.t (a INT)")
    server.sql("CREATE VIEW app.v AS SELECT a FROM app.t")
    server.sql("CREATE DEFINER = app@'%' PROCEDURE app.p() SET @x = 1")
    found = check().found["stored code"]
    assert re.fullmatch(r"of 2 schemas read in \d+ ms; 2 names mean more than a plain table, 1 of them may do anything and pin \(opaque\)", found)
