"""Each script, in each form of the protocol, direct and through sluse; and with sessions that move after every command."""
import os

import pytest

from harness import MariaDB, SERVERS, wait_until
from run import FORMS, Bench, parse, scripts, server_name, settings

# Chaos is about sessions: the two ends of the forms are enough, and on other servers than MariaDB 10.11 one, without what is about bytes. As many
# backends as a script has sessions, because all may be pinned.
CHAOS = {"pool": {"size": 8, "debug_migrate": "always"}}
CHAOS_FORMS = ("plain", "eof+track") if server_name() == MariaDB.name else ("eof+track",)
BYTES = () if server_name() == MariaDB.name else ("big_rows",)


@pytest.fixture(scope="module")
def server():
    """TRANSPARENCY_SERVER names another server than MariaDB 10.11."""
    with SERVERS[server_name()]() as server:
        yield server


def bench_of(server, **sections):
    bench = Bench(server, os.environ.get("TRANSPARENCY_THROUGH", "sluse"), **sections)
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def bench(server):
    """TRANSPARENCY_SET has settings of pool.ini, as "pool.debug_migrate=always pool.size=2"."""
    yield from bench_of(server, **settings(os.environ.get("TRANSPARENCY_SET", "").split()))


@pytest.fixture(scope="module")
def chaos(server):
    yield from bench_of(server, **CHAOS)


def cases(forms, moving=False):
    chosen = [(path, form) for path, script in ((path, parse(path)) for path in scripts())
              if script.is_for(server_name()) and not (moving and (script.resident or script.name in BYTES))
              for form in script.forms or forms if form in forms]
    return pytest.mark.parametrize("path,form", chosen,
                                   ids=[os.path.basename(p).removesuffix(".script") + " " + f for p, f in chosen])


def wait_for_code(bench):
    """What the script before left in the schemas has been read: until then every session that names a table is pinned."""
    if bench.proxy:
        wait_until(lambda: bench.proxy.stats()["target"]["stored_code"]["right"], what="stored code is read")


def same(bench, path, form):
    found, _ = bench.differences(parse(path), form)
    if found:
        with open(path) as f:
            pytest.fail("\n".join(found) + "\n----- " + path + "\n" + f.read(), pytrace=False)


@cases(FORMS)
def test_script(bench, path, form):
    same(bench, path, form)


@cases(CHAOS_FORMS, moving=True)
def test_script_in_chaos(chaos, path, form):
    """A session that is not pinned is on another backend after every command, and nobody can tell."""
    wait_for_code(chaos)
    same(chaos, path, form)
