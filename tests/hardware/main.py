"""Machines whose hardware does not work, and what their consoles say; and networks that want more than a card. main.py FOLDER [CASE…]; FOLDER holds kernel and initramfs."""

import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import Broken, Machine
from networks import bond, vlans

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from images import Images  # noqa: E402

MIB = 1 << 20
PORT = 8080
# A machine without KVM that shares its cores takes its time.
BOOT = 150
LACKS = r"eth0 \(e100\) needs firmware (e100/\w+\.bin), which this ramdisk lacks"
# Less than the lab profile takes, and enough for the kernel and /init.
TOO_LITTLE_RAM = 144


def nic(model):
    # Nothing boots from it, and iPXE leaves some cards with their interrupts on.
    return ["-netdev", f"user,id=net-{model}", "-device", f"{model},netdev=net-{model},romfile="]


def machine(folder, name, ram, arguments, order="", **more):
    """Without an order the agent looks for a disk, and needs neither server nor image for that."""
    order = order or f"ironlet.image=http://10.0.2.2:1/none ironlet.checksum=sha256:{'0' * 64} ipa-disk-wait-attempts=1"
    return Machine(folder, name, ram, order, arguments, **more)


def firmware(folder):
    """a card whose firmware is missing is named with driver and file, one without a driver by its PCI id; no word of the cable"""
    with machine(folder, "firmware", 512, ["-machine", "q35", *nic("i82551"), *nic("rtl8139")]) as console:
        file = console.expect(LACKS, BOOT)[1]
        console.expect("no network yet", 60)
        told = console.expect(r"eth0 \([0-9a-f:]{17}\): setting eth0 up: No such file", 5)[0]
        console.expect(rf"warn  init:   {LACKS}", 5)
        console.expect(r"no driver in this ramdisk for the network card 10ec:8139 at 0000:", 5)
        console.expect("check: that the ramdisk has the firmware", 5)
        console.never_said("the cable|Oops|BUG:|Call Trace")
    return f"{told}; {file}"


def firmware_appended(folder):
    """the same card works once its firmware is appended to the ramdisk as the README says"""
    tree = folder / "firmware-tree"
    files = tree / "lib/firmware/e100"
    files.mkdir(parents=True, exist_ok=True)
    for name in ("d101m_ucode.bin", "d101s_ucode.bin", "d102e_ucode.bin"):
        # drivers/net/ethernet/intel/e100.c: 134 words and three places in them. QEMU's card takes any program.
        (files / name).write_bytes(bytes(134 * 4 + 3))
    more = subprocess.run("find lib | cpio -o -H newc --quiet | xz --check=crc32", shell=True, cwd=tree, capture_output=True, check=True).stdout
    initramfs = folder / "initramfs-firmware"
    initramfs.write_bytes((folder / "initramfs").read_bytes() + more)
    with machine(folder, "firmware-appended", 512, ["-machine", "q35", *nic("i82551")], initramfs=initramfs) as console:
        told = console.expect(r"eth0: 10\.0\.2\.15/24 from the DHCP server", BOOT)[0]
        console.never_said("needs firmware")
    return told


def controllers(folder):
    """disk controllers without a driver are named where a disk is looked for; Ctrl-Alt-Del on a keyboard behind xHCI restarts the machine"""
    devices = [*nic("virtio-net-pci"), "-device", "lsi53c895a", "-device", "sdhci-pci", "-device", "qemu-xhci", "-device", "usb-kbd"]
    with machine(folder, "controllers", 512, ["-machine", "q35,i8042=off", *devices]) as console:
        error = r"no disk to deploy to: the kernel shows no disk; .*for the disk controller 1000:0012 at .*for the disk controller 1b36:0007 at [0-9a-f:.]+"
        told = console.expect(error, BOOT)[0]
        restart(console)
    return told


def keyboard(folder):
    """Ctrl-Alt-Del on keyboards behind UHCI and behind EHCI restarts the machine"""
    uhci = ["-device", "piix3-usb-uhci,id=uhci", "-device", "usb-kbd,bus=uhci.0"]
    # A hub at high speed has a keyboard at full speed behind it.
    ehci = ["-device", "usb-ehci,id=ehci", "-device", "usb-kbd,bus=ehci.0,usb_version=2"]
    for name, devices in (("uhci", uhci), ("ehci", ehci)):
        with machine(folder, f"keyboard-{name}", 512, ["-machine", "q35,i8042=off", *nic("virtio-net-pci"), *devices]) as console:
            console.expect("modules are loaded for every device", BOOT)
            restart(console)
    return "restarted by both"


def restart(console):
    console.expect(r"input: .*Keyboard", 30)
    time.sleep(1)
    console.press("ctrl-alt-delete")
    console.expect("Ctrl-Alt-Del", 20)
    console.goes_off(60)


def memory(folder):
    """a ramdisk that was cut for want of RAM says how much would do, and with that much the same machine deploys"""
    with machine(folder, "memory", TOO_LITTLE_RAM, ["-machine", "q35", *nic("virtio-net-pci")]) as console:
        told = console.expect(r"this ramdisk was cut while it was unpacked.*: (\d+) MiB of RAM are too little, (\d+) MiB would do", BOOT)
        console.expect(r"no disk to deploy to: .*MiB would do", 120)
    had, enough = int(told[1]), int(told[2])
    if had != TOO_LITTLE_RAM or not had < enough <= 2 * had:
        raise Broken(f"{had} MiB and {enough} MiB were told to a machine of {TOO_LITTLE_RAM} MiB")
    image, disk = folder / "image.raw", folder / "disk.raw"
    image.write_bytes(partitioned(8 * MIB))
    disk.write_bytes(bytes(16 * MIB))
    order = f"ironlet.image=http://10.0.2.2:{PORT}/image.raw ironlet.checksum=sha256:{hashlib.sha256(image.read_bytes()).hexdigest()} ironlet.disk=/dev/vda"
    virtio = ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
    with Images(PORT, {"image.raw": image}, lambda *_: None):
        with machine(folder, "memory-enough", enough, ["-machine", "q35", *nic("virtio-net-pci"), *virtio], order) as console:
            console.expect(r"image: .* on /dev/vda in ", BOOT)
            console.goes_off(60)
            console.never_said("cut while|Out of memory")
    if disk.read_bytes()[: 8 * MIB] != image.read_bytes():
        raise Broken("what is on the disk is not the image")
    return f"{told[0]}; deployed with {enough} MiB"


def damaged(folder):
    """a ramdisk that did not arrive whole is told apart from too little RAM"""
    whole = (folder / "initramfs").read_bytes()
    initramfs = folder / "initramfs-cut"
    initramfs.write_bytes(whole[: len(whole) * 6 // 10])
    with machine(folder, "damaged", 512, ["-machine", "q35", *nic("virtio-net-pci")], initramfs=initramfs) as console:
        told = console.expect(r"this ramdisk is damaged \(.*\), \d+ of its \d+ modules are missing: check that the boot loader gets the whole file", BOOT)[0]
        console.never_said("too little")
    return told


def partitioned(size):
    """An image with a partition, whose bytes are no pattern."""
    table = bytearray(512)
    table[446:462] = bytes([0, 0, 2, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") + (size // 512 - 2048).to_bytes(4, "little")
    table[510:] = b"\x55\xaa"
    return bytes(table) + os.urandom(size - 512)


CASES = (memory, firmware, controllers, firmware_appended, damaged, keyboard, vlans, bond)


def main(folder, *names):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = Path(folder).resolve()
    chosen = [case for case in CASES if not names or case.__name__ in names]
    good = 0

    def play(case):
        try:
            return True, case(folder)
        except Broken as broken:
            return False, str(broken)

    # A machine without KVM keeps one core busy.
    with ThreadPoolExecutor(min(2, os.cpu_count())) as pool:
        for case, (held, told) in zip(chosen, pool.map(play, chosen)):
            good += held
            print(f"{'ok    ' if held else 'FAILED'} {case.__name__}: {case.__doc__}\n       {told}", flush=True)
    print(f"hardware: {good} of {len(chosen)} tests held")
    return 0 if chosen and good == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
