"""A disk with a write cache that the power takes with it: of what was written since the last flush any part may be there, sector by sector."""

import random
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))
import lying_disk  # noqa: E402

SECTOR = 512


class Cut:
    """Counts the writes to several disks, and stops them all at the one that is agreed upon."""

    def __init__(self):
        self.lock, self.count, self.limit, self.reached = threading.Lock(), 0, None, threading.Event()

    def arm(self, limit):
        """After so many writes from now on nothing reaches a disk any more; none for never."""
        with self.lock:
            self.count, self.limit = 0, limit
            self.reached.clear()

    def passes(self):
        """May one more write be done? To be asked with the lock held."""
        self.count += 1
        if self.limit is not None and self.count > self.limit:
            self.reached.set()
        return not self.reached.is_set()


class VolatileDisk(lying_disk.LyingDisk):
    def __init__(self, path, size, cut):
        self._cut, self._pending = cut, []
        super().__init__(path, size, None)

    def _request(self, client):
        magic, _, kind, handle, at, length = struct.unpack(">IHHQQI", lying_disk._exactly(client, 28))
        assert magic == lying_disk.REQUEST, "not NBD"
        if kind == lying_disk.DISCONNECT:
            return False
        reply = b""
        if kind == lying_disk.WRITE:
            data = lying_disk._exactly(client, length)
            with self._cut.lock:
                if not self._cut.passes():
                    return False
                self._pending.append((at, bytes(self.content[at:at + length]), data))
                self.content[at:at + length] = data
        elif kind == lying_disk.READ:
            reply = bytes(self.content[at:at + length])
        elif kind == lying_disk.FLUSH:
            with self._cut.lock:
                if self._cut.reached.is_set():
                    return False
                self._pending.clear()
        client.sendall(struct.pack(">IIQ", lying_disk.SIMPLE_REPLY, 0, handle) + reply)
        return True

    def lose_power(self, dice):
        """Of what was not flushed each sector stays with a likelihood of its own write's; how many writes were at stake."""
        for at, old, _ in reversed(self._pending):
            self.content[at:at + len(old)] = old
        for at, old, new in self._pending:
            kept = dice.choice((0.0, 1.0, 0.5))
            for start in range(0, len(new), SECTOR):
                if dice.random() < kept:
                    self.content[at + start:at + start + SECTOR] = new[start:start + SECTOR]
        lost, self._pending = len(self._pending), []
        return lost


def dice(seed):
    return random.Random(seed)
