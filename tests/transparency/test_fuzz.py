"""The fuzzer, bounded: fixed seeds, and one more from SLUSE_FUZZ_SEED, in normal and in chaos mode. fuzz.py runs for longer."""
import os
import subprocess

import pytest

import fuzz
from fuzz_bench import FuzzBench
from harness.builds import roots
from harness.proxy import ROOT, binary

CHAOS = ("pool.size=4", "pool.debug_migrate=always")
HOME = "mariadb-10.11"
# Server, mode, first seed, sessions, stored code that reads ROW_COUNT() and the like.
CASES = [(HOME, "normal", 1, 300, False), (HOME, "chaos", 100001, 450, False), (HOME, "chaos", 200001, 150, True),
         ("mariadb-11.8", "chaos", 300001, 150, False), ("mysql-9.7", "chaos", 400001, 150, False)]
if os.environ.get("SLUSE_FUZZ_SEED"):
    CASES += [(HOME, mode, int(os.environ["SLUSE_FUZZ_SEED"]), 300, False) for mode in ("normal", "chaos")]


@pytest.fixture(scope="module")
def server(request):
    name = request.param
    if name != HOME and not os.path.isdir(os.path.join(roots(), name)):
        pytest.skip(f"{name} is not here; tests/install-servers makes it")
    with fuzz.open_server(name) as server:
        yield server


def knows_chaos():
    reference = subprocess.run([binary(), "--print-reference"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return "`debug_migrate`" in reference


def test_the_binary_knows_chaos_mode():
    """So that the tests below are not left out unseen."""
    with open(os.path.join(ROOT, "conf", "conf_keys.def")) as f:
        assert knows_chaos() == ("debug_migrate" in f.read()), "the binary is older than its sources"


@pytest.mark.parametrize("server,mode,seed,sessions,residue", CASES, indirect=["server"],
                         ids=[f"{n} {m} seed {s}" + " with residue code" * r for n, m, s, _, r in CASES])
def test_random_sessions(server, mode, seed, sessions, residue):
    if mode == "chaos" and not knows_chaos():
        pytest.skip("this sluse has no pool.debug_migrate")
    lines = []
    words = ["--seed", str(seed), "--sessions", str(sessions), "--stop-after", "30", "--no-shrink", "--tries", "150"]
    words += ["--residue-code"] if residue else []
    options = fuzz.arguments(words + [w for pair in (CHAOS if mode == "chaos" else ()) for w in ("--set", pair)])
    bench = FuzzBench(server, fuzz.flavor_of(server.name), options.through, residue, **fuzz.sections_of(options))
    try:
        fuzzer = fuzz.Fuzzer(bench, options, out=lambda *a, **k: lines.append(" ".join(map(str, a))))
        fuzz.work(fuzzer, options)
    finally:
        bench.close()
    print(lines[-1])
    if fuzzer.failures:
        pytest.fail("\n".join(lines), pytrace=False)
    assert fuzzer.refused * 10 <= fuzzer.scripts, lines
    assert fuzzer.starved * 20 <= fuzzer.scripts, lines
