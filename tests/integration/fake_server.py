"""Servers that do what no real one can be made to: caching_sha2_password with a cold cache and with a warm one; a SET that fails."""
import hashlib
import os
import socket
import struct
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CAPABILITIES = 0x01FFFFDF & ~0x0820 | 0x80000   # no TLS, no compression; plugins, attributes, trackers, DEPRECATE_EOF
OK_PACKET = b"\0\0\0\2\0\0\0"


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class CachingSha2Server:
    """Each login is noted in .logins as (who, how): control or worker; fast, full or denied. For whom the cache is .cold the password is asked
    for under RSA until it has come once."""

    def __init__(self, password):
        self.password, self.cold, self.logins = password.encode(), {"control", "worker"}, []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                if self.log_in(connection):
                    while (command := self.receive(connection)[1]) and command[0] != 1:
                        self.send(connection, 1, OK_PACKET)
            except (OSError, EOFError):
                pass

    def send(self, connection, sequence, payload):
        connection.sendall(len(payload).to_bytes(3, "little") + bytes([sequence]) + payload)

    def receive(self, connection):
        def exactly(size):
            data = b""
            while len(data) < size:
                part = connection.recv(size - len(data))
                if not part:
                    raise EOFError
                data += part
            return data
        header = exactly(4)
        return header[3], exactly(int.from_bytes(header[:3], "little"))

    def greeting(self, nonce):
        low, high = CAPABILITIES & 0xFFFF, CAPABILITIES >> 16
        return (b"\x0a8.4.0-scripted\0" + (7).to_bytes(4, "little") + nonce[:8] + b"\0" + low.to_bytes(2, "little") + b"\xff\2\0"
                + high.to_bytes(2, "little") + b"\x15" + bytes(10) + nonce[8:] + b"\0caching_sha2_password\0")

    def log_in(self, connection):
        nonce = bytes(b % 90 + 33 if b % 90 + 33 != 36 else 65 for b in os.urandom(20))
        self.send(connection, 0, self.greeting(nonce))
        sequence, response = self.receive(connection)
        who = "control" if b"sluse_role" in response else "worker"
        answer = response[32:].split(b"\0", 1)[1]
        answer = answer[1:1 + answer[0]]
        once = sha(self.password)
        right = bytes(a ^ b for a, b in zip(once, sha(sha(once), nonce)))
        if who in self.cold or answer != right:
            return self.full(connection, sequence, nonce, who)
        self.logins.append((who, "fast"))
        self.send(connection, sequence + 1, b"\1\3")
        self.send(connection, sequence + 2, OK_PACKET)
        return True

    def full(self, connection, sequence, nonce, who):
        self.send(connection, sequence + 1, b"\1\4")
        sequence, asked = self.receive(connection)
        assert asked == b"\2", asked
        public = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.send(connection, sequence + 1, b"\1" + public)
        sequence, secret = self.receive(connection)
        clear = self.key.decrypt(secret, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
        clear = bytes(c ^ nonce[i % 20] for i, c in enumerate(clear))
        if clear != self.password + b"\0":
            self.logins.append((who, "denied"))
            self.send(connection, sequence + 1, b"\xff\x15\x04#28000Access denied for user 'app'@'scripted' (using password: YES)")
            return False
        self.logins.append((who, "full"))
        self.cold.discard(who)
        self.send(connection, sequence + 1, OK_PACKET)
        return True


class Hold:
    def __init__(self, text):
        self.text, self.held, self.released = text, False, threading.Event()

    def look_at(self, data):
        if self.text in data and not self.released.is_set():
            self.held = True
            self.released.wait()

    def release(self):
        self.released.set()


class Between:
    """What is said to a real server passes through here, and its answers pass back. Once .spoil is true, the first SET that comes together with a
    command behind it is made a syntax error; .spoilt counts them. Once .ending is one of "fin", "rst" or the bytes of a last word, the connection on which
    the next SET comes ends in that way, and nothing of it reaches the server; .ended counts them. What has the bytes of a hold() in it waits for its release.
    .replaced is a pair of bytes, of which the first becomes the second, in packets that come whole.
    Between .mute() and .unmute() the server's answers wait, greetings and all."""

    def __init__(self, server):
        self.server, self.spoil, self.spoilt, self.ending, self.ended = server, False, 0, None, 0
        self.holds, self.replaced = [], None
        self.flows = threading.Event()
        self.mute, self.unmute = self.flows.clear, self.flows.set
        self.unmute()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.unmute()
        for hold in self.holds:
            hold.release()
        self.listener.shutdown(socket.SHUT_RDWR)   # whoever waits in accept() keeps the number of a descriptor
        self.listener.close()

    def hold(self, text):
        self.holds.append(Hold(text))
        return self.holds[-1]

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.server.port))
            for source, sink, change in ((near, far, self.spoiled), (far, near, self.held_back)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pump, args=(source, sink, change), daemon=True).start()

    def pump(self, source, sink, change):
        try:
            while data := source.recv(1 << 16):
                if self.ending and change == self.spoiled and data[4:9] == b"\x03SET ":
                    return self.end(source, sink)
                for hold in self.holds:
                    hold.look_at(data)
                sink.sendall(change(data))
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            sink.close()

    def held_back(self, data):
        self.flows.wait()
        return data

    def end(self, near, far):
        ending, self.ending, self.ended = self.ending, None, self.ended + 1
        if ending == "rst":   # before the end of the other flow makes a FIN of it
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            near.close()
            far.shutdown(socket.SHUT_RDWR)
            return
        if ending != "fin":
            near.sendall(ending)
        far.shutdown(socket.SHUT_RDWR)
        near.shutdown(socket.SHUT_RDWR)
        near.close()

    def with_replaced(self, data, old, new):
        changed = b""
        while data:
            end = 4 + int.from_bytes(data[:3], "little")
            text = data[4:end].replace(old, new)
            changed, data = changed + len(text).to_bytes(3, "little") + data[3:4] + text, data[end:]
        return changed

    def spoiled(self, data):
        first = 4 + int.from_bytes(data[:3], "little")
        if self.replaced and self.replaced[0] in data:
            return self.with_replaced(data, *self.replaced)
        if self.spoil and data[4:9] == b"\x03SET " and len(data) > first:
            self.spoil, self.spoilt = False, self.spoilt + 1
            return data[:5] + b"SAT" + data[8:]
        return data
