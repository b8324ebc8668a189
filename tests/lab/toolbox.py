"""The tools the lab needs, installed when they are missing: Debian packages, and a venv with Ironic and the BMC."""

import os
import shutil
import subprocess

import place
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
    "/usr/sbin/ip": "iproute2",
    "/usr/bin/isoinfo": "genisoimage",
}

# libvirt-python has to be that of the host's libvirt (Debian 12: 9.0.0).
REQUIREMENTS = ["ironic==39.0.0", "sushy-tools==2.2.0", "libvirt-python==9.0.0"]


def prepare():
    _packages()
    _venv()
    _database()


def _packages():
    missing = sorted({package for file, package in PACKAGES.items() if not os.path.exists(file)})
    if not missing:
        return
    print(f"lab: installing {' '.join(missing)}", flush=True)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=900"]
    subprocess.run([*apt, "update"], check=True, env=env)
    subprocess.run([*apt, "install", "-y", "--no-install-recommends", *missing], check=True, env=env, stdout=subprocess.DEVNULL)


def _venv():
    """A venv at its final place only when complete: a half-made one must not be taken for a whole."""
    stamp = place.VENV / "lab-requirements.txt"
    wanted = "\n".join(REQUIREMENTS) + "\n"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("lab: making the venv with Ironic and the Redfish BMC", flush=True)
    shutil.rmtree(place.VENV, ignore_errors=True)
    place.TOOLS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/usr/bin/python3", "-m", "venv", str(place.VENV)], check=True)
    pip = [str(place.VENV / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "setuptools", "wheel"], check=True)
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    stamp.write_text(wanted)


def _database():
    """Ironic's schema takes longer to create than Ironic to start, so every scenario copies this one."""
    schema = place.TOOLS / "ironic-39.sqlite"
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
