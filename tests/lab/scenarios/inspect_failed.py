"""Inspections that fail: a collector nobody has, and a hook that finds no disk; `last_error` says which, Ironic keeps the agent's log, the next one succeeds."""

from stand import Stand
from verdict import require

CONF = """
[DEFAULT]
enabled_inspect_interfaces = agent,no-inspect

[inspector]
hooks = ramdisk-error,validate-interfaces,ports,architecture,root-device
"""


def run(directory):
    stand = Stand(directory, available=False, conf=CONF)
    node = stand.node
    node.patch(("/inspect_interface", "agent"), ("/driver_info/kernel_append_params", "%default% ipa-inspection-collectors=logs,default,no-such-collector"))
    said = failed(stand)
    require("Ramdisk reported error" in said and "there is no collector 'no-such-collector': this agent has default, " in said, f"last_error does not name the collector: {said}")
    logs = dict(stand.ironic.collected())
    require(any("inspection: there is no collector" in text for name, text in logs.items() if name.endswith("agent.log")), f"no collected log tells of it: {sorted(logs)}")
    print(f"  collector: {said}", flush=True)

    node.patch(("/driver_info/kernel_append_params", "%default%"), ("/properties/root_device", {"serial": "no such disk"}))
    node.provision("manage")
    node.wait("manageable", 60)
    said = failed(stand)
    require("No disks satisfied root device hints" in said, f"last_error does not tell of the hint: {said}")
    print(f"  hook: {said}", flush=True)

    node.patch(("/properties/root_device", {"serial": "LAB-DISK"}))
    node.provision("manage")
    node.wait("manageable", 60)
    data = node.inspect(120)
    require(data["plugin_data"]["root_disk"]["serial"] == "LAB-DISK", f"the root disk is {data['plugin_data']['root_disk']}")
    require(node.read()["properties"]["local_gb"] == 4, "local_gb is not the disk's 5 GiB less one")
    print("  with a hint that fits the same node is inspected")


def failed(stand):
    """The error of an inspection that Ironic ends as failed, and not by its timeout."""
    stand.node.provision("inspect")
    stand.node.wait("inspect wait", 60)
    node = stand.node.wait("inspect failed", 120)
    return node["last_error"]
