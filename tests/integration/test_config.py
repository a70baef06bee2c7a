"""sluse --check: every mistake at once, with file, line and what would be right."""
import os
import re
import subprocess

import pytest

from harness.proxy import ROOT, binary


def check(path, *options):
    return subprocess.run([binary(), "--check", str(path), *options], capture_output=True, text=True, timeout=30)


def output(done):
    return done.stdout + done.stderr


GOOD = """[backend]
host = 127.0.0.1
port = 3307
[account app]
password = app
"""


def test_good_file(tmp_path):
    path = tmp_path / "pool.ini"
    path.write_text(GOOD)
    done = check(path)
    assert done.returncode == 0, output(done)


def test_default_file_works_as_it_is():
    done = check(os.path.join(ROOT, "conf", "pool.ini"))
    assert done.returncode == 0, output(done)


def test_all_mistakes_at_once(tmp_path):
    path = tmp_path / "pool.ini"
    path.write_text("[sluse]\nlisten = nonsense:port\nworkers = many\nmax_client = 5\n[backend]\nhost = 127.0.0.1\nport = 99999\n"
                    "[pool]\nsize = -1\nwait_timeout = 10 parsecs\n[account app]\npassword_hash = *123\n[nosuch]\nkey = 1\n")
    done = check(path)
    assert done.returncode == 1
    lines = re.findall(rf"{re.escape(str(path))}:(\d+): ", output(done))
    assert {"2", "3", "4", "7", "9", "10", "12"} <= set(lines), output(done)
    assert "max_clients" in output(done), "a suggestion for max_client"
    assert {"13", "14"} & set(lines), output(done)


@pytest.mark.parametrize("text,what", [
    ("[backend]\nhost = x\nsocket = /s\n[account a]\npassword = a\n", "socket"),
    ("[account a]\npassword = a\n", "host"),
    ("[backend]\nhost = x\n", "account"),
    ("[backend]\nhost = x\n[account a]\npassword = a\npassword_hash = *2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\n", "password"),
    ("[backend]\nhost = x\n[account a]\npassword_file = /nosuch/file\n", "/nosuch/file"),
    ("[backend]\nhost = x\n[pool]\nsize = 2\nmin_idle = 5\n[account a]\npassword = a\n", "min_idle"),
], ids=lambda v: v if len(v) < 20 else "")
def test_contradictions(tmp_path, text, what):
    path = tmp_path / "pool.ini"
    path.write_text(text)
    done = check(path)
    assert done.returncode == 1
    assert what in output(done)
    assert "secret" not in output(done)


def test_missing_file(tmp_path):
    done = check(tmp_path / "nosuch.ini")
    assert done.returncode == 1
    assert "nosuch.ini" in output(done)


def test_a_bad_file_does_not_start(tmp_path):
    path = tmp_path / "pool.ini"
    path.write_text("[sluse]\nlistn = 127.0.0.1:1\n")
    done = subprocess.run([binary(), "-c", str(path)], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "listen" in output(done)


def test_connect_says_what_it_found(tmp_path, mariadb):
    path = tmp_path / "pool.ini"
    path.write_text(GOOD.replace("3307", str(mariadb.port)))
    done = check(path, "--connect")
    assert done.returncode == 0, output(done)
    assert "10.11" in output(done)
    assert str(mariadb.max_connections) in output(done)
    assert "track" in output(done).lower()


def test_connect_to_nobody(tmp_path):
    path = tmp_path / "pool.ini"
    path.write_text(GOOD.replace("3307", "1"))
    done = check(path, "--connect")
    assert done.returncode == 1
    assert "127.0.0.1" in output(done)


def test_connect_with_a_wrong_password(tmp_path, mariadb):
    path = tmp_path / "pool.ini"
    path.write_text(GOOD.replace("3307", str(mariadb.port)).replace("password = app", "password = wrong"))
    done = check(path, "--connect")
    assert done.returncode == 1
    assert "Access denied" in output(done) or "1045" in output(done)
