"""Without Ironic, `then=kexec` and `then=reboot` of the same machine and order, by BIOS and by UEFI: how long it takes from the end of the deploy until the deployed kernel runs."""

import os
import re
import statistics
import time
from pathlib import Path

import console
import disk
import emulator
import firmware
import image
import network
import place
import standalone
import web
from verdict import require

ALONE = True
NAME, MIB = "kexec", 1 << 20
# Medians of three are what the README tells.
ROUNDS = int(os.environ.get("LAB_ROUNDS", "1"))
# GRUB_TIMEOUT of /etc/default/grub as Debian installs it.
MENU = 5
UP = re.escape(image.up(NAME)).replace(NAME, NAME + "-\\w+")
LEAVES = {"kexec": r"kexec_core: Starting new kernel", "reboot": r"reboot: Restarting system"}
# As in the README's lab: firmware tries the disk, then the card, whose ROM is iPXE.
DISK, CARD = "bootindex=1", "bootindex=2"
SCRIPT = """#!ipxe
kernel {web}/kernel initrd=ramdisk rootfstype=ramfs console=ttyS0,115200 loglevel=6 panic=-1 no_timer_check ironlet.order={web}/order.ini
initrd {web}/ramdisk
boot
"""
ORDER = """image_source = {web}/images/{name}.raw
image_checksum = sha256:{digest}
root_device = {{"name": "/dev/vda"}}
then = {then}
"""


def run(directory):
    network.start(directory)
    network.tap(emulator.TAP)
    server = web.Web(directory, image_rate=0).start()
    for served, file in (("kernel", place.KERNEL), ("ramdisk", place.RAMDISK)):
        (server.root / served).symlink_to(file)
    (server.root / "boot.ipxe").write_text(SCRIPT.format(web=network.WEB))
    told = console.Console(emulator.CONSOLE, directory / "console.log")
    for name in ("bios", "uefi"):
        source = image.bootable(f"{NAME}-{name}", 96, name, MENU)
        (server.images / f"{name}.raw").symlink_to(source)
        parts = {}
        for then in LEAVES:
            (server.root / "order.ini").write_text(ORDER.format(web=network.WEB, name=name, digest=disk.digest(source), then=then))
            rounds = [played(directory, name, then, source, told) for _ in range(ROUNDS)]
            parts[then] = [statistics.median(part) for part in zip(*rounds)]
            before, after, whole = parts[then]
            print(f"  {name}, {then}: {whole:.1f} s from the end of the deploy to the deployed kernel's first line: {before:.1f} s until the agent's kernel leaves, {after:.1f} s from there", flush=True)
        kexec, reboot = parts["kexec"], parts["reboot"]
        print(f"  {name}: kexec takes {kexec[2] / reboot[2]:.2f} of a restart, {kexec[1] / reboot[1]:.2f} once the agent has left (medians of {ROUNDS})", flush=True)
        require(kexec[2] < 0.8 * reboot[2], "kexec takes hardly less time than the firmware")


def played(directory, name, then, source, told):
    """One deploy of an empty disk: seconds from its end until the agent's kernel leaves, from there to the deployed kernel's first line, and both; without
    those in which the host's processors were others'. Firmware and GRUB wait by the clock, so that a busy host shortens the restart, never kexec."""
    own = directory / "own.disk"
    own.unlink(missing_ok=True)
    with open(own, "wb") as file:
        file.truncate(source.stat().st_size + 8 * MIB)
    flash = []
    if name == "uefi":
        flash = [
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={firmware.CODE}",
            "-drive", f"if=pflash,format=raw,unit=1,file={firmware.fresh(directory / 'vars.fd')}",
        ]
    drive = ["-drive", f"if=none,id=disk,format=raw,file={own},cache=unsafe", "-device", f"virtio-blk-pci,drive=disk,{DISK}"]
    mark = told.mark()
    machine = emulator.Emulator(directory, "", drive, booted=flash or ["-boot", "menu=off"], card=CARD, restarts=True)
    on = told.opened(20, since=mark)
    done = told.expect(standalone.SUCCESS, 300, since=on.number)
    at_end = own_time(machine)
    left = told.expect(LEAVES[then], 120, since=done.number)
    at_leave = own_time(machine)
    first = told.expect("Linux version ", 300, since=left.number)
    at_first = own_time(machine)
    told.expect(UP, 300, since=first.number)
    machine.kill()
    told.closed(30, since=on.number)
    return at_leave - at_end, at_first - at_leave, at_first - at_end


def own_time(machine):
    """A clock that stands still while the machine's processor waits for one of the host's (schedstat: Documentation/scheduler/sched-stats.rst)."""
    tasks = Path(f"/proc/{machine.process.pid}/task").iterdir()
    # On a processor, waiting for one, and how often: the busiest is the machine's.
    _, waited, _ = max([int(word) for word in (task / "schedstat").read_text().split()] for task in tasks)
    return time.monotonic() - waited / 1e9
