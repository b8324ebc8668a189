"""A partition image: the disk is divided, Ironic learns the UUIDs, GRUB is refused; once more with the ephemeral partition kept."""

import json
import subprocess
import time

import place
from disk import MIB
from stand import Drive, Stand
from verdict import require

SIZES = {"root_gb": 1, "swap_mb": 16, "ephemeral_gb": 1, "ephemeral_format": "vfat"}
# A BIOS boot partition, ephemeral, swap and root.
EXPECTED = [1, 1024, 16, 1024]
MARK = b"somebody's work"


def run(directory):
    source = root_image(directory)
    stand = Stand(directory, properties={"capabilities": "boot_mode:bios,disk_label:gpt"}, drives=(Drive("disk", mib=5 << 10, filled=8 * MIB),))
    stand.deploy(source, image_type="partition", **SIZES)
    refused(stand)
    parts = require_divided(stand, source)
    keep = parts[1]["start"] * 512 + 512 * MIB
    with open(stand.disk.path, "r+b") as disk:
        disk.seek(keep)
        disk.write(MARK)
    told = said("sfdisk", "--dump", stand.disk.path)
    print(f"  divided as {EXPECTED} MiB, and told so", flush=True)

    stand.deploy(source, again=True, image_type="partition", preserve_ephemeral=True, **SIZES)
    refused(stand)
    require(said("sfdisk", "--dump", stand.disk.path) == told, "the table is another one")
    require_divided(stand, source)
    with open(stand.disk.path, "rb") as disk:
        disk.seek(keep)
        require(disk.read(len(MARK)) == MARK, "what the ephemeral partition held is gone")
    print("  written again, table and ephemeral partition kept", flush=True)


def root_image(directory):
    path = directory / "root.img.raw"
    with open(path, "wb") as file:
        file.truncate(64 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-L", "system", "-d", place.LAB, str(path)], check=True)
    return path


def refused(stand):
    """The image is written, and GRUB is not installed: upstream's own default, against CVE-2026-43003."""
    stand.node.wait("wait call-back", 180)
    error = stand.node.wait("deploy failed", 600)["last_error"]
    require("enable_bios_bootloader_install" in error, f"it failed for another reason: {error}")
    # Ironic is done with the node only some time after it says so.
    deadline = time.monotonic() + 60
    while stand.node.read()["reservation"]:
        require(time.monotonic() < deadline, "the node stays locked")
        time.sleep(1)


def require_divided(stand, source):
    verdict = said("sgdisk", "-v", stand.disk.path)
    require("No problems found" in verdict, verdict)
    parts = json.loads(said("sfdisk", "--json", stand.disk.path))["partitiontable"]["partitions"]
    found = [part["size"] * 512 // MIB for part in parts]
    require(found == EXPECTED, f"partitions of {found} MiB instead of {EXPECTED}")
    types = [said("blkid", "-p", "-s", "TYPE", "-o", "value", "-O", part["start"] * 512, stand.disk.path).strip() for part in parts[1:]]
    require(types == ["vfat", "swap", "ext4"], f"they hold {types}")
    with open(stand.disk.path, "rb") as disk, open(source, "rb") as wanted:
        disk.seek(parts[-1]["start"] * 512)
        while expected := wanted.read(4 * MIB):
            require(disk.read(len(expected)) == expected, "the root partition does not hold the image")
    own = said("blkid", "-p", "-s", "UUID", "-o", "value", source).strip()
    told = stand.node.read()["driver_internal_info"].get("root_uuid_or_disk_id")
    require(told == own, f"Ironic knows {told} as the root, and it is {own}")
    return parts


def said(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
