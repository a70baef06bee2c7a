"""The server programs that the tests run: where they lie, how they are started, how a fresh data directory is made."""
import functools
import glob
import os
import shutil
import stat
import subprocess

from .ports import die_with_parent

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
INSTALL = os.path.join(ROOT, "tests", "install-servers")
SMALL = ["--innodb-buffer-pool-size=64M", "--innodb-flush-method=nosync"]
# Read by mariadbd --bootstrap, as mariadb-install-db would have it; the help texts are left out.
MARIADB_TABLES = ("mariadb_system_tables", "mariadb_performance_tables", "mariadb_system_tables_data",
                  "maria_add_gis_sp_bootstrap", "mariadb_sys_schema")


@functools.cache
def roots():
    """The directory in which tests/install-servers puts its roots."""
    return subprocess.run([INSTALL, "--where"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def check_reachable(path):
    """A server that runs as another user must get at its files."""
    while os.path.dirname(path) != path:
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & stat.S_IXOTH:
            raise RuntimeError(f"{path} is closed to the user of the servers: SLUSE_SERVERS_DIR should name another place")


class SystemMariaDB:
    """The one that is installed here."""

    family, program, options = "mariadb", ["/usr/sbin/mariadbd"], []

    def make_data(self, data, as_user):
        user = as_user.get("user")
        command = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--tmpdir={data}", "--skip-test-db",
                   "--auth-root-authentication-method=normal", "--innodb-log-file-size=16M",
                   "--innodb-flush-method=nosync"]
        run(command + ([f"--user={user}"] if user else []), data)


class RootedBuild:
    """A server out of a root directory, run with the loader and the libraries of that root: no chroot, no mount, and its
    data, its socket and its files are where they would be anyway."""

    def __init__(self, root, program, share):
        self.usr = os.path.join(root, "usr")
        binary = os.path.join(self.usr, "sbin", program)
        loaders = glob.glob(os.path.join(self.usr, "lib", "*", "ld-linux*.so.*"))
        if not loaders or not os.path.exists(binary):
            raise RuntimeError(f"there is no {program} in {root}: tests/install-servers puts it there")
        if os.geteuid() == 0:
            check_reachable(binary)
        self.share = os.path.join(self.usr, "share", share)
        self.program = [loaders[0], "--library-path", os.path.dirname(loaders[0]), "--argv0", binary, binary]

    def places(self):
        return [f"--basedir={self.usr}", f"--lc-messages-dir={self.share}", f"--character-sets-dir={self.share}/charsets"]


class RootedMariaDB(RootedBuild):
    family = "mariadb"

    def __init__(self, root):
        super().__init__(root, "mariadbd", "mariadb")
        self.options = self.places()

    def make_data(self, data, as_user):
        sql = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        for name in MARIADB_TABLES:
            with open(f"{self.share}/{name}.sql", "rb") as f:
                sql += f.read()
        run([*self.program, "--no-defaults", *self.options, "--bootstrap", f"--datadir={data}", f"--tmpdir={data}",
             "--log-warnings=0", "--enforce-storage-engine=", "--max-allowed-packet=8M", "--net-buffer-length=16K",
             "--innodb-log-file-size=16M", *SMALL], data, input=sql, **as_user)


class RootedMySQL(RootedBuild):
    family = "mysql"

    def __init__(self, root):
        super().__init__(root, "mysqld", "mysql")
        self.options = self.places() + [f"--plugin-dir={self.usr}/lib/mysql/plugin", "--secure-file-priv="]

    def make_data(self, data, as_user):
        run([*self.program, "--no-defaults", *self.options, "--initialize-insecure", f"--datadir={data}", f"--tmpdir={data}",
             "--innodb-redo-log-capacity=16M", "--innodb-doublewrite=OFF", *SMALL], data, **as_user)


def run(command, data, **arguments):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent, **arguments)
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise RuntimeError(f"{command[0]}: {done.stdout.decode(errors='replace')}")
