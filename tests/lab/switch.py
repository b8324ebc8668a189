"""lldpd as the switch: it says its name and each port's, every second, on the ports of the bridge."""

import os
import subprocess

import network
from daemon import Daemon

NAME = "lab-switch"
SOCKET = "/run/lldpd.socket"
# Where it changes its root to.
CHROOT = "/run/lldpd"


def start(directory, chassis=network.BRIDGE):
    """`chassis`: the devices of which one gives the switch its address; without one it is known by its host's name."""
    os.makedirs(CHROOT, exist_ok=True)
    daemon = Daemon("lldpd", ["/usr/sbin/lldpd", "-d", "-u", SOCKET, "-I", "port*", "-C", chassis, "-M", "4", "-S", NAME], directory / "lldpd.log").start()
    daemon.wait_file(SOCKET)
    for setting in (["lldp", "tx-interval", "1"], ["system", "hostname", NAME]):
        subprocess.run(["/usr/sbin/lldpcli", "-u", SOCKET, "configure", *setting], check=True, stdout=subprocess.DEVNULL)
    return daemon
