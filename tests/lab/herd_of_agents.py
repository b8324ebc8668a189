"""Many agents as processes on this machine, each a machine of files with one network card and an address of 127.0.0.0/8 for itself; and what they cost."""

import re
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ironic
import place
from verdict import Failed


class Agent:
    def __init__(self, directory, number):
        self.number, self.directory = number, directory
        self.mac = f"52:54:01:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        self.address = f"127.1.{number >> 8}.{number & 255}"
        self.uuid = self.process = None

    def enrol(self, server):
        node = server.call("POST", "/v1/nodes", {"driver": "manual-management", "properties": {"cpu_arch": "x86_64"}})
        self.uuid = node["uuid"]
        server.call("POST", "/v1/ports", {"node_uuid": self.uuid, "address": self.mac})

    def start(self):
        tree = self.directory / f"{self.number}"
        card = tree / "sys/devices/pci0000:00/0000:00:03.0/net/eth0"
        card.mkdir(parents=True)
        for name, value in (("address", self.mac), ("carrier", "1"), ("operstate", "up"), ("type", "1"), ("flags", "0x1003"), ("mtu", "1500")):
            (card / name).write_text(value + "\n")
        (card / "device").symlink_to("../../../0000:00:03.0")
        (tree / "sys/class/net").mkdir(parents=True)
        (tree / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:00:03.0/net/eth0")
        (tree / "run").mkdir()
        line = f"ipa-api-url={ironic.API} ipa-advertise-host={self.address} ipa-listen-host={self.address}"
        with open(tree / "agent.log", "wb") as log:
            self.process = subprocess.Popen(
                [str(place.IRONLET), "--agent", "--root", str(tree), "--cmdline", line], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def log(self):
        return (self.directory / f"{self.number}" / "agent.log").read_text(errors="replace")

    def memory(self):
        """KiB: resident, of that its own, and its share (PSS)."""
        told = {}
        for file in ("status", "smaps_rollup"):
            with open(f"/proc/{self.process.pid}/{file}") as lines:
                told.update(re.findall(r"^(\w+):\s+(\d+) kB", lines.read(), re.MULTILINE))
        return int(told["VmRSS"]), int(told["RssAnon"]), int(told["Pss"])


class Herd:
    def __init__(self, directory, count):
        trees = directory / "agents"
        trees.mkdir()
        self.agents = [Agent(trees, number + 1) for number in range(count)]

    def enrol(self, server):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda agent: agent.enrol(server), self.agents))

    def start(self, per_second):
        for agent in self.agents:
            agent.start()
            time.sleep(1 / per_second)

    def require_alive(self):
        if gone := [agent for agent in self.agents if agent.process.poll() is not None]:
            raise Failed(f"{len(gone)} agents ended; one of them says: {gone[0].log()[-600:]}")

    def show_memory(self):
        """The largest RSS in KiB."""
        figures = list(zip(*(agent.memory() for agent in self.agents)))
        told = "; ".join(f"{name} {statistics.median(values):.0f} / {max(values)}" for name, values in zip(("RSS", "of it the process's own", "PSS"), figures))
        print(f"  KiB of each, median / largest: {told}; all of them {sum(figures[2]) >> 10} MiB", flush=True)
        return max(figures[0])

    def cpu(self):
        """Seconds of processor time that all of them used up to now, as the scheduler has it."""
        spent = 0
        for agent in self.agents:
            for thread in Path(f"/proc/{agent.process.pid}/task").iterdir():
                spent += int((thread / "schedstat").read_text().split()[0])
        return spent / 1e9
