"""Everything at once, bounded; upheaval.py runs for longer."""
from upheaval import Upheaval


def test_everything_at_once(each_kind):
    """Nobody is told something wrong, the daemon stands, the server has never one connection too many, and it is quiet at the end."""
    with each_kind() as server:
        upheaval = Upheaval(server, seed=1)
        try:
            upheaval.rage(8)
            assert upheaval.counts["sessions that ended by themselves"] > 0
            assert upheaval.proxy.counter("pages_stolen") > 0
            upheaval.calm()
        finally:
            upheaval.proxy.kill()
