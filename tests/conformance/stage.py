"""The stage of one life: a cable, a machine tree, and nothing real within the agent's reach.

Runs inside namespaces of its own (network, mounts, host name, process ids; see main.py), so all of
this is gone when the process is. The harness and the fake Ironic stand at one end of a veth pair, the
agent at the other, in a second network namespace.
"""

import os
import shutil
import subprocess
from pathlib import Path

from situation import IRONIC_V4, IRONIC_V6, MACHINE_V4, MACHINE_V6, MACS

HERE = Path(__file__).parent
NETNS = "/run/netns/machine"


def command(*words):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def build(tree, cmdline, files):
    """Everything the agent sees; returns the directory with its PATH."""
    tree.mkdir(parents=True)
    programs = plant(tree, cmdline, files)
    hide(tree)
    cable()
    return programs


def plant(tree, cmdline, files):
    """The machine as files: two NICs, no disk, no firmware variables."""
    pci = tree / "sys/devices/pci0000:00"
    for number, mac in enumerate(MACS):
        device = pci / f"0000:00:0{number + 3}.0"
        write(device / "vendor", "0x1af4\n")
        write(device / "device", "0x1000\n")
        write(device / "class", "0x020000\n")
        nic = device / f"net/eth{number}"
        for name, value in (("address", mac), ("carrier", "1"), ("operstate", "up"), ("type", "1"),
                            ("flags", "0x1003"), ("mtu", "1500"), ("speed", "1000"), ("addr_assign_type", "0"),
                            ("addr_len", "6"), ("ifindex", str(number + 10))):
            write(nic / name, value + "\n")
        (nic / "device").symlink_to(f"../../../0000:00:0{number + 3}.0")
        link = tree / f"sys/class/net/eth{number}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../devices/pci0000:00/0000:00:0{number + 3}.0/net/eth{number}")
    loopback = tree / "sys/devices/virtual/net/lo"
    for name, value in (("address", "00:00:00:00:00:00"), ("type", "772"), ("flags", "0x9"), ("carrier", "1")):
        write(loopback / name, value + "\n")
    (tree / "sys/class/net/lo").symlink_to("../../devices/virtual/net/lo")
    for empty in ("sys/block", "sys/class/block", "sys/bus/pci/devices", "sys/class/dmi/id", "sys/kernel",
                  "dev", "run", "tmp", "var/log", "etc/ironic-python-agent.d"):
        (tree / empty).mkdir(parents=True, exist_ok=True)
    for name in ("meminfo", "cpuinfo", "mounts", "uptime", "version"):
        write(tree / "proc" / name, Path("/proc", name).read_text())
    write(tree / "proc/cmdline", cmdline + "\n")
    for path, text in files:
        write(tree / path, text.replace("{etc}", str(tree / "etc")))
    programs = tree / "programs"
    shutil.copytree(HERE / "machine", programs)
    (programs / "ip").symlink_to(shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin"))
    return programs


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def hide(tree):
    """Replaces what could reach the real machine: devices, sysfs, the power switch, the cache switch."""
    command("mount", "--make-rprivate", "/")
    quiet = tree / "dev"
    command("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", quiet)
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(quiet / name, 0o666 | 0o020000, os.makedev(1, minor))
        os.chmod(quiet / name, 0o666)
    (quiet / "shm").mkdir()
    (quiet / "fd").symlink_to("/proc/self/fd")
    command("mount", "--rbind", quiet, "/dev")
    command("mount", "--bind", tree / "sys", "/sys")
    command("mount", "-t", "tmpfs", "tmpfs", "/run")
    command("mount", "-t", "tmpfs", "tmpfs", "/var/log")
    command("mount", "--bind", tree / "proc/cmdline", "/proc/cmdline")
    for switch in ("/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/proc/sys/kernel/sysrq"):
        if os.path.exists(switch):
            command("mount", "--bind", "/dev/null", switch)
    command("hostname", "machine")


def ramdisk(directory, tree, binary):
    """A tmpfs that can be the root of a process: nothing in it but the machine, the binary and what loads it.

    An agent takes the network down or switches the power only where `/` is a ramdisk.
    """
    root = directory / "ramdisk"
    root.mkdir()
    command("mount", "-t", "tmpfs", "tmpfs", root)
    # A static binary needs none of the libraries; a build for development does.
    seen = [("/proc", "proc"), (tree / "dev", "dev"), (tree / "sys", "sys")]
    seen += [(path, path[1:]) for path in ("/usr/lib", "/lib", "/lib64") if os.path.isdir(path)]
    for source, name in seen:
        (root / name).mkdir(parents=True)
        command("mount", "--rbind", source, root / name)
    for name in ("run", "tmp"):
        (root / name).mkdir()
    shutil.copytree(tree / "etc", root / "etc")
    shutil.copy2(binary, root / "init")
    return root


def cable():
    """lan0 — eth0 with addresses, lan1 — eth1 without; eth0 and eth1 are in the machine's namespace."""
    command("ip", "netns", "add", "machine")
    command("ip", "link", "set", "lo", "up")
    inside("ip", "link", "set", "lo", "up")
    for number, mac in enumerate(MACS):
        command("ip", "link", "add", f"lan{number}", "type", "veth",
                "peer", "name", f"eth{number}", "address", mac, "netns", "machine")
        command("ip", "link", "set", f"lan{number}", "up")
        inside("ip", "link", "set", f"eth{number}", "up")
    for address, peer in ((f"{IRONIC_V4}/24", f"{MACHINE_V4}/24"), (f"{IRONIC_V6}/64", f"{MACHINE_V6}/64")):
        duplicate_detection = ["nodad"] if ":" in address else []
        command("ip", "address", "add", address, "dev", "lan0", *duplicate_detection)
        inside("ip", "address", "add", peer, "dev", "eth0", *duplicate_detection)


def inside(*words):
    """Runs a command at the machine's end."""
    command("nsenter", f"--net={NETNS}", *words)


def links_up():
    """Names of the machine's NICs that are administratively up, asked of the kernel."""
    shown = subprocess.run(["nsenter", f"--net={NETNS}", "ip", "-o", "link", "show", "up"],
                           check=True, capture_output=True, text=True).stdout
    names = [line.split(": ")[1].split("@")[0] for line in shown.splitlines()]
    return [name for name in names if name.startswith("eth")]
