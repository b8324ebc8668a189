"""The same disk on the skip list by each of its names in turn: nothing is written to it, by metadata, erase, deploy or rebuild."""

import image
from stand import Drive, Stand
from verdict import require

# The default rule would take the disk that is to be spared: it is the smaller of two that are large enough.
SYSTEM, KEPT, SMALL = Drive("system", "scsi", 5 << 10, 8 << 20), Drive("kept", "scsi", 9 << 9, 8 << 20), Drive("small", "virtio")
# Cleaning is for the small one: the other takes minutes.
NOT_NOW = {"size": 5}


def names(stand):
    """Every name of the disk that is to be spared, as lsblk and udev spell it."""
    path = stand.machine.scsi_path()
    wwn, target = "5000c50015ea71ab", 8
    return [
        {"serial": "LAB-KEPT"},
        {"serial": wwn},
        {"serial": f"3{wwn}"},
        {"wwn": f"0x{wwn}"},
        {"hctl": f"0:0:{target}:0"},
        {"by_path": f"/dev/disk/by-path/{path}-scsi-0:0:{target}:0"},
    ]


def run(directory):
    stand = Stand(directory, drives=(SYSTEM, KEPT, SMALL), available=False, fast_track=True)
    every = names(stand)
    steps = [{"interface": "deploy", "step": step} for step in ("erase_devices_metadata", "erase_devices")]
    for name in every:
        stand.disks["small"].spoil()
        skip(stand, name, NOT_NOW)
        stand.node.provision("clean", clean_steps=steps)
        stand.node.wait("clean wait", 120)
        stand.node.wait("manageable", 240)
        require(stand.disks["small"].zero(), f"nothing was erased with {name} on the skip list")
        require_spared(stand, name)
        print(f"  spared in cleaning by {name}", flush=True)

    first, second = image.noise("first", 48), image.noise("second", 48)
    skip(stand, every[-1])
    # An agent that has just been heard of would be looked for where the deployed system runs.
    stand.node.patch(("/driver_info/fast_track", False))
    stand.node.provide()
    stand.deployed(first, "first", stand.deploy(first))
    require_spared(stand, every[-1])
    skip(stand, every[2])
    stand.deployed(second, "second", stand.deploy(second, again=True))
    require_spared(stand, every[2])
    reasons = [line for _, text in stand.ironic.collected() for line in text.splitlines() if "root disk: " in line]
    require(reasons and "is to be left alone" in reasons[-1], f"no collected log says which disk was left alone: {reasons[-1:]}")
    print(f"  {reasons[-1].strip()}")


def skip(stand, *entries):
    stand.node.patch(("/properties/skip_block_devices", list(entries)))


def require_spared(stand, name):
    require(stand.disks["kept"].untouched() and stand.disks["kept"].never_written(), f"the disk was written to, with {name} on the skip list")
