"""The same with deploy_forces_oob_reboot: the agent only flushes, the BMC cuts the power."""

import image
from stand import Stand
from verdict import require


def run(directory):
    source = image.bootable("out-of-band", 128)
    stand = Stand(directory, deploy_forces_oob_reboot=True)
    stand.deploy(source)
    stand.node.wait("wait call-back", 120)
    on = stand.console.opened(60)
    stand.node.wait("active", 600)
    stand.console.expect(image.up("out-of-band"), 180, since=on.number)
    off = stand.console.closed(1, since=on.number)

    asked = stand.bmc.resets(on.time, off.time)
    require("ForceOff" in asked, f"the BMC was to cut the power, but was asked for {asked}")
    require(
        not stand.console.find(r"reboot: Power down", since=on.number, until=off.number),
        "the agent powered the machine off although it was only to flush",
    )
    print(f"  off by the BMC ({', '.join(asked)}); then booted from disk")
