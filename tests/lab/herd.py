"""Many machines without an Ironic: agents as processes, each with a network namespace, a network card and a disk of its own, and nobody else's."""

import os
import re
import shutil
import subprocess
import time

import network
import place
from verdict import Failed, require

GIB = 1 << 30
# What the agent says when all is done and `then` is `wait`.
DONE = "the image is on the disk; the machine stays on"


class Herd:
    def __init__(self, directory, count):
        self.directory = directory / "herd"
        self.directory.mkdir()
        self.members = [Member(self.directory, number) for number in range(count)]

    def start(self, parameters):
        """All of them at once."""
        for member in self.members:
            member.start(parameters)

    def wait(self, seconds):
        """Until every one has deployed; how long that took."""
        started = time.monotonic()
        waiting = list(self.members)
        while waiting := [member for member in waiting if not member.is_done()]:
            if time.monotonic() - started > seconds:
                raise Failed(f"{len(waiting)} of {len(self.members)} are not deployed after {seconds} s; {waiting[0].name} says:\n{waiting[0].told()[-1500:]}")
            time.sleep(0.2)
        return time.monotonic() - started

    def stop(self):
        for member in self.members:
            member.stop()

    def remove(self):
        """Disks are large and told all they had to tell."""
        for member in self.members:
            member.disk.unlink()


class Member:
    """One machine: `mac` as orders have it, `disk` and `log` as files."""

    def __init__(self, directory, number):
        self.name, self.mac, self.address = f"m{number}", f"52-54-00-33-00-{number:02x}", f"172.22.0.{100 + number}"
        self.root = directory / self.name
        self.log, self.disk, self.process = self.root / "log", self.root / "dev" / "vda", None
        _tree(self.root, self.mac.replace("-", ":"), 5 * GIB)
        # One end on the bridge, the other in a namespace of its own.
        port = f"p-{self.name}"
        for command in (
            f"netns add {self.name}",
            f"link add {port} type veth peer name eth0 address {self.mac.replace('-', ':')} netns {self.name}",
            f"link set {port} master {network.BRIDGE} up",
            f"-n {self.name} address add {self.address}/24 dev eth0",
            f"-n {self.name} link set eth0 up",
            f"-n {self.name} link set lo up",
        ):
            subprocess.run(["ip", *command.split()], check=True)

    def start(self, parameters):
        with open(self.disk, "wb") as file:
            file.truncate(5 * GIB)
        # What it noted of its last order was in memory.
        shutil.rmtree(self.root / "run", ignore_errors=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", place.IRONLET, "--agent", "--root", self.root, "--allow-disk", self.disk, "--cmdline", parameters],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def stop(self):
        self.process.kill()
        self.process.wait()

    def told(self):
        return self.log.read_text(errors="replace")

    def is_done(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with code {self.process.returncode}, and says:\n{self.told()[-1500:]}")
        return DONE in self.told()

    def holds(self, image):
        """By coreutils: does its disk begin with the image?"""
        return subprocess.run(["cmp", "--quiet", "-n", str(image.stat().st_size), self.disk, image]).returncode == 0

    def received(self):
        """Bytes that the network brought it so far, by the kernel's count of the other end."""
        with open(f"/sys/class/net/p-{self.name}/statistics/tx_bytes", encoding="ascii") as file:
            return int(file.read())

    def cut(self, port):
        """Ends what it has open to that port, as a firewall does that lost its table; how many that were."""
        done = subprocess.run(["ip", "netns", "exec", self.name, "ss", "-t", "-H", "-K", "state", "established", "dport", "=", f":{port}"], check=True, stdout=subprocess.PIPE, text=True)
        return len(done.stdout.splitlines())

    def verdict(self):
        found = re.search(r"image: .* on \S+ in [0-9.]+ s", self.told())
        require(found, f"{self.name} says of no image that it is on the disk")
        return found[0]


def _tree(root, mac, size):
    """A machine as files: one card, one disk."""
    for path, text in {
        "sys/class/net/eth0/address": mac, "sys/class/net/eth0/type": "1", "sys/class/net/eth0/carrier": "1",
        "sys/block/vda/size": str(size // 512), "sys/block/vda/removable": "0", "sys/block/vda/ro": "0", "sys/block/vda/queue/rotational": "0",
        "proc/sys/kernel/hostname": "(none)", "proc/mounts": "", "proc/cmdline": "",
    }.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    for path in ("sys/class/net/eth0/device", "dev", "etc"):
        os.makedirs(root / path, exist_ok=True)
