"""Standalone mode on a disk full of old bytes: every byte is the image's after it, runs of zeros of any length among them."""

import os

import emulator
import image
import standalone
from verdict import require

MIB = 1 << 20


def run(directory):
    source = image.patches("zeros", 96)
    stand = standalone.Standalone(directory, source, parameters="ironlet.verify=readback")
    for zeroes in (True, False):
        machine, on = stand.power_on(emulator.thin(stand.disk.path, zeroes))
        # stat(2): st_blocks counts 512-byte units, whatever the file system's block is.
        before = os.stat(stand.disk.path).st_blocks * 512
        stand.console.expect(standalone.SUCCESS, 180, since=on.number)
        stand.console.expect(r"reboot: Power down", 60, since=on.number)
        stand.console.closed(30, since=on.number)
        machine.process.wait()
        require(stand.console.find(r"/dev/vda read back", since=on.number), "the agent did not read the disk back")
        require(stand.disk.holds(source), "the disk does not begin with the image")
        require(stand.disk.old_from(source.stat().st_size), "bytes beyond the image are not what they were")
        given = before - os.stat(stand.disk.path).st_blocks * 512
        known = "zeroes ranges by itself" if zeroes else "cannot zero ranges"
        require((given > 16 * MIB) == zeroes, f"a disk that {known} gave {given} bytes back to the host")
        print(f"  a disk that {known}: image complete, {given >> 20} MiB given back to the host", flush=True)
