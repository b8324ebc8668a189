"""Machines started by boot media until they have deployed an image, or said why not. main.py FOLDER [--all] [CASE…]; FOLDER holds the media."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("hardware", "demo")]
import drives
import firmware
import network
from cases import play_all, two_lines
from certificates import certificates
from images import Images
from machine import Broken, Machine
from partitioned_image import partitioned

MIB, GIB = 1 << 20, 1 << 30
PORT = 8080
TOP = Path(__file__).resolve().parents[2]
# A key that is in the variables OVMF_VARS_4M.snakeoil.fd of Debian's package, and no other is.
OVMF_KEY = "/usr/share/ovmf/PkKek-1-snakeoil"
IMAGE = f"http://10.0.2.2:{PORT}/image.raw"
# By a server whose certificate only ca.pem vouches for.
HTTPS_IMAGE = f"https://10.0.2.2:{PORT + 2}/image.raw"
RAM = 768
# The smallest of the disks that would do, if it were not what the machine was started from.
STICK = 4200 * MIB
# A machine without KVM that shares its cores takes its time.
BOOT = 240
DONE = r"image: .* on /dev/(\w+) in "
# For a kernel without KVM on a busy host: as a person would give words of their own.
KERNEL_CFG = b'set options="console=ttyS0,115200 loglevel=6 panic=-1 no_timer_check"\r\n'


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, **more)


def digest(path, length=None):
    with open(path, "rb") as file:
        if length is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        return hashlib.sha256(file.read(length)).hexdigest()


class Stand:
    """One machine, its medium and its blank disk."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.image = folder / "image.raw"
        self.disk = folder / f"{name}.disk"
        with open(self.disk, "wb") as file:
            file.truncate(5 * GIB)

    def order(self, url=IMAGE):
        return f"ironlet.image={url}\nironlet.checksum=sha256:{digest(self.image)}\nironlet.then=poweroff\n"

    def document(self, url=IMAGE):
        """The same as an order; the image has no loader that UEFI could be told of."""
        return json.dumps({"image_source": url, "image_checksum": f"sha256:{digest(self.image)}", "ignore_bootloader_failure": True, "then": "poweroff"}, indent=2)

    def iso(self, conf=None, size=None, order=None):
        """The ISO with another ironlet.conf and an order.json, changed as the README says; on a stick of `size` bytes."""
        out, conf_file, kernel, order_file = (self.folder / f"{self.name}.{end}" for end in ("iso", "conf", "kernel.cfg", "order"))
        out.unlink(missing_ok=True)
        kernel.write_bytes(KERNEL_CFG)
        words = ["-map", kernel, "/boot/grub/kernel.cfg"]
        if conf is not None:
            conf_file.write_bytes(conf)
            words += ["-map", conf_file, "/ironlet.conf"]
        if order is not None:
            order_file.write_bytes(order)
            words += ["-map", order_file, "/order.json"]
        run("xorriso", "-indev", self.folder / "ironlet.iso", "-outdev", out, *words, "-boot_image", "any", "replay")
        if size:
            os.truncate(out, size)
        return out

    def usb(self, conf=None, size=None, **more):
        """The USB image on a stick of `size` bytes, its ironlet.conf edited; b"" empties, None deletes it. `more`: what else goes there."""
        stick = self.folder / f"{self.name}.stick"
        stick.write_bytes((self.folder / "ironlet.img").read_bytes())
        if size:
            os.truncate(stick, size)
        files = {"boot/grub/kernel.cfg": KERNEL_CFG} | ({} if conf is None else {"ironlet.conf": conf}) | {name.replace("_", "."): content for name, content in more.items()}
        for path, content in files.items():
            run("mcopy", "-o", "-i", f"{stick}@@1M", "-", f"::/{path}", input=content)
        if conf is None:
            run("mdel", "-i", f"{stick}@@1M", "::/ironlet.conf")
        return stick

    def machine(self, boot, medium, ram=RAM):
        own = drives.own_beside_stick if "qemu-xhci,id=usb" in medium else drives.own
        network = [] if "-netdev" in medium else drives.network()
        return Machine(self.folder, self.name, ram, None, [*boot, *medium, *own(self.disk), *network])

    def deploys(self, boot, medium, *signs):
        """`medium`: its file, if it is one, and QEMU's words. The image is written to the blank disk and nowhere else; the console line that says which disk was chosen, and why."""
        before = medium[0] and digest(medium[0])
        with self.machine(boot, medium[1]) as console:
            seen = [console.expect(sign, BOOT)[0] for sign in signs]
            chosen = console.expect(r"root disk: .*", BOOT)[0]
            if medium[0] and STICK == medium[0].stat().st_size and "is what this machine was started from" not in chosen:
                raise Broken(f"the log does not say why the stick was not taken: {chosen}")
            where = console.expect(DONE, BOOT)[1]
            console.goes_off(90)
        if medium[0] and digest(medium[0]) != before:
            raise Broken("the medium is not what it was")
        if digest(self.disk, self.image.stat().st_size) != digest(self.image):
            raise Broken(f"the disk does not begin with the image; it went to /dev/{where}")
        return "; ".join([*seen, chosen])

    def refuses(self, boot, medium, *signs):
        """The console says each of these, and the disk is as blank as it was."""
        with self.machine(boot, medium) as console:
            seen = [console.expect(sign, BOOT)[0] for sign in signs]
        with open(self.disk, "rb") as file:
            if any(file.read(64 * MIB)):
                raise Broken("something was written to the disk")
        return "; ".join(seen)


def iso_bios_cd(folder):
    """the ISO in a CD drive, by a BIOS"""
    stand = Stand(folder, "iso-bios-cd")
    iso = stand.iso(stand.order().encode())
    return stand.deploys(firmware.bios(), (iso, drives.cd(iso)))


def iso_bios_stick(folder):
    """the ISO on a stick, by a BIOS"""
    stand = Stand(folder, "iso-bios-stick")
    iso = stand.iso(stand.order().encode(), STICK)
    return stand.deploys(firmware.bios(), (iso, drives.stick(iso)))


def iso_uefi_cd(folder):
    """the ISO in a CD drive, by UEFI"""
    stand = Stand(folder, "iso-uefi-cd")
    iso = stand.iso(stand.order().encode())
    return stand.deploys(firmware.uefi(folder, stand.name), (iso, drives.cd(iso)))


def iso_uefi_stick(folder):
    """the ISO on a stick, by UEFI"""
    stand = Stand(folder, "iso-uefi-stick")
    iso = stand.iso(stand.order().encode(), STICK)
    return stand.deploys(firmware.uefi(folder, stand.name), (iso, drives.stick(iso)))


def stick_bios(folder):
    """the USB image, ironlet.conf edited, ca.pem and order.json beside it, by a BIOS; the image comes by HTTPS"""
    stand = Stand(folder, "stick-bios")
    stick = stand.usb(b"ipa-image-download-connection-retries=2\n", STICK, ca_pem=(folder / "server.crt").read_bytes(), order_json=stand.document(HTTPS_IMAGE).encode())
    return stand.deploys(firmware.bios(), (stick, drives.stick(stick)), r"order: /order\.json")


def stick_conf_bios(folder):
    """the USB image, the image named in ironlet.conf and ca.pem beside it, by a BIOS; the image comes by HTTPS"""
    stand = Stand(folder, "stick-conf-bios")
    stick = stand.usb(stand.order(HTTPS_IMAGE).encode(), STICK, ca_pem=(folder / "server.crt").read_bytes())
    return stand.deploys(firmware.bios(), (stick, drives.stick(stick)))


def iso_order_uefi(folder):
    """the ISO in a CD drive with an order.json and nothing else changed, as Notepad saves it, by UEFI"""
    stand = Stand(folder, "iso-order-uefi")
    iso = stand.iso(order=b"\xef\xbb\xbf" + stand.document().replace("\n", "\r\n").encode())
    return stand.deploys(firmware.uefi(folder, stand.name), (iso, drives.cd(iso)), r"order: /order\.json")


def stick_uefi(folder):
    """the USB image, ironlet.conf as Notepad saves it, by UEFI"""
    stand = Stand(folder, "stick-uefi")
    stick = stand.usb(b"\xef\xbb\xbf" + stand.order().replace("\n", "\r\n").encode(), STICK)
    return stand.deploys(firmware.uefi(folder, stand.name), (stick, drives.stick(stick)))


def secure_boot_iso(folder):
    """the ISO in a CD drive, by UEFI under Secure Boot with Microsoft's keys"""
    stand = Stand(folder, "secure-boot-iso")
    iso = stand.iso(stand.order().encode())
    return stand.deploys(firmware.secure(folder, stand.name), (iso, drives.cd(iso)), "Secure boot enabled|locked down.*Secure Boot")


def secure_boot_stick(folder):
    """the USB image under Secure Boot with Microsoft's keys"""
    stand = Stand(folder, "secure-boot-stick")
    stick = stand.usb(stand.order().encode(), STICK)
    return stand.deploys(firmware.secure(folder, stand.name), (stick, drives.stick(stick)), "Secure boot enabled|locked down.*Secure Boot")


def uki(folder, name, *options):
    """A UKI of its own with these options of `./build.sh media`, in a folder of its own."""
    own = folder / name
    own.mkdir(exist_ok=True)
    for file in ("ironlet.kernel", "ironlet.initramfs"):
        (own / file).unlink(missing_ok=True)
        os.link(folder / file, own / file)
    run(TOP / "build.sh", "media", "--out", own, *options)
    return own / "ironlet.efi"


def esp(path, files):
    """A disk of one FAT partition with these files (path: bytes or Path), as a person's tools make it."""
    with open(path, "wb") as file:
        file.truncate(96 * MIB)
    run("sfdisk", "-q", path, input=b"label: gpt\nstart=2048, type=uefi\n")
    volume = f"{path}@@1M"
    run("mformat", "-i", volume, "-F", "-T", (94 * MIB) // 512, "::")
    for name, content in files.items():
        for parent in [*Path(name).parents][-2::-1]:
            subprocess.run(["mmd", "-D", "s", "-i", volume, f"::/{parent}"], capture_output=True)
        run("mcopy", "-i", volume, "-", f"::/{name}", input=content if isinstance(content, bytes) else content.read_bytes())
    return path


def words():
    return KERNEL_CFG.decode().split('"')[1]


def uki_file_beside(folder):
    """a UKI on an ESP, ironlet.conf, ca.pem and order.json in files beside it"""
    stand = Stand(folder, "uki-file-beside")
    program = uki(folder, stand.name, "--cmdline", words())
    beside = "EFI/BOOT/BOOTX64.EFI.extra.d/"
    disk = esp(folder / f"{stand.name}.esp", {"EFI/BOOT/BOOTX64.EFI": program, f"{beside}ironlet.conf.cred": b"ironlet.then=reboot\r\n", f"{beside}order.json.cred": stand.document(HTTPS_IMAGE).encode(),
                                              f"{beside}ca.pem.cred": folder / "server.crt"})
    return stand.deploys(firmware.uefi(folder, stand.name), (disk, drives.stick(disk)), r"order: /\.extra/\S+order\.json\.cred")


def uki_signed(folder):
    """a UKI with its parameters and ca.pem in it, signed by a key of one's own, under Secure Boot with that key alone; what lies beside it does not count"""
    stand = Stand(folder, "uki-signed")
    conf, key = folder / f"{stand.name}.conf", folder / f"{stand.name}.key"
    conf.write_text(stand.order(HTTPS_IMAGE))
    run("openssl", "rsa", "-in", f"{OVMF_KEY}.key", "-passin", "pass:snakeoil", "-out", key)
    program = uki(folder, stand.name, "--cmdline", words(), "--conf", conf, "--cafile", folder / "server.crt", "--sign", key, f"{OVMF_KEY}.pem")
    disk = esp(folder / f"{stand.name}.esp", {"EFI/BOOT/BOOTX64.EFI": program,
                                              "EFI/BOOT/BOOTX64.EFI.extra.d/ironlet.conf.cred": b"ironlet.image=http://192.0.2.1/other\n"})
    return stand.deploys(firmware.secure(folder, stand.name, "OVMF_VARS_4M.snakeoil.fd"), (disk, drives.stick(disk)), "locked down.*Secure Boot")


def http_boot(folder):
    """a UKI with its parameters in it, by UEFI's HTTP boot; then a plain one by iPXE, which gives it another command line; or its name alone, and its console says what is missing"""
    stand = Stand(folder, "http-boot")
    conf = folder / f"{stand.name}.conf"
    conf.write_text(stand.order(f"http://{network.ADDRESS}:{PORT + 1}/image.raw"))
    own = uki(folder, stand.name, "--cmdline", words(), "--conf", conf)
    script = folder / f"{stand.name}.ipxe"
    line = f"{words()} {conf.read_text()}".replace("\n", " ")
    script.write_text(f"#!ipxe\nchain http://{network.ADDRESS}:{PORT + 1}/plain.efi {line}\n")
    files = {"image.raw": stand.image, "ironlet.efi": own, "plain.efi": folder / "ironlet.efi", "ironlet.ipxe": script}
    told = []
    with network.Network(folder, PORT + 1) as net, Images(PORT + 1, files, lambda *_: None, address=""):
        # Without iPXE the firmware's PXE finds nothing, and HTTP is next.
        told.append(stand.deploys(firmware.uefi(folder, stand.name), (None, net.devices)))
        net.with_ipxe()
        with open(stand.disk, "r+b") as disk:
            disk.write(bytes(stand.image.stat().st_size))
        told.append(stand.deploys(firmware.uefi(folder, stand.name), (None, net.devices)))
        # As iPXE does it, the program's name is all of the command line then.
        script.write_text(f"#!ipxe\nchain http://{network.ADDRESS}:{PORT + 1}/plain.efi\n")
        with open(stand.disk, "r+b") as disk:
            disk.write(bytes(stand.image.stat().st_size))
        told.append(stand.refuses(firmware.uefi(folder, stand.name), net.devices, "nothing to do: .*"))
    return "; ".join(told)


def unsigned_refused(folder):
    """under Secure Boot: the USB image with a kernel that is not signed, and a UKI that is not, start nothing"""
    stand = Stand(folder, "unsigned-refused")
    bare = folder / f"{stand.name}.kernel"
    bare.write_bytes((folder / "ironlet.kernel").read_bytes())
    run("sbattach", "--remove", bare)
    stick = stand.usb(stand.order().encode())
    run("mcopy", "-o", "-i", f"{stick}@@1M", bare, "::/boot/ironlet.kernel")
    told = [stand.refuses(firmware.secure(folder, stand.name), drives.stick(stick), "bad shim signature")]
    disk = esp(folder / f"{stand.name}.esp", {"EFI/BOOT/BOOTX64.EFI": folder / "ironlet.efi"})
    told += [stand.refuses(firmware.secure(folder, stand.name), drives.stick(disk), "Access Denied|Security Violation")]
    return "; ".join(told)


def unconfigured(folder):
    """the USB image as it is: nothing is touched, and the console says what to set and where"""
    stand = Stand(folder, "unconfigured")
    stick = stand.usb((folder / "../../initramfs/media/ironlet.conf").read_bytes())
    return stand.refuses(firmware.bios(), drives.stick(stick), "set ipa-api-url=.* in ironlet.conf on the medium.*", "nothing to do: .*")


def broken_conf(folder):
    """an ironlet.conf or an order.json that is broken, empty, not there or contradicted: nothing is touched, and the console says why"""
    told = []
    for name, conf, sign in (
        ("misspelt", b"ironlet.imge=http://192.0.2.1/x\r\n", r"ironlet\.conf.*line 1: 'ironlet.imge' is none of"),
        ("nul", b"ironlet.disk=/dev/sd\0a\n", r"line 1: ironlet.disk: a value without blanks and control"),
        ("huge", b"# x\n" * (100 << 10), r"it is larger than 64 KiB"),
        ("empty", b"", "nothing to do: "),
        ("absent", None, "nothing to do: "),
        # An order beside an image that ironlet.conf names: which of the two is meant, nobody here can know.
        ("two-orders", b"ironlet.image=http://192.0.2.1/x\nironlet.checksum=sha256:00\n", "ironlet.order and ironlet.image: take one away"),
        ("half-order", b"", r"no order can be carried out.*no whole JSON"),
    ):
        stand = Stand(folder, f"conf-{name}")
        order = {"two-orders": {"order_json": stand.document().encode()}, "half-order": {"order_json": stand.document().encode()[:-2]}}
        stick = stand.usb(conf, **order.get(name, {}))
        told.append(stand.refuses(firmware.bios(), drives.stick(stick), sign))
    return "; ".join(told)


def iso_cut_short(folder):
    """an ISO of which the last part is missing: the boot loader says so, and nothing is touched"""
    stand = Stand(folder, "iso-cut-short")
    iso = stand.iso(stand.order().encode())
    os.truncate(iso, iso.stat().st_size // 2)
    return stand.refuses(firmware.uefi(folder, stand.name), drives.cd(iso), "error: .*")


QUICK = (secure_boot_iso, stick_bios)
CASES = QUICK + (iso_bios_cd, iso_bios_stick, iso_uefi_cd, iso_uefi_stick, iso_order_uefi, stick_conf_bios, stick_uefi, secure_boot_stick, uki_file_beside, uki_signed, http_boot,
                 unsigned_refused, unconfigured, broken_conf, iso_cut_short)


def main(folder, *names):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = Path(folder).resolve()
    (folder / "image.raw").write_bytes(partitioned(8 * MIB))
    chosen = [case for case in CASES if case.__name__ in names or "--all" in names or not names and case in QUICK]
    certificates(folder)
    files, nothing = {"image.raw": folder / "image.raw"}, lambda *_: None
    with Images(PORT, files, nothing), Images(PORT + 2, files, nothing, folder):
        return play_all("media", chosen, lambda case: case(folder), lambda case, held, told: two_lines(case.__name__, case.__doc__, held, told))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
