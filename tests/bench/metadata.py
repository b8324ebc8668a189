"""erase_devices_metadata: eight disks with signatures, erased by upstream's agent and by ironlet in one machine."""

import subprocess
import sys

import place
from place import MIB, TOP, WORK, Broken

sys.path.insert(0, str(TOP / "tests/identity"))
import machine  # noqa: E402

DISKS = 8
SIZE = 256 * MIB
PACKAGES = "gdisk dosfstools e2fsprogs psmisc udev busybox-static cpio kmod"


def kernel():
    script = "set -e; . initramfs/host.sh; . initramfs/kernel.sh; debian_kernel generic"
    return machine.Path(subprocess.run(["bash", "-c", script, "bench"], cwd=TOP, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def run(limits, _):
    subprocess.run([TOP / "initramfs/host.sh", "install_lacking", *PACKAGES.split()], check=True)
    folder = WORK / "metadata"
    folder.mkdir(exist_ok=True)
    disks = []
    for number in range(DISKS):
        file = folder / f"disk{number}"
        with open(file, "wb") as out:
            out.truncate(SIZE)
        disks += ["-drive", f"file={file},format=raw,if=virtio,cache=unsafe"]
    here = place.HERE
    ramdisk = machine.ramdisk(folder, kernel(), place.DIST / "ironlet", here / "metadata-task.sh", [here / "metadata-upstream.py"])
    told = machine.run(folder, kernel(), ramdisk, disks, DISKS)
    try:
        upstream, own = float(told["upstream"].split()[-1]), float(told["own"].split()[-1])
    except (KeyError, ValueError, IndexError) as error:
        raise Broken(f"no times: {error!r} in {told}") from error
    for name in ("upstream-left", "own-left"):
        left = told[name].strip()
        if left:
            raise Broken(f"{name}: {left}")
    if not told["before"].strip():
        raise Broken("there was nothing to erase")
    print(f"  {DISKS} disks: upstream {upstream:.2f} s, ironlet {own:.2f} s (its start included)")
    limits.most("erase_devices_metadata beside upstream's", own / upstream, 0.2)
