"""A machine without a BMC, and an Ironic for such: QEMU without libvirt, Redfish or a monitor, which boots from the network first; what it has is buttons,
and a person who presses them is counted."""

import subprocess
import time

import console
import disk
import image
import ironic
import machine
import network
import node
import place
import readme
import web
from verdict import require

MIB = 1 << 20
TAP = "tap-lonely"
SERIAL = "console=ttyS0,115200"

# Of the lab alone.
CONF = """
[inspector]
hooks = ramdisk-error,validate-interfaces,ports,architecture,boot-mode,memory,root-device
"""


class LonelyMachine:
    def __init__(self, directory, disk):
        self._directory, self._disk, self._process = directory, disk, None
        # How often somebody had to go there.
        self.visits = 0
        network.tap(TAP)

    def power_on(self):
        self.visits += 1
        with open(self._directory / "qemu.log", "ab") as log:
            self._process = subprocess.Popen([
                "qemu-system-x86_64", "-nodefaults", "-display", "none", "-machine", "q35", "-accel", "tcg", "-cpu", "max",
                "-m", str(place.MEMORY), "-boot", "order=nc", "-uuid", machine.UUID,
                "-chardev", f"socket,id=console,path={machine.CONSOLE}", "-serial", "chardev:console",
                "-netdev", f"tap,id=net,ifname={TAP},script=no,downscript=no", "-device", f"virtio-net-pci,netdev=net,mac={network.MACHINE_MAC}",
                "-drive", f"file={self._disk.path},if=none,id=disk,format=raw,cache=unsafe,discard=unmap",
                "-device", "virtio-scsi-pci", "-device", f"scsi-hd,drive=disk,serial={machine.serial(self._disk.path)}",
            ], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def reset(self):
        """As the tenant's own restart, for those who boot what has none."""
        self._process.kill()
        self._process.wait()
        self.power_on()


class LonelyStand:
    """Ironic as the README has it for those, and the machine's first start: a node that Ironic did not know, `enroll` and inspected."""

    def __init__(self, directory, conf=""):
        blocks = readme.page("A node without a BMC")
        network.start(directory)
        self.web = web.Web(directory, 0).start()
        self.ironic = ironic.Ironic(directory, self.web.root, "\n" + blocks["ini"].replace(SERIAL, f"{SERIAL} no_timer_check") + CONF + conf).start()
        self.console = console.Console(machine.CONSOLE, directory / "console.log")
        self.disk = disk.Disk(directory / "disk.raw", 5 << 30, 8 * MIB)
        script = blocks["text"].replace("http://10.0.0.1:6385", ironic.API).replace("http://10.0.0.1/ironlet.initramfs", f"{network.WEB}/dist/ramdisk")
        (self.web.root / "inspector.ipxe").write_text(script.replace("http://10.0.0.1/ironlet.kernel", f"{network.WEB}/dist/kernel").replace(SERIAL, f"{SERIAL} no_timer_check"))
        self.ironic.ready(driver="manual-management")
        self.machine = LonelyMachine(directory, self.disk)
        self.machine.power_on()
        told = self.console.expect(r"inspection: Ironic has taken it, this is node (\S+)", 180)
        self.console.expect("Ironic has heard the first heartbeat", 90)
        self.node = node.Node(self.ironic, directory, {})
        self.node.uuid = told.match[1]

    def manage(self):
        self.node.provision("manage")
        self.node.wait("manageable", 60)

    def power(self, target):
        """What does nothing to the machine, and something to what Ironic knows of it."""
        self.ironic.call("PUT", f"/v1/nodes/{self.node.uuid}/states/power", {"target": target})

    def call_on(self):
        """Ironic is told what it cannot know: that the machine is on."""
        self.power("power on")
        deadline = time.monotonic() + 30
        while self.node.read()["power_state"] != "power on":
            require(time.monotonic() < deadline, "Ironic does not take the machine for one that is on")
            time.sleep(0.5)

    def order(self, source, again=False):
        served = self.web.images / source.name
        if not served.exists():
            served.symlink_to(source)
        self.node.deploy(f"{network.WEB}/images/{source.name}", disk.digest(source), "raw", again=again)

    def booted(self, name, since):
        """Until the deployed system of that name has said something."""
        return self.console.expect(image.up(name), 90, since=since)
