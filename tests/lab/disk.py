"""The machine's disk: a file, at first full of an older system's traces, looked at from outside.

The older system has a table at both ends that a BIOS or a UEFI would boot from: an MBR with an active partition and
boot code, a GPT header and its backup. Every byte in between is 0xAA, so that one overwritten byte shows.
"""

import hashlib
import os
import shutil
import struct
import time
import zlib

from verdict import Failed, require

MIB = 1 << 20
SECTOR = 512
OLD_BYTE = 0xAA
# UEFI 2.10, 5.3.2: the GPT header's signature. MBR: the two bytes at 510.
GPT_SIGNATURE, MBR_SIGNATURE = b"EFI PART", b"\x55\xaa"


class Disk:
    def __init__(self, path, size, filled=None):
        """`filled`: how many bytes at each end hold old data, all by default; a sparse middle makes big disks cheap."""
        self.path, self.size = path, size
        self.filled = size if filled is None else filled
        head, tail = _old_ends(size)
        with open(path, "wb") as file:
            file.truncate(size)
            if 2 * self.filled >= size:
                _fill(file, 0, size)
            else:
                _fill(file, 0, self.filled)
                _fill(file, size - self.filled, self.filled)
            file.seek(0)
            file.write(head)
            file.seek(size - len(tail))
            file.write(tail)
        self.remember()

    def remember(self):
        """What is on it now is what `untouched` and `never_written` speak of."""
        self._old, self._made = self.digest(), os.stat(self.path).st_mtime_ns

    def require_spared(self):
        require(self.untouched(), f"{self.path.name} is not what it was")
        require(self.never_written(), f"{self.path.name} is what it was, but was written to")

    def tables(self):
        """What a firmware would take for a partition table, in words; empty when nothing would boot."""
        with open(self.path, "rb") as file:
            first = file.read(2 * SECTOR)
            file.seek(self.size - SECTOR)
            last = file.read(SECTOR)
        found = []
        # An all-zero table with a signature boots as well: a BIOS only looks at the signature.
        if first[510:512] == MBR_SIGNATURE:
            found.append("MBR")
        if first[SECTOR:].startswith(GPT_SIGNATURE):
            found.append("GPT")
        if last.startswith(GPT_SIGNATURE):
            found.append("backup GPT")
        return found

    def spoil(self):
        """Old bytes at its beginning once more, so that the next image there has to be written."""
        with open(self.path, "r+b") as file:
            _fill(file, 0, self.filled)

    def untouched(self):
        """Is every byte as it was? Zeros over zeros do not show: see `never_written`."""
        return self.digest() == self._old

    def never_written(self):
        """Has nobody written to it at all, not even what was there already?"""
        return os.stat(self.path).st_mtime_ns == self._made

    def only_head_cleared(self):
        """Is the first MiB zero, and all that follows as the older system left it?"""
        with open(self.path, "rb") as file:
            if file.read(MIB).strip(b"\0"):
                return False
            middle = all(
                not file.read(MIB).strip(bytes([OLD_BYTE])) for _ in range(self.size // MIB - 2)
            )
            return middle and file.read().endswith(_old_ends(self.size)[1])

    def put(self, image):
        """As if it had been deployed with that image."""
        with open(self.path, "r+b") as disk, open(image, "rb") as content:
            shutil.copyfileobj(content, disk, 4 * MIB)

    def zero(self, ends=0):
        """Is there nothing but zeros on it, but for so many bytes at its end?"""
        with open(self.path, "rb") as file:
            content = file.read()
        return not content[: len(content) - ends].strip(b"\0")

    def holds(self, image, after=0):
        """Does the disk begin with the image, byte for byte from byte `after` on?"""
        with open(self.path, "rb") as disk, open(image, "rb") as wanted:
            disk.seek(after)
            wanted.seek(after)
            while expected := wanted.read(4 * MIB):
                if disk.read(len(expected)) != expected:
                    return False
        return True

    def old_from(self, at):
        """Is all between byte `at` and the last MiB as the older system left it?"""
        with open(self.path, "rb") as file:
            file.seek(at)
            while (left := self.size - MIB - file.tell()) > 0:
                if file.read(min(left, MIB)).strip(bytes([OLD_BYTE])):
                    return False
        return True

    def wait_written(self, more, seconds):
        """Wait until a sparse disk has grown by `more` bytes: the agent is in the middle of its write."""
        deadline = time.monotonic() + seconds
        # stat(2): st_blocks counts 512-byte units, whatever the file system's block is.
        start = os.stat(self.path).st_blocks * 512
        while os.stat(self.path).st_blocks * 512 < start + more:
            if time.monotonic() > deadline:
                raise Failed(f"the machine wrote less than {more >> 20} MiB to its disk in {seconds} s")
            time.sleep(0.2)

    def digest(self):
        """Of every MiB that is not all zeros, and where it is: holes cost no time, and are the same as zeros."""
        content = hashlib.sha256()
        with open(self.path, "rb") as file:
            for number in _filled(file.fileno(), self.size):
                file.seek(number * MIB)
                data = file.read(MIB)
                if data.strip(b"\0"):
                    content.update(struct.pack("<Q", number) + data)
        return content.digest()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _filled(descriptor, size):
    """Which MiB of a file are not a hole through and through."""
    end = 0
    while end < size:
        try:
            at = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:
            # lseek(2): ENXIO is a hole up to the end.
            return
        end = -(-os.lseek(descriptor, at, os.SEEK_HOLE) // MIB) * MIB
        yield from range(at // MIB, end // MIB)


def _fill(file, at, length):
    file.seek(at)
    block = bytes([OLD_BYTE]) * MIB
    for _ in range(length // MIB):
        file.write(block)
    file.write(block[: length % MIB])


def _old_ends(size):
    """MBR + GPT of the older system, and its backup GPT; one partition, 1 MiB to the end."""
    sectors = size // SECTOR
    entries = struct.pack("<16s16sQQQ72s", b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b",
                          b"old-partition-01", 2048, sectors - 2048, 0, "old".encode("utf-16-le"))
    entries = entries.ljust(128 * 128, b"\0")

    def header(here, there, at):
        def pack(crc):
            return struct.pack("<8sIIIIQQQQ16sQIII", GPT_SIGNATURE, 0x10000, 92, crc, 0, here, there, 34, sectors - 34,
                               b"old-disk-id-0001", at, 128, 128, zlib.crc32(entries))
        return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")

    # EB FE: a boot loader that jumps to itself, enough to be booted.
    mbr = b"\xeb\xfe".ljust(440, b"\0") + struct.pack("<IH", 0x01D0B007, 0)
    mbr += struct.pack("<B3sB3sII", 0x80, b"\0\x02\0", 0x83, b"\xff" * 3, 2048, min(sectors - 4096, 0xFFFFFFFF))
    mbr = mbr.ljust(510, b"\0") + MBR_SIGNATURE
    return mbr + header(1, sectors - 1, 2) + entries, entries + header(sectors - 1, 1, sectors - 33)
