"""inventory: of a machine with 200 network cards and 512 disks, described by files as the kernel does"""

import json
import os
import pathlib
import shutil
import statistics

import choice
import measure
from place import DIST, WORK, Broken

CARDS = 200


def cards(root):
    """Eight functions a slot, each slot behind a port."""
    bus = root / "sys/bus/pci/devices"
    bus.mkdir(parents=True)
    (root / "sys/class/net").mkdir(parents=True)

    def function(path, files, behind=0):
        real = root / "sys/devices/pci0000:00" / path
        real.mkdir(parents=True)
        for name, value in files.items():
            (real / name).write_text(f"{value}\n")
        config = bytearray(256)
        if behind:
            # The PCI Express capability of a port, with the number of its slot.
            config[0x06], config[0x34], config[0x40], config[0x43], config[0x56] = 0x10, 0x40, 0x10, 0x01, behind << 3
        (real / "config").write_bytes(config)
        os.symlink(f"../../../devices/pci0000:00/{path}", bus / real.name)

    for number in range(CARDS):
        slot, place = divmod(number, 8)
        port = f"0000:00:{slot:02x}.0"
        if place == 0:
            function(port, {"vendor": "0x8086", "device": "0x2030", "class": "0x060400"}, behind=slot + 1)
        path = f"{port}/0000:{slot + 1:02x}:00.{place}"
        function(path, {"vendor": "0x8086", "device": "0x1572", "class": "0x020000", "revision": "0x01", "numa_node": slot % 2})
        card = root / "sys/class/net" / f"eth{number}"
        card.mkdir()
        os.symlink(f"../../../devices/pci0000:00/{path}", card / "device")
        for name, value in {"address": f"02:00:00:00:{slot:02x}:{place:02x}", "carrier": 1, "speed": 10000, "type": 1}.items():
            (card / name).write_text(f"{value}\n")


def run(limits, options):
    root = pathlib.Path(WORK) / "inventory-root"
    choice.machine(root)
    cards(root)
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text("processor : 0\nflags : fpu\n\n")
    table = root / "sys/firmware/dmi/tables"
    table.mkdir(parents=True)
    (table / "DMI").write_bytes(b"\x01\x05\0\0\0\0\0")
    costs = [measure.run([DIST / "ironlet", "--root", root, "--inventory"]) for _ in range(options.rounds)]
    told = json.loads(costs[0].output)
    found = len(told["interfaces"]), len(told["disks"]), sum(card["biosdevname"] is not None for card in told["interfaces"])
    if found != (CARDS, choice.DISKS, CARDS):
        raise Broken(f"interfaces, disks and names of interfaces: {found}")
    limits.most(f"{CARDS} network cards and {choice.DISKS} disks", statistics.median(cost.wall for cost in costs), 3, "s")
    shutil.rmtree(root)
