"""Power cuts in the middle of a creation and a deletion: a machine is killed at random writes, and mdadm says what is left when it is on again."""

import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "identity"))
import machine  # noqa: E402
from volatile_disk import Cut, VolatileDisk, dice  # noqa: E402

MIB = 1 << 20
SIZE = 1024 * MIB + 128 * MIB
DISKS = 3
# Of each step.
CUTS = 12
EMPTY = hashlib.md5(bytes(MIB)).hexdigest()
WRITTEN = hashlib.md5((b"tenant\n" * MIB)[:MIB]).hexdigest()
MODULES = ["virtio_pci", "virtio_blk", "crc32c_generic", "md_mod", "raid1", "raid456"]


class Broken(Exception):
    """What was found is not what may be."""


def ramdisk(folder, kernel, ironlet, mdadm):
    tree = folder / "cut-tree"
    shutil.rmtree(tree, ignore_errors=True)
    for place in ("bin", "proc", "sys", "dev", "modules", "tmp"):
        (tree / place).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin/busybox")
    shutil.copy(ironlet, tree / "ironlet")
    shutil.copy(mdadm, tree / "bin/mdadm")
    shutil.copy(HERE / "power_cut.sh", tree / "init")
    os.chmod(tree / "init", 0o755)
    needed = subprocess.run(["ldd", mdadm], check=True, capture_output=True, text=True).stdout
    for library in re.findall(r"(/lib\S+)", needed):
        (tree / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, tree / library[1:])
    machine.MODULES[:] = MODULES
    modules = next((kernel / "lib/modules").iterdir())
    order = machine.closure(modules)
    for path in order:
        content = (modules / path).read_bytes()
        (tree / "modules" / machine.unpacked(path)).write_bytes(lzma.decompress(content) if path.endswith(".xz") else content)
    (tree / "modules/order").write_text("".join(f"{machine.unpacked(path)}\n" for path in order))
    names = subprocess.run(["find", ".", "-print0"], cwd=tree, check=True, capture_output=True).stdout
    packed = subprocess.run(["cpio", "-0oHnewc", "--quiet"], cwd=tree, input=names, check=True, capture_output=True).stdout
    (folder / "cut-ramdisk").write_bytes(packed)
    return folder / "cut-ramdisk"


class Boot:
    """The machine, on; what it says by sections."""

    def __init__(self, folder, kernel, ramdisk_file, disks):
        drives = []
        for disk in disks:
            drives += ["-drive", f"file=nbd+unix:///?socket={disk.path},format=raw,if=virtio,cache=writeback"]
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "512", "-nodefaults", "-no-reboot",
             "-display", "none", "-nic", "none", "-kernel", str(next((kernel / "boot").glob("vmlinuz-*"))), "-initrd", str(ramdisk_file),
             "-append", "console=ttyS0 panic=-1 no_timer_check quiet", "-serial", f"file:{folder / 'cut-console.log'}", "-serial", "stdio", *drives],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(folder / "cut-qemu.log", "w"))
        self.said, self._news = {}, threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        tag, lines = None, []
        for raw in self.process.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            if line.startswith("== "):
                self._keep(tag, lines)
                tag, lines = line[3:], []
                # These have nothing after them that is waited for.
                if tag in ("ask", "ready"):
                    self._keep(tag, lines)
            else:
                lines.append(line)
        self._keep(tag, lines)

    def _keep(self, tag, lines):
        with self._news:
            if tag:
                self.said[tag] = "\n".join(lines)
            self._news.notify_all()

    def wait(self, tag, seconds=300):
        deadline = time.monotonic() + seconds
        with self._news:
            while tag not in self.said:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise Broken(f"the machine did not come to '{tag}': {self.said}")
                self._news.wait(1)

    def tell(self, word):
        self.process.stdin.write(f"{word}\n".encode())
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()


def judge(said, step):
    """What mdadm finds after a cut in that step; in a word."""
    examined = re.findall(r"^/dev/(vd.)(\d):\n(.*?)(?=^/dev/vd|\Z)", said["examine"], re.MULTILINE | re.DOTALL)
    whole_members = {}
    for disk, number, text in examined:
        if "Magic : a92b4efc" not in text:
            # A partition without its superblock: only a deletion leaves that.
            if step == "create_configuration":
                raise Broken(f"{disk}{number} shows without a superblock: {text}")
            continue
        if "- correct" not in text:
            # md changes the page of its own superblock while it is still on its way; such a member counts as none.
            print(f"  {disk}{number} has a superblock that mdadm and the kernel refuse", flush=True)
            continue
        name = re.search(r"Name : (\S+)", text)[1]
        whole_members.setdefault(name, set()).add(disk)
    if step == "create_configuration" and len({frozenset(disks) for disks in whole_members.values()} | {frozenset(whole_members.get("root", ()))}) > 1:
        raise Broken(f"a disk shows one member and not the other: {whole_members}")
    found = []
    for text, digest in re.findall(r"^/dev/md\S+:\n(.*?)^([0-9a-f]{32})  -", said["arrays"], re.MULTILINE | re.DOTALL):
        name = re.search(r"Name : (\S+)", text)
        state = re.search(r"State : (.*)", text)
        name, state = name and name[1], state[1].strip() if state else "inactive"
        short = any(word in state for word in ("degraded", "inactive", "FAILED", "Not Started"))
        if not short:
            if len(whole_members.get(name, ())) != DISKS:
                raise Broken(f"'{name}' passes for whole with members on {whole_members.get(name)}: {text}")
            want = EMPTY if step == "create_configuration" else WRITTEN
            if digest != want:
                raise Broken(f"'{name}' passes for whole, and what is on it is not what was to be: {digest}")
        found.append("short" if short else "whole")
    return " and ".join(found) if found else ("members alone" if whole_members else "nothing")


def run(folder, kernel, ironlet, mdadm, seed):
    random = dice(seed)
    file = ramdisk(folder, kernel, ironlet, mdadm)
    cut = Cut()
    disks = []
    for number in range(DISKS):
        path = folder / f"cut{number}"
        path.unlink(missing_ok=True)
        disk = VolatileDisk(path, SIZE, cut)
        # What was there before: nothing of it may show in a new array.
        for at in (551 * MIB, 1024 * MIB):
            disk.content[at:at + 8 * MIB] = b"\xaa" * (8 * MIB)
        disks.append(disk)
    totals, before, tally = {}, None, {}
    plan = [step for _ in range(CUTS + 1) for step in ("create_configuration", "delete_configuration")] + ["end"]
    for step in plan:
        boot = Boot(folder, kernel, file, disks)
        try:
            boot.wait("ask")
            if before:
                found = judge(boot.said, before[0])
                tally.setdefault(before[0], []).append(found)
                print(f"  {before[0]}, cut at write {before[1]} of {totals[before[0]]}, {before[2]} not flushed: {found}", flush=True)
            if not boot.said["deleted"].startswith("0") or boot.said["bare"].strip():
                raise Broken(f"what a cut left cannot be deleted: {boot.said['deleted']} {boot.said['bare']}")
            if step == "end":
                break
            boot.tell(step)
            boot.wait("ready")
            if not boot.said.get("created", "0").startswith("0"):
                raise Broken(f"after a cut nothing can be created: {boot.said['created']}")
            limit = random.randrange(1, totals[step]) if step in totals else None
            cut.arm(limit)
            boot.tell("go")
            if limit is None:
                boot.wait("ended")
                total = cut.count
                boot.process.wait(300)
                if not boot.said["ended"].startswith("0"):
                    raise Broken(f"{step} failed: {boot.said['ended']}")
                totals[step], before = total, None
                continue
            while not cut.reached.wait(1) and boot.process.poll() is None:
                pass
            if not cut.reached.is_set():
                # It needed fewer writes this time.
                if not boot.said.get("ended", "").startswith("0"):
                    raise Broken(f"{step} failed: {boot.said}")
                before = None
                continue
        finally:
            boot.kill()
        before = (step, limit, sum(disk.lose_power(random) for disk in disks))
        cut.arm(None)
    return tally


def told(tally):
    """In a line: of each step how many cuts left what."""
    return "; ".join(f"{step}: {len(all_)} cuts, " + ", ".join(f"{all_.count(one)} {one}" for one in sorted(set(all_))) for step, all_ in tally.items())


def main():
    kernel, ironlet, mdadm, folder = map(lambda word: Path(word).resolve(), sys.argv[1:5])
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else int(time.time())
    print(f"raid power_cut: seed {seed}", flush=True)
    try:
        tally = run(folder, kernel, ironlet, mdadm, seed)
    except (Broken, KeyError) as broken:
        print(f"raid power_cut: FAILED: {broken!r}", file=sys.stderr)
        return 1
    print(f"raid power_cut: no half array passes for whole: {told(tally)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
