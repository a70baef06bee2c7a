"""A running sluse with its pool.ini, its stats and its log."""
import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

from .ports import die_with_parent, free_port, wait_until
from .rawclient import RawClient
from .server import base_directory

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
ZERO = ("connecting", "login", "saving", "restoring", "leased", "cleaning", "draining", "closing")
BAD_LINES = re.compile(r"AddressSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|LeakSanitizer|runtime error:|"
                       r"\binvariant\b", re.IGNORECASE)
PASSWORDS = {"app": "app", "svc": "svc", "limited": "limited"}


def binary():
    return os.environ.get("SLUSE_BINARY") or os.path.join(ROOT, "build", "sanitize", "sluse")


def write_ini(path, sections):
    """A pool.ini from a dict of dicts; None leaves a key or a section out."""
    with open(path, "w") as f:
        for section, keys in sections.items():
            if keys is None:
                continue
            f.write(f"[{section}]\n")
            f.writelines(f"{k} = {v}\n" for k, v in keys.items() if v is not None)
            f.write("\n")
    return path


class Sluse:
    """Arguments are sections over the defaults: pool=dict(size=3), backend=dict(port=...), accounts=dict(app="app").
    nofile: its limits of descriptors, soft and hard, or one number for both."""

    def __init__(self, server=None, accounts=PASSWORDS, start=True, environment=None, nofile=None, **sections):
        self.directory = tempfile.mkdtemp(prefix="proxy-", dir=base_directory())
        self.log_path = os.path.join(self.directory, "log")
        self.port, self.stats_port = free_port(), free_port()
        self.socket = os.path.join(self.directory, "s")
        base = {
            "sluse": {"listen": f"127.0.0.1:{self.port}", "socket": self.socket, "workers": 2, "drain_timeout": 0},
            "backend": {"host": "127.0.0.1", "port": server.port} if server else {},
            "pool": {"size": 10},
            "stats": {"listen": f"127.0.0.1:{self.stats_port}"},
        }
        for name, password in accounts.items():
            base[f"account {name}"] = {"password": password}
        for name, keys in sections.items():
            name = name.replace("account_", "account ")
            base[name] = None if keys is None else {**(base.get(name) or {}), **keys}
        self.sections, self.environment = base, environment or {}
        self.nofile = (nofile, nofile) if isinstance(nofile, int) else nofile
        self.size = int(base["pool"].get("size", 20))
        self.process, self.server = None, server
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def start(self, wait=True):
        path = write_ini(os.path.join(self.directory, "pool.ini"), self.sections)
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
                       "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=0", **self.environment}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([binary(), "-c", path], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment, start_new_session=True,
                                            preexec_fn=self._before_exec)
        if wait:
            wait_until(self._alive, 20, "sluse answers /healthz", interval=0.02)
        return self

    def _before_exec(self):
        die_with_parent()
        if self.nofile:
            resource.setrlimit(resource.RLIMIT_NOFILE, self.nofile)

    def _alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"sluse ended with {self.process.returncode}:\n{self.log()[-4000:]}")
        return self.http("/healthz")[0] == 200

    # Asking

    @property
    def pid(self):
        return self.process.pid

    def http(self, path):
        """Status and body; a refused connection is an OSError."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.stats_port}{path}", timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def stats(self):
        status, body = self.http("/stats")
        assert status == 200, body
        return json.loads(body)

    def backends(self):
        return self.stats()["pool"]["backends"]

    def counter(self, name):
        return self.stats()["counters"].get(name, 0)

    def ready(self):
        return self.http("/readyz")[0] == 200

    def wait_read(self):
        """It is known what code is stored at the server."""
        wait_until(lambda: self.stats()["target"]["stored_code"]["right"], what="stored code is read")

    def pins(self):
        """So many sessions are pinned now, by the name of the pin. A reply is with its client a moment before these are counted."""
        return {name: pin["now"] for name, pin in self.stats()["pins"].items() if pin["now"]}

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def rss(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def client(self, **arguments):
        """A RawClient of this proxy; it must be able to log in."""
        client = RawClient(self.port, **arguments)
        assert client.login_reply is None or hasattr(client.login_reply, "affected"), client.login_reply
        return client

    def wait_idle(self, timeout=20, clients=None):
        """No session holds a backend and nobody waits; idle backends may stay. clients: only so many are connected, and nothing is left of the others."""
        if clients is not None:
            wait_until(lambda: self.stats()["clients"]["current"] == clients, timeout, f"{clients} clients")

        def idle():
            pool = self.stats()["pool"]
            return pool["waiting"] == 0 and all(pool["backends"].get(k, 0) == 0 for k in ZERO)
        wait_until(idle, timeout, "no leased backend, no waiter")

    def assert_quiet(self, timeout=20):
        """Every gauge is back at zero."""
        def loud():
            s = self.stats()
            gauges = {"clients": s["clients"]["current"], "waiting": s["pool"]["waiting"]}
            gauges.update((k, s["pool"]["backends"].get(k, 0)) for k in ZERO)
            return {k: v for k, v in gauges.items() if v}
        try:
            wait_until(lambda: not loud(), timeout, "gauges at zero")
        except AssertionError:
            raise AssertionError(f"gauges are not at zero: {loud()}\n{self.log()[-3000:]}") from None
        s = self.stats()
        assert s["pool"]["used_max"] <= s["pool"]["size"], s["pool"]

    def assert_clean_log(self):
        bad = [line for line in self.log().splitlines() if BAD_LINES.search(line)]
        assert not bad, "the log has:\n" + "\n".join(bad[:20]) + "\n...\n" + self.log()[-6000:]

    # Verbs on the process

    def limit_descriptors(self, soft):
        """While it runs; returns what it was before."""
        before, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (soft, hard))
        return before

    def signal(self, number):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def reload(self):
        write_ini(os.path.join(self.directory, "pool.ini"), self.sections)
        self.signal(signal.SIGHUP)

    def stop(self, timeout=60):
        """SIGTERM; must end with 0 and leave a clean log."""
        if self.process is None:
            return
        early = self.process.poll()
        self.signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"sluse did not end within {timeout} s of SIGTERM:\n{self.log()[-3000:]}") from None
        self.process = None
        self.assert_clean_log()
        assert early is None, f"sluse had ended by itself with {early}:\n{self.log()[-4000:]}"
        assert status == 0, f"sluse ended with {status}:\n{self.log()[-4000:]}"

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait(20)
            self.process = None
