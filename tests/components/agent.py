"""The real binary: as an agent that takes orders from Ironic, and alone by --write-image."""

import base64
import json
import subprocess
import threading
import urllib.request

from image import Disk
from ironic import TOKEN
from place import IRONLET, PORTS

PARAMETERS = ("ipa-api-url={api} ipa-listen-host=127.0.0.1 ipa-listen-port={port} "
              "ipa-advertise-host=127.0.0.1 ipa-advertise-port={port} ipa-disk-wait-attempts=1 ipa-disk-wait-delay=0 "
              "ipa-image-download-connection-timeout=3 ipa-image-download-connection-retries=2 "
              "ipa-image-download-connection-retry-interval=1 {more}")
# A disk as the kernel shows it; it says it has 5 GiB, so that it is one an image may go to.
SYSFS = {"block/vda/size": "10485760", "block/vda/ro": "0", "block/vda/removable": "0", "block/vda/queue/rotational": "1",
         "block/vda/queue/logical_block_size": "512",
         "class/net/eth0/address": "52:54:00:12:34:01", "class/net/eth0/type": "1", "class/net/eth0/flags": "0x1003",
         "class/net/eth0/device/vendor": "0x1af4"}


class Outcome:
    def __init__(self, succeeded, details, disk):
        self.succeeded = succeeded
        self.details = details
        self.disk = disk


class Agent:
    """A machine in a directory. `conf` is its configuration file, `more` stands on its command line. It is there once Ironic has heard of it,
    which may take `patience` seconds; `api` is where it looks for Ironic."""

    def __init__(self, name, number, work, ironic, conf="", more="", api=f"http://127.0.0.1:{PORTS['ironic']}", patience=20):
        self.port = PORTS["agents"] + number
        self.root = work / "agents" / name
        for path, text in SYSFS.items():
            write(self.root / "sys" / path, text + "\n")
        for folder in ("dev", "run", "proc"):
            (self.root / folder).mkdir()
        write(self.root / "etc/ironic-python-agent.d/test.conf", f"[DEFAULT]\nenable_auto_tls = false\n{conf}\n")
        self.disk = Disk(self.root / "dev/vda")
        self.disk.refill()
        self.log = self.root / "log"
        words = [IRONLET, "--agent", "--root", self.root, "--allow-disk", self.disk.path, "--cmdline",
                 PARAMETERS.format(port=self.port, api=api, more=more)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = ironic.wait(self.port, patience)

    def order(self, url, image, proxy=None, no_proxy=None, **info):
        """standby.prepare_image, as Ironic sends it, to its end."""
        self.disk.refill()
        info = {"id": "image", "urls": [url] if isinstance(url, str) else url, "disk_format": "raw",
                "os_hash_algo": "sha256", "os_hash_value": image.sha256, "stream_raw_images": True, **info}
        if proxy:
            info["proxies"] = proxy if isinstance(proxy, dict) else {"http": proxy, "https": proxy}
        if no_proxy is not None:
            info["no_proxy"] = no_proxy
        body = json.dumps({"name": "standby.prepare_image", "params": {"image_info": info}}).encode()
        request = urllib.request.Request(f"{self.url}/v1/commands/?wait=true&agent_token={TOKEN}", body,
                                         {"Content-Type": "application/json"})
        # Whatever proxy whoever runs this may have in the environment, this goes straight.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as reply:
            entry = json.load(reply)
        error = entry.get("command_error") or {}
        text = f"{error.get('type')}: {error.get('details')}" if error else json.dumps(entry.get("command_result"))
        return Outcome(entry["command_status"] == "SUCCEEDED", text, self.disk)

    def said(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        self.process.kill()
        self.process.wait()


def alone(work, url, image):
    """`ironlet --write-image`; what it logged is what it says."""
    disk = Disk(work / f"alone-{threading.get_ident()}.disk")
    disk.refill()
    words = [IRONLET, "--write-image", url, "--checksum", f"sha256:{image.sha256}", "--disk", disk.path,
             "--allow-disk", disk.path]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    with open(work / "alone.log", "a") as log:
        log.write(done.stderr)
    return Outcome(done.returncode == 0, done.stderr, disk)


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
