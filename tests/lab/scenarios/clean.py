"""Automated cleaning of signatures on disks of four kinds, then every byte of them, an array's as an array; no byte of a disk to be skipped, or read-only."""

import signature
from stand import Drive, Stand
from verdict import require

CLEANED = {"system": ("scsi", signature.system), "pool": ("nvme", signature.pool)}
# The array is cleaned, and stays one, as upstream has it: Ironic's own are to outlive cleaning.
MEMBER = {"member": ("virtio", signature.member)}
# Of metadata 1.0: its superblock, and what lies behind it.
SUPERBLOCK = 8192
SPARED = {"kept": ("scsi", signature.system), "locked": ("locked", signature.member)}
MIB = 64


def run(directory):
    used = {**CLEANED, **MEMBER, **SPARED}
    # Fast track: the agent waits for the second cleaning where the first one left it.
    stand = Stand(
        directory, drives=[Drive(name, kind, MIB) for name, (kind, _) in used.items()],
        properties={"skip_block_devices": [{"serial": "LAB-KEPT"}]}, available=False, fast_track=True,
    )
    starts = {}
    for name, (_, maker) in used.items():
        starts[name] = signature.leave(maker, stand.disks[name].path)
        found = signature.found(stand.disks[name].path, starts[name])
        require(len(found) >= 2 + len(starts[name]), f"what {name} was given is not found: {found}")
        stand.disks[name].remember()

    stand.node.provide(clean=True)
    for name in CLEANED:
        signature.require_bare(stand.disks[name].path, starts[name])
        require(not stand.disks[name].zero(), f"more than metadata went from '{name}'")
    require_spared(stand)
    left = signature.found(stand.disks["member"].path)
    require(left and all("linux_raid_member" in text for text in left), f"of the array there is: {left}")
    print("  automated: wipefs, blkid and sgdisk find nothing any more, but for the member of an array", flush=True)

    stand.node.provision("manage")
    stand.node.wait("manageable", 60)
    stand.node.provision("clean", clean_steps=[{"interface": "deploy", "step": "erase_devices"}])
    stand.node.wait("clean wait", 60)
    stand.node.wait("manageable", 180)
    for name in CLEANED:
        require(stand.disks[name].zero(), f"'{name}' is not all zeros")
    require(stand.disks["member"].zero(SUPERBLOCK), "what the array holds is not all zeros")
    require(not stand.disks["member"].zero(), "the array is none any more")
    require_spared(stand)
    print("  by hand: every byte is zero, and of the array's all that it holds")


def require_spared(stand):
    for name in SPARED:
        stand.disks[name].require_spared()
