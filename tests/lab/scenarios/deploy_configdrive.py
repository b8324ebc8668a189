"""A config drive, which Ironic builds: a new last partition holds it, the disk boots from the first."""

import json
import subprocess

import image
import network
from disk import MIB, digest
from stand import Stand
from verdict import require

META = {"uuid": "11112222-3333-4444-5555-666677778888", "hostname": "driven"}
NETWORK = {"links": [], "networks": [], "services": []}


def run(directory):
    source = image.bootable("drive", 256)
    stand = Stand(directory)
    (stand.web.images / source.name).symlink_to(source)
    stand.node.patch(
        ("/instance_info", {
            "image_source": f"{network.WEB}/images/{source.name}", "image_os_hash_algo": "sha256",
            "image_os_hash_value": digest(source), "image_disk_format": "raw", "image_type": "whole-disk",
        }),
    )
    drive = {"meta_data": META, "network_data": NETWORK, "user_data": "#cloud-config\n"}
    stand.ironic.call("PUT", f"/v1/nodes/{stand.node.uuid}/states/provision", {"target": "active", "configdrive": drive})
    stand.node.wait("wait call-back", 120)
    on = stand.console.opened(60)
    stand.node.wait("active", 600)
    stand.console.expect(image.up("drive"), 180, since=on.number)

    disk = stand.disk.path
    table = json.loads(said("sfdisk", "--json", disk))["partitiontable"]
    sizes = [partition["size"] * 512 // MIB for partition in table["partitions"]]
    require(sizes == [255, 64], f"partitions of {sizes} MiB instead of 255 and 64")
    start = table["partitions"][1]["start"] * 512
    require(start + 64 * MIB == stand.disk.size, f"the second one begins at byte {start}")
    found = said("blkid", "-p", "-O", start, disk)
    require('LABEL="config-2"' in found and 'TYPE="iso9660"' in found, f"blkid finds {found} there")
    part = directory / "drive.iso"
    with open(disk, "rb") as whole, open(part, "wb") as out:
        whole.seek(start)
        out.write(whole.read(64 * MIB))
    meta = json.loads(said("isoinfo", "-J", "-i", part, "-x", "/openstack/latest/meta_data.json"))
    require(meta["hostname"] == "driven", f"the drive says {meta}")
    print(f"  partition 2 holds the drive: {found.strip().split(': ', 1)[1]}; then booted from partition 1")


def said(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
