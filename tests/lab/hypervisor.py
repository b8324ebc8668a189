"""libvirtd of our own: its files lie in the cell, its machines in the cell's network."""

import os
import subprocess

from daemon import Daemon
from verdict import Failed

LIBVIRTD_CONF = """
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:stderr"
"""

# Root and no sandbox: the cell is the sandbox, and there is neither cgroup nor security driver in it.
QEMU_CONF = """
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
"""


class Hypervisor:
    def __init__(self, directory, cache):
        for path in ("/etc/libvirt", "/var/lib/libvirt"):
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
        (directory / "libvirt").mkdir()
        cache.mkdir(parents=True, exist_ok=True)
        # What libvirtd found out about QEMU takes seconds to find out again.
        for source, path in ((directory / "libvirt", "/var/log/libvirt"), (cache, "/var/cache/libvirt")):
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "--bind", str(source), path], check=True)
        _add_account(directory / "libvirt")
        with open("/etc/libvirt/libvirtd.conf", "w") as file:
            file.write(LIBVIRTD_CONF)
        with open("/etc/libvirt/qemu.conf", "w") as file:
            file.write(QEMU_CONF)
        self.daemon = Daemon("libvirtd", ["/usr/sbin/libvirtd"], directory / "libvirtd.log")

    def start(self):
        self.daemon.start()
        return self

    def ready(self):
        self.daemon.wait_file("/run/libvirt/libvirt-sock")
        return self

    def virsh(self, *arguments):
        done = subprocess.run(
            ["virsh", "--connect", "qemu:///system", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            raise Failed(f"virsh {arguments[0]}: {done.stdout.strip()}")
        return done.stdout


def _add_account(directory):
    """libvirtd wants the account its Debian service package makes, even when QEMU runs as root; the cell alone sees it."""
    for path, line in (("/etc/passwd", "libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin\n"), ("/etc/group", "libvirt-qemu:x:64055:\n")):
        with open(path) as file:
            accounts = file.read()
        if "libvirt-qemu:" not in accounts:
            copy = directory / os.path.basename(path)
            copy.write_text(accounts + line)
            subprocess.run(["mount", "--bind", str(copy), path], check=True)
