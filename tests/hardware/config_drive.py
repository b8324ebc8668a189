"""Config drives that are large for a machine with little RAM: written, or refused by name; the kernel's OOM killer ends nothing."""

import base64
import gzip
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import Broken, Machine

sys.path.append(str(Path(__file__).resolve().parents[1] / "components"))
from ironic import TOKEN  # noqa: E402
from place import PORTS  # noqa: E402

MIB = 1 << 20
PORT = PORTS["agents"]
REFUSED = r"[\d.]+ MiB of memory are left, .* too few for .*"
# Of the profile `vm`: what the server profile takes leaves nothing to speak of.
DIST = Path(__file__).resolve().parents[2] / "dist"
OUT_OF_MEMORY = "Out of memory|oom-kill|invoked oom|Call Trace"


class Small:
    """A machine whose agent takes orders, each with this image and a drive. Drives that are file systems it makes anew."""

    def __init__(self, folder, name, ram, image, url):
        self.disk = folder / f"{name}.disk"
        with open(self.disk, "wb") as disk:
            disk.truncate(5 << 30)
        devices = ["-machine", "q35", "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{PORT}-:9999", "-device", "virtio-net-pci,netdev=net",
                   "-drive", f"file={self.disk},format=raw,if=virtio,cache=unsafe"]
        self.console = Machine(folder, name, ram, f"ipa-api-url=http://10.0.2.2:{PORTS['ironic']}", devices,
                               initramfs=with_settings(folder), kernel=DIST / "ironlet.kernel")
        self.info = {"id": "image", "urls": [url], "disk_format": "raw", "os_hash_algo": "sha256", "stream_raw_images": True,
                     "os_hash_value": hashlib.sha256(image.read_bytes()).hexdigest()}

    def __enter__(self):
        self.console.expect("heartbeat", 150)
        return self

    def __exit__(self, *_):
        self.console.__exit__()
        self.disk.unlink()

    def call(self, method, body=b""):
        """The status and the reply; its certificate is one the agent made itself."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=200, context=context)
        try:
            connection.putrequest(method, f"/v1/commands/?wait=true&agent_token={TOKEN}")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            try:
                connection.send(body)
            except OSError:
                pass    # it has had enough, and says why
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def order(self, order):
        """How it ended, and why."""
        status, reply = self.call("POST", json.dumps(order).encode())
        if status != 200:
            return str(status), reply.get("faultstring", "")
        error = reply.get("command_error") or {}
        return reply["command_status"], error.get("details", "")

    def prepare(self, drive):
        return self.order({"name": "standby.prepare_image", "params": {"image_info": self.info, "configdrive": drive}})

    def step(self, drive):
        """As a deploy step, whose body has the drive three times."""
        node = {"uuid": "5f0d6a4e-2f1b-4f57-9d1c-0c9f3c1b7a10", "properties": {}, "instance_info": {"configdrive": drive}}
        step = {"step": "write_image", "interface": "deploy", "priority": 80,
                "args": {"image_info": {**self.info, "configdrive": drive}, "configdrive": drive}}
        return self.order({"name": "deploy.execute_deploy_step", "params": {"step": step, "node": node, "ports": []}})

    def found(self, drive):
        """How the drive lies in the last partition."""
        with open(self.disk, "rb") as content:
            table = content.read(512)
            starts = [int.from_bytes(table[at + 8:at + 12], "little") for at in range(446, 510, 16)]
            content.seek(max(starts) * 512)
            there = content.read(len(drive) + 4 * MIB)
        if there.startswith(drive):
            return "as it is"
        if there[3:11] == b"ironlet " and drive[-MIB:-MIB + 2048] in there:
            return "anew, as vfat"
        raise Broken("the disk does not hold the drive")

    def judged(self, what, drive, outcome, may):
        """In words what became of the order; broken if that is none of what may be."""
        how, why = outcome
        refusal = re.search(REFUSED, why)
        word = {"SUCCEEDED": "written", "409": "busy"}.get(how, "refused" if refusal and how in ("503", "FAILED") else "broken")
        if word not in may:
            raise Broken(f"{what}: {how}: {why}")
        if word == "written":
            word += " " + self.found(drive)
        if self.call("GET")[0] != 200:
            raise Broken(f"after {what} the agent does not answer")
        self.console.never_said(OUT_OF_MEMORY)
        return f"{what} {word}" + (f" by {how} ({refusal[0]})" if refusal else "")


def with_settings(folder):
    """The ramdisk, and a configuration file behind it."""
    tree = folder / "config-drive-tree"
    settings = tree / "etc/ironic-python-agent.d/small.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[DEFAULT]\nconfig_drive_rebuild = true\n")
    more = subprocess.run("find etc | cpio -o -H newc --quiet", shell=True, cwd=tree, capture_output=True, check=True).stdout
    initramfs = folder / "initramfs-config-drive"
    initramfs.write_bytes((DIST / "ironlet.initramfs").read_bytes() + more)
    return initramfs


def noise(mib):
    """What does not pack."""
    return os.urandom(mib * MIB)


def iso(folder, mib):
    """A file system with one file of noise, which ends it but for some padding."""
    tree = folder / "config-drive-files"
    tree.mkdir(exist_ok=True)
    (tree / "noise").write_bytes(noise(mib))
    made = subprocess.run(["genisoimage", "-quiet", "-r", "-V", "config-2", tree], capture_output=True, check=True).stdout
    return made


def inline(drive):
    return base64.b64encode(gzip.compress(drive, 1)).decode()


def play(folder, image, files, url):
    """128 MiB of RAM and drives of up to 64 MiB, then the RAM that is enough; `files` are served at `url`."""
    told = []
    small, eight, large, sparse, system = noise(2), noise(8), noise(20), bytes(63 * MIB) + noise(1), iso(folder, 19)
    for name, content in (("large", large), ("system", system)):
        files[name] = folder / f"config-drive.{name}"
        files[name].write_bytes(content)
    with Small(folder, "config-drive", 128, image, f"{url}image.raw") as machine:
        for what, drive, order, may in (
            ("2 MiB", small, lambda: machine.prepare(inline(small)), ["written"]),
            ("64 MiB that pack to 1", sparse, lambda: machine.prepare(inline(sparse)), ["written"]),
            ("20 MiB", large, lambda: machine.prepare(inline(large)), ["written", "refused"]),
            ("20 MiB three times in a step", large, lambda: machine.step(inline(large)), ["written", "refused"]),
            ("20 MiB by its URL", large, lambda: machine.prepare(f"{url}large"), ["written", "refused"]),
            ("a file system of 20 MiB by its URL", system, lambda: machine.prepare(f"{url}system"), ["written", "refused"]),
        ):
            told.append(machine.judged(what, drive, order(), may))
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(machine.prepare, [inline(eight)] * 4))
        told += [machine.judged("8 MiB, one of four at once", eight, outcome, ["written", "refused", "busy"]) for outcome in outcomes]
        told.append(machine.judged("2 MiB again", small, machine.prepare(inline(small)), ["written"]))
    with Small(folder, "config-drive-enough", 272, image, f"{url}image.raw") as machine:
        told.append("272 MiB of RAM: " + machine.judged("20 MiB three times in a step", large, machine.step(inline(large)), ["written"]))
        told.append("272 MiB of RAM: " + machine.judged("a file system of 20 MiB", system, machine.prepare(inline(system)), ["written"]))
    return "\n       ".join(told)
