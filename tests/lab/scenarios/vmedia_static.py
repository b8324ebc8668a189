"""A network without DHCP: the node's network_data comes to the machine on its boot ISO, and no packet asks for an address."""

import image
import network
import virtual_media
from disk import MIB
from stand import Drive, Stand
from verdict import require

NAME, IMAGE_MIB = "static", 160
PLAN = {
    "links": [{"id": "port0", "type": "phy", "ethernet_mac_address": network.MACHINE_MAC}],
    "networks": [{
        "id": "network0", "type": "ipv4", "link": "port0", "ip_address": network.MACHINE_ADDRESS, "netmask": "255.255.255.0", "network_id": "network0", "routes": [],
    }],
    "services": [],
}


def run(directory):
    source = image.bootable(NAME, IMAGE_MIB, "uefi")
    stand = Stand(directory, drives=[Drive("disk", mib=5 << 10, filled=8 * MIB)], uefi=True, conf=virtual_media.CONF, dhcp=False)
    witness = virtual_media.DhcpWitness()
    virtual_media.prepare(stand)
    stand.node.patch(("/network_data", PLAN))
    ordered = stand.deploy(source)
    virtual_media.deployed(stand, NAME)
    require(stand.console.find("virtual_media: the network is planned by network_data.json of /dev/sr0"), "the console does not say whose plan it is")
    callbacks = {request["from"] for request in stand.web.requests("api", "POST", "/v1/heartbeat", ordered)}
    require(callbacks == {network.MACHINE_ADDRESS}, f"heartbeats came from {callbacks}")
    require(witness.asked == 0, f"{witness.asked} packets asked for an address")
    print(f"  every heartbeat from {network.MACHINE_ADDRESS}, and nobody asked for an address", flush=True)
    virtual_media.require_secret_kept(stand)
