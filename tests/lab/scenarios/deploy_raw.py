"""A raw whole-disk image deployed by Ironic; the agent powers the machine off itself, the disk boots."""

import image
from stand import Stand
from timing import Timing
from verdict import require

# It tells how long everything took.
ALONE = True


def run(directory):
    source = image.bootable("first-light", 512)
    stand = Stand(directory)
    ordered = stand.deploy(source)
    stand.node.wait("wait call-back", 120)
    on = stand.console.opened(60)
    stand.node.wait("active", 600)
    booted = stand.console.expect(image.up("first-light"), 180, since=on.number)
    off = stand.console.closed(1, since=on.number)

    # The kernel says this only when reboot(2) was asked to power off; QEMU's power button makes no such line.
    require(
        stand.console.find(r"reboot: Power down", since=on.number, until=off.number),
        "the machine went off, but no kernel said 'reboot: Power down'",
    )
    asked = stand.bmc.resets(on.time, off.time)
    require(not asked, f"the BMC was asked for {asked} before the machine went off by itself")
    require(off.number < booted.number, "the deployed system spoke before the agent's power-off")
    receipt = stand.console.find(r"image: (.* the bottleneck: \w+)", since=on.number, until=off.number)
    require(receipt, "the agent left no receipt on the console")
    print(f"  receipt: {receipt[0].match[1]}")
    print(f"  off by the agent, no reset asked of the BMC in those {off.time - on.time:.0f} s; then booted from disk")
    Timing("deploy-raw", directory).deploy(stand, ordered, on, booted, source).show()
