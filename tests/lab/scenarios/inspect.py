"""Inspection by Ironic's agent interface and its hooks: what it stores, its ports and properties, field by field beside upstream's agent in the same machine."""

import compared_inspection
import network
import switch
import upstream
from machine import Hardware
from stand import Drive, Stand
from verdict import require

prepare = upstream.prepare
LONG = True

HOOKS = ("ramdisk-error,validate-interfaces,ports,architecture,accelerators,boot-mode,cpu-capabilities,local-link-connection,memory,parse-lldp,pci-devices,"
         "physical-network,raid-device,root-device")
# Upstream's names; both agents are asked for them.
COLLECTORS = "default,pci-devices,usb-devices,numa-topology,dmi-decode,lldp,logs"

CONF = f"""
[DEFAULT]
enabled_inspect_interfaces = agent,no-inspect

[inspector]
hooks = {HOOKS}
add_ports = all
extra_kernel_params = ipa-inspection-collectors={COLLECTORS}
physical_network_cidr_map = 172.22.0.0/24:provisioning
"""

SECOND_MAC = "52:54:00:22:00:51"
HARDWARE = Hardware(
    memory=1536, processors=2,
    devices=f"<interface type='bridge'><mac address='{SECOND_MAC}'/><source bridge='{network.BRIDGE}'/><target dev='port2'/><model type='e1000e'/></interface>",
    arguments=[
        "-smbios", "type=0,vendor=Lab BIOS,version=4.2,date=01/02/2023", "-smbios", "type=1,manufacturer=Lab,product=Metal 1000,serial=SN0001",
        *upstream.ARGUMENTS,
    ],
)
DRIVES = [Drive("disk", mib=5 << 10), Drive("small", "virtio", 64), Drive("fast", "nvme", 6 << 10)]
IPA = "nofb vga=normal console=ttyS0,115200 no_timer_check disks=3"


def run(directory):
    stand = Stand(directory, drives=DRIVES, hardware=HARDWARE, available=False, conf=CONF)
    (stand.web.root / "inspect").symlink_to(upstream.FOLDER)
    stand.node.patch(("/inspect_interface", "agent"))
    before = stand.node.read()["properties"]
    switch.start(directory)
    own, own_took = inspected(stand, before, upstream.OWN.name)
    require(not stand.web.requests("api", "GET", "/v1/lookup"), "an agent that was only to inspect looked for its node")
    link = own.ports[network.MACHINE_MAC]["local_link_connection"]
    require(link.get("switch_info") == switch.NAME and link.get("port_id"), f"Ironic did not learn the switch port: {link}")
    theirs, their_took = inspected(stand, before, upstream.UPSTREAM.name, IPA)
    compared_inspection.require_same(theirs, own)
    # As it is shipped for such machines.
    _, shipped_took = inspected(stand, before)
    print(
        f"timing inspect: kernel start to inspection posted {shipped_took:.1f} s, {own_took:.1f} s with the kernel and all modules upstream has; "
        f"upstream {their_took:.1f} s", flush=True,
    )


def inspected(stand, properties, ramdisk=None, parameters="%default%"):
    """Inspects a node as it was at first, by this ramdisk of FOLDER, else by the one that is tested: what Ironic knows then, and the
    seconds from the kernel's start to the end of the post."""
    node = stand.node
    for port in node.ports().values():
        stand.ironic.call("DELETE", f"/v1/ports/{port['uuid']}")
    node.add_port()
    base, kernel = (f"{network.WEB}/inspect", upstream.KERNEL.name) if ramdisk else (f"{network.WEB}/dist", "kernel")
    node.patch(
        ("/properties", properties), ("/driver_info/deploy_kernel", f"{base}/{kernel}"), ("/driver_info/deploy_ramdisk", f"{base}/{ramdisk or 'ramdisk'}"),
        ("/driver_info/kernel_append_params", parameters),
    )
    mark = stand.console.mark()
    data = node.inspect(600)
    post = stand.web.requests("api", "POST", "/v1/continue_inspection")[-1]
    require(post["status"] == 202, f"Ironic answered {post['status']} to the post")
    took = post["end"] - stand.console.kernel_start(mark)
    return compared_inspection.Known(data["inventory"], data["plugin_data"], node.ports(), node.read()["properties"]), took
