"""Software RAID by Ironic's own steps: made of two disks in manual cleaning, a UEFI image deployed onto it, booted from either disk with the other pulled, deleted."""

import re
import subprocess

import firmware
import image
from disk import MIB
from stand import Drive, Stand
from verdict import require

NAME, IMAGE_MIB = "mirror", 160
ESP, FIRST = (MIB, 551 * MIB), 551 * MIB
CONFIG = {"logical_disks": [{"size_gb": "MAX", "raid_level": "1", "controller": "software", "volume_name": "root", "is_root_volume": True}]}
# Seconds from the step's start to the array in use, in a machine without KVM that may share its core with another one.
LONGEST = 6.0


def run(directory):
    source = image.bootable(NAME, IMAGE_MIB, "uefi")
    stand = Stand(directory, drives=[Drive(name, "virtio", 6 << 10, 8 * MIB) for name in ("one", "two")], uefi=True, available=False)
    stand.node.patch(("/raid_interface", "agent"))
    clean(stand, ("deploy", "erase_devices_metadata"), ("raid", "delete_configuration"), ("raid", "create_configuration"), want=CONFIG)
    node = stand.node.read()
    made = node["raid_config"]["logical_disks"]
    require(made == CONFIG["logical_disks"] and node["properties"]["capabilities"].count("raid_level:1"), f"Ironic has {made}, {node['properties']}")
    seconds = took(stand, "create_configuration")
    require(seconds <= LONGEST, f"the array took {seconds:.1f} s")
    for drive in stand.disks.values():
        require([part[0] for part in partitions(drive)] == [FIRST], f"{drive.path.name} has {partitions(drive)}")
    print(f"  create_configuration: {seconds:.1f} s; Ironic keeps the configuration", flush=True)

    stand.node.provide()
    mark = stand.console.mark()
    stand.deploy(source)
    stand.node.wait("wait call-back", 240)
    on = stand.console.opened(120, since=mark)
    off = stand.console.closed(900, since=on.number)
    order = firmware.boot_order(stand.variables)
    written = stand.console.expect(r"root disk: /dev/md\d+ .*", 5, since=on.number)
    stand.node.wait("active", 240)
    stand.console.expect(image.up(NAME), 400, since=off.number)
    print(f"  {written.text}", flush=True)
    require_entries(order, stand)
    require_copies(stand, directory)

    # OVMF forgets the entries of a disk that is away.
    variables = stand.variables.read_bytes()
    for name in stand.disks:
        boot_without(stand, name)
        stand.variables.write_bytes(variables)
        print(f"  booted with disk {name} pulled", flush=True)

    stand.node.provision("deleted")
    stand.node.wait("available", 240)
    stand.node.provision("manage")
    stand.node.wait("manageable", 60)
    clean(stand, ("raid", "delete_configuration"))
    for drive in stand.disks.values():
        found = subprocess.run(["/usr/sbin/wipefs", "-n", drive.path], capture_output=True, text=True, check=True).stdout
        require(not found and not partitions(drive), f"left on {drive.path.name}: {found}")
    require(not stand.node.read()["raid_config"], "Ironic still has a configuration")
    print("  delete_configuration: wipefs finds nothing on either disk")


def clean(stand, *steps, want=None):
    if want is not None:
        stand.node.ironic.call("PUT", f"/v1/nodes/{stand.node.uuid}/states/raid", want)
    stand.node.provision("clean", clean_steps=[{"interface": interface, "step": step} for interface, step in steps])
    stand.node.wait("clean wait", 120)
    stand.node.wait("manageable", 500)


def took(stand, step):
    """Seconds between two lines of the agent's on the console."""
    lines = [line.text for line in stand.console.lines()]
    start = max(number for number, line in enumerate(lines) if f"clean step {step} starts" in line)
    end = next(line for line in lines[start:] if "is made: " in line)
    begin, end = (float(re.search(r"\[ *(\d+\.\d+)\]", line)[1]) for line in (lines[start], end))
    return end - begin


def partitions(drive):
    """Start, end and name of each, in bytes, as sgdisk has them."""
    told = subprocess.run(["/usr/sbin/sgdisk", "-p", drive.path], capture_output=True, text=True).stdout
    rows = re.findall(r"^ +\d+ +(\d+) +(\d+) .* ([0-9A-F]{4})  (\S*)$", told, re.MULTILINE)
    return sorted((int(start) * 512, (int(end) + 1) * 512, kind, name) for start, end, kind, name in rows)


def require_entries(order, stand):
    print(f"  BootOrder: {', '.join(entry.title for entry in order)}", flush=True)
    for number, entry in enumerate(order[:2]):
        require(entry.title == f"lab {NAME} (RAID, part{number})" and entry.active, f"entry {number} is {entry}")
        require((entry.start, entry.sectors) == (ESP[0] // 512, (ESP[1] - ESP[0]) // 512), f"entry {number} is {entry}")
        require(entry.file == r"\EFI\lab\grub.efi", f"its file is {entry.file}")
    require(order[0].guid != order[1].guid, "both entries lead to one disk")


def require_copies(stand, directory):
    """The same file system on both disks, whole, with the label and number of the image's."""
    copies = []
    for name, drive in stand.disks.items():
        found = [part for part in partitions(drive) if part[2] == "EF00"]
        require([part[:2] for part in found] == [ESP] and found[0][3].startswith("uefi-holder-"), f"{name} has {partitions(drive)}")
        copy = directory / f"esp-{name}.raw"
        subprocess.run(["dd", f"if={drive.path}", f"of={copy}", "bs=1M", "skip=1", "count=549", "conv=sparse", "status=none"], check=True)
        checked = subprocess.run(["/usr/sbin/fsck.vfat", "-n", copy], capture_output=True, text=True)
        told = subprocess.run(["/usr/sbin/blkid", "-p", "-o", "export", copy], capture_output=True, text=True).stdout
        copies.append((sorted(told.split()), subprocess.run(["mdir", "-b", "-/", "-i", copy], capture_output=True, text=True).stdout))
        require(checked.returncode == 0, f"fsck.vfat of {name}: {checked.stdout}")
        copy.unlink()
    strip = [[line for line in told if not line.startswith("DEVNAME")] for told, _ in copies]
    require(strip[0] == strip[1] and copies[0][1] == copies[1][1] and "lab/" in copies[0][1].lower(), f"the copies differ: {copies}")
    print(f"  EFI system partitions: fsck.vfat is content, {' '.join(strip[0])}", flush=True)


def boot_without(stand, name):
    """Starts the machine by its own firmware, one disk away."""
    domain = stand.machine
    if domain.is_on():
        domain.hypervisor.virsh("destroy", "metal")
    source = domain.hypervisor.virsh("dumpxml", "--inactive", "metal")
    without = re.sub(rf"<disk(?:(?!</disk>).)*?{re.escape(str(stand.disks[name].path))}.*?</disk>", "", source, flags=re.DOTALL)
    require(without != source, "no disk was pulled")
    definition = stand.disks[name].path.with_suffix(".xml")
    definition.write_text(without)
    domain.hypervisor.virsh("define", str(definition))
    mark = stand.console.mark()
    domain.hypervisor.virsh("start", "metal")
    stand.console.expect(image.up(NAME), 400, since=mark)
    if domain.is_on():
        domain.hypervisor.virsh("destroy", "metal")
    definition.write_text(source)
    domain.hypervisor.virsh("define", str(definition))
