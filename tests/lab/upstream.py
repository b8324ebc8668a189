"""Upstream's agent as another deploy ramdisk of the same machine: Debian's kernel, a shell, and the host's own files lent over 9p."""

import importlib.util
import subprocess

import place

# The lab has a machine.py of its own.
_spec = importlib.util.spec_from_file_location("identity_machine", place.ROOT / "tests" / "identity" / "machine.py")
identity = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(identity)

FOLDER = place.TOOLS / "inspect"
# The same kernel for both agents; the cloud kernel knows no 9p.
KERNEL, OWN, UPSTREAM = FOLDER / "kernel", FOLDER / "own.initramfs", FOLDER / "ramdisk"

PACKAGES = "busybox-static cpio kmod udev util-linux lshw dmidecode ipmitool ethtool efibootmgr iproute2".split()

SCRIPT = r"""
set -euo pipefail
shopt -s inherit_errexit
. initramfs/host.sh
. tests/server_ramdisk.sh
export SOURCE_DATE_EPOCH=1700000000
server_ramdisk "$2" "$1" own.initramfs kernel
debian_kernel generic
"""

# For the machine's QEMU: the host's root and the venv that holds the agent, to read. The slots are some that libvirt leaves free.
ARGUMENTS = [word for tag, path, slot in (("host", "/", "0x1c"), ("python", identity.VENV, "0x1d")) for word in (
    "-fsdev", f"local,id={tag},path={path},security_model=none,readonly=on,multidevs=remap",
    "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag},bus=pcie.0,addr={slot}")]


def prepare():
    """Makes KERNEL, OWN and UPSTREAM; needs the outside world."""
    subprocess.run([place.HOST, "install_lacking", *PACKAGES], check=True)
    subprocess.run([place.ROOT / "tests/conformance/run", "--list"], check=True, stdout=subprocess.DEVNULL)
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["bash", "-c", SCRIPT, "inspect", str(FOLDER), str(place.IRONLET)], cwd=place.ROOT, check=True, stdout=subprocess.PIPE, text=True)
    kernel = identity.Path(done.stdout.splitlines()[-1])
    # Bonding makes a card of its own as soon as it is there.
    identity.MODULES = [name for name in identity.MODULES if name != "bonding"] + ["e1000e"]
    identity.ramdisk(FOLDER, kernel, place.IRONLET, place.LAB / "upstream-task.sh", [place.LAB / "upstream-dhcp.sh"])
