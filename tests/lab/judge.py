"""Foreign programs that say what is on a disk's file; none of them is ours."""

import contextlib
import json
import shutil
import subprocess
from collections import namedtuple

from disk import MIB
from verdict import require

# Place in bytes, and what blkid finds there: the names it has for it, with their values.
Partition = namedtuple("Partition", "start size found")
# blkid(8): there is nothing.
NOTHING = 2


def said(*command, script="", empty=0):
    """What a program prints; it ends with 0, or with `empty`, and else the scenario has failed."""
    done = subprocess.run([str(part) for part in command], input=script, capture_output=True, text=True)
    require(done.returncode in (0, empty), f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout


def partitions(path):
    """In the order of the table."""
    table = json.loads(said("sfdisk", "--json", path))["partitiontable"]["partitions"]
    return [Partition(part["start"] * 512, part["size"] * 512, probed(path, part["start"] * 512)) for part in table]


def probed(path, start):
    told = said("blkid", "-p", "-o", "export", "-O", start, path, empty=NOTHING)
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line and not line.startswith("DEVNAME="))


def copied(path, partition, to):
    """The partition in a file of its own, as far as its first 64 MiB are it."""
    with open(path, "rb") as whole, open(to, "wb") as out:
        whole.seek(partition.start)
        out.write(whole.read(min(partition.size, 64 * MIB)))
    return to


@contextlib.contextmanager
def device(path, start, size):
    """A part of the file as a block device, which some programs demand."""
    name = said("losetup", "--find", "--show", "--offset", start, "--sizelimit", size, path).strip()
    try:
        yield name
    finally:
        said("losetup", "--detach", name)
