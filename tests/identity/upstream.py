"""Runs in the machine, in upstream's Python: its agent's own lists of disks, as the inventory, a deploy and cleaning have them; each disk's
names below /dev/disk/by-path, of which such a list has the one read last; and hints that are written from what udev and lsblk say."""

import json
import sys
from pathlib import Path

from ironic_python_agent import config  # its options are read as soon as the next is imported
from ironic_python_agent import hardware
import pyudev

config.CONF([])
SPELLINGS = {"serial": ["ID_SERIAL_SHORT", "ID_SERIAL", "ID_SCSI_SERIAL"], "wwn": ["ID_WWN", "ID_WWN_WITH_EXTENSION"],
             "wwn_with_extension": ["ID_WWN_WITH_EXTENSION"], "wwn_vendor_extension": ["ID_WWN_VENDOR_EXTENSION"]}
TEXTS = ["model", "serial", "wwn", "wwn_with_extension", "wwn_vendor_extension", "name", "hctl", "by_path"]
# Whatever they are told: what names nothing, everything, or many.
GENERAL = [
    {"size": ">= 1"}, {"size": "<= 4"}, {"size": "> 4"}, {"size": "!= 8"}, {"size": 8}, {"size": "== 8"}, {"size": "= 8"}, {"size": "< 5", "tran": "nvme"},
    {"rotational": True}, {"rotational": False}, {"rotational": "no", "size": "<= 8"}, {"rotational": "yes", "tran": "usb"},
    {"name": "/dev/none"}, {"name": "s!= /dev/sda"}, {"name": "<in> sd"}, {"name": "<in> /dev/"}, {"name": "<or> /dev/vdc <or> /dev/sdc <or> /dev/nvme0n1"},
    {"name": "s> /dev/sdc"}, {"name": "s<= /dev/sdc"}, {"name": "/DEV/SDB"}, {"name": " /dev/sdb "},
    {"model": "none"}, {"vendor": "none"}, {"hctl": "none"}, {"by_path": "none"}, {"tran": "none"}, {"wwn_vendor_extension": "none"}, {"serial": "none"}, {"wwn": "none"},
    {"vendor": "s!= qemu"}, {"vendor": "<or> acme <or> lio-org"}, {"model": "<in> harddisk"}, {"model": "<in> nvme"}, {"model": "qemu"}, {"tran": "s!= usb"},
    {"tran": "<or> usb <or> sas"}, {"tran": "virtio"}, {"tran": "mmc"}, {"by_path": "<in> usb"}, {"by_path": "<in> -lun-0"}, {"by_path": "<in> virtio-"},
    {"serial": "<in> 0001"}, {"serial": "s>= usb"}, {"serial": "<or> nvme0002 <or> usb0003"}, {"serial": "s!= vblk-0001"}, {"wwn": "<in> 0x5000c500"}, {"wwn": "s!= 0x5000c50015ea71aa"},
    {"serial": "s!= SCSI 0001"}, {"serial": "s!= 35000c50015ea71aa", "tran": "none"}, {"wwn": "s!= 0x6001405c00010000", "tran": "iscsi"},
    {"serial": "== 5"}, {"model": "s== QEMU  HARDDISK"},
]



def disks(every):
    """With every spelling of serial numbers and WWNs, as a deploy looks at them; or with one, as cleaning does."""
    found = hardware.filter_devices(hardware.list_all_block_devices(all_serial_and_wwn=every))
    return [disk.serialize() for disk in found]


def cases(listed):
    """Name → hints; the name is of the disk by its size, the field and the spelling, so that it is the same in every boot."""
    made = {json.dumps(hint): hint for hint in GENERAL}
    context = pyudev.Context()
    for disk in listed:
        size = disk["size"] >> 20
        udev = pyudev.Devices.from_device_file(context, disk["name"])
        for field in TEXTS:
            values = [disk.get(field)] + [udev.get(name) for name in SPELLINGS.get(field, [])]
            if field == "by_path":
                values = disk["links"]
            values = list(dict.fromkeys(value for value in values if value))
            for number, value in enumerate(values):
                made[f"{size} {field} {number}"] = {field: value}
            if field in ("serial", "by_path") and values:
                made[f"{size} {field} part"] = {field: f"<in> {values[-1][1:-1]}", "size": ">= 4"}
        # What belongs to two disks belongs to none.
        made[f"{size} serial and another's name"] = {"serial": (disk["serial"] or "x").swapcase(), "name": "<or> /dev/sda <or> /dev/vda"}
    return made


def main():
    listed = {"inventory": disks(False), "deploy": disks(True)}
    for disk in listed["inventory"]:
        links = sorted(Path("/dev/disk/by-path").iterdir())
        disk["links"] = [str(link) for link in links if str(link.resolve()) == disk["name"]]
    made = cases(listed["inventory"])
    json.dump({**listed, "cases": made}, sys.stdout)
    # For ironlet, which is asked the same: a line each, first the hints, then the entry of a skip list.
    nodes = [{"properties": properties} for hint in made.values() for properties in ({"root_device": hint}, {"skip_block_devices": [hint]})]
    Path("/run/cases").write_text("".join(json.dumps(node, ensure_ascii=False) + "\n" for node in nodes))


main()
