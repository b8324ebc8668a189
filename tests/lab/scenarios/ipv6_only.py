"""A machine that has IPv6 alone, by DHCPv6: Ironic's API, the callback, DNS and the image; only the firmware boots by IPv4."""

import ironic
import image
import network
from stand import Stand
from verdict import require

API = ironic.API.replace(network.ADDRESS, network.NAME)


def run(directory):
    source = image.noise("ipv6", 16)
    stand = Stand(
        directory, names=True, ipv6=True, conf=f"[service_catalog]\nendpoint_override = {API}\n",
        kernel_append_params="%default% ip=dhcp6",
    )
    url = f"{network.WEB}/images/{source.name}".replace(network.ADDRESS, network.NAME)
    (stand.web.images / source.name).symlink_to(source)
    ordered = stand.deploy(source, url=url)
    stand.deployed(source, "ipv6", ordered)

    prefix = network.IPV6_PREFIX
    granted = stand.console.find(rf"eth0: ({prefix}d:[0-9a-f]+) by DHCPv6")
    require(granted, "the machine has no address by DHCPv6")
    for to, method, path in (("api", "GET", "/v1/lookup"), ("api", "POST", "/v1/heartbeat"), ("web", "GET", f"/images/{source.name}")):
        requests = [request for request in stand.web.requests(to, method, path, after=ordered) if "ironlet" in request["agent"]]
        require(requests, f"nobody asked for {path}")
        others = {request["from"] for request in requests if not request["from"].startswith(prefix)}
        require(not others, f"{path} was asked for from {others}")
    require(stand.console.find(rf"serving https://\[{prefix}"), "the callback URL is no IPv6 address")
    require(not stand.console.find(r"eth0: [0-9.]+/\d+ from the DHCP server"), "the machine has an IPv4 address")
    print(f"  enrolled at {API}, called back and deployed from {url} as {granted[0].match[1]}")
