"""No boot from the network: Ironic builds an ISO around our kernel and ramdisk, the BMC puts it in; automated cleaning, then a deploy, UEFI."""

import image
import virtual_media
from disk import MIB
from stand import Drive, Stand
from verdict import require

NAME, IMAGE_MIB = "vmedia", 160
LONG = True
# What Ironic gives an agent that is to trust a server of the operator's own.
CONF = f"""{virtual_media.CONF}
[agent]
api_ca_file = /run/scenario/nginx.crt

[DEFAULT]
webserver_verify_ca = /run/scenario/nginx.crt
"""


def run(directory):
    source = image.bootable(NAME, IMAGE_MIB, "uefi")
    stand = Stand(directory, drives=[Drive("disk", mib=5 << 10, filled=8 * MIB)], uefi=True, available=False, conf=CONF, fast_track=True)
    virtual_media.prepare(stand)
    # Fast track: the agent waits for the deploy where the cleaning left it.
    stand.node.provide(clean=True)
    cleaned = stand.console.mark()
    for said in (r"virtual_media: /etc/ironic-python-agent/ironic\.crt is from /dev/sr0", r"virtual_media: /etc/ironic-python-agent\.d/ironic-tls\.conf is from /dev/sr0"):
        require(stand.console.find(said), f"the console does not say /{said}/")
    print("  cleaned, with the certificate and configuration that Ironic put on the ISO", flush=True)

    # By HTTPS, of a server that only that certificate vouches for.
    served = stand.web.images / source.name
    served.symlink_to(source)
    stand.deploy(source, url=f"https://172.22.0.1:8443/images/{source.name}")
    virtual_media.deployed(stand, NAME)
    wrong = [line.text for line in stand.console.lines(cleaned) if "virtual_media: looked for" in line.text]
    require(not wrong, f"media were not all found: {wrong}")
    require(not stand.web.requests("web", "GET", "/boot.ipxe"), "the machine was booted by the network")
    virtual_media.require_secret_kept(stand)
    print("  deployed, the machine booted from its disk; no log holds the token")
