"""A partition image on UEFI: the layout is made, and Ironic ends where upstream's does, unless boot loader failures are to be ignored."""

import configdrive
import image
import judge
from disk import MIB
from stand import Stand
from verdict import require

# What blkid is to call each partition, and its MiB.
LAYOUT = [("efi-part", "vfat", 550), ("ephemeral0", "vfat", 1024), ("swap1", "swap", 32), ("config-2", "iso9660", 1), ("lab-root", "ext4", 1024)]


def run(directory):
    source = image.file_system("lab-root", 48)
    stand = Stand(directory, uefi=True)
    partitioned = {"image_type": "partition", "root_gb": 1, "ephemeral_gb": 1, "ephemeral_format": "vfat", "swap_mb": 32}
    stand.deploy(source, configdrive=configdrive.CONTENT, **partitioned)
    error = stand.node.wait("deploy failed", 180)["last_error"]
    require("CVE-2026-43003" in error and "whole-disk image" in error, f"last_error does not explain itself: {error}")
    print(f"  by default: {error}", flush=True)
    require_layout(stand, source, directory)

    stand.node.patch(("/driver_info/kernel_append_params", "%default% ipa-ignore-bootloader-failure=true"))
    stand.disk.spoil()
    stand.deploy(source, configdrive=configdrive.CONTENT, **partitioned)
    stand.node.wait("wait call-back", 120)
    stand.node.wait("active", 180)
    require_layout(stand, source, directory)
    print("  active with ipa-ignore-bootloader-failure")


def require_layout(stand, source, directory):
    found = judge.partitions(stand.disk.path)
    layout = [(part.found.get("LABEL"), part.found.get("TYPE"), part.size // MIB) for part in found]
    require(layout == LAYOUT, f"the partitions are {layout}")
    verdict = judge.said("sgdisk", "-v", stand.disk.path)
    require("No problems found" in verdict, f"sgdisk: {verdict}")
    for part in found[:2]:
        with judge.device(stand.disk.path, part.start, part.size) as device:
            judge.said("fsck.vfat", "-n", device)
    configdrive.require_in(stand.disk, found[3], directory)
    with open(stand.disk.path, "rb") as disk:
        disk.seek(found[4].start)
        require(disk.read(source.stat().st_size) == source.read_bytes(), "the last partition does not hold the image")
    print(f"  {', '.join(f'{label} ({kind}, {mib} MiB)' for label, kind, mib in layout)}", flush=True)
