"""A network that boots machines: dnsmasq.conf with its addresses set, on a tap of QEMU's."""

import shutil
import subprocess
from pathlib import Path

LOADERS = ("undionly.kpxe", "snponly.efi")
TAP, ADDRESS = "boot0", "10.0.3.1"


class Network:
    """While it is entered, machines with `devices` can boot from it."""

    devices = ["-netdev", f"tap,id=net,ifname={TAP},script=no,downscript=no", "-device", "virtio-net-pci,netdev=net,bootindex=1,romfile="]

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def __enter__(self):
        tftp = self.folder / "tftp"
        tftp.mkdir(exist_ok=True)
        for loader in LOADERS:
            (tftp / loader).unlink(missing_ok=True)
        conf = Path(__file__).with_name("dnsmasq.conf").read_text()
        for old, new in (("192.0.2.1:8080", f"{ADDRESS}:{self.port}"), ("192.0.2.", "10.0.3."), ("=eth0", f"={TAP}"), ("/srv/tftp\n", f"{tftp}\n")):
            assert old in conf, f"the sample has no {old}"
            conf = conf.replace(old, new)
        file = self.folder / "dnsmasq.conf"
        file.write_text(conf)
        subprocess.run(["ip", "tuntap", "add", TAP, "mode", "tap"], check=True)
        subprocess.run(["ip", "address", "add", f"{ADDRESS}/24", "dev", TAP], check=True)
        subprocess.run(["ip", "link", "set", TAP, "up"], check=True)
        words = ["dnsmasq", "--keep-in-foreground", f"--conf-file={file}", "--port=0", "--user=root", "--leasefile-ro", "--log-dhcp", "--pid-file="]
        with open(self.folder / "dnsmasq.log", "wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        return self

    def with_ipxe(self):
        """From here on there is one for those that have none."""
        for loader in LOADERS:
            shutil.copyfile(f"/usr/lib/ipxe/{loader}", self.folder / "tftp" / loader)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        subprocess.run(["ip", "tuntap", "del", TAP, "mode", "tap"], check=True)
