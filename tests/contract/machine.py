"""A real ironlet agent on a machine of files, with one disk that is a file too."""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/conformance")]

from agents import ironlet_binary  # noqa: E402
from fake_ironic import FakeIronic, Witness  # noqa: E402
from situation import NODE, Api, ipa  # noqa: E402
from stage import plant, write  # noqa: E402

MIB = 1 << 20
DISK = 80 * MIB


class Machine:
    """The agent's process; its Ironic answers lookups and heartbeats and hands the rest to nobody."""

    def __init__(self, directory):
        # Loopback is all the network there is.
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.witness = Witness()
        self.api = FakeIronic(Api(host="127.0.0.1"), self.witness, {})
        tree = directory / "tree"
        line = ipa(api_url="http://127.0.0.1:6385", advertise_host="127.0.0.1", listen_host="127.0.0.1",
                   image_download_connection_retry_interval=1)
        plant(tree, line, ())
        self.disk = tree / "dev/vda"
        self.disk.write_bytes(b"\xaa" * DISK)
        # 5 GiB in sectors: below 4 GiB it would be no root disk.
        for name, value in (("size", "10485760"), ("ro", "0"), ("removable", "0"), ("queue/rotational", "1"),
                            ("queue/logical_block_size", "512")):
            write(tree / "sys/block/vda" / name, value + "\n")
        self.log = directory / "agent.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(ironlet_binary()), "--agent", "--root", str(tree), "--cmdline", line, "--allow-disk", str(self.disk)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})

    def heartbeat(self, count):
        """The body of the first heartbeat, once there were `count` of them."""
        assert self.witness.wait("heartbeat", count, 30), \
            f"no {count}. heartbeat within 30 s; the log ends: {self.log.read_text(errors='replace')[-1500:]}"
        return next(request["body"] for request in self.witness.requests if request["kind"] == "heartbeat")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.api.stop()


__all__ = ["MIB", "NODE", "TOP", "Machine"]
