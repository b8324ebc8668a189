"""A machine without libvirt and BMC: QEMU started with our kernel and ramdisk, one disk, and killed when we say so."""

import subprocess

import network
import place

CONSOLE = "/run/console"
TAP = "tap-lab"


class Emulator:
    """One power-on of the machine; `disk` is one of the descriptions below, `cards` are taps and MAC addresses, `card` is what else there is to
    say of each. With `booted` the machine finds kernel and disks there. A restart is its end, unless it `restarts`."""

    def __init__(self, directory, append, disk=(), booted=(), cards=((TAP, network.MACHINE_MAC),), card="romfile=", restarts=False):
        # GRUB holds kernel and ramdisk beside the firmware before either is unpacked.
        memory = 768 if booted else place.MEMORY
        kernel = direct(append)
        with open(directory / "qemu.log", "ab") as log:
            self.process = subprocess.Popen([
                "qemu-system-x86_64", "-nodefaults", "-display", "none", "-machine", "q35", "-accel", "tcg", "-cpu", "max",
                "-m", str(memory), *(booted or kernel), *([] if restarts else ["-no-reboot"]),
                "-chardev", f"socket,id=console,path={CONSOLE}", "-serial", "chardev:console",
                *[option for tap, mac in cards for option in (
                    "-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no", "-device", f"virtio-net-pci,netdev={tap},mac={mac},{card}",
                )],
                *disk, *(["-device", "virtio-blk-pci,drive=disk"] if disk and not booted else []),
            ], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def kill(self):
        """As if the plug was pulled: whatever QEMU has not handed to the host is lost."""
        self.process.kill()
        self.process.wait()


def direct(append):
    """Our kernel and ramdisk from QEMU's own hands, by any firmware."""
    return ["-kernel", str(place.KERNEL), "-initrd", str(place.RAMDISK), "-append", f"console=ttyS0,115200 panic=-1 no_timer_check {append}"]


def slowed(path, bytes_per_second):
    """Writes take their time, so that a random moment hits every phase of the write as its bytes deserve."""
    return [
        "-object", f"throttle-group,id=slow,x-bps-write={bytes_per_second}",
        "-blockdev", f"driver=throttle,node-name=disk,throttle-group=slow,{_raw('file', path)}",
    ]


def thin(path, zeroes):
    """A disk that gives zeroed ranges back to the host, or one that knows no command to zero a range."""
    return [
        "-blockdev", f"driver=raw,node-name=disk,discard=unmap,detect-zeroes=off,file.driver=file,file.filename={path}",
        "-global", f"virtio-blk-device.write-zeroes={'on' if zeroes else 'off'}",
    ]


def failing(path, offset):
    """Writes that touch the sector at `offset` end with an I/O error, every time."""
    return [
        "-blockdev",
        "driver=blkdebug,node-name=disk,inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=5,"
        f"inject-error.0.sector={offset // 512},{_raw('image', path)}",
    ]


def _raw(child, path):
    return f"{child}.driver=raw,{child}.file.driver=file,{child}.file.filename={path}"
