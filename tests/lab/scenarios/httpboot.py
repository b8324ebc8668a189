"""Boot interface redfish-https: the ISO that Ironic builds is what UEFI boots by HTTP, no medium is put in; deployed."""

import image
import virtual_media
from disk import MIB
from machine import Hardware
from place import MEMORY
from stand import Drive, Stand
from verdict import require

NAME, IMAGE_MIB = "httpboot", 160
CONF = virtual_media.CONF.replace("redfish-virtual-media", "redfish-https")
# The firmware keeps the ISO in memory, and what it was while it came.
ISO_TWICE = 128


def run(directory):
    source = image.bootable(NAME, IMAGE_MIB, "uefi")
    hardware = Hardware(memory=MEMORY + ISO_TWICE, rom=False)
    stand = Stand(directory, drives=[Drive("disk", mib=5 << 10, filled=8 * MIB)], uefi=True, conf=CONF, hardware=hardware, http_boot=True)
    virtual_media.prepare(stand)
    ordered = stand.deploy(source)
    virtual_media.deployed(stand, NAME)
    asked = [request for request in stand.web.requests("web", "GET", ".iso", ordered) if "UefiHttpBoot" in request["agent"]]
    require(asked, "the firmware did not ask for the ISO")
    require(stand.console.find("started by HTTP from an image that its firmware keeps"), "the console does not say that there is no medium to wait for")
    print(f"  UEFI fetched {asked[0]['path']}, {asked[0]['sent']} bytes; deployed")
    virtual_media.require_secret_kept(stand)
