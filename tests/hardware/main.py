"""Machines whose hardware does not work, and what their consoles say; and networks that want more than a card. main.py FOLDER [CASE…]; FOLDER holds kernel and initramfs."""

import hashlib
import itertools
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import config_drive as drives
import media
from archive import appended
from cases import play_all, two_lines
from certificates import certificates
from iscsi_boot import iscsi_boot
from machine import Broken, Machine
from multipath import multipath
from networks import bond, vlans
from partitioned_image import partitioned
from receiver import receiver

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from images import Images  # noqa: E402
from ironic import Ironic  # noqa: E402

MIB = 1 << 20
PORT = 8080
# A machine without KVM that shares its cores takes its time.
BOOT = 150
LACKS = r"eth0 \(e100\) needs firmware (e100/\w+\.bin), which this ramdisk lacks"
# Less than the server profile takes, and enough for the kernel and /init.
TOO_LITTLE_RAM = 144
# Less than would do, and enough where the ramdisk may have more than half of it.
MORE_THAN_HALF = 176


def nic(model):
    # Nothing boots from it, and iPXE leaves some cards with their interrupts on.
    return ["-netdev", f"user,id=net-{model}", "-device", f"{model},netdev=net-{model},romfile="]


def machine(folder, name, ram, arguments, order="", **more):
    """Without an order the agent looks for a disk, and needs neither server nor image for that."""
    order = order or f"ironlet.image=http://10.0.2.2:1/none ironlet.checksum=sha256:{'0' * 64} ipa-disk-wait-attempts=1"
    return Machine(folder, name, ram, order, arguments, **more)


def firmware(folder):
    """a card whose firmware is missing is named with driver and file, one without a driver by its PCI id; no word of the cable"""
    with machine(folder, "firmware", 512, ["-machine", "q35", *nic("i82551"), *nic("ne2k_pci")]) as console:
        file = console.expect(LACKS, BOOT)[1]
        console.expect("no network yet", 60)
        told = console.expect(r"eth0 \([0-9a-f:]{17}\): setting eth0 up: No such file", 5)[0]
        console.expect(rf"warn  init:   {LACKS}", 5)
        console.expect(r"no driver in this ramdisk for the network card 10ec:8029 at 0000:", 5)
        console.expect("check: that the ramdisk has the firmware", 5)
        console.never_said("the cable|Oops|BUG:|Call Trace")
    return f"{told}; {file}"


def firmware_appended(folder):
    """the same card works once its firmware is appended to the ramdisk as the README says"""
    # drivers/net/ethernet/intel/e100.c: 134 words and three places in them. QEMU's card takes any program.
    files = {f"lib/firmware/e100/{name}_ucode.bin": bytes(134 * 4 + 3) for name in ("d101m", "d101s", "d102e")}
    initramfs = folder / "initramfs-firmware"
    initramfs.write_bytes((folder / "initramfs").read_bytes() + appended(folder / "firmware-tree", files))
    with machine(folder, "firmware-appended", 512, ["-machine", "q35", *nic("i82551")], initramfs=initramfs) as console:
        told = console.expect(r"eth0: 10\.0\.2\.15/24 from the DHCP server", BOOT)[0]
        console.never_said("needs firmware")
    return told


def firmware_damaged(folder):
    """a card whose firmware was cut short is told to have a damaged one; no word of the cable"""
    files = {f"lib/firmware/e100/{name}_ucode.bin": bytes(100) for name in ("d101m", "d101s", "d102e")}
    initramfs = folder / "initramfs-damaged-firmware"
    initramfs.write_bytes((folder / "initramfs").read_bytes() + appended(folder / "damaged-firmware-tree", files))
    with machine(folder, "firmware-damaged", 512, ["-machine", "q35", *nic("i82551")], initramfs=initramfs) as console:
        told = console.expect(r"eth0 \(e100\) needs firmware e100/\w+\.bin, which is damaged in this ramdisk", BOOT)[0]
        console.expect("no network yet", 60)
        console.expect("check: that the ramdisk has the firmware", 5)
        console.never_said("the cable|Oops|BUG:|Call Trace|ramdisk lacks")
    return told


def controllers(folder):
    """disk controllers without a driver are named where a disk is looked for; Ctrl-Alt-Del on a keyboard behind xHCI restarts the machine"""
    devices = [*nic("virtio-net-pci"), "-device", "am53c974", "-device", "dc390", "-device", "qemu-xhci", "-device", "usb-kbd"]
    with machine(folder, "controllers", 512, ["-machine", "q35,i8042=off", *devices]) as console:
        error = r"no disk to deploy to: the kernel shows no disk; .*for the disk controller 1022:2020 at .*for the disk controller 1022:2020 at [0-9a-f:.]+"
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
    """a ramdisk that was cut for want of RAM says how much would do, and with that much the same machine deploys; with rootfstype=ramfs it does with less"""
    with machine(folder, "memory", TOO_LITTLE_RAM, ["-machine", "q35", *nic("virtio-net-pci")]) as console:
        told = console.expect(r"this ramdisk was cut while it was unpacked.*: (\d+) MiB of RAM are too little, (\d+) MiB would do", BOOT)
        console.expect(r"no disk to deploy to: .*MiB would do", 120)
    had, enough = int(told[1]), int(told[2])
    if had != TOO_LITTLE_RAM or not had < enough <= 2 * had:
        raise Broken(f"{had} MiB and {enough} MiB were told to a machine of {TOO_LITTLE_RAM} MiB")
    image, disk = folder / "image.raw", folder / "disk.raw"
    image.write_bytes(partitioned(8 * MIB))
    order = f"ironlet.image=http://10.0.2.2:{PORT}/image.raw ironlet.checksum=sha256:{hashlib.sha256(image.read_bytes()).hexdigest()} ironlet.disk=/dev/vda"
    virtio = ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
    with Images(PORT, {"image.raw": image}, lambda *_: None):
        # Half of the memory is all that a tmpfs takes; a ramfs takes what there is.
        for ram, more in ((enough, ""), (MORE_THAN_HALF, " rootfstype=ramfs")):
            disk.write_bytes(bytes(16 * MIB))
            with machine(folder, f"memory-{ram}", ram, ["-machine", "q35", *nic("virtio-net-pci"), *virtio], order + more) as console:
                console.expect(r"image: .* on /dev/vda in ", BOOT)
                console.goes_off(60)
                console.never_said("cut while|Out of memory")
            if disk.read_bytes()[: 8 * MIB] != image.read_bytes():
                raise Broken(f"{ram} MiB: what is on the disk is not the image")
    return f"{told[0]}; deployed with {enough} MiB, and by rootfstype=ramfs with {MORE_THAN_HALF} MiB"


def clock(folder):
    """a hardware clock that is years behind keeps no image from an https server that is trusted, and one that is not from being refused"""
    told = []
    for name, trusted, base in (("clock-1970", True, "1970-01-02"), ("clock-2021", True, "2021-01-01"), ("clock-stranger", False, "1970-01-02")):
        keys = certificates(folder / name)
        initramfs = folder / f"initramfs-{name}"
        conf = "[DEFAULT]\ncafile = /etc/authority.pem\n"
        authority = keys / ("server.crt" if trusted else "stranger.crt")
        initramfs.write_bytes((folder / "initramfs").read_bytes()
                              + appended(folder / f"{name}-tree", {"etc/authority.pem": authority.read_bytes(),
                                                                   "etc/ironic-python-agent.d/clock.conf": conf.encode()}))
        image, disk = folder / f"{name}.raw", folder / f"{name}-disk.raw"
        image.write_bytes(partitioned(8 * MIB))
        disk.write_bytes(bytes(16 * MIB))
        digest = hashlib.sha256(image.read_bytes()).hexdigest()
        order = f"ironlet.image=https://10.0.2.2:{PORT + 1}/image.raw ironlet.checksum=sha256:{digest} ironlet.disk=/dev/vda"
        virtio = ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
        with Images(PORT + 1, {"image.raw": image}, lambda *_: None, keys):
            with machine(folder, name, 512, ["-machine", "q35", "-rtc", f"base={base}T00:00:00", *nic("virtio-net-pci"), *virtio], order,
                         initramfs=initramfs) as console:
                if trusted:
                    said = console.expect(r"the clock is set to (\d{4}-\d\d-\d\d) by the Date of https://10\.0\.2\.2:\d+/, for checking certificates alone", BOOT)
                    if abs(time.mktime(time.strptime(said[1], "%Y-%m-%d")) - time.time()) > 2 * 86400:
                        raise Broken(f"the clock is set to {said[1]}")
                    console.expect(r"image: .* on /dev/vda in ", 60)
                    console.expect("the hardware clock stays as it is: no time server", 30)
                    console.goes_off(60)
                    told.append(f"{base}: {said[0]}")
                else:
                    console.expect("nobody says the time.*nor does its Date help.*nobody trusted signed", BOOT)
                    console.expect("the deploy failed", 60)
        written = disk.read_bytes()[: 8 * MIB]
        if written != (image.read_bytes() if trusted else bytes(8 * MIB)):
            raise Broken(f"{name}: what is on the disk is not what should be there")
    return "; ".join(told)


def bmc(folder):
    """the drivers of a BMC are loaded, and Ironic is told that QEMU's own has no address"""
    arguments = ["-machine", "q35", *nic("virtio-net-pci"), "-device", "ipmi-bmc-sim,id=bmc", "-device", "isa-ipmi-kcs,bmc=bmc"]
    with receiver("127.0.0.1", PORT + 2, "10.0.2.2") as (order, posted):
        with machine(folder, "bmc", 512, arguments, order) as console:
            console.expect("Ironic has taken it", BOOT)
    found = posted[0]["inventory"]
    told = found["bmc_address"], found["bmc_v6address"], "bmc_mac" in found
    if told != ("0.0.0.0", "::/0", False):
        raise Broken(f"its addresses and whether it has a MAC: {told}")
    return f"bmc_address {told[0]}, bmc_v6address {told[1]}, no bmc_mac"


def screen(folder):
    """a VGA screen shows above the log what the machine is at, and the log does not scroll over it"""
    with machine(folder, "screen", 512, ["-machine", "q35", "-smbios", "type=1,manufacturer=ACME,product=Anvil,serial=A-17", *nic("virtio-net-pci")],
                 screen=True) as console:
        for failure in (1, 4):
            console.expect(rf"the deploy failed \(attempt {failure}\)", BOOT)
            time.sleep(1)
            rows = console.screen()
            # The hardware scrolls by beginning elsewhere in its memory.
            top = next((number for number, row in enumerate(rows) if row.startswith(" ironlet ")), None)
            if top is None:
                raise Broken(f"no block on the screen: {[row for row in rows if row]}")
            shown = rows[top : top + 7]
            for number, words in ((1, " machine    ACME Anvil A-17"), (2, " addresses  eth0 10.0.2.15"), (5, " state      the deploy failed, trying again soon: ")):
                if not shown[number].startswith(words):
                    raise Broken(f"row {number} is {shown[number]!r}")
            below = rows[top + 7 : top + 25]
            if not any(f"the deploy failed (attempt {failure})" in row for row in below):
                raise Broken(f"the log is not below: {below}")
    return " | ".join(row.strip() for row in shown if row.strip())


def config_drive(folder):
    """with 128 MiB of RAM config drives that fit are written, and larger ones refused by name; never the kernel's OOM killer"""
    image, files = folder / "small.raw", {}
    image.write_bytes(partitioned(2 * MIB))
    files["image.raw"] = image
    Ironic()
    with Images(PORT + 1, files, lambda *_: None):
        return drives.play(folder, image, files, f"http://10.0.2.2:{PORT + 1}/")


def virtual_media(folder):
    """of drives that all carry the right labels only the medium that Ironic published is read, and parameters from one that comes late; no DHCP"""
    return media.play(folder, BOOT)


def time_server(folder):
    """a time server whose answers, to other questions, have no end is given up in time, and the work goes on"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def flood():
            _, asks = server.recvfrom(48)
            answer = bytes([0x24, 2]) + bytes(38) + b"\xee" * 8
            for number in itertools.count():
                try:
                    server.sendto(answer[:48 - number % 3], asks)
                except OSError:
                    return    # the machine has gone

        threading.Thread(target=flood, daemon=True).start()
        order = f"ipa-ntp-server=10.0.2.2:{server.getsockname()[1]}"
        with small_machine(folder, "time-server", order) as console:
            console.expect("10.0.2.15/24 from the DHCP server", BOOT)
            began = time.monotonic()
            told = console.expect(r"the clock stays as it is: asking .* for the time: .* answers(?: too little|, but ).*", 60)[0]
            seconds = time.monotonic() - began
            console.expect("nothing to do: ", 20)
    return f"{told}, after {seconds:.0f} s"


def small_machine(folder, name, order):
    """With the modules and the kernel of a VM: up in no time."""
    dist = Path(__file__).resolve().parents[2] / "dist"
    return Machine(folder, name, 128, order, nic("virtio-net-pci"), initramfs=dist / "ironlet.initramfs", kernel=dist / "ironlet.kernel")


def damaged(folder):
    """a ramdisk that did not arrive whole is told apart from too little RAM"""
    whole = (folder / "initramfs").read_bytes()
    initramfs = folder / "initramfs-cut"
    initramfs.write_bytes(whole[: len(whole) * 6 // 10])
    with machine(folder, "damaged", 512, ["-machine", "q35", *nic("virtio-net-pci")], initramfs=initramfs) as console:
        told = console.expect(r"this ramdisk is damaged \(.*\), \d+ of its \d+ modules are missing: check that the boot loader gets the whole file", BOOT)[0]
        console.never_said("too little")
    return told


CASES = (memory, multipath, iscsi_boot, config_drive, virtual_media, time_server, firmware, controllers, firmware_appended, firmware_damaged, damaged, keyboard, clock, screen, bmc, vlans, bond)


def main(folder, *names):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = Path(folder).resolve()
    chosen = [case for case in CASES if not names or case.__name__ in names]
    return play_all("hardware", chosen, lambda case: case(folder), lambda case, held, told: two_lines(case.__name__, case.__doc__, held, told))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
