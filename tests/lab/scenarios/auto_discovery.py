"""A machine that Ironic does not know, started by the script for those: it becomes a node with ports, architecture and inventory, and can be managed."""

import time

import ironic
import machine
import network
import place
from stand import Stand
from verdict import Failed, require

CONF = """
[DEFAULT]
enabled_inspect_interfaces = agent
default_inspect_interface = agent

[inspector]
hooks = ramdisk-error,validate-interfaces,ports,architecture,boot-mode,memory,root-device
# Ironic would have to know its BMC for that, and stores nothing if it does not.
power_off = false

[auto_discovery]
enabled = true
driver = redfish

[pxe]
ipxe_fallback_script = inspector.ipxe
"""

SCRIPT = f"""#!ipxe
kernel {network.WEB}/dist/kernel nofb vga=normal console=ttyS0,115200 no_timer_check ipa-inspection-callback-url={ironic.API}/v1/continue_inspection BOOTIF=${{mac}} initrd=ramdisk
initrd --name ramdisk {network.WEB}/dist/ramdisk
boot
"""


def run(directory):
    stand = Stand(directory, conf=CONF, enrolled=False)
    (stand.web.root / "inspector.ipxe").write_text(SCRIPT)
    require(not stand.ironic.call("GET", "/v1/nodes")["nodes"], "there is a node already")
    stand.hypervisor.virsh("start", machine.NAME)
    posted = stand.web.wait_request("api", "POST", "/v1/continue_inspection", 180)
    require(posted["status"] == 202, f"Ironic answered {posted['status']}")
    told = stand.console.expect(r"inspection: Ironic has taken it, this is node (\S+)", 30)
    stand.console.expect("inspection is all this machine was started for", 30)
    uuid = told.match[1]

    node = stand.node
    node.uuid = uuid
    data = inventory(stand, uuid)
    found = node.read()
    require(found["provision_state"] == "enroll", f"the node is {found['provision_state']}")
    wanted = {"cpu_arch": "x86_64", "memory_mb": place.MEMORY, "local_gb": 4, "capabilities": "boot_mode:bios"}
    require(found["properties"] == wanted, f"its properties are {found['properties']}")
    ports = node.ports()
    require(list(ports) == [network.MACHINE_MAC] and ports[network.MACHINE_MAC]["pxe_enabled"], f"its ports are {ports}")
    require(data["plugin_data"].get("auto_discovered") is True, "Ironic did not enrol it by itself")
    require(data["inventory"]["disks"][0]["serial"] == "LAB-DISK", f"its disks are {data['inventory']['disks']}")
    print(f"  node {uuid} in state enroll: {found['properties']}", flush=True)

    # What Ironic could not know is for the operator to say.
    node.patch(("/driver_info", node.driver_info))
    node.provision("manage")
    node.wait("manageable", 60)
    stand.hypervisor.virsh("destroy", machine.NAME)
    require(node.inspect(120)["inventory"]["hostname"], "no inventory after a second inspection")
    print("  managed, and inspected again as any other node")


def inventory(stand, uuid):
    """It is stored once all hooks have run, after the agent had its answer."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return stand.ironic.call("GET", f"/v1/nodes/{uuid}/inventory")
        except Failed:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)
