"""The config drive that Ironic is to build, and what foreign tools find of it on a disk."""

import json
import subprocess

from disk import MIB
from verdict import require

HOSTNAME = "driven"
CONTENT = {
    "meta_data": {"uuid": "11112222-3333-4444-5555-666677778888", "hostname": HOSTNAME},
    "network_data": {"links": [], "networks": [], "services": []},
    "user_data": "#cloud-config\n",
}


def require_on(disk, sizes, directory):
    """The disk has partitions of these sizes in MiB, and the last one, at the disk's end, holds the drive; what blkid says of it."""
    table = json.loads(_said("sfdisk", "--json", disk.path))["partitiontable"]
    found = [partition["size"] * 512 // MIB for partition in table["partitions"]]
    require(found == sizes, f"partitions of {found} MiB instead of {sizes}")
    start, length = (table["partitions"][-1][key] * 512 for key in ("start", "size"))
    # A GPT has its copy behind the last partition.
    require(0 <= disk.size - start - length <= MIB, f"the last one begins at byte {start} of {disk.size}")
    probed = _said("blkid", "-p", "-O", start, disk.path)
    require('LABEL="config-2"' in probed and 'TYPE="iso9660"' in probed, f"blkid finds {probed} there")
    part = directory / "drive.iso"
    with open(disk.path, "rb") as whole, open(part, "wb") as out:
        whole.seek(start)
        out.write(whole.read(length))
    meta = json.loads(_said("isoinfo", "-J", "-i", part, "-x", "/openstack/latest/meta_data.json"))
    require(meta["hostname"] == HOSTNAME, f"the drive says {meta}")
    return probed.strip().split(": ", 1)[1]


def _said(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
