"""Free loopback ports, children that don't outlive us, and waiting for events with a deadline."""
import ctypes
import random
import signal
import socket
import time

_given = set()


def free_port():
    """A loopback port below the ephemeral range, so that no outgoing connection takes it before its owner listens."""
    while True:
        port = random.randrange(10000, 32000)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def die_with_parent():
    """In a child before its exec: SIGKILL when the test run ends, however it ends. (PR_SET_PDEATHSIG is 1.)"""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Deadline(AssertionError):
    """An awaited event did not happen."""


def wait_until(fn, timeout=20, what=None, interval=0.01):
    """Calls fn until it returns something true, and returns that; an exception of the last try is part of the failure."""
    end = time.monotonic() + timeout
    while True:
        problem, value = None, None
        try:
            value = fn()
        except (OSError, ValueError, KeyError, AssertionError) as e:
            problem = e
        if value:
            return value
        if time.monotonic() > end:
            raise Deadline(f"not within {timeout} s: {what or fn.__name__}; last: {problem or value!r}")
        time.sleep(interval)
