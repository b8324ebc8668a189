"""Software RAID as mdadm sees it from outside: the members on the files of a machine's disks."""

import re
import subprocess
from collections import namedtuple

import judge
import place
from verdict import require

MDADM = place.TOOLS / "mdadm" / "sbin" / "mdadm"
# mdadm's words for what Ironic calls so.
LEVELS = {"0": "raid0", "1": "raid1", "1+0": "raid10", "5": "raid5", "6": "raid6"}

# A partition in bytes, and what mdadm says of the superblock there; `told` is its whole answer.
Member = namedtuple("Member", "start end uuid name level disks role told")


def prepare():
    """Before the cell, in which there is no network."""
    subprocess.run([place.ROOT / "tests" / "mdadm.sh"], check=True)


def members(drive):
    """What mdadm takes for members on the disk, in the order of the table."""
    table = subprocess.run(["/usr/sbin/sgdisk", "-p", drive.path], capture_output=True, text=True).stdout
    rows = re.findall(r"^ +\d+ +(\d+) +(\d+) ", table, re.MULTILINE)
    found = [_member(drive.path, int(first) * 512, (int(last) + 1) * 512) for first, last in rows]
    return [member for member in sorted(found, key=lambda own: own and own.start or 0) if member]


def _member(path, start, end):
    with judge.device(path, start, end - start) as device:
        done = subprocess.run([MDADM, "--examine", device], capture_output=True, text=True)
    if done.returncode != 0:
        return None

    def field(name):
        found = re.search(rf"^ *{name} : (.*)$", done.stdout, re.MULTILINE)
        return found[1].strip() if found else ""

    require("- correct" in field("Checksum"), f"mdadm finds a wrong checksum on {path.name}: {done.stdout}")
    return Member(start, end, field("Array UUID"), field("Name").split(" ")[0], field("Raid Level"), int(field("Raid Devices")),
                  field("Device Role"), done.stdout)


def arrays(drives):
    """Name → UUID, level and the disks its members are on, of all arrays on them; every one of them is whole."""
    found = {}
    for drive in drives.values():
        for member in members(drive):
            found.setdefault((member.name, member.uuid), []).append((drive.path.stem, member))
    whole = {}
    for (name, uuid), rows in found.items():
        require(name not in whole, f"there are two arrays '{name}'")
        one = rows[0][1]
        require({(own.level, own.disks) for _, own in rows} == {(one.level, one.disks)}, f"members of '{name}' disagree: {rows}")
        roles = sorted(own.role for _, own in rows)
        require(roles == sorted(f"Active device {number}" for number in range(one.disks)), f"'{name}' of {one.disks} has the members {roles}")
        whole[name] = (uuid, one.level, [disk for disk, _ in rows])
    return whole
