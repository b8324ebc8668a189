"""A config drive, which Ironic builds: a new last partition holds it, the disk boots from the first."""

import configdrive
import image
from stand import Stand


def run(directory):
    source = image.bootable("drive", 256)
    stand = Stand(directory)
    stand.deploy(source, configdrive=configdrive.CONTENT)
    stand.node.wait("wait call-back", 120)
    on = stand.console.opened(60)
    stand.node.wait("active", 600)
    stand.console.expect(image.up("drive"), 180, since=on.number)
    found = configdrive.require_last(stand.disk, [255, 64], directory)
    print(f"  partition 2 holds the drive: {found}; then booted from partition 1")
