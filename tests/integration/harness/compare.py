"""Small helpers that many tests share."""
import re
import socket
import struct
import threading

from .rawclient import PeerClosed, RawClient, SequenceError
from .replies import ERR, OK, ResultSet

HOST = re.compile(r"'@'(localhost|127\.0\.0\.1)'")


def plain(reply):
    """A reply as text, without the host that the server sees."""
    return HOST.sub("'@'<host>'", repr(reply))


def same(server, proxy, ask):
    """ask(port) against the server and through the proxy; both must give the same. Returns what they gave."""
    want, got = plain(ask(server.port)), plain(ask(proxy.port))
    assert got == want, f"\ndirect : {want}\nthrough: {got}"
    return want


def after_greeting(port, payload, seq=1, raw=None):
    """What comes back for one packet (or raw bytes) in place of the handshake response, and then how it ends."""
    client = RawClient(port, login=False)
    try:
        try:
            client.send_bytes(raw) if raw is not None else client.send_packet(payload, seq)
        except OSError:
            pass
        try:
            size = None
            client._fill(4)
            size, got_seq = int.from_bytes(client.buf[:3], "little"), client.buf[3]
            client._fill(4 + size)
            return got_seq, bytes(client.buf[4:4 + size])
        except PeerClosed:
            return "closed"
    finally:
        client.close()


def in_thread(fn, *args):
    """Runs fn in a thread; .result() joins and returns or raises."""
    class Running(threading.Thread):
        value = problem = None

        def run(self):
            try:
                self.value = fn(*args)
            except BaseException as e:
                self.problem = e

        def result(self, timeout=60):
            self.join(timeout)
            assert not self.is_alive(), "the thread did not end"
            if self.problem:
                raise self.problem
            return self.value
    thread = Running(daemon=True)
    thread.start()
    return thread


def rst_on_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


__all__ = ["same", "plain", "after_greeting", "in_thread", "rst_on_close", "ERR", "OK", "ResultSet", "SequenceError"]
