"""Without Ironic, `then=kexec`: the system that was written starts without the firmware, by BIOS and by UEFI; how long that takes beside a start by the firmware."""

import re
import time

import console
import disk
import emulator
import firmware
import image
import network
import web
from verdict import require

NAME, MIB = "kexec", 1 << 20
UP = re.escape(image.up(NAME)).replace(NAME, NAME + "-\\w+")
# What the deployed system says of itself just before: how long its kernel has been running.
RUNNING = r"kernel \S+, up ([0-9.]+) s"


def run(directory):
    network.start(directory)
    network.tap(emulator.TAP)
    server = web.Web(directory, image_rate=0).start()
    told = console.Console(emulator.CONSOLE, directory / "console.log")
    for name in ("bios", "uefi"):
        source = image.bootable(f"{NAME}-{name}", 96, name)
        (server.images / f"{name}.raw").symlink_to(source)
        order = (
            f"ironlet.image={network.WEB}/images/{name}.raw ironlet.checksum=sha256:{disk.digest(source)} ironlet.disk=/dev/vda ironlet.then=kexec"
        )
        flash = []
        if name == "uefi":
            flash = [
                "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={firmware.CODE}",
                "-drive", f"if=pflash,format=raw,unit=1,file={firmware.fresh(directory / 'vars.fd')}",
            ]
        own = directory / f"{name}.disk"
        with open(own, "wb") as file:
            file.truncate(source.stat().st_size + 8 * MIB)
        drive = ["-drive", f"if=none,id=disk,format=raw,file={own}", "-device", "virtio-blk-pci,drive=disk"]
        mark = told.mark()
        machine = emulator.Emulator(directory, order, drive, booted=[*flash, *emulator.direct(order)])
        on = told.opened(20, since=mark)
        leaving = told.expect(r"starting the kernel of the system on the disk", 300, since=on.number)
        by_kexec = first_line(told, leaving) - leaving.time
        end(told, machine, on)
        before, mark = time.time(), told.mark()
        machine = emulator.Emulator(directory, "", drive, booted=[*flash, "-boot", "c"])
        on = told.opened(20, since=mark)
        by_firmware = first_line(told, on) - before
        end(told, machine, on)
        print(f"  {name}: the deployed kernel's first line {by_kexec:.2f} s after the agent leaves by kexec, {by_firmware:.2f} s after power-on by the firmware: {by_kexec / by_firmware:.2f}", flush=True)
        require(by_kexec < by_firmware, "kexec takes no less time than the firmware")


def first_line(told, since):
    """When the deployed kernel began, by its own count."""
    up = told.expect(UP, 300, since=since.number)
    running = told.find(RUNNING, since=since.number, until=up.number)
    return running[-1].time - float(running[-1].match.group(1))


def end(told, machine, on):
    told.expect(r"reboot: Power down|Power off", 60, since=on.number)
    told.closed(30, since=on.number)
    machine.process.wait()
