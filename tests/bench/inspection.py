"""inspect: the inventory beside upstream's in one machine, and the way from the kernel's start to the post beside upstream's, by a real Ironic"""

import re
import subprocess

import place
from lab import told
from metadata import kernel, machine
from place import MIB, TOP, WORK, Broken

PACKAGES = "busybox-static cpio kmod udev util-linux lshw dmidecode ipmitool ethtool efibootmgr"
KINDS = ["virtio-blk-pci", "scsi-hd", "nvme"]


def run(limits, _):
    subprocess.run([TOP / "initramfs/host.sh", "install_lacking", *PACKAGES.split()], check=True)
    folder = WORK / "inspect"
    folder.mkdir(exist_ok=True)
    hardware = ["-device", "virtio-scsi-pci", "-device", "virtio-net-pci", "-device", "e1000"]
    for number, kind in enumerate(KINDS):
        file = folder / f"disk{number}"
        with open(file, "wb") as out:
            out.truncate((5 << 10) * MIB)
        hardware += ["-drive", f"file={file},format=raw,if=none,id=disk{number}", "-device", f"{kind},drive=disk{number},serial=BENCH{number}"]
    ramdisk = machine.ramdisk(folder, kernel(), place.DIST / "ironlet", place.HERE / "inspection-task.sh", [place.HERE / "inspection-upstream.py"])
    answers = machine.run(folder, kernel(), ramdisk, hardware, len(KINDS))
    try:
        first, again = (float(word) for word in answers["upstream"].split())
        own = float(answers["own"])
    except (KeyError, ValueError) as error:
        raise Broken(f"no times: {error!r} in {answers}") from error
    print(f"  inventory: upstream {first:.2f} s from its managers' start, {again:.2f} s with all tools' answers known; ironlet {own:.3f} s, its process and all")
    limits.most("the inventory, a whole process", own, 0.5, "s")
    limits.most("the inventory beside upstream's first", own / first, 0.05)
    lines = told([TOP / "tests/lab/run", "inspect"])
    timing = next(line for line in lines if line.startswith("timing inspect"))
    print(f"  {timing}")
    shipped, same_kernel, upstream = (float(number) for number in re.findall(r"([\d.]+) s\b", timing))
    limits.most("kernel start to inspection posted beside upstream's", shipped / upstream, 0.15)
    limits.inform("the same with upstream's kernel and all of the lab's modules", same_kernel / upstream)
