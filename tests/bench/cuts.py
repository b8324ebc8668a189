"""cuts: bytes fetched where the network cuts, on average, in 1 of 100 MiB; IPA beside it"""

import contextlib
import json
import socket
import statistics
import subprocess
import sys

import images
import measure
from ironlet import Ironlet
from place import HERE, IPA_PYTHON, MIB, TOP, Broken, free_port, loop_device, nginx, own

CHAOS = TOP / "tests/components/chaos.py"


class Chaos:
    """The breaking network before a server's port: cuts at the same bytes for the same seed."""

    def __init__(self, port, seed):
        self.port = free_port()
        argv = [sys.executable, "-B", CHAOS, self.port, f"127.0.0.1:{port}", "--cut", "0.01", "--seed", seed]
        self.relay = subprocess.Popen(own(argv), stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        if self.relay.stdout.readline() != "ready\n":
            raise Broken("chaos.py does not start")
        return self

    def __exit__(self, *_):
        self.relay.terminate()
        self.relay.communicate()

    def connections(self):
        """What became of each so far. They are told as they end: one more, made here and empty, is told with the highest number."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as last:
            last.shutdown(socket.SHUT_WR)
            last.recv(1)
        ended, expected = {}, None
        while len(ended) != expected:
            told = json.loads(self.relay.stdout.readline())
            ended[told["connection"]] = told
            if told["bytes"] == 0:
                expected = told["connection"]
        del ended[expected]
        return ended.values()


def run(limits, options):
    # A fourth: of larger ones IPA would never get to the end, and fetch less than one by giving up.
    image = images.noise(options.mib // 4)
    rows, ratios = [], {"ironlet": [], "IPA 13": []}
    with nginx() as port, loop_device("cuts", image.size + 64 * MIB) as device:
        for seed in range(1, options.rounds + 1):
            for name, attempt in (("ironlet", ironlet), ("IPA 13", ipa)):
                with Chaos(port, seed) as network:
                    done = attempt(network.port, image, device, seed)
                    connections = network.connections()
                cuts = sum(one["cut"] for one in connections)
                ratio = sum(one["bytes"] for one in connections) / image.size
                ratios[name].append(ratio)
                rows.append((f"{name}, chance {seed}", len(connections), cuts, ratio, "done" if done else "gave up"))
    limits.table((f"{image.size // MIB} MiB", "connections", "cuts", "fetched/size", ""), rows)
    if not any(cuts for _, _, cuts, *_ in rows):
        raise Broken("nothing was cut")
    limits.most("ironlet: bytes fetched / image size, the worst", max(ratios["ironlet"]), 1.02)
    limits.inform("IPA 13: bytes fetched / image size, the median", statistics.median(ratios["IPA 13"]))


def ironlet(port, image, device, seed):
    agent = Ironlet(port)
    (agent.write_and_compare if seed == 1 else agent.write)(image, device)
    return True


def ipa(port, image, device, _):
    argv = [IPA_PYTHON, HERE / "ipa.py", Ironlet(port).url(image), image.sha256, device]
    return measure.run(argv, may_end=3).code == 0
