"""The agent process killed in the middle of a write: the restarted agent reports that command FAILED."""

import re

import image
from stand import Stand
from verdict import require

MIB = 1 << 20


def run(directory):
    source = image.noise("agent-killed", 128)
    stand = Stand(directory, image_rate=2 * MIB, kernel_append_params="%default% sysrq_always_enabled=1")
    stand.deploy(source)
    stand.disk.wait_written(16 * MIB, 600)
    before = stand.console.mark()
    # SysRq-f: the kernel's OOM killer takes the biggest process; pid 1 is exempt, so it is the agent.
    stand.machine.send_break()
    stand.console.type("f")
    killed = stand.console.expect(r"Out of memory: Killed process (\d+) \(([^)]*)\)", 30, since=before)
    require(killed.match.group(1) != "1", "pid 1 was killed instead of the agent")
    print(f"  killed in mid-write: process {killed.match.group(1)} ({killed.match.group(2)})", flush=True)

    node = stand.node.wait("deploy failed", 300)
    require(
        re.search(r"write_image", node["last_error"]) and re.search(r"died|killed|interrupted|restarted", node["last_error"]),
        f"last_error does not say that the agent died in write_image: {node['last_error']}",
    )
    left = stand.disk.tables()
    require(not left, f"the disk would boot: it has {', '.join(left)}")
    print(f"  last_error: {node['last_error']}")
