"""Each script, in each form of the protocol, direct and through sluse."""
import os

import pytest

from harness import MariaDB
from run import FORMS, Bench, parse, scripts, settings


@pytest.fixture(scope="module")
def bench():
    """TRANSPARENCY_SET has settings of pool.ini, as "pool.debug_migrate=always pool.size=2"."""
    with MariaDB() as server:
        bench = Bench(server, os.environ.get("TRANSPARENCY_THROUGH", "sluse"),
                      **settings(os.environ.get("TRANSPARENCY_SET", "").split()))
        yield bench
        bench.close()


CASES = [(path, form) for path in scripts() for form in parse(path).forms or FORMS]


@pytest.mark.parametrize("path,form", CASES,
                         ids=[os.path.basename(p).removesuffix(".script") + " " + f for p, f in CASES])
def test_script(bench, path, form):
    found, _ = bench.differences(parse(path), form)
    if found:
        with open(path) as f:
            pytest.fail("\n".join(found) + "\n----- " + path + "\n" + f.read(), pytrace=False)
