"""The config drive that Ironic is to build, and what foreign tools find of it on a disk."""

import json

import judge
from disk import MIB
from verdict import require

HOSTNAME = "driven"
CONTENT = {
    "meta_data": {"uuid": "11112222-3333-4444-5555-666677778888", "hostname": HOSTNAME},
    "network_data": {"links": [], "networks": [], "services": []},
    "user_data": "#cloud-config\n",
}


def require_last(disk, sizes, directory):
    """The disk has partitions of these sizes in MiB, and the last one, at the disk's end, holds the drive; what blkid finds there."""
    found = judge.partitions(disk.path)
    mib = [partition.size // MIB for partition in found]
    require(mib == sizes, f"partitions of {mib} MiB instead of {sizes}")
    # A GPT has its copy behind the last partition.
    gap = disk.size - found[-1].start - found[-1].size
    require(0 <= gap <= MIB, f"the last partition ends {gap} bytes before the disk")
    return require_in(disk, found[-1], directory)


def require_in(disk, partition, directory):
    """The partition holds the drive; what blkid finds there."""
    label, kind = partition.found.get("LABEL"), partition.found.get("TYPE")
    require((label, kind) == ("config-2", "iso9660"), f"where the drive should be blkid finds {partition.found}")
    content = judge.copied(disk.path, partition, directory / "drive.iso")
    meta = json.loads(judge.said("isoinfo", "-J", "-i", content, "-x", "/openstack/latest/meta_data.json"))
    require(meta["hostname"] == HOSTNAME, f"the drive says {meta}")
    return f"{label} ({kind})"
