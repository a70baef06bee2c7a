"""Integers, strings and packets as the protocol writes them."""


def lenenc(n):
    if n < 0xfb:
        return bytes([n])
    if n < 1 << 16:
        return b"\xfc" + n.to_bytes(2, "little")
    if n < 1 << 24:
        return b"\xfd" + n.to_bytes(3, "little")
    return b"\xfe" + n.to_bytes(8, "little")


def lenstr(s):
    return lenenc(len(s)) + s


def le(n, size):
    return n.to_bytes(size, "little")


class Malformed(AssertionError):
    """The peer sent bytes that can't be decoded."""


class Reader:
    """Takes fields from the front of a payload."""

    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def left(self):
        return len(self.data) - self.at

    def take(self, n):
        if self.left() < n:
            raise Malformed(f"{n} bytes wanted, {self.left()} left of {self.data[:80]!r}")
        self.at += n
        return self.data[self.at - n:self.at]

    def rest(self):
        return self.take(self.left())

    def int(self, size):
        return int.from_bytes(self.take(size), "little")

    def lenenc(self):
        first = self.int(1)
        if first < 0xfb:
            return first
        if first == 0xfb:
            return None
        if first == 0xff:
            raise Malformed("length 0xff")
        return self.int({0xfc: 2, 0xfd: 3, 0xfe: 8}[first])

    def lenstr(self):
        n = self.lenenc()
        return None if n is None else self.take(n)

    def nulstr(self):
        end = self.data.index(b"\0", self.at)
        s = self.data[self.at:end]
        self.at = end + 1
        return s


def split_packets(payload, seq=0):
    """The bytes of one payload as one or more packets, and the sequence id that comes after them."""
    out, at = [], 0
    while True:
        part = payload[at:at + 0xffffff]
        out.append(le(len(part), 3) + bytes([seq & 0xff]) + part)
        seq, at = seq + 1, at + len(part)
        if len(part) < 0xffffff:
            return b"".join(out), seq & 0xff
