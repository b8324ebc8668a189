"""Machines started by boot media until they have deployed an image, or said why not. main.py FOLDER [--all] [CASE…]; FOLDER holds the media."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("hardware", "demo")]
import drives
import firmware
from images import Images
from machine import Broken, Machine

MIB, GIB = 1 << 20, 1 << 30
PORT = 8080
IMAGE = f"http://10.0.2.2:{PORT}/image.raw"
RAM = 768
# Of a medium: more than any of them has. A stick is sparse behind that.
HELD = 64 * MIB
# The smallest of the disks that would do, if it were not what the machine was started from.
STICK = 4200 * MIB
# A machine without KVM that shares its cores takes its time.
BOOT = 300
DONE = r"image: .* on /dev/(\w+) in "
# For a kernel without KVM on a busy host: as a person would give words of their own.
KERNEL_CFG = b'set options="console=ttyS0,115200 loglevel=6 panic=-1 no_timer_check"\r\n'


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, **more)


def digest(path, length=None):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(length)).hexdigest()


class Stand:
    """One machine, its medium and its blank disk."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.image = folder / "image.raw"
        self.disk = folder / f"{name}.disk"
        with open(self.disk, "wb") as file:
            file.truncate(5 * GIB)

    def order(self):
        return f"ironlet.image={IMAGE}\nironlet.checksum=sha256:{digest(self.image)}\nironlet.then=poweroff\n"

    def iso(self, conf=None, size=None):
        """The ISO with another ironlet.conf, changed as the README says; on a stick of `size` bytes."""
        out, conf_file, kernel = (self.folder / f"{self.name}.{end}" for end in ("iso", "conf", "kernel.cfg"))
        out.unlink(missing_ok=True)
        kernel.write_bytes(KERNEL_CFG)
        words = ["-map", kernel, "/boot/grub/kernel.cfg"]
        if conf is not None:
            conf_file.write_bytes(conf)
            words += ["-map", conf_file, "/ironlet.conf"]
        run("xorriso", "-indev", self.folder / "ironlet.iso", "-outdev", out, *words, "-boot_image", "any", "replay")
        if size:
            os.truncate(out, size)
        return out

    def usb(self, conf=None, size=None):
        """The USB image on a stick of `size` bytes, its ironlet.conf edited; b"" empties, None deletes it."""
        stick = self.folder / f"{self.name}.stick"
        stick.write_bytes((self.folder / "ironlet.img").read_bytes())
        if size:
            os.truncate(stick, size)
        files = {"boot/grub/kernel.cfg": KERNEL_CFG} | ({} if conf is None else {"ironlet.conf": conf})
        for path, content in files.items():
            run("mcopy", "-o", "-i", f"{stick}@@1M", "-", f"::/{path}", input=content)
        if conf is None:
            run("mdel", "-i", f"{stick}@@1M", "::/ironlet.conf")
        return stick

    def machine(self, boot, *devices, ram=RAM):
        # Writes to a readonly medium would fail on their own.
        return Machine(self.folder, self.name, ram, "", [*drives.own(self.disk), *drives.network(), *(word for part in devices for word in part)], boot=boot)

    def deploys(self, boot, medium, *signs):
        """The image is written to the blank disk and nowhere else; the console line that says which disk was chosen, and why."""
        before = digest(medium[0], HELD), medium[0].stat().st_blocks
        with self.machine(boot, medium[1]) as console:
            seen = [console.expect(sign, BOOT)[0] for sign in signs]
            chosen = console.expect(r"root disk: .*", BOOT)[0]
            where = console.expect(DONE, BOOT)[1]
            console.goes_off(90)
        if (digest(medium[0], HELD), medium[0].stat().st_blocks) != before:
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


def partitioned(size):
    """An image with a partition, whose bytes are no pattern."""
    table = bytearray(512)
    table[446:462] = bytes([0, 0, 2, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") + (size // 512 - 2048).to_bytes(4, "little")
    table[510:] = b"\x55\xaa"
    return bytes(table) + os.urandom(size - 512)


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
    """the USB image, ironlet.conf edited, by a BIOS"""
    stand = Stand(folder, "stick-bios")
    stick = stand.usb(stand.order().encode(), STICK)
    return stand.deploys(firmware.bios(), (stick, drives.stick(stick)))


def stick_uefi(folder):
    """the USB image, ironlet.conf as Notepad saves it, by UEFI"""
    stand = Stand(folder, "stick-uefi")
    stick = stand.usb(b"\xef\xbb\xbf" + stand.order().replace("\n", "\r\n").encode(), STICK)
    return stand.deploys(firmware.uefi(folder, stand.name), (stick, drives.stick(stick)))


def secure_boot_iso(folder):
    """the ISO in a CD drive under Secure Boot with Microsoft's keys"""
    stand = Stand(folder, "secure-boot-iso")
    iso = stand.iso(stand.order().encode())
    return stand.deploys(firmware.secure(folder, stand.name), (iso, drives.cd(iso)), "Secure boot enabled|locked down.*Secure Boot")


def secure_boot_stick(folder):
    """the USB image under Secure Boot with Microsoft's keys"""
    stand = Stand(folder, "secure-boot-stick")
    stick = stand.usb(stand.order().encode(), STICK)
    return stand.deploys(firmware.secure(folder, stand.name), (stick, drives.stick(stick)), "Secure boot enabled|locked down.*Secure Boot")


QUICK = (secure_boot_iso, stick_bios)
CASES = QUICK + (iso_bios_cd, iso_bios_stick, iso_uefi_cd, iso_uefi_stick, stick_uefi, secure_boot_stick)


def main(folder, *names):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = Path(folder).resolve()
    (folder / "image.raw").write_bytes(partitioned(8 * MIB))
    chosen = [case for case in CASES if case.__name__ in names or "--all" in names or not names and case in QUICK]
    good = 0

    def play(case):
        try:
            return True, case(folder)
        except (Broken, subprocess.CalledProcessError) as broken:
            return False, f"{broken} {getattr(broken, 'stderr', '') or ''}"

    # A machine without KVM keeps one core busy.
    with Images(PORT, {"image.raw": folder / "image.raw"}, lambda *_: None), ThreadPoolExecutor(min(2, os.cpu_count())) as pool:
        for case, (held, told) in zip(chosen, pool.map(play, chosen)):
            good += held
            print(f"{'ok    ' if held else 'FAILED'} {case.__name__}: {case.__doc__}\n       {told}", flush=True)
    print(f"media: {good} of {len(chosen)} tests held")
    return 0 if chosen and good == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
