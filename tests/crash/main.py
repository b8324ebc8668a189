"""Every power cut of a deploy: main.py FOLDER STATES [SEED]. QEMU records what a machine asks of its disk; then each moment of that, with
what a volatile cache may keep and lose, is a disk that is judged. STATES in all, over all the recordings."""

import collections
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "hardware"), str(TESTS / "demo")]
from block_log import Flush, Sectors, operations  # noqa: E402
from images import Images  # noqa: E402
from judge import NEW, NOTHING, OLD, Broken, Judge, said  # noqa: E402
from machine import Machine  # noqa: E402
from machine import Broken as Silent  # noqa: E402
from power_cuts import states  # noqa: E402

MIB, GIB = 1 << 20, 1 << 30
PORT = 8080
DIST = TESTS.parent / "dist"
OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd"
DISK = 112 * MIB
# What is ordered, what is on the disk before, and how large it is.
RECORDINGS = {
    "raw": dict(image="gpt.raw"),
    "qcow2": dict(image="mbr.qcow2"),
    "config-drive": dict(image="gpt.raw", order={"configdrive": {"meta_data": {"hostname": "driven"}}}),
    "partition": dict(image="root.raw", disk=1640 * MIB, uefi=True, order={"image_type": "partition", "root_gb": 1, "ignore_bootloader_failure": True}),
    "metadata-first": dict(image="gpt.raw", order={"erase": "metadata"}),
    "metadata-first-mbr": dict(image="gpt.raw", order={"erase": "metadata"}, old="mbr"),
    "all-first": dict(image="mbr.raw", order={"erase": "all"}),
}


def system(path, size, table, seed):
    """A disk that starts something: code in its first sector and behind its table, partitions, and no two sectors alike but for some zeros."""
    dice = random.Random(seed)
    with open(path, "wb") as file:
        for at in range(0, size, MIB):
            # Holes, which are written as zeros, discarded or passed over.
            if at and at // MIB % 7 == 3:
                file.seek(MIB, os.SEEK_CUR)
            else:
                file.write(dice.randbytes(MIB))
        file.truncate(size)
    subprocess.run(["wipefs", "-qa", path], check=True)
    if table == "gpt":
        subprocess.run(["sgdisk", "-Z", path], capture_output=True)
        subprocess.run(["sgdisk", "-n", "1:2048:+8M", "-t", "1:ef00", "-n", "2:0:0", path], check=True, capture_output=True)
    else:
        subprocess.run(["sfdisk", "-q", path], input="label: dos\n2048,,83,*\n", text=True, check=True)
    with open(path, "r+b") as file:
        file.write(dice.randbytes(440))
    return path


def images(folder):
    made = {
        "gpt.raw": system(folder / "gpt.raw", 40 * MIB, "gpt", "gpt"),
        "mbr.raw": system(folder / "mbr.raw", 40 * MIB, "mbr", "mbr"),
        "mbr.qcow2": folder / "mbr.qcow2",
        "root.raw": folder / "root.raw",
    }
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", made["mbr.raw"], made["mbr.qcow2"]], check=True)
    made["root.raw"].write_bytes(b"")
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", TESTS / "lab", made["root.raw"], "48M"], check=True)
    return made


def recorded(folder, name, made, image, order=None, old="gpt", disk=DISK, uefi=False):
    """Deploys; the path of the disk before, and of the log."""
    before, now, log = (folder / f"{name}.{what}" for what in ("before", "disk", "writes"))
    system(before, min(disk, DISK), old, f"old {name}")
    if disk > DISK:
        os.truncate(before, disk)
        subprocess.run(["sgdisk", "-e", before], check=True, capture_output=True)
    subprocess.run(["cp", "--sparse=always", before, now], check=True)
    log.write_bytes(b"")
    made[f"{name}.json"] = folder / f"{name}.json"
    made[f"{name}.json"].write_text(json.dumps({
        "image_source": f"http://10.0.2.2:{PORT}/{image}",
        "image_os_hash_algo": "sha256",
        "image_os_hash_value": hashlib.sha256(made[image].read_bytes()).hexdigest(),
        "root_device": {"name": "/dev/vda"},
        "then": "poweroff",
        **(order or {}),
    }))
    arguments = [
        "-machine", "q35", "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
        "-blockdev", f"driver=file,node-name=disk,filename={now},discard=unmap", "-blockdev", f"driver=file,node-name=log,filename={log}",
        "-blockdev", "driver=blklogwrites,node-name=recorded,file=disk,log=log,log-sector-size=512", "-device", "virtio-blk-pci,drive=recorded",
    ]
    if uefi:
        arguments += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}"]
    with Machine(folder, name, 256, f"ironlet.order=http://10.0.2.2:{PORT}/{name}.json", arguments,
                 initramfs=DIST / "ironlet.initramfs", kernel=DIST / "ironlet.kernel") as console:
        ended = console.expect(r"image: .* on /dev/vda in |the deploy failed.*", 240)[0]
        if "failed" in ended:
            raise Silent(ended)
        console.goes_off(60)
    return before, now, log


def judged(folder, name, before, now, log, count, seed):
    """About `count` states of a recording: how many there are of each kind, and of what it consists."""
    sectors = Sectors()
    old, new = sectors.disk(before), sectors.disk(now)
    asked = operations(log, sectors)
    scratch = folder / f"{name}.scratch"
    judge = Judge(sectors, old, new, scratch)
    tally, seen = collections.Counter(), 0
    dice = random.Random(f"{seed} {name}")
    flushes = sum(isinstance(one, Flush) for one in asked)
    for place, disk in states(old, asked, max(2, -(-count // (len(asked) - flushes))), dice):
        try:
            tally[judge.judged(disk)] += 1
        except Broken as broken:
            raise Broken(f"{name}: cut at {place + 1} of {len(asked)}: {broken}") from None
        seen += 1
    if disk != new:
        raise Broken(f"{name}: the log does not lead to what is on the disk")
    if said(["sgdisk", "-v", now], (0,)).count("No problems found") != 1 and "gpt" in said(["sfdisk", "--dump", now], (0,)):
        raise Broken(f"{name}: sgdisk minds what is on the disk: {said(['sgdisk', '-v', now], (0,))}")
    # A judge that finds one kind alone may see nothing at all.
    if not all(tally[kind] for kind in (OLD, NOTHING, NEW)):
        raise Broken(f"{name}: not every kind of disk was there: {dict(tally)}")
    return f"{seen} disks of {len(asked) - flushes} writes and {flushes} flushes: " + ", ".join(f"{tally[kind]} {kind}" for kind in (OLD, NOTHING, NEW)) + \
        f"; {judge.asked} with different tables", seen


def play(folder, name, made, count, seed):
    started = time.monotonic()
    files = recorded(folder, name, made, **RECORDINGS[name])
    told, seen = judged(folder, name, *files, count, seed)
    for file in files:
        file.unlink()
    return f"{told}, in {time.monotonic() - started:.0f} s", seen


def main():
    folder, count = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    seed = sys.argv[3] if len(sys.argv) > 3 else time.time_ns() % 1_000_000
    chosen = sys.argv[4:] or list(RECORDINGS)
    print(f"crash: seed {seed}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    made = images(folder)
    for name in chosen:
        made[f"{name}.json"] = folder / f"{name}.json"
    good = total = 0
    with Images(PORT, made, lambda *_: None), ProcessPoolExecutor(min(2, os.cpu_count())) as pool:
        playing = {name: pool.submit(play, folder, name, made, -(-count // len(chosen)), seed) for name in chosen}
        for name, result in playing.items():
            try:
                told, seen = result.result()
                good, total = good + 1, total + seen
                print(f"ok     {name}: {told}", flush=True)
            except (Broken, Silent, ValueError, subprocess.CalledProcessError) as failure:
                print(f"FAILED {name}: {failure}", flush=True)
    print(f"crash: {good} of {len(chosen)} tests held, {total} disks after power cuts")
    return 0 if good == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
