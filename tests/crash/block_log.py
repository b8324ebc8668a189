"""What a disk was asked to do, in order: read from the log that QEMU's `blklogwrites` driver keeps, in the format of the kernel's dm-log-writes."""

import errno
import os
import struct
from array import array
from collections import namedtuple

SECTOR = 512
# Read at once.
STEP = 1 << 20
# drivers/md/dm-log-writes.c
MAGIC, VERSION = 0x6A736677736872, 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8

# `start` and `count` in sectors; `content` has a number for each sector (see Sectors), or nothing for a discard.
Write = namedtuple("Write", "start count content")
# A flush: all before it is on the medium.
Flush = namedtuple("Flush", "")


class Sectors:
    """Numbers for what sectors hold, equal ones for equal bytes; 0 is a sector of zeros."""

    def __init__(self):
        self._numbers, self._bytes = {bytes(SECTOR): 0}, [bytes(SECTOR)]

    def numbers(self, content):
        """An array of the numbers of these bytes, whose count is a multiple of a sector's."""
        known, all_, found = self._numbers, self._bytes, array("I")
        for at in range(0, len(content), SECTOR):
            sector = content[at:at + SECTOR]
            number = known.get(sector)
            if number is None:
                number = known[sector] = len(all_)
                all_.append(sector)
            found.append(number)
        return found

    def content(self, numbers):
        """The bytes again."""
        return b"".join(map(self._bytes.__getitem__, numbers))

    def disk(self, path):
        """All of a file, holes and all."""
        size = path.stat().st_size
        found, at = array("I", bytes(4 * (size // SECTOR))), 0
        with open(path, "rb", buffering=0) as file:
            while (at := data_from(file, at)) < size:
                # Holes begin and end with a file system's block.
                content = os.pread(file.fileno(), STEP - at % STEP, at)
                found[at // SECTOR:(at + len(content)) // SECTOR] = self.numbers(content)
                at += len(content)
        return found


def data_from(file, at):
    """The first place from there on that is no hole; the end of the file if there is none."""
    try:
        return os.lseek(file.fileno(), at, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return os.fstat(file.fileno()).st_size


def operations(path, sectors):
    """All of the log, as Write and Flush; a write that must be on the medium when it ends (FUA) has a Flush of itself behind it."""
    found = []
    with open(path, "rb") as log:
        magic, version, _, sector = struct.unpack("<QQQI", log.read(28))
        if (magic, version, sector) != (MAGIC, VERSION, SECTOR):
            raise ValueError(f"{path} is no log of writes: {magic:#x} {version} {sector}")
        end = log.seek(0, 2)
        at = SECTOR
        while at + SECTOR <= end:
            log.seek(at)
            start, count, flags, length = struct.unpack("<QQQQ", log.read(32))
            if not (start or count or flags or length):
                break
            at += SECTOR
            if flags & MARK:
                at += -(-length // SECTOR) * SECTOR
                continue
            if flags & DISCARD:
                found.append(Write(start, count, None))
            elif count:
                log.seek(at)
                content = log.read(count * SECTOR)
                if len(content) != count * SECTOR:
                    raise ValueError(f"{path} ends within a write")
                at += len(content)
                found.append(Write(start, count, sectors.numbers(content)))
            if flags & (FLUSH | FUA):
                found.append(Flush())
    return found
