"""Machines whose firmware boots from a disk behind iSCSI: iPXE, which leaves an iBFT, and tgt's target."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from machine import Broken, Machine
from partitioned_image import partitioned

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from images import Images  # noqa: E402

MIB = 1 << 20
PORT = 8089
PORTAL, TGT = 3260, 3261
IMAGE_MIB, DISK_MIB = 48, 5 << 10
# The connection is dropped once so much was written.
DROPPED_AT = 20 * MIB
BOOT = 200
NAME = "iqn.2026-11.org.example:root"
USER, SECRET = "machine7", "a secret of 24 letters.."


class Target:
    """tgt with one disk behind CHAP."""

    def __init__(self, folder, disk):
        self.log = open(folder / "tgtd.log", "w")
        # By this tgtd and tgtadm find each other; the address of a socket has no room for a long name.
        self.place = {"cwd": folder, "env": {**os.environ, "TGT_IPC_SOCKET": "tgt.socket"}}
        self.process = subprocess.Popen(["tgtd", "-f", "--iscsi", f"portal=127.0.0.1:{TGT}"], stdout=self.log, stderr=self.log, **self.place)
        for words in (
            f"--mode target --op new --tid 1 -T {NAME}",
            f"--mode logicalunit --op new --tid 1 --lun 1 -b {disk}",
            f"--mode account --op new --user {USER} --password",
            f"--mode account --op bind --tid 1 --user {USER}",
            "--mode target --op bind --tid 1 -I ALL",
        ):
            secret = [SECRET] if words.endswith("--password") else []
            self.tell(words.split() + secret)

    def tell(self, words):
        for _ in range(20):
            done = subprocess.run(["tgtadm", "--lld", "iscsi", *words], **self.place, capture_output=True, text=True)
            if done.returncode == 0:
                return
            time.sleep(0.5)
        raise Broken(f"tgtadm {words}: {done.stderr}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Wire:
    """What lies between machine and target: passes everything on, and hangs up once when so much was written."""

    def __init__(self):
        self.passed, self.connections, self.dropped = 0, 0, False
        self.listener = socket.create_server(("127.0.0.1", PORTAL))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                machine, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            target = socket.create_connection(("127.0.0.1", TGT))
            for one, other, counts in ((machine, target, True), (target, machine, False)):
                threading.Thread(target=self.carry, args=(one, other, counts), daemon=True).start()

    def carry(self, one, other, counts):
        try:
            while data := one.recv(1 << 16):
                if counts:
                    self.passed += len(data)
                if counts and self.passed >= DROPPED_AT and not self.dropped:
                    self.dropped = True
                    break
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def iscsi_boot(folder):
    """a disk that the firmware boots from over iSCSI is connected with the firmware's CHAP secret and deployed to; a connection lost in mid-write is made anew"""
    image, disk, net = folder / "iscsi.raw", folder / "iscsi.disk", folder / "iscsi-tftp"
    image.write_bytes(partitioned(IMAGE_MIB * MIB))
    with open(disk, "wb") as file:
        file.truncate(DISK_MIB * MIB)
    net.mkdir(exist_ok=True)
    for name in ("kernel", "initramfs"):
        (net / name).unlink(missing_ok=True)
        os.link(folder / name, net / name)
    order = f"ironlet.image=http://10.0.2.2:{PORT}/image.raw ironlet.checksum=sha256:{hashlib.sha256(image.read_bytes()).hexdigest()} ironlet.then=poweroff"
    (net / "boot.ipxe").write_text(
        "#!ipxe\n"
        "set initiator-iqn iqn.2026-11.org.example:machine\n"
        f"set username {USER}\nset password {SECRET}\n"
        f"sanhook --drive 0x80 iscsi:10.0.2.2::{PORTAL}:1:{NAME}\n"
        f"kernel tftp://10.0.2.2/kernel initrd=initramfs console=ttyS0,115200 loglevel=7 panic=-1 no_timer_check {order}\n"
        "initrd tftp://10.0.2.2/initramfs\nboot\n")
    arguments = ["-machine", "q35", "-netdev", f"user,id=net,tftp={net},bootfile=boot.ipxe", "-device", "virtio-net-pci,netdev=net,bootindex=1"]
    with Target(folder, disk), Wire() as wire, Images(PORT, {"image.raw": image}, lambda *_: None):
        with Machine(folder, "iscsi-boot", 512, None, arguments) as console:
            told = console.expect(rf"the firmware boots from the iSCSI disk {NAME} \(LUN 1\) at 10\.0\.2\.2:{PORTAL}", BOOT)[0]
            console.expect(rf"the iSCSI disk {NAME} .* is connected$", 60)
            console.expect(r"root disk: /dev/sda ", 60)
            lost = console.expect(r"the connection of the iSCSI disk .* is lost \(.*\)", 120)[0]
            console.expect(r"the iSCSI disk .* is connected again", 60)
            console.expect(r"image: .* on /dev/sda in ", 120)
            console.goes_off(60)
            console.never_said(rf"Oops|BUG:|Call Trace|I/O error|{SECRET}")
        if not wire.dropped or wire.connections < 3:
            raise Broken(f"{wire.connections} connections, dropped: {wire.dropped}")
    with open(disk, "rb") as file:
        if file.read(IMAGE_MIB * MIB) != image.read_bytes():
            raise Broken("what is on the target is not the image")
    return f"{told}; {lost}; {wire.connections} connections, the firmware's included"
