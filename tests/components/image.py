"""The image, and the disk it goes to: files."""

import hashlib
import os
import struct
import time

MIB = 1 << 20
SIZE = 6 * MIB + 512
DISK = 8 * MIB
# An hour old, so that caches that guess find it fresh.
MADE = int(time.time()) - 3600
# What the disk held before.
OLD = b"\xaa"


def bootable(content):
    """With an MBR of one Linux partition from 1 MiB to the end: whatever has no table is refused as an image of a disk."""
    first, length = MIB // 512, len(content) // 512 - MIB // 512
    partition = struct.pack("<B3xB3xII", 0x80, 0x83, first, length)
    return content[:446] + partition + bytes(48) + b"\x55\xaa" + content[512:]


class Image:
    """Random bytes: no part of one image is a part of another."""

    def __init__(self, path, size=SIZE, changed=MADE):
        self.bytes = bootable(os.urandom(size))
        self.sha256 = hashlib.sha256(self.bytes).hexdigest()
        path.write_bytes(self.bytes)
        os.utime(path, (changed, changed))


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
