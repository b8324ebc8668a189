"""What is on a disk after a power cut: the old system, nothing that starts, or the new one; firmware's rules and foreign programs say it."""

import subprocess

from firmware_rules import bios_starts, gpt, partitions_of_mbr

# Both copies of a GPT, which may go one before the other while all else is as it was.
HEAD, TAIL = 34, 33
OLD, NOTHING, NEW = "the old system", "nothing that starts", "the new system"


class Broken(Exception):
    """A disk that would start something that is not whole."""


class Judge:
    """Of disks that were `old` and are to become `new`, both as arrays of sectors' numbers."""

    def __init__(self, sectors, old, new, scratch):
        self._sectors, self._old, self._new, self._scratch = sectors, old, new, scratch
        self._known, self.asked = {}, 0

    def judged(self, disk):
        tables = self.tables(disk)
        if not tables:
            return NOTHING
        if same(disk, self._new, 0, len(disk)):
            return NEW
        if disk[0] == self._old[0] and same(disk, self._old, HEAD, len(disk) - TAIL):
            return OLD
        raise Broken(f"{', '.join(tables)}; unlike the new system in {differing(disk, self._new)}, unlike the old one in {differing(disk, self._old)}")

    def tables(self, disk):
        """By what something would start. Few disks differ where that is looked for, and each such is put to the foreign programs once."""
        key = disk[:HEAD].tobytes(), disk[-TAIL:].tobytes()
        if key not in self._known:
            self._known[key] = self._tables(disk)
        return self._known[key]

    def _tables(self, disk):
        self.asked += 1

        def read(sector, count):
            return self._sectors.content(disk[sector:sector + count])

        first = read(0, 1)
        found = ["a sector that BIOS starts"] if bios_starts(first) else []
        found += [f"a {which} GPT" for which in gpt(read, len(disk))]
        found += ["an MBR"] if partitions_of_mbr(first) else []
        with open(self._scratch, "wb") as file:
            file.write(read(0, HEAD))
            file.truncate(512 * len(disk))
            file.seek(512 * (len(disk) - TAIL))
            file.write(read(len(disk) - TAIL, TAIL))
        # blkid(8): 2 if there is nothing.
        blkid = said(["blkid", "-p", "-o", "export", self._scratch], (0, 2))
        found += [f"blkid's {line}" for line in blkid.splitlines() if line.startswith(("PTTYPE=", "TYPE="))]
        sfdisk = said(["sfdisk", "--dump", self._scratch], (0, 1))
        found += [f"sfdisk's {line}" for line in sfdisk.splitlines() if line.startswith("label:")]
        return found


def same(one, other, first, last):
    return memoryview(one).cast("B")[4 * first:4 * last] == memoryview(other).cast("B")[4 * first:4 * last]


def differing(one, other):
    """The first places in a few words."""
    places = [at for at in range(len(one)) if one[at] != other[at]]
    return f"{len(places)} sectors, {places[0]} to {places[-1]}" if places else "no sector"


def said(command, codes):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in codes:
        raise Broken(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
    return done.stdout
