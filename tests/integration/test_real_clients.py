"""Real clients: the mariadb command line and its tools (libmariadb), PyMySQL, node's mysql2."""
import json
import os
import shutil
import subprocess

import pymysql
import pytest

from harness import wait_until
from harness.compare import in_thread
from harness.server import base_directory

HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def proxy(sluse, schemas):
    return sluse(pool=dict(size=6, wait_timeout="60s"))


# The command line and its tools

def tool(name, port, *arguments, stdin=None, user="app"):
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    command = [name, "--no-defaults", "--protocol=tcp", "-h127.0.0.1", f"-P{port}", f"-u{user}", f"-p{user}", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def same_tool(mariadb, proxy, name, *arguments, stdin=None):
    direct, through = (tool(name, p.port, *arguments, stdin=stdin) for p in (mariadb, proxy))
    assert through == direct
    return direct


SCRIPT = """
CREATE OR REPLACE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20));
INSERT INTO c (v) VALUES ('a'), ('b'), (NULL);
SELECT * FROM c; SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS();
DELIMITER //
CREATE OR REPLACE PROCEDURE cp() BEGIN SELECT 1; SELECT 2; END //
DELIMITER ;
CALL cp();
BEGIN; DELETE FROM c; ROLLBACK; SELECT COUNT(*) FROM c;
SELECT 1 / 0; SHOW WARNINGS;
USE other
SELECT DATABASE();
"""


@pytest.mark.parametrize("options", [["-t"], ["-B"], ["-E"], ["-X"], ["-H"], ["--quick"], ["--column-type-info"], ["--show-warnings", "-vvv"], ["--compress"]],
                         ids=str)
def test_mariadb_script(proxy, mariadb, options):
    def without_times(result):
        import re
        return result[0], re.sub(r"\(?\d+\.\d+ sec\)?", "(T)", result[1]), result[2]
    direct, through = (without_times(tool("mariadb", p.port, *options, "app", stdin=SCRIPT)) for p in (mariadb, proxy))
    assert through == direct and direct[0] == 0, through


def test_mariadb_errors(proxy, mariadb):
    assert same_tool(mariadb, proxy, "mariadb", "app", "-e", "SELECT nosuch")[0] == 1
    assert same_tool(mariadb, proxy, "mariadb", "app", "--force", "-e", "SELECT nosuch; SELECT 1")[0] in (0, 1)
    code, _, error = tool("mariadb", proxy.port, "nosuch_schema", "-e", "SELECT 1")
    assert code == 1 and "1044" in error
    assert tool("mariadb", proxy.port, "-e", "SELECT 1", user="nobody")[0] == 1


def test_mariadb_local_infile(proxy, mariadb, tmp_path):
    path = tmp_path / "data"
    path.write_text("1\tone\n2\ttwo\n")
    sql = f"CREATE OR REPLACE TABLE l (id INT, v TEXT); LOAD DATA LOCAL INFILE '{path}' INTO TABLE l; SELECT * FROM l"
    assert "two" in same_tool(mariadb, proxy, "mariadb", "--local-infile=1", "app", "-e", sql)[1]


def test_mariadb_over_the_unix_socket(proxy):
    done = subprocess.run(["mariadb", "--no-defaults", f"--socket={proxy.socket}", "-uapp", "-papp", "app", "-BNe", "SELECT DATABASE()"],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "app\n"), done.stderr


def test_admin(proxy, mariadb):
    assert same_tool(mariadb, proxy, "mariadb-admin", "ping")[0] == 0
    code, out, _ = tool("mariadb-admin", proxy.port, "status")
    assert code == 0 and out.startswith("Uptime:")
    code, out, _ = tool("mariadb-admin", proxy.port, "version")
    assert code == 0 and "10.11" in out
    assert tool("mariadb-admin", proxy.port, "processlist")[0] == 0


def test_dump_and_load(proxy, mariadb):
    """A dump through sluse is the dump of the server, and it can be loaded through sluse."""
    tool("mariadb", mariadb.port, "app", stdin=SCRIPT + "USE app; CREATE TABLE blobs (id INT, b LONGBLOB); "
         "INSERT INTO blobs VALUES (1, REPEAT(x'00ff27', 500000)); CREATE VIEW v AS SELECT * FROM c; "
         "CREATE TRIGGER tr BEFORE INSERT ON c FOR EACH ROW SET NEW.v = UPPER(NEW.v);")
    options = ["--skip-dump-date", "--routines", "--triggers", "--hex-blob", "--skip-comments", "app"]
    code, dump, _ = same_tool(mariadb, proxy, "mariadb-dump", *options)
    assert code == 0 and len(dump) > 1000000
    assert tool("mariadb-dump", proxy.port, "--single-transaction", *options)[1] == dump
    code, _, error = tool("mariadb", proxy.port, "other", stdin=dump)
    assert code == 0, error
    assert mariadb.sql("SELECT COUNT(*) FROM other.c")[0][0] == 3


def test_check_and_show(proxy, mariadb):
    tool("mariadb", mariadb.port, "app", stdin=SCRIPT)
    assert same_tool(mariadb, proxy, "mariadb-check", "app")[0] == 0
    assert same_tool(mariadb, proxy, "mariadb-show", "app", "c")[0] == 0


# PyMySQL

def connect(port, **arguments):
    return pymysql.connect(host="127.0.0.1", port=port, user="app", password="app", database="app", **arguments)


def test_pymysql(proxy, mariadb):
    def work(port):
        out = []
        connection = connect(port, charset="utf8mb4", init_command="SET time_zone = '+02:00'", local_infile=True,
                             client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS | pymysql.constants.CLIENT.FOUND_ROWS)
        with connection.cursor() as cursor:
            cursor.execute("CREATE OR REPLACE TABLE p (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(50), b BLOB, d DATETIME) CHARSET utf8mb4")
            out.append(cursor.executemany("INSERT INTO p (v, b, d) VALUES (%s, %s, %s)", [("ä😀", b"\0\xff", "2024-01-01"), (None, None, None)]))
            out.append((cursor.lastrowid, cursor.rowcount))
            cursor.execute("SELECT * FROM p")
            out.append((cursor.description, cursor.fetchall()))
            cursor.execute("SELECT 1; SELECT 2; UPDATE p SET v = v")
            out.append(cursor.fetchall())
            while cursor.nextset():
                out.append((cursor.fetchall(), cursor.rowcount))
            cursor.execute("CREATE OR REPLACE PROCEDURE pp(IN a INT, OUT b INT) BEGIN SELECT a; SET b = a + 1; END")
            cursor.callproc("pp", (5, 0))
            out.append(cursor.fetchall())
            while cursor.nextset():
                out.append(cursor.fetchall())
            cursor.execute("SELECT @_pp_1")
            out.append(cursor.fetchall())
            with pytest.raises(pymysql.err.OperationalError) as e:
                cursor.execute("SELECT nosuch")
            out.append(e.value.args)
            with pytest.raises(pymysql.err.IntegrityError) as e:
                cursor.execute("INSERT INTO p (id) VALUES (1)")
            out.append(e.value.args)
        connection.rollback()
        out.append(connection.get_autocommit())
        connection.select_db("other")
        connection.ping()
        out.append(connection.get_server_info())
        connection.commit()
        connection.close()
        return out
    assert work(proxy.port) == work(mariadb.port)


def test_pymysql_unbuffered(proxy):
    connection = connect(proxy.port)
    with connection.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute("SELECT seq, REPEAT('x', 100) FROM seq_1_to_50000")
        assert sum(1 for _ in cursor) == 50000
    with connection.cursor(pymysql.cursors.SSDictCursor) as cursor:
        cursor.execute("SELECT seq FROM seq_1_to_50000")
        assert cursor.fetchone() == {"seq": 1}
    connection.close()


def test_pymysql_many_at_once(proxy):
    """60 threads, each the life of 10 functions, on 5 connections."""
    def function(i):
        for n in range(10):
            connection = connect(proxy.port, autocommit=True)
            with connection.cursor() as cursor:
                cursor.execute("SET @who = %s", (i * 100 + n,))
                cursor.execute("SELECT @who, DATABASE()")
                assert cursor.fetchone() == (i * 100 + n, "app")
            connection.close()
    for thread in [in_thread(function, i) for i in range(60)]:
        thread.result(120)
    assert proxy.stats()["pool"]["used_max"] <= 6


def test_pymysql_abandons(proxy, mariadb):
    """read_timeout closes the connection in the middle of a statement; the statement dies at the server."""
    proxy.sections["sluse"]["abandon_after"] = "100ms"
    proxy.stop()
    proxy.start()
    connection = connect(proxy.port, read_timeout=1)
    with pytest.raises(pymysql.err.OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT SLEEP(100), 'abandoned'")
    wait_until(lambda: not mariadb.running("abandoned"))


# mysql2

@pytest.fixture(scope="session")
def node_directory():
    """SLUSE_NODE_DIR has node_modules/mysql2; filled here if it is not there yet. Without node the test is skipped."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node or npm is not installed")
    directory = os.environ.get("SLUSE_NODE_DIR") or os.path.join(base_directory(), "node")
    os.makedirs(directory, exist_ok=True)
    if not os.path.isdir(os.path.join(directory, "node_modules", "mysql2")):
        shutil.copy(os.path.join(HERE, "node", "package.json"), directory)
        done = subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"],
                              cwd=directory, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    return directory


def node(directory, port):
    done = subprocess.run(["node", os.path.join(HERE, "node", "work.js"), str(port)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "SLUSE_NODE_DIR": directory})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_mysql2(proxy, mariadb, node_directory):
    direct, through = node(node_directory, mariadb.port), node(node_directory, proxy.port)
    assert through.pop("threadId") is True
    direct.pop("threadId")
    assert through == direct
    assert direct["sum"] == 44850 and direct["killed"] == 1317
