"""One agent cleans, begins a deploy that is aborted in mid-write, and the node is deployed in the end: fast track, its first command still listed, no restart but the last."""

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
    node = stand.node.wait("deploy failed", 120)
    require("abort" in node["last_error"], f"the abort is not what Ironic tells of: {node['last_error']}")
    again = [line.text for line in stand.console.find("-- the machine is on --", since=on.number + 1)]
    require(not again, "the machine was started again between cleaning and deploy")
    listed = stand.node.read()["driver_internal_info"].get("agent_cached_deploy_steps")
    require(listed, "Ironic did not ask the agent that had cleaned for its deploy steps")
    print(f"  cleaned, then written to by the same agent; aborted: {node['last_error'][:90]}", flush=True)

    ordered = stand.deploy(source)
    stand.deployed(source, "fast-track", ordered)
    print("  deployed after all; the disk boots")
