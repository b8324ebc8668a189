"""The tools the lab needs, installed when they are missing: Debian packages, a venv with Ironic and the BMC, one with Ironic's command line client, one with Swift, one with virt-firmware."""

import os
import shutil
import subprocess

import place
import swift
from verdict import Failed

# A file of the package → the package.
PACKAGES = {
    "/usr/bin/qemu-system-x86_64": "qemu-system-x86",
    "/usr/bin/qemu-img": "qemu-utils",
    "/usr/lib/ipxe/qemu/pxe-virtio.rom": "ipxe-qemu",
    "/usr/lib/ipxe/undionly.kpxe": "ipxe",
    "/usr/sbin/libvirtd": "libvirt-daemon",
    "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so": "libvirt-daemon-driver-qemu",
    "/usr/bin/virsh": "libvirt-clients",
    "/usr/include/libvirt/libvirt.h": "libvirt-dev",
    "/usr/bin/pkg-config": "pkg-config",
    "/usr/bin/gcc": "gcc",
    "/usr/bin/python3-config": "python3-dev",
    "/usr/lib/python3.11/ensurepip/__init__.py": "python3-venv",
    "/usr/sbin/nginx": "nginx-light",
    "/usr/sbin/dnsmasq": "dnsmasq-base",
    "/usr/sbin/lldpd": "lldpd",
    "/usr/sbin/ip": "iproute2",
    "/usr/bin/openssl": "openssl",
    "/usr/bin/memcached": "memcached",
    "/usr/bin/isoinfo": "genisoimage",
    "/usr/share/OVMF/OVMF_CODE_4M.fd": "ovmf",
    "/usr/lib/grub/x86_64-efi/moddep.lst": "grub-efi-amd64-bin",
    "/usr/bin/mformat": "mtools",
    "/usr/sbin/sgdisk": "gdisk",
    "/usr/sbin/fsck.vfat": "dosfstools",
    "/usr/sbin/pvcreate": "lvm2",
    "/usr/bin/minisign": "minisign",
    "/usr/bin/ssh": "openssh-client",
    "/usr/bin/docker-registry": "docker-registry",
    "/usr/bin/zstd": "zstd",
}

# libvirt-python has to be that of the host's libvirt (Debian 12: 9.0.0).
REQUIREMENTS = [f"ironic=={place.IRONIC}", "sushy-tools==2.2.0", "libvirt-python==9.0.0"]
CLIENT_REQUIREMENTS = ["python-ironicclient==6.3.0"]
SWIFT_REQUIREMENTS = ["swift==2.38.3"]
FIRMWARE_REQUIREMENTS = ["virt-firmware==26.10"]


def prepare():
    _packages()
    subprocess.run([place.ROOT / "tests" / "squid.sh"], check=True)
    _venv(place.VENV, REQUIREMENTS)
    _venv(place.CLIENT_VENV, CLIENT_REQUIREMENTS)
    _venv(place.SWIFT_VENV, SWIFT_REQUIREMENTS)
    firmware_reader()
    _database()
    _rings()


def firmware_reader():
    _venv(place.FIRMWARE_VENV, FIRMWARE_REQUIREMENTS)


def _packages():
    missing = sorted({package for file, package in PACKAGES.items() if not os.path.exists(file)})
    if missing:
        subprocess.run([place.HOST, "install_lacking", *missing], check=True)


def _venv(path, requirements):
    """A venv at its final place only when complete: a half-made one must not be taken for a whole."""
    stamp = path / "lab-requirements.txt"
    wanted = "\n".join(requirements) + "\n"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"lab: making the venv with {', '.join(requirements)}", flush=True)
    shutil.rmtree(path, ignore_errors=True)
    place.TOOLS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/usr/bin/python3", "-m", "venv", str(path)], check=True)
    pip = [str(path / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "setuptools", "wheel"], check=True)
    subprocess.run([*pip, *requirements], check=True)
    stamp.write_text(wanted)


def _database():
    """Ironic's schema takes longer to create than Ironic to start, so every scenario copies this one."""
    schema = place.SCHEMA
    if schema.exists():
        return
    draft = schema.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    conf = place.TOOLS / "ironic-schema.conf"
    conf.write_text(f"[database]\nconnection = sqlite:///{draft}\n")
    done = subprocess.run(
        [str(place.VENV / "bin" / "ironic-dbsync"), "--config-file", str(conf), "create_schema"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    if done.returncode != 0:
        raise Failed(f"ironic-dbsync: {done.stdout[-2000:]}")
    draft.rename(schema)


def _rings():
    """The rings name ports and a device, which are the same in every scenario, so they are made once."""
    wanted = "\n".join(" ".join(command) for command in swift.rings()) + "\n"
    stamp = place.SWIFT_RINGS / "commands.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(place.SWIFT_RINGS, ignore_errors=True)
    place.SWIFT_RINGS.mkdir(parents=True)
    builder = str(place.SWIFT_VENV / "bin" / "swift-ring-builder")
    for command in swift.rings():
        # swift-ring-builder(1): 1 is a warning, here of a single device.
        done = subprocess.run([builder, *command], cwd=place.SWIFT_RINGS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode > 1:
            raise Failed(f"swift-ring-builder {' '.join(command)}: {done.stdout[-2000:]}")
    stamp.write_text(wanted)
