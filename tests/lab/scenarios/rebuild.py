"""An active node rebuilt with another image and a config drive: both are on the disk, which boots."""

import configdrive
import disk
import image
from stand import Stand
from verdict import require


def run(directory):
    former, source = image.noise("former", 48), image.noise("rebuilt", 64)
    stand = Stand(directory, available=False)
    stand.adopt(former)
    ordered = stand.deploy(source, again=True, configdrive=configdrive.CONTENT)
    # The table in the first sector has one partition more.
    stand.deployed(source, "rebuilt", ordered, after=disk.SECTOR)
    found = configdrive.require_last(stand.disk, [63, 64], directory)
    require(not stand.disk.holds(former, after=disk.SECTOR), "the former image is still there")
    print(f"  partition 2 holds the drive: {found}; then booted from the new image")
