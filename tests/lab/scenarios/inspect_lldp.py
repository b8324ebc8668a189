"""lldpd on the machine's own port: Ironic's LLDP hooks read what the collector sent, and the port gets its local_link_connection."""

import network
import switch
from stand import Stand
from verdict import Failed, require

HOOKS = "ramdisk-error,validate-interfaces,ports,architecture,parse-lldp,local-link-connection"
CONF = f"""
[DEFAULT]
enabled_inspect_interfaces = agent,no-inspect

[inspector]
hooks = {HOOKS}
extra_kernel_params = ipa-inspection-collectors=default,lldp ipa-lldp-timeout=20
"""


def run(directory):
    stand = Stand(directory, available=False, conf=CONF)
    stand.node.patch(("/inspect_interface", "agent"))
    lldpd = switch.start(directory, "port*")
    data = stand.node.inspect(300)
    stand.console.find(r"LLDP: eth0 has the neighbour") or fail("the machine heard no neighbour")
    plugin = data["plugin_data"]
    raw = plugin["lldp_raw"]["eth0"]
    require([kind for kind, _ in raw[:3]] == [1, 2, 3], f"the first TLVs are {raw[:3]}")
    require(bytes.fromhex(dict(raw)[5]).decode() == switch.NAME, f"the system's name is {dict(raw)[5]}")
    parsed = plugin["parsed_lldp"]["eth0"]
    told = said(raw)
    require(parsed["switch_system_name"] == switch.NAME, f"Ironic read {parsed}")
    require(parsed["switch_chassis_id"] == told[0] and parsed["switch_port_id"] == told[1], f"Ironic read {parsed}, lldpd said {told}")
    link = stand.node.ports()[network.MACHINE_MAC]["local_link_connection"]
    require(link.get("switch_id") == told[0] and link.get("port_id") == told[1], f"the port's local_link_connection is {link}")
    print(f"  Ironic's hooks: {parsed['switch_system_name']}, chassis {told[0]}, port {told[1]}; local_link_connection {link}")
    lldpd.stop()


def fail(why):
    raise Failed(why)


def said(raw):
    """Chassis and port, as addresses."""
    return [":".join(f"{byte:02x}" for byte in bytes.fromhex(value)[1:]) for _, value in raw[:2]]
