"""Ironic stopped in the middle of a write and started after its end: the deploy still becomes active."""

import image
import machine
from stand import Stand
from verdict import require

MIB = 1 << 20


def run(directory):
    source = image.noise("ironic-restart", 96)
    stand = Stand(directory, image_rate=3 * MIB)
    ordered = stand.deploy(source)
    stand.disk.wait_written(16 * MIB, 600)
    on = stand.console.opened(1)
    stand.ironic.stop()
    print("  Ironic stopped in mid-write", flush=True)
    # The agent finishes with nobody to tell: its heartbeats have to go on until somebody listens.
    stand.web.wait_request("web", "GET", f"/images/{source.name}", 300, after=ordered)
    require(stand.machine.is_on(), f"the machine {machine.NAME} went off although nobody had told it to")
    stand.ironic.start().ready()
    print("  the image is written, Ironic started again", flush=True)

    stand.node.wait("active", 600)
    stand.console.expect(image.up("ironic-restart"), 60, since=on.number)
    require(stand.disk.holds(source), "the disk does not hold the image")
