"""Everything at once, bounded; storm.py runs for longer."""
import os

import pytest

from harness import SERVERS
from harness.builds import roots
from storm import Storm


@pytest.mark.parametrize("name", SERVERS)
def test_a_storm(name):
    """Nobody is told something wrong, the daemon stands, the server has never one connection too many, and it is quiet at the end."""
    if name != "mariadb-10.11" and not os.path.isdir(os.path.join(roots(), name)):
        pytest.skip(f"{name} is not here; tests/install-servers makes it")
    with SERVERS[name]() as server:
        storm = Storm(server, seed=1)
        try:
            storm.rage(8)
            assert storm.counts["sessions that ended by themselves"] > 0
            assert storm.proxy.counter("pages_stolen") > 0
            storm.calm()
        finally:
            storm.proxy.kill()
