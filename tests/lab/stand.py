"""The test stand of the Ironic scenarios: network, web server, libvirt, BMC, Ironic, a machine with a disk, a node."""

import time

import bmc
import console
import disk
import hypervisor
import ironic
import machine
import network
import node
import place
import web

# The root disk rule's default minimum is 4 GiB; the file is sparse.
DISK_SIZE = 5 << 30


class Stand:
    def __init__(self, directory, image_rate=0, **driver_info):
        started = time.monotonic()
        self.directory = directory
        network.start(directory)
        self.web = web.Web(directory, image_rate).start()
        self.hypervisor = hypervisor.Hypervisor(directory, place.TOOLS / "libvirt-cache").start()
        self.ironic = ironic.Ironic(directory, self.web.root).start()
        self.bmc = bmc.Bmc(directory, self.web).start()
        self.console = console.Console(machine.CONSOLE, directory / "console.log")
        self.disk = disk.Disk(directory / "disk.raw", DISK_SIZE, filled=8 << 20)
        self.hypervisor.ready()
        self.machine = machine.Machine(self.hypervisor, directory, self.disk.path)
        self.bmc.ready()
        self.ironic.ready()
        self.node = node.Node(self.ironic, directory, **driver_info).enrol()
        print(f"  the stand is up, node available, after {time.monotonic() - started:.0f} s", flush=True)

    def deploy(self, image, sha256=None):
        """Order the deploy of an image file; returns the host time of the order."""
        served = self.web.images / image.name
        served.symlink_to(image)
        ordered = time.time()
        url, disk_format = f"{network.WEB}/images/{image.name}", image.suffix.lstrip(".")
        self.node.deploy(url, sha256 or disk.digest(image), disk_format)
        return ordered
