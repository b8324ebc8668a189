"""A partition image with the ephemeral partition Ironic has by default, ext4: divided, mounted, told; written again with it kept."""

import contextlib
import json
import subprocess
import time

import judge
import place
from disk import MIB
from stand import Drive, Stand
from verdict import require

# No ephemeral_format: Ironic asks for its [pxe]default_ephemeral_format.
SIZES = {"root_gb": 1, "swap_mb": 16, "ephemeral_gb": 1}
# A BIOS boot partition, ephemeral, swap and root.
EXPECTED = [1, 1024, 16, 1024]
MARK = b"work"


def run(directory):
    source = root_image(directory)
    stand = Stand(directory, properties={"capabilities": "boot_mode:bios,disk_label:gpt"}, drives=(Drive("disk", mib=5 << 10, filled=8 * MIB),))
    stand.deploy(source, image_type="partition", **SIZES)
    refused(stand)
    parts = require_divided(stand, source)
    with ephemeral(stand, parts, directory) as tree:
        require([path.name for path in tree.iterdir()] == ["lost+found"], "the ephemeral file system is not empty")
        (tree / "work").write_bytes(MARK * (4 * MIB))
    told = said("sfdisk", "--dump", stand.disk.path)
    print(f"  divided as {EXPECTED} MiB, and told so", flush=True)

    stand.deploy(source, again=True, image_type="partition", preserve_ephemeral=True, **SIZES)
    refused(stand)
    require(said("sfdisk", "--dump", stand.disk.path) == told, "the table is another one")
    with ephemeral(stand, require_divided(stand, source), directory) as tree:
        require((tree / "work").read_bytes() == MARK * (4 * MIB), "what the ephemeral partition held is gone")
    print("  written again, table and ephemeral partition kept", flush=True)


@contextlib.contextmanager
def ephemeral(stand, parts, directory):
    """Mounted by this machine's kernel; e2fsck has nothing to mend before and after."""
    tree = directory / "ephemeral"
    tree.mkdir(exist_ok=True)
    with judge.device(stand.disk.path, parts[1]["start"] * 512, parts[1]["size"] * 512) as device:
        said("e2fsck", "-f", "-n", device)
        features = said("dumpe2fs", "-h", device)
        require("has_journal" in features and "ephemeral0" in features, features)
        said("mount", "-t", "ext4", device, tree)
        try:
            yield tree
        finally:
            said("umount", tree)
        said("e2fsck", "-f", "-n", device)


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
    require(types == ["ext4", "swap", "ext4"], f"they hold {types}")
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
