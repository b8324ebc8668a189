"""Booting by virtual media: the boot loader Ironic builds its ISO around, where the BMC keeps what is put in, and a witness of DHCP."""

import re
import socket
import subprocess
import threading

import image
import network
from verdict import Failed, require

CONF = f"""
[DEFAULT]
enabled_boot_interfaces = redfish-virtual-media
default_boot_interface = redfish-virtual-media

[conductor]
bootloader = {network.WEB}/esp.img

[redfish]
kernel_append_params = nofb vga=normal console=ttyS0,115200 no_timer_check
"""
# Where Ironic writes the menu on its ISO unless told otherwise.
MENU = "/EFI/BOOT/grub.cfg"
MODULES = ["part_gpt", "part_msdos", "fat", "iso9660", "search", "search_fs_file", "linux", "normal", "configfile"]
# packet(7), if_ether.h
ETH_P_ALL, DHCP_SERVER, DHCPV6_SERVER = 3, 67, 547


def prepare(stand):
    """The loader where Ironic fetches it, and libvirt's pool that sushy-tools puts images into; before the first boot."""
    esp(stand.web.root / "esp.img", stand.directory)
    pool = stand.directory / "media"
    pool.mkdir()
    stand.hypervisor.virsh("pool-define-as", "default", "dir", "--target", str(pool))
    stand.hypervisor.virsh("pool-start", "default")


def esp(path, work):
    """A FAT file system with GRUB in it, which finds the ISO by its menu."""
    early = work / "early.cfg"
    early.write_text(f"search --no-floppy --file --set=root {MENU}\nconfigfile {MENU}\n")
    loader = work / "bootx64.efi"
    _run("grub-mkimage", "-O", "x86_64-efi", "-c", early, "-o", loader, "-p", "/EFI/BOOT", *MODULES)
    with open(path, "wb") as file:
        file.truncate(4 << 20)
    _run("mformat", "-i", path, "-v", "ESP", "::")
    _run("mmd", "-i", path, "::/EFI", "::/EFI/BOOT")
    _run("mcopy", "-i", path, loader, "::/EFI/BOOT/BOOTX64.EFI")


def deployed(stand, name):
    """Wait until the node is active and the machine booted from its disk as `name`, the medium taken out."""
    since = stand.console.mark()
    stand.node.wait("wait call-back", 120)
    stand.node.wait("active", 240)
    stand.console.expect(image.up(name), 180, since=since)


def require_secret_kept(stand):
    """The token of the kernel's command line stands in no log that Ironic collected, nor in a line of ours."""
    lines = [line.text for line in stand.console.lines()]
    tokens = {token for line in lines if "Command line:" in line for token in re.findall(r"ipa-agent-token=(\S{43})", line)}
    require(tokens, "the kernel's command line has no token")
    # The kernel has printed its own command line, before anybody could ask it not to.
    ours = [line for line in lines if re.match(r"\[ *[0-9.]+\] (error|warn|info|debug) ", line)]
    require(ours, "the agent said nothing")
    texts = [("console", "\n".join(ours)), *stand.ironic.collected()]
    require(len(texts) > 1, "Ironic collected no log")
    told = [name for name, text in texts for token in tokens if token in text]
    require(not told, f"the agent's token stands in {told}")


class DhcpWitness:
    """Counts what asks for an address on the bridge, from anybody."""

    def __init__(self):
        self.asked = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.bind((network.BRIDGE, 0))
        threading.Thread(target=self._listen, name="dhcp", daemon=True).start()

    def _listen(self):
        while True:
            frame = self._socket.recv(2048)
            kind, rest = frame[12:14], frame[14:]
            ipv4 = kind == b"\x08\x00" and rest[9] == socket.IPPROTO_UDP
            ipv6 = kind == b"\x86\xdd" and rest[6] == socket.IPPROTO_UDP
            start = 4 * (rest[0] & 15) if ipv4 else 40
            if (ipv4 or ipv6) and int.from_bytes(rest[start + 2 : start + 4], "big") in (DHCP_SERVER, DHCPV6_SERVER):
                self.asked += 1


def _run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failed(f"{command[0]}: {done.stdout[-2000:]}")
