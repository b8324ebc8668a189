"""The image, and the disk it goes to: files."""

import hashlib
import os

MIB = 1 << 20
SIZE = 6 * MIB + 512
DISK = 8 * MIB
# What the disk held before.
OLD = b"\xaa"


class Image:
    """Random bytes: no part of one image is a part of another."""

    def __init__(self, path, size=SIZE):
        self.bytes = os.urandom(size)
        self.sha256 = hashlib.sha256(self.bytes).hexdigest()
        path.write_bytes(self.bytes)
        # An hour old, so that caches that guess find it fresh.
        os.utime(path, (os.stat(path).st_mtime - 3600,) * 2)


class Disk:
    def __init__(self, path, size=DISK):
        self.path = path
        self.size = size

    def refill(self):
        self.path.write_bytes(OLD * self.size)

    def holds(self, image):
        return self.path.read_bytes()[:len(image.bytes)] == image.bytes

    def untouched(self):
        return self.path.read_bytes() == OLD * self.size

    def boots(self):
        """Is there anything in its first MiB but what was there before, or zeros?"""
        return self.path.read_bytes()[:MIB] not in (OLD * MIB, bytes(MIB))

    def reached(self, offset, image):
        with open(self.path, "rb") as disk:
            disk.seek(offset)
            return disk.read(512) == image.bytes[offset:offset + 512]
