"""Everything at once, bounded; upheaval.py runs for longer."""
import os

import pytest

from harness import SERVERS
from harness.builds import roots
from upheaval import Upheaval


@pytest.mark.parametrize("name", SERVERS)
def test_everything_at_once(name):
    """Nobody is told something wrong, the daemon stands, the server has never one connection too many, and it is quiet at the end."""
    if name != "mariadb-10.11" and not os.path.isdir(os.path.join(roots(), name)):
        pytest.skip(f"{name} is not here; tests/install-servers makes it")
    with SERVERS[name]() as server:
        upheaval = Upheaval(server, seed=1)
        try:
            upheaval.rage(8)
            assert upheaval.counts["sessions that ended by themselves"] > 0
            assert upheaval.proxy.counter("pages_stolen") > 0
            upheaval.calm()
        finally:
            upheaval.proxy.kill()
