"""The hardware zoo: each device deploys an image over the network once, and its disk is held against the image byte for byte.
main.py FOLDER [NAME…]; FOLDER holds kernel and the profiles' initramfs. Prints a table."""

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("hardware", "demo", "media")]
import firmware  # noqa: E402
from cases import play_all  # noqa: E402
from devices import DEVICES  # noqa: E402
from images import Images  # noqa: E402
from machine import Broken, Machine  # noqa: E402
from partitioned_image import partitioned  # noqa: E402

MIB = 1 << 20
PORT = 8080
IMAGE_MIB, DISK_MIB = 24, 64
# A machine without KVM that shares its cores takes its time.
BOOT, WRITING = 300, 300


def image():
    """An image with a partition, the same every time, whose bytes are no pattern."""
    return partitioned(IMAGE_MIB * MIB, random.Random(1).randbytes)


def deploy(folder, number, device, content, digest):
    """Seconds from power on to power off."""
    disk = folder / f"disk-{number}.raw"
    with open(disk, "wb") as file:
        file.truncate(DISK_MIB * MIB)
    name = f"{number:02}-{device.name.split()[0].strip(',')}"
    starts = firmware.uefi(folder, name) if device.uefi else ["-machine", device.machine]
    arguments = [*starts, "-netdev", "user,id=net", "-drive", f"file={disk},format=raw,if=none,id=disk,cache=unsafe", *device.arguments]
    order = f"ironlet.image=http://10.0.2.2:{PORT}/image.raw ironlet.checksum=sha256:{digest} ironlet.disk={device.disk} ironlet.then=poweroff {device.kernel}"
    began = time.monotonic()
    with Machine(folder, name, device.mib, order, arguments, initramfs=folder / f"{device.profile}.initramfs") as console:
        console.expect("modules are loaded for every device", BOOT)
        console.expect(rf"image: .* on {device.disk} in ", WRITING)
        console.goes_off(60)
        console.never_said(r"Oops|BUG:|Call Trace|needs firmware")
    written = disk.read_bytes()
    disk.unlink()
    if written[: len(content)] != content:
        at = next(at for at in range(len(content)) if written[at] != content[at])
        raise Broken(f"the disk is not the image from byte {at} on")
    if any(written[len(content) :]):
        raise Broken("there is something on the disk behind the image")
    return time.monotonic() - began


def main(folder, *words):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = Path(folder).resolve()
    chosen = [(number, device) for number, device in enumerate(DEVICES) if not words or any(word in device.name for word in words)]
    content = image()
    file = folder / "image.raw"
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()

    def play(entry):
        number, device = entry
        return f"{deploy(folder, number, device, content, digest):.0f} s"

    def line(entry, held, told):
        device = entry[1]
        return f"{device.name:36} {device.kind:16} {device.profile:8} {device.module:24} {'ok, ' if held else 'FAILED: '}{told}"

    print(f"{'device':36} {'kind':16} {'profile':8} {'module':24} result", flush=True)
    with Images(PORT, {"image.raw": file}, lambda *_: None):
        return play_all("zoo", chosen, play, line)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
