"""Ironic and the image by a name that the network's only DNS server, a stock dnsmasq with nobody to ask, knows for IPv4 alone."""

import ironic
import image
import network
from stand import Stand
from verdict import require

API = ironic.API.replace(network.ADDRESS, network.NAME)


def run(directory):
    source = image.noise("isolated", 16)
    stand = Stand(directory, names=True, conf=f"[service_catalog]\nendpoint_override = {API}\n")
    url = f"{network.WEB}/images/{source.name}".replace(network.ADDRESS, network.NAME)
    (stand.web.images / source.name).symlink_to(source)
    ordered = stand.deploy(source, url=url)
    stand.deployed(source, "isolated", ordered)

    log = (directory / "dnsmasq.log").read_text()
    # Or this would prove nothing.
    require(f"query[AAAA] {network.NAME} from {network.MACHINE_ADDRESS}" in log, f"the machine never asked for an IPv6 address of {network.NAME}")
    require("REFUSED" in log, "dnsmasq refused no question")
    require(stand.web.requests("api", "GET", "/v1/lookup"), "nobody looked the node up")
    require(stand.console.find(rf"ipa-api-url={API}"), f"the kernel command line does not name {API}")
    print(f"  enrolled at {API} and deployed from {url}: dnsmasq refused what was asked for IPv6")
