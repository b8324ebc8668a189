"""Standalone mode's test stand: no Ironic, the image named on the kernel command line, an old system on a small disk."""

import shutil
import time

import console
import disk
import emulator
import network
import web
from verdict import Failed

MIB = 1 << 20
# Printed once the image is verified, written and flushed; the power-off comes after it.
SUCCESS = r"image: .* on /dev/vda in [0-9.]+ s"


class Standalone:
    def __init__(self, directory, image, spare_mib=8, parameters="", image_rate=0):
        self.directory, self.image = directory, image
        network.start(directory)
        network.tap(emulator.TAP)
        self.images = web.Web(directory, image_rate).start().images
        (self.images / image.name).symlink_to(image)
        self.console = console.Console(emulator.CONSOLE, directory / "console.log")
        self.disk = disk.Disk(directory / "disk.raw", image.stat().st_size + spare_mib * MIB)
        self._old = directory / "old.raw"
        shutil.copyfile(self.disk.path, self._old)
        self._append = (
            f"ironlet.image={network.WEB}/images/{image.name} ironlet.checksum=sha256:{disk.digest(image)} "
            f"ironlet.disk=/dev/vda ironlet.then=poweroff {parameters}"
        )

    def power_on(self, description):
        """A machine that just started with the older system on its disk, and the console line of its start."""
        shutil.copyfile(self._old, self.disk.path)
        self._written = self.disk.path.stat().st_mtime_ns
        mark = self.console.mark()
        machine = emulator.Emulator(self.directory, self._append, description)
        return machine, self.console.opened(20, since=mark)

    def wait_first_write(self, machine, seconds):
        """Host time of the first byte that reached the disk."""
        deadline = time.monotonic() + seconds
        while self.disk.path.stat().st_mtime_ns == self._written:
            if machine.process.poll() is not None:
                raise Failed(f"the machine went off before it wrote anything, see {self.directory}/qemu.log")
            if time.monotonic() > deadline:
                raise Failed(f"nothing was written to the disk within {seconds} s")
            time.sleep(0.01)
        return time.time()

    def verdict(self):
        """What the disk is now, as one of the four states a killed write may leave; Failed for any other."""
        if self.disk.untouched():
            return "old system untouched"
        tables = self.disk.tables()
        if self.disk.holds(self.image):
            return "image complete"
        if not tables:
            return "no table"
        # The table goes in two writes, its head first. With the old data whole, what is left of it harms nobody:
        # UEFI 2.10, 5.2.3 has a GPT count only with a protective MBR before it.
        if tables == ["backup GPT"] and self.disk.only_head_cleared():
            return "old table half gone"
        raise Failed(f"a half-written disk with a partition table: {', '.join(tables)}")
