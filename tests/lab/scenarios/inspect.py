"""Inspection by Ironic's agent interface and its hooks: what it stores, its ports and properties, field by field beside upstream's agent in the same machine."""

import compared_inspection
import network
import upstream
from machine import Hardware
from stand import Drive, Stand
from verdict import require

prepare = upstream.prepare
LONG = True

HOOKS = ("ramdisk-error,validate-interfaces,ports,architecture,accelerators,boot-mode,cpu-capabilities,local-link-connection,memory,parse-lldp,pci-devices,"
         "physical-network,raid-device,root-device")
# Upstream's names; both agents are asked for them.
COLLECTORS = "default,logs"

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
    devices=f"<interface type='bridge'><mac address='{SECOND_MAC}'/><source bridge='{network.BRIDGE}'/><model type='e1000e'/></interface>",
    arguments=[
        "-smbios", "type=0,vendor=Lab BIOS,version=4.2,date=01/02/2023", "-smbios", "type=1,manufacturer=Lab,product=Metal 1000,serial=SN0001",
        *upstream.ARGUMENTS,
    ],
)
DRIVES = [Drive("disk", mib=5 << 10), Drive("small", "virtio", 64), Drive("fast", "nvme", 6 << 10)]
IPA = "nofb vga=normal console=ttyS0,115200 no_timer_check disks=3"


def run(directory):
    stand = Stand(
        directory, drives=DRIVES, hardware=HARDWARE, available=False, conf=CONF,
        deploy_kernel=f"{network.WEB}/inspect/kernel", deploy_ramdisk=f"{network.WEB}/inspect/own.initramfs",
    )
    (stand.web.root / "inspect").symlink_to(upstream.FOLDER)
    stand.node.patch(("/inspect_interface", "agent"))
    before = stand.node.read()["properties"]
    own, own_took = inspected(stand, 120)
    told = stand.console.find(r"inspection: (collected in \d+ ms)")
    require(told, "the console does not say how long collecting took")
    require(not stand.web.requests("api", "GET", "/v1/lookup"), "an agent that was only to inspect looked for its node")
    print(f"  ironlet: posted {own_took:.1f} s after the kernel's start, {told[0].match[1]}", flush=True)

    # As it was before, for upstream's agent.
    for mac, port in own.ports.items():
        stand.ironic.call("DELETE", f"/v1/ports/{port['uuid']}")
    stand.node.add_port()
    stand.node.patch(("/properties", before))
    stand.node.patch(("/driver_info/deploy_ramdisk", f"{network.WEB}/inspect/ramdisk"), ("/driver_info/kernel_append_params", IPA))
    theirs, their_took = inspected(stand, 600)
    print(f"  upstream: posted {their_took:.1f} s after the kernel's start", flush=True)
    compared_inspection.require_same(theirs, own)
    print(f"  kernel start to inspection posted: {own_took / their_took:.3f} of upstream's", flush=True)


def inspected(stand, seconds):
    """What Ironic knows after an inspection, and the seconds from the kernel's start to the end of the post."""
    mark = stand.console.mark()
    data = stand.node.inspect(seconds)
    post = stand.web.requests("api", "POST", "/v1/continue_inspection")[-1]
    require(post["status"] == 202, f"Ironic answered {post['status']} to the post")
    took = post["end"] - stand.console.kernel_start(mark)
    node = stand.node.read()
    return compared_inspection.Known(data["inventory"], data["plugin_data"], stand.node.ports(), node["properties"]), took
