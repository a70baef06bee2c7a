"""Private servers, MariaDB's and MySQL's: throw-away data directory, loopback, binary log on."""
import atexit
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading

import pymysql

from .builds import RootedMariaDB, RootedMySQL, SystemMariaDB, roots
from .ports import die_with_parent, free_port, wait_until

_template_lock = threading.Lock()
_base, _templates = None, {}

SETUP = """
CREATE DATABASE app; CREATE DATABASE other;
CREATE USER app@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('app');
CREATE USER svc@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('svc');
CREATE USER limited@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('limited');
CREATE USER nopass@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('');
GRANT ALL ON app.* TO app@'%'; GRANT ALL ON other.* TO app@'%';
GRANT ALL ON app.* TO svc@'%'; GRANT ALL ON other.* TO svc@'%';
GRANT SELECT ON app.* TO limited@'%'; GRANT SELECT ON app.* TO nopass@'%';
"""
MYSQL_SETUP = re.sub(r"VIA mysql_native_password USING PASSWORD\((.*?)\)", r"WITH caching_sha2_password BY \1", SETUP)

FAST = ["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0",
        "--innodb-flush-method=nosync", "--skip-innodb-doublewrite", "--key-buffer-size=4M", "--performance-schema=off",
        "--innodb-buffer-pool-dump-at-shutdown=0", "--innodb-fast-shutdown=2", "--thread-cache-size=64",
        "--binlog-format=ROW"]
FAST_OF = {"mariadb": [*FAST, "--innodb-log-file-size=16M", "--aria-pagecache-buffer-size=8M", "--skip-slave-start"],
           "mysql": [*FAST, "--innodb-redo-log-capacity=16M", "--mysqlx=OFF", "--skip-replica-start",
                   "--local-infile=ON"]}


def base_directory():
    """The directory of this test run; removed at its end."""
    global _base
    if _base is None:
        _base = tempfile.mkdtemp(prefix="sluse-test-")
        os.chmod(_base, 0o755)
        atexit.register(shutil.rmtree, _base, ignore_errors=True)
    return _base


def server_user():
    """The user that mariadbd runs as; None when we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("mysql").pw_name
    except KeyError:
        return "nobody"


def as_server_user():
    """Arguments of subprocess that make a child run as that user."""
    user = server_user()
    return dict(user=user, group=pwd.getpwnam(user).pw_gid, extra_groups=[]) if user else {}


def template(build):
    """A fresh data directory of this build, made once."""
    with _template_lock:
        if build.program[-1] not in _templates:
            data = tempfile.mkdtemp(prefix="template-", dir=base_directory())
            if server_user():
                shutil.chown(data, server_user())
            build.make_data(data, as_server_user())
            _templates[build.program[-1]] = data
        return _templates[build.program[-1]]


class MariaDB:
    """One server; the verbs touch only the process that it started. Without a root it is this system's MariaDB."""

    name, setup, plugin = "mariadb-10.11", SETUP, "mysql_native_password"

    def __init__(self, max_connections=400, options=(), setup=None, start=True, root=None):
        self.build = self.build_in(root)
        self.family = self.build.family
        self.directory = tempfile.mkdtemp(prefix="db-", dir=base_directory())
        os.chmod(self.directory, 0o755)
        self.data = os.path.join(self.directory, "data")
        subprocess.run(["cp", "-a", "--reflink=auto", template(self.build), self.data], check=True)
        self.tmp = os.path.join(self.directory, "tmp")
        os.mkdir(self.tmp)
        if server_user():
            shutil.chown(self.directory, server_user())
            shutil.chown(self.tmp, server_user())
        self.port, self.socket = free_port(), os.path.join(self.directory, "s")
        self.log_path = os.path.join(self.directory, "error.log")
        self.max_connections, self.options = max_connections, list(options)
        self.process, self._root = None, None
        self._lock = threading.RLock()
        if start:
            self.start()
            for statement in (self.setup if setup is None else setup).split(";\n"):
                for one in statement.split("; "):
                    if one.strip(" ;\n"):
                        self.sql(one.strip(" ;\n"))

    @staticmethod
    def build_in(root):
        return RootedMariaDB(root) if root else SystemMariaDB()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def start(self):
        command = [*self.build.program, "--no-defaults", *self.build.options, f"--datadir={self.data}", f"--port={self.port}",
                   "--bind-address=127.0.0.1", f"--socket={self.socket}", f"--pid-file={self.directory}/pid",
                   f"--log-error={self.log_path}",
                   f"--tmpdir={self.tmp}",   # a server that starts deletes every temporary table in its tmpdir
                   "--log-bin=binlog", "--server-id=1", "--log-bin-trust-function-creators=1",
                   f"--max-connections={self.max_connections}", "--back-log=2000", "--max-connect-errors=1000000",
                   *FAST_OF[self.family], *self.options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent,
                                        **as_server_user())
        self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.build.program[-1]} ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            try:
                return self.sql("SELECT 1")
            except pymysql.err.MySQLError:
                return None
        wait_until(ready, 60, "the server answers")

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    # Asking

    def connect(self, **arguments):
        """A PyMySQL connection straight to the server: root over the Unix socket unless told otherwise."""
        if "user" in arguments:
            return pymysql.connect(host="127.0.0.1", port=self.port, autocommit=True, **arguments)
        return pymysql.connect(unix_socket=self.socket, user="root", autocommit=True, **arguments)

    def sql(self, statement, args=None):
        """Runs a statement as root and returns its rows as tuples."""
        with self._lock:
            for attempt in (0, 1):
                try:
                    if self._root is None:
                        self._root = self.connect()
                    with self._root.cursor() as cursor:
                        cursor.execute(statement, args)
                        return cursor.fetchall()
                except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as e:
                    lost = e.args[0] in (0, 2006, 2013)
                    if lost:
                        self._root = None
                    if not lost or attempt:
                        raise

    def status(self, name):
        rows = self.sql("SHOW GLOBAL STATUS LIKE %s", (name,))
        return int(rows[0][1]) if rows[0][1].lstrip("-").isdigit() else rows[0][1]

    def processlist(self, user=None):
        """Rows of the process list as dicts, without the one that asks."""
        with self._lock:
            self.sql("SELECT 1")
            with self._root.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute("SELECT * FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()")
                rows = cursor.fetchall()
        return [r for r in rows if (user is None or r["USER"] == user) and r["COMMAND"] not in ("Daemon", "Slave_IO")]

    def running(self, text):
        """Ids of connections whose current statement contains the text."""
        return [r["ID"] for r in self.processlist() if r["INFO"] and text in r["INFO"]]

    def fresh_schemas(self):
        for name in ("app", "other"):
            self.sql(f"DROP DATABASE IF EXISTS {name}")
            self.sql(f"CREATE DATABASE {name}")

    # Verbs on the process

    def _signal(self, number):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def stop(self):
        with self._lock:
            if self._root:
                self._root.close()
                self._root = None
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        self._reap()

    def kill9(self):
        self._signal(signal.SIGKILL)
        self._reap()
        self._root = None

    def _reap(self):
        if self.process:
            self.process.wait(60)
            self.process = None

    def sigstop(self):
        self._signal(signal.SIGSTOP)

    def cont(self):
        self._signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        self.start()

    def remove(self):
        """Ends the server and its data directory, fast."""
        self.cont()
        self.kill9()
        shutil.rmtree(self.directory, ignore_errors=True)


class MariaDB118(MariaDB):
    """The MariaDB that tests/install-servers took from Debian 13."""

    name = "mariadb-11.8"

    @staticmethod
    def build_in(root):
        return RootedMariaDB(root or os.path.join(roots(), "mariadb-11.8"))


class MySQL97(MariaDB):
    """The MySQL that tests/install-servers took from Debian unstable; its accounts have caching_sha2_password."""

    name, setup, plugin = "mysql-9.7", MYSQL_SETUP, "caching_sha2_password"

    @staticmethod
    def build_in(root):
        return RootedMySQL(root or os.path.join(roots(), "mysql-9.7"))


SERVERS = {server.name: server for server in (MariaDB, MariaDB118, MySQL97)}
