"""Standalone mode on a disk with a bad spot: the error names disk and offset, and nothing on the disk would boot."""

import emulator
import image
import standalone
from verdict import require

MIB = 1 << 20
BAD = 40 * MIB + 8192


def run(directory):
    stand = standalone.Standalone(directory, image.noise("standalone", 64, zeros=(24, 32)))
    machine, on = stand.power_on(emulator.failing(stand.disk.path, BAD))
    told = stand.console.expect(r"writing /dev/vda at byte (\d+)\b.*", 180, since=on.number)
    offset = int(told.match.group(1))
    # The agent knows which of its writes failed, and those are of 1 MiB at most.
    require(BAD - MIB < offset <= BAD, f"the bad spot is at byte {BAD}, the agent named {offset}")
    machine.kill()
    stand.console.closed(10, since=on.number)
    require(not stand.console.find(standalone.SUCCESS, since=on.number), "the agent called this a success")
    left = stand.disk.tables()
    require(not left, f"the disk would still boot: it has {', '.join(left)}")
    print(f"  the agent said: {told.match.group(0)}")
