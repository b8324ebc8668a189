"""The test stand of the Ironic scenarios: network, web server, libvirt, BMC, Ironic, a machine with a disk, a node."""

import time

import bmc
import console
import disk
import firmware
import hypervisor
import ironic
import machine
import network
import node
import place
import web
from image import up
from verdict import require

MIB = 1 << 20


class Drive:
    """A disk the machine is to have: of which kind (machine.BUSES), of what size, and how much of each end holds old bytes."""

    def __init__(self, name, kind="scsi", mib=64, filled=None):
        self.name, self.kind, self.mib, self.filled = name, kind, mib, filled


# The root disk rule's default minimum is 4 GiB; the file is sparse.
ONE = (Drive("disk", mib=5 << 10, filled=8 * MIB),)


class Stand:
    def __init__(self, directory, image_rate=0, drives=ONE, properties=None, uefi=False, available=True, conf="", names=False, ipv6=False, dhcp=True, hardware=machine.Hardware(), enrolled=True, http_boot=False, **driver_info):
        """`conf` is added to ironic.conf. `names`, `ipv6`, `dhcp`: see network.py. `http_boot`: the BMC boots the firmware by HTTP. `hardware`: see machine.py. Unless `enrolled` there is no node. `drives`: the first is `self.disk`, which a BIOS boots from; `properties` are added to the node's, which is left manageable unless `available`."""
        started = time.monotonic()
        self.directory = directory
        options = directory / "http-boot.options" if http_boot else None
        dnsmasq = network.start(directory, names, ipv6, dhcp, options)
        self.web = web.Web(directory, image_rate).start()
        self.hypervisor = hypervisor.Hypervisor(directory, place.TOOLS / "libvirt-cache").start()
        self.ironic = ironic.Ironic(directory, self.web.root, conf).start()
        self.bmc = bmc.Bmc(directory, self.web, {"HTTP_BOOT_OPTIONS": str(options), "HTTP_BOOT_PID": str(dnsmasq.process.pid)} if http_boot else None).start()
        self.console = console.Console(machine.CONSOLE, directory / "console.log")
        self.disks = {d.name: disk.Disk(directory / f"{d.name}.raw", d.mib * MIB, d.filled) for d in drives}
        self.disk = self.disks[drives[0].name]
        self.hypervisor.ready()
        self.variables = firmware.fresh(directory / "variables.fd") if uefi else None
        self.machine = machine.Machine(self.hypervisor, directory, [(d.kind, self.disks[d.name].path) for d in drives], self.variables, hardware)
        self.bmc.ready()
        self.ironic.ready()
        properties = {"capabilities": f"boot_mode:{'uefi' if uefi else 'bios'}", **(properties or {})}
        self.node = node.Node(self.ironic, directory, properties, **driver_info)
        if enrolled:
            self.node.enrol()
        if enrolled and available:
            self.node.provide()
        state = f"node {self.node.history[-1][1]}" if enrolled else "no node"
        print(f"  the stand is up, {state}, after {time.monotonic() - started:.0f} s", flush=True)

    def deploy(self, image, checksum=None, url=None, **more):
        """Order the deploy of an image file, from nginx unless `url` says where; returns the host time of the order. For `more` see Node."""
        url = url or self._serve(image)
        checksum = checksum or disk.digest(image)
        ordered = time.time()
        self.node.deploy(url, checksum, image.suffix.lstrip("."), **more)
        return ordered

    def adopt(self, image):
        """The manageable node is active with that image on its disk, which Ironic has not deployed."""
        self.disk.put(image)
        self.node.adopt(self._serve(image), disk.digest(image), image.suffix.lstrip("."))

    def _serve(self, image):
        served = self.web.images / image.name
        if not served.exists():
            served.symlink_to(image)
        return f"{network.WEB}/images/{image.name}"

    def deployed(self, image, name, ordered, after=0):
        """Wait until the raw image ordered then is on the disk, byte for byte from `after` on, and the machine booted from it as `name`."""
        since = next((line.number for line in self.console.lines() if line.time >= ordered), self.console.mark())
        self.node.wait("wait call-back", 120)
        self.node.wait("active", 600)
        self.console.expect(up(name), 180, since=since)
        require(self.disk.holds(image, after), "the disk does not hold the image")
