"""Inspection with fast track: the same agent posts, finds its node, and cleans it afterwards without a restart."""

from stand import Drive, Stand
from verdict import require

CONF = """
[DEFAULT]
enabled_inspect_interfaces = agent,no-inspect

[inspector]
power_off = false

[deploy]
fast_track = true
"""


def run(directory):
    stand = Stand(directory, drives=[Drive("disk", mib=5 << 10, filled=8 << 20)], available=False, conf=CONF, fast_track=True)
    stand.node.patch(("/inspect_interface", "agent"))
    stand.node.inspect(180)
    on = stand.console.opened(1)
    [post] = stand.web.requests("api", "POST", "/v1/continue_inspection")
    lookup = stand.web.wait_request("api", "GET", "/v1/lookup", 60)
    beat = stand.web.wait_request("api", "POST", "/v1/heartbeat/", 60)
    require(post["end"] <= lookup["start"] and beat["status"] == 202, "the agent did not post, look up and beat in this order")
    stand.node.provide(clean=True)
    require(stand.console.find(r"-- the machine is on --", since=on.number + 1) == [], "the machine was started again")
    require(len(stand.web.requests("api", "POST", "/v1/continue_inspection")) == 1, "it was inspected twice")
    print("  posted, looked up, heard; then cleaned by the same agent")
