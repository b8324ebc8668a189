"""Signatures of former users on a disk's file, made by their own programs, and the programs that would find what is left of them."""

import gzip
import struct

import place
from disk import MIB
from judge import NOTHING, device, partitions, said
from verdict import require

ZFS = place.ROOT / "tests" / "fixtures" / "signatures" / "zfs.gz"
# No other device is looked at, and nothing of it is kept on this machine.
LVM = 'devices{filter=["a|/dev/loop|","r|.*|"]use_devicesfile=0}backup{archive=0 backup=0}'
EACH = 8 * MIB


def leave(maker, path):
    """Let one of the three below write on an otherwise bare disk; where partitions begin on it."""
    for at in (0, path.stat().st_size - MIB):
        _put(path, at, bytes(MIB))
    return maker(path)


def system(path):
    """A GPT with ext4, swap and an LVM volume in its partitions."""
    said("sfdisk", "-q", path, script="label: gpt\n" + f"size={EACH >> 20}MiB\n" * 3)
    ext4, *others = starts = [partition.start for partition in partitions(path)]
    said("mkfs.ext4", "-q", "-F", "-E", f"offset={ext4}", path, f"{EACH >> 20}M")
    for start, program in zip(others, (["mkswap"], ["pvcreate", "-qq", "-y", "--config", LVM])):
        with device(path, start, EACH) as name:
            said(*program, name)
    return starts


def member(path):
    """A member of a software RAID, metadata 1.0: its superblock is at the end (Linux, include/uapi/linux/raid/md_p.h)."""
    size = path.stat().st_size // 512
    at = (size - 16) & ~7

    def superblock(checksum):
        head = struct.pack("<IIII16s32s", 0xA92B4EFC, 1, 0, 0, b"former-array-id.", b"former")
        middle = struct.pack("<QIIQII", 0, 1, 0, at, 0, 2).ljust(128 - 64, b"\0")
        tail = struct.pack("<QQQQII16s", 0, at, at, 0, 0, 0, b"former-member-id").ljust(216 - 128, b"\0")
        return (head + middle + tail + struct.pack("<II", checksum, 2)).ljust(256, b"\0") + struct.pack("<HH", 0, 1)

    # md.c, calc_sb_1_csum: the sum of the words, its upper half added to the lower.
    total = sum(struct.unpack("<65I", superblock(0)))
    _put(path, at * 512, superblock(((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF))
    return []


def pool(path):
    """A ZFS pool: two labels at each end."""
    labels = gzip.decompress(ZFS.read_bytes())
    half = len(labels) // 2
    _put(path, 0, labels[:half])
    _put(path, path.stat().st_size - half, labels[half:])
    return []


def found(path, starts=()):
    """All that wipefs, blkid and sgdisk find on the disk, and blkid where there were partitions; empty when they find nothing."""
    told = [said("wipefs", "-n", "-p", path)]
    for start in (0, *starts):
        told.append(said("blkid", "-p", "-O", start, path, empty=NOTHING))
    # sgdisk(8): it makes a table of its own in memory where there is none, and 2 is one it cannot read.
    table = said("sgdisk", "-p", path, empty=2)
    if "Creating new GPT entries in memory" not in table:
        told.append(table)
    return [text.strip() for text in told if text.strip()]


def require_bare(path, starts=()):
    left = found(path, starts)
    require(not left, f"on {path.name} there is still: {'; '.join(left)}")


def _put(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)
