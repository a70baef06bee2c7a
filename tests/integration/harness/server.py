"""A private MariaDB: throw-away data directory, loopback, binary log on."""
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading

import pymysql

from .ports import die_with_parent, free_port, wait_until

_template_lock = threading.Lock()
_base = None

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

FAST = ["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=2",
        "--sync-binlog=0", "--innodb-flush-method=nosync", "--skip-innodb-doublewrite", "--aria-pagecache-buffer-size=8M",
        "--key-buffer-size=4M", "--performance-schema=off", "--skip-slave-start", "--innodb-buffer-pool-dump-at-shutdown=0",
        "--innodb-fast-shutdown=2", "--thread-cache-size=64"]


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


def template():
    """A fresh data directory, made once."""
    with _template_lock:
        data = os.path.join(base_directory(), "template")
        if not os.path.exists(data):
            os.mkdir(data)
            user = server_user()
            if user:
                shutil.chown(data, user)
            command = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--tmpdir={data}", "--skip-test-db",
                       "--auth-root-authentication-method=normal", "--innodb-log-file-size=16M",
                       "--innodb-flush-method=nosync"]
            done = subprocess.run(command + ([f"--user={user}"] if user else []), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                shutil.rmtree(data, ignore_errors=True)
                raise RuntimeError("mariadb-install-db: " + done.stdout)
        return data


class MariaDB:
    """One server; the verbs touch only the process that it started."""

    def __init__(self, max_connections=400, options=(), setup=SETUP, start=True):
        self.directory = tempfile.mkdtemp(prefix="db-", dir=base_directory())
        os.chmod(self.directory, 0o755)
        self.data = os.path.join(self.directory, "data")
        subprocess.run(["cp", "-a", "--reflink=auto", template(), self.data], check=True)
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
            for statement in setup.split(";\n"):
                for one in statement.split("; "):
                    if one.strip(" ;\n"):
                        self.sql(one.strip(" ;\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def start(self):
        command = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                   "--bind-address=127.0.0.1", f"--socket={self.socket}", f"--pid-file={self.directory}/pid",
                   f"--log-error={self.log_path}",
                   f"--tmpdir={self.tmp}",   # a server that starts deletes every temporary table in its tmpdir
                   "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW",
                   "--log-bin-trust-function-creators=1",
                   f"--max-connections={self.max_connections}", "--back-log=2000", "--max-connect-errors=1000000",
                   *FAST, *self.options]
        as_user = dict(user=server_user(), group=pwd.getpwnam(server_user()).pw_gid, extra_groups=[]) if server_user() else {}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent,
                                        **as_user)
        self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"mariadbd ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            try:
                return self.sql("SELECT 1")
            except pymysql.err.MySQLError:
                return None
        wait_until(ready, 60, "mariadbd answers")

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
