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
    called = stand.console.find(rf"ipa-api-url={API}")
    require(called, f"the kernel command line does not name {API}")
    asked = stand.web.requests("api", "GET", "/v1/lookup")
    took = stand.console.find(r"conductor: this is node", since=0)
    require(asked and took, "nobody looked the node up")
    print(f"  enrolled at {API} and deployed from {url}: dnsmasq refused every question for IPv6")
