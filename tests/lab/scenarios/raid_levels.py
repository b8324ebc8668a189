"""Arrays of every level, one after the other on the same disks, by Ironic's clean steps; mdadm examines the members on the host's side."""

import subprocess

import arrays
import network
import place
from stand import Drive, Stand
from verdict import require

RAMDISK = place.TARGET / "raid-ramdisk"
# RAID 5 and 6 look up a checksum by name.
MODULES = "+crc32c_generic\nraid0\nraid10\nraid456\n"
NAMES = ("one", "two", "three", "four")
GIB = 1 << 10
# One disk is larger than the others: nobody uses what they have not.
DRIVES = [Drive(name, "virtio", 2 * GIB + (512 if name == "four" else 0), 1 << 20) for name in NAMES]
DELETE, CREATE, ERASE = ({"interface": interface, "step": step} for interface, step in (
    ("raid", "delete_configuration"), ("raid", "create_configuration"), ("deploy", "erase_devices_metadata")))


def prepare():
    arrays.prepare()
    RAMDISK.mkdir(parents=True, exist_ok=True)
    listed = RAMDISK / "raid.modules"
    listed.write_text(MODULES)
    subprocess.run([place.ROOT / "build.sh", "--modules-list", listed, "--out", RAMDISK], check=True, stdout=subprocess.DEVNULL)


def volume(name, level, size="MAX", **more):
    return {"controller": "software", "raid_level": level, "size_gb": size, "volume_name": name, **more}


def of(*names):
    return {"physical_disks": [{"name": f"/dev/vd{'abcd'[NAMES.index(name)]}"} for name in names]}


# What is asked for, and the disks of each array.
CONFIGURATIONS = [
    ([volume("root", "1", 1), volume("data", "0")], {"root": NAMES, "data": NAMES}),
    ([volume("root", "1"), volume("data", "1+0", 1)], {"root": NAMES, "data": NAMES}),
    ([volume("root", "1", 1), volume("data", "5")], {"root": NAMES, "data": NAMES}),
    ([volume("root", "1", 1), volume("data", "6")], {"root": NAMES, "data": NAMES}),
    ([volume("root", "1", **of("four", "one")), volume("data", "0", 1, **of("two", "three"))], {"root": ("four", "one"), "data": ("two", "three")}),
    ([volume("root", "1", 1, **of("one", "two")), volume("data", "5", **of("two", "three", "four"))], {"root": ("one", "two"), "data": ("two", "three", "four")}),
]


def run(directory):
    stand = Stand(
        directory, drives=DRIVES, available=False, fast_track=True,
        deploy_kernel=f"{network.WEB}/raid/ironlet.kernel", deploy_ramdisk=f"{network.WEB}/raid/ironlet.initramfs",
    )
    (stand.web.root / "raid").symlink_to(RAMDISK)
    stand.node.patch(("/raid_interface", "agent"))
    for volumes, disks in CONFIGURATIONS:
        stand.node.ironic.call("PUT", f"/v1/nodes/{stand.node.uuid}/states/raid", {"logical_disks": volumes})
        stand.node.provision("clean", clean_steps=[ERASE, CREATE] if volumes is CONFIGURATIONS[0][0] else [DELETE, CREATE])
        stand.node.wait("clean wait", 120)
        stand.node.wait("manageable", 240)
        require(stand.node.read()["raid_config"]["logical_disks"] == volumes, "Ironic keeps another configuration")
        found = arrays.arrays(stand.disks)
        want = {own["volume_name"]: (arrays.LEVELS[own["raid_level"]], sorted(disks[own["volume_name"]])) for own in volumes}
        require({name: (level, sorted(on)) for name, (_, level, on) in found.items()} == want, f"mdadm finds {found}, wanted {want}")
        print(f"  {', '.join(f'{name}: {level} of {len(on)}' for name, (level, on) in want.items())}", flush=True)

    stand.node.provision("clean", clean_steps=[DELETE])
    stand.node.wait("clean wait", 120)
    stand.node.wait("manageable", 240)
    for drive in stand.disks.values():
        found = subprocess.run(["/usr/sbin/wipefs", "-n", drive.path], capture_output=True, text=True, check=True).stdout
        require(not found and not arrays.members(drive), f"left on {drive.path.name}: {found}")
    print("  deleted: wipefs finds nothing on any disk")
