"""Root device hints on a machine with five disks: none matches, then one does; no other disk is written to."""

import image
from stand import Drive, Stand
from verdict import require

# Both big disks are described; the one that comes first for the kernel is on the skip list. The smallest are not to be taken.
MEANT, SKIPPED = Drive("meant", "scsi", 3 << 10, 8 << 20), Drive("skipped", "scsi", 2 << 10, 8 << 20)
DRIVES = (MEANT, SKIPPED, Drive("small", "scsi"), Drive("paravirtual", "virtio"), Drive("flash", "nvme"))
HINTS = {"vendor": "s== lab", "size": ">= 2", "wwn": "<in> 5000c50015ea71"}
NONE = {**HINTS, "serial": "<or> LAB-STOLEN <or> LAB-SOLD"}


def run(directory):
    source = image.noise("hints", 48)
    stand = Stand(
        directory, drives=DRIVES, properties={"root_device": NONE, "skip_block_devices": [{"serial": "LAB-SKIPPED"}]},
        # Upstream's patience with slow disks is half a minute, which here would only be waited for.
        kernel_append_params="%default% ipa-disk-wait-attempts=2 ipa-disk-wait-delay=1",
    )
    stand.deploy(source)
    error = stand.node.wait("deploy failed", 120)["last_error"]
    require("no disk to deploy to" in error, f"last_error does not say that no disk was found: {error}")
    names = ["sda", "sdb", "sdc", "vda", "nvme0n1"]
    require(all(f"{name} (" in error for name in names), f"last_error does not tell of each of {names}: {error}")
    require_spared(stand, DRIVES)
    print(f"  no disk is meant, none was written to; last_error: {error}", flush=True)

    stand.node.patch(("/properties/root_device", HINTS))
    ordered = stand.deploy(source)
    stand.deployed(source, "hints", ordered)
    require_spared(stand, DRIVES[1:])
    reasons = [line for name, text in stand.ironic.collected() for line in text.splitlines() if "root disk: " in line]
    require(reasons, "no collected log says which disk was chosen")
    require(all(f"{name} (" in reasons[-1] for name in names), f"the reason does not tell of each of {names}: {reasons[-1]}")
    print(f"  {reasons[-1].strip()}")


def require_spared(stand, drives):
    for drive in drives:
        stand.disks[drive.name].require_spared()
