"""A disk that does not keep what it was given: a server of NBD whose exports flip a bit, lose a write, or wrap around.

QEMU shows one to the machine as a disk of its own; what the machine writes and reads is real, and so is what comes back wrong.
"""

import os
import socket
import struct
import threading

# doc/proto.md of the NetworkBlockDevice project: fixed newstyle negotiation, simple replies.
MAGIC, OPTION_MAGIC, REPLY_MAGIC = 0x4E42444D41474943, 0x49484156454F5054, 0x3E889045565A9
REQUEST, SIMPLE_REPLY = 0x25609513, 0x67446698
EXPORT_NAME, ABORT, GO = 1, 2, 7
ACK, INFO, UNSUPPORTED = 1, 3, 0x80000001
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
FLAGS = 1 | 1 << 2      # has flags, takes flushes


class LyingDisk:
    """Keeps `size` bytes in memory and serves them at the UNIX socket `path`; `lie(at, data)` says what a write leaves of `data`
    and where: a list of (offset, bytes)."""

    def __init__(self, path, size, lie):
        self.path, self.size, self.lie = str(path), size, lie
        self.content = bytearray(size)
        self.told = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self._listener.listen()
        threading.Thread(target=self._serve, name="lying-disk", daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client):
        try:
            if self._negotiate(client):
                while self._request(client):
                    pass
        except (ConnectionError, EOFError):
            pass
        finally:
            client.close()

    def _negotiate(self, client):
        client.sendall(struct.pack(">QQH", MAGIC, OPTION_MAGIC, 1))
        _exactly(client, 4)
        while True:
            magic, option, length = struct.unpack(">QII", _exactly(client, 16))
            assert magic == OPTION_MAGIC, "not NBD"
            _exactly(client, length)
            if option == EXPORT_NAME:
                client.sendall(struct.pack(">QH124x", self.size, FLAGS))
                return True
            if option == GO:
                about = struct.pack(">HQH", 0, self.size, FLAGS)
                client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, INFO, len(about)) + about)
                client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, ACK, 0))
                return True
            client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, ACK if option == ABORT else UNSUPPORTED, 0))
            if option == ABORT:
                return False

    def _request(self, client):
        magic, _, kind, handle, at, length = struct.unpack(">IHHQQI", _exactly(client, 28))
        assert magic == REQUEST, "not NBD"
        if kind == DISCONNECT:
            return False
        reply = b""
        if kind == WRITE:
            data = _exactly(client, length)
            left = self.lie(at, data)
            self.told += left != [(at, data)]
            for place, bytes_ in left:
                self.content[place:place + len(bytes_)] = bytes_
        elif kind == READ:
            reply = bytes(self.content[at:at + length])
        client.sendall(struct.pack(">IIQ", SIMPLE_REPLY, 0, handle) + reply)
        return True


def flips(offset, bit=3):
    """Of the byte at `offset`, one bit comes back other than it was written."""
    def lie(at, data):
        if at <= offset < at + len(data):
            data = bytearray(data)
            data[offset - at] ^= 1 << bit
            data = bytes(data)
        return [(at, data)]
    return lie


def wraps(size):
    """A disk of `size` bytes that claims to be larger: what is written behind its end lands at its beginning."""
    def lie(at, data):
        if at < size:
            return [(at, data)]
        return [(at % size, data)]
    return lie


def _exactly(client, length):
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data
