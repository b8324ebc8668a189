"""choosing: one disk of 512, each described by files as the kernel does; at worst all have to be read"""

import pathlib
import shutil
import statistics

import measure
from place import DIST, WORK, Broken

DISKS = 512
# fs/gfs2: the magic number, big-endian, 64 KiB into the device. Such a disk is passed over, and the next is read.
GFS2 = (65536, bytes.fromhex("01161970"))


def machine(root):
    shutil.rmtree(root, ignore_errors=True)
    (root / "dev").mkdir(parents=True)
    for number in range(DISKS):
        name = f"nvme{number}n1"
        queue = root / "sys/block" / name / "queue"
        queue.mkdir(parents=True)
        sectors = (8 << 21) + number * 2048
        for file, value in {"size": sectors, "ro": 0, "removable": 0, "wwid": f"eui.{number:016x}", "queue/rotational": 0,
                            "queue/logical_block_size": 512, "queue/physical_block_size": 4096}.items():
            (queue.parent / file).write_text(f"{value}\n")
        with open(root / "dev" / name, "wb") as disk:
            disk.truncate(sectors * 512)


def chosen(root, wanted, rounds):
    costs = [measure.run([DIST / "ironlet", "--root", root, "--root-disk"]) for _ in range(rounds)]
    for cost in costs:
        if not cost.output.startswith(f"/dev/{wanted} "):
            raise Broken(f"not {wanted}: {cost.output[:200]}")
    return statistics.median(cost.wall for cost in costs)


def run(limits, options):
    root = pathlib.Path(WORK) / "choice-root"
    machine(root)
    limits.most(f"the first of {DISKS} disks", chosen(root, "nvme0n1", options.rounds), 1, "s")
    for number in range(DISKS - 1):
        with open(root / "dev" / f"nvme{number}n1", "r+b") as disk:
            disk.seek(GFS2[0])
            disk.write(GFS2[1])
    limits.most(f"the last of {DISKS}, all others read and passed over", chosen(root, f"nvme{DISKS - 1}n1", options.rounds), 1, "s")
    shutil.rmtree(root)
