"""Runs in the machine, in upstream's Python: its agent's own list of disks, as it would go into the inventory, and each disk's names
below /dev/disk/by-path, of which that list has the one read last."""

import json
import sys
from pathlib import Path

from ironic_python_agent import config  # its options are read as soon as the next is imported
from ironic_python_agent import hardware

config.CONF([])
disks = [device.serialize() for device in hardware.list_all_block_devices()]
for disk in disks:
    links = Path("/dev/disk/by-path").iterdir()
    disk["links"] = [str(link) for link in links if str(link.resolve()) == disk["name"]]
json.dump(disks, sys.stdout)
