"""One agent cleans, begins a deploy that is aborted in mid-write, and the node is deployed in the end: fast track, its first command still listed, no restart but the last."""

import time

import image
from stand import Drive, Stand
from verdict import require


def run(directory):
    source = image.noise("fast-track", 48)
    stand = Stand(directory, image_rate=4 << 20, drives=[Drive("disk", mib=5 << 10, filled=8 << 20)], available=False, fast_track=True)
    stand.node.provide(clean=True)
    on = stand.console.opened(1)

    stand.deploy(source)
    stand.node.wait("wait call-back", 60, step="write_image")
    # Ironic knows that since 1.110.
    stand.node.provision("abort", version="1.110")
    stand.node.wait("deploy failed", 120)
    # It says why a moment after it says that.
    deadline = time.monotonic() + 60
    while not (why := stand.node.read()["last_error"]) and time.monotonic() < deadline:
        time.sleep(1)
    require("By request" in (why or ""), f"the abort is not what Ironic tells of: {why}")
    again = [line.text for line in stand.console.find("-- the machine is on --", since=on.number + 1)]
    require(not again, "the machine was started again between cleaning and deploy")
    stand.console.expect("deploy step write_image starts", 1, since=on.number)
    print(f"  cleaned, then written to by the same agent; {why}", flush=True)

    ordered = stand.deploy(source)
    stand.deployed(source, "fast-track", ordered)
    print("  deployed after all; the disk boots")
