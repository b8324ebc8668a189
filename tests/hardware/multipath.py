"""Machines with several ways to one disk: two SCSI adapters, the same unit behind both."""

import hashlib
import sys
from pathlib import Path

from machine import Broken, Machine
from partitioned_image import partitioned

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from images import Images  # noqa: E402

MIB = 1 << 20
PORT = 8087
IMAGE_MIB, DISK_MIB = 64, 5 << 10
BOOT = 150
# Bytes in a second that each way takes, so that there is a middle of the write.
RATE = 4 * MIB


def unit(file, ways, wwn, serial):
    """The same disk behind each of these adapters."""
    arguments = []
    for way in ways:
        drive = f"{way}-{serial}"
        arguments += ["-drive", f"if=none,id={drive},format=raw,file={file},cache=unsafe,file.locking=off,throttling.bps-write={RATE}",
                      "-device", f"scsi-hd,id={way}.{serial},bus={way}.0,drive={drive},wwn={wwn},serial={serial},share-rw=on"]
    return arguments


def multipath(folder):
    """two ways to one disk are one disk: deployed to while one of them is taken away, in mid-write"""
    image, disk = folder / "multipath.raw", folder / "multipath.disk"
    image.write_bytes(partitioned(IMAGE_MIB * MIB))
    with open(disk, "wb") as file:
        file.truncate(DISK_MIB * MIB)
    ways = ("left", "right")
    adapters = [argument for way in ways for argument in ("-device", f"virtio-scsi-pci,id={way}")]
    arguments = ["-machine", "q35", "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
                 *adapters, *unit(disk, ways, "0x5000c50015ea71aa", "unit1")]
    order = f"ironlet.image=http://10.0.2.2:{PORT}/image.raw ironlet.checksum=sha256:{hashlib.sha256(image.read_bytes()).hexdigest()} ironlet.then=poweroff"
    with Images(PORT, {"image.raw": image}, lambda *_: None):
        with Machine(folder, "multipath", 512, order, arguments) as console:
            told = console.expect(r"one disk: /dev/sda \(5 GiB\), reached by sda, sdb", BOOT)[0]
            chosen = console.expect(r"root disk: /dev/dm-0 .*", 60)[0]
            console.expect("image: writing: ", 60)
            console.ask("device_del left.unit1")
            console.expect(r"multipath: 25\d:\d+: Failing path 8:0", 30)
            console.expect(r"image: .* on /dev/dm-0 in ", 120)
            console.goes_off(60)
            console.never_said("Oops|BUG:|Call Trace")
        with open(disk, "rb") as file:
            if file.read(IMAGE_MIB * MIB) != image.read_bytes():
                raise Broken("what is on the disk is not the image")
    return f"{told}; {chosen}"
