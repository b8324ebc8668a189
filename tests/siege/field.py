"""What every attack has: a place to work, an Ironic, agents that serve, attackers; and how much time there is."""

import itertools
import json
import pathlib
import subprocess
import sys
import time

import authority
from besieged import Besieged
from ironic import Ironic
from service import folder

HERE = pathlib.Path(__file__).resolve().parent


class Field:
    def __init__(self, work, short, seed):
        self.work = work
        self.short, self.seed = short, seed
        self.numbers = itertools.count()
        authority.make(folder(work, "tls"))
        self.ironic = Ironic()
        self.agents = []

    def scale(self, short, long):
        """How many, or how long: in the short siege, in the long one."""
        return short if self.short else long

    def next_number(self):
        return next(self.numbers)

    def besieged(self, name, **options):
        self.agents.append(Besieged(self, name, **options))
        return self.agents[-1]

    def attackers(self, besieged, target="127.0.0.1", sources=("127.0.0.9",), **plan):
        return Attackers({"target": (target, besieged.port), "sources": list(sources), **plan})

    def stop(self):
        for besieged in self.agents:
            besieged.stop()


class Attackers:
    """A process of attacker.py, at work while this lasts; `did` is what it says of itself at the end."""

    def __init__(self, plan):
        self.plan = plan
        self.did = {}

    def __enter__(self):
        words = [sys.executable, "-B", HERE / "attacker.py", json.dumps(self.plan)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", f"the attackers do not start: {self.plan}"
        # Until they are there.
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        told = self.process.stdout.read()
        assert self.process.wait(20) == 0 and told, f"the attackers broke: {self.plan}"
        self.did = json.loads(told)
