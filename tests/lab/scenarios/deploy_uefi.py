"""UEFI, several disks, a hint, a config drive: the boot entry is the first one, and the machine boots by it alone."""

import configdrive
import firmware
import image
from disk import MIB
from stand import Drive, Stand
from verdict import require

# The firmware finds the smaller disk first, and there an older system.
DRIVES = Drive("system", "scsi", 5 << 10, 8 * MIB), Drive("data", "virtio")
NAME, ESP_MIB, IMAGE_MIB = "entry", 35, 160


def run(directory):
    source = image.bootable(NAME, IMAGE_MIB, "uefi")
    stand = Stand(directory, drives=DRIVES, properties={"root_device": {"serial": "LAB-SYSTEM"}}, uefi=True)
    stand.deploy(source, configdrive=configdrive.CONTENT)
    stand.node.wait("wait call-back", 120)
    on = stand.console.opened(60)
    off = stand.console.closed(300, since=on.number)
    # Before the firmware has its next say.
    order = firmware.boot_order(stand.variables)
    stand.node.wait("active", 120)
    require_entry(order)
    stand.console.expect(image.up(NAME), 180, since=off.number)
    found = configdrive.require_last(stand.disk, [ESP_MIB, IMAGE_MIB - ESP_MIB - 2, 64], directory)
    stand.disks["data"].require_spared()
    print(f"  partition 3 holds the drive: {found}; then booted by the entry")


def require_entry(order):
    """The first boot entry leads to the loader that the image's CSV file names."""
    first = order[0]
    print(f"  BootOrder: {', '.join(entry.title for entry in order)}; the first is {first}", flush=True)
    require(first.active and first.title == f"lab {NAME}", f"the first boot entry is {first}")
    require(first.file == r"\EFI\lab\grub.efi", f"its file is {first.file}")
    place = first.partition, first.start, first.sectors
    require(place == (1, MIB // 512, ESP_MIB * MIB // 512), f"its partition, first sector and sectors are {place}")
