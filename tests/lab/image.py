"""The images the machine gets: a Debian system from the fixtures, and noise that boots by its first sector alone."""

import contextlib
import random
import struct
import subprocess
import tempfile
from pathlib import Path

import place

MIB = 1 << 20

# Waits for the UART's transmitter (0x3FD bit 5), prints the text after the code to 0x3F8, halts for ever.
BOOT_CODE = bytes.fromhex(
    "fa 31c0 8ed8 be217c bafd03 ec a820 74fb ac 84c0 7409 baf803 ee bafd03 ebed f4 ebfd".replace(" ", "")
)


def bootable(name, mib, firmware="bios", menu=None):
    """A Debian kernel on a whole-disk image for that firmware; prints `up(name)` on the serial console. `menu`: seconds that GRUB shows one."""
    script = place.ROOT / "tests" / "fixtures" / "images" / "bootable.sh"
    path = place.FIXTURES / f"lab-{name}-{mib}.raw"
    if not path.exists() or path.stat().st_mtime < script.stat().st_mtime:
        with _draft(path) as draft, open(path.with_suffix(".log"), "wb") as log:
            subprocess.run([str(script), str(draft), str(mib), name, firmware, *([] if menu is None else [str(menu)])], check=True, stdout=log, stderr=log)
    return path


def qcow2(raw):
    """The same disk as QEMU stores it, its clusters compressed."""
    path = raw.with_suffix(".qcow2")
    if not path.exists() or path.stat().st_mtime < raw.stat().st_mtime:
        with _draft(path) as draft:
            subprocess.run(["qemu-img", "convert", "-c", "-O", "qcow2", str(raw), str(draft)], check=True)
    return path


def noise(name, mib, zeros=(0, 0)):
    """An image without two equal sectors, except a run of zeros `(from, to)` in MiB; its boot sector prints `up(name)`."""
    path = place.FIXTURES / f"lab-{name}-{mib}-noise.raw"
    if path.exists() and path.stat().st_size == mib * MIB:
        return path
    source = random.Random(name)
    with _draft(path) as draft, open(draft, "wb") as file:
        for number in range(mib):
            file.write(bytes(MIB) if zeros[0] <= number < zeros[1] else source.randbytes(MIB))
        file.seek(0)
        file.write(_boot_sector(name, mib * MIB // 512))
    return path


def file_system(name, mib):
    """An ext4 file system alone, as partition images are."""
    path = place.FIXTURES / f"lab-{name}-{mib}-ext4.raw"
    if not path.exists():
        with _draft(path) as draft:
            subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-L", name, "-d", str(place.LAB), str(draft), f"{mib}M"], check=True)
    return path


def patches(name, mib):
    """Noise and zeros by turns in runs of half a KiB to 4 MiB, wherever they happen to begin."""
    path = place.FIXTURES / f"lab-{name}-{mib}-patches.raw"
    if path.exists() and path.stat().st_size == mib * MIB:
        return path
    source, left = random.Random(name), mib * MIB
    with _draft(path) as draft, open(draft, "wb") as file:
        while left:
            length = min(left, 512 * source.randrange(1, 2 << source.randrange(13)))
            file.write(bytes(length) if source.random() < 0.5 else source.randbytes(length))
            left -= length
        file.seek(0)
        file.write(_boot_sector(name, mib * MIB // 512))
    return path


def stick(path, mib, append):
    """A disk to start from, by BIOS and by UEFI: GRUB, and on FAT our kernel and ramdisk with this command line. Sparse, `mib` large."""
    menu = f"set timeout=0\nmenuentry x {{\n linux /boot/ironlet.kernel console=ttyS0,115200 panic=-1 no_timer_check {append}\n initrd /boot/ironlet.initramfs\n}}\n"
    with tempfile.TemporaryDirectory(dir=path.parent) as work:
        work = Path(work)
        (work / "grub.cfg").write_text(menu)
        (work / "own.cfg").write_text("set root=$cmdpath\nregexp --set=1:root '^.([^)/]*)' $cmdpath\nset prefix=($root)/boot/grub\nnormal\n")
        grub = ["part_msdos", "fat", "linux", "normal"]
        _run("grub-mkimage", "-O", "x86_64-efi", "-c", work / "own.cfg", "-o", work / "grub.efi", "-p", "/boot/grub", "regexp", *grub)
        _run("grub-mkimage", "-O", "i386-pc", "-o", work / "core.img", "-p", "(hd0,msdos1)/boot/grub", "biosdisk", *grub)
        with open(path, "wb") as file:
            file.truncate(mib * MIB)
        table = "label: dos\nlabel-id: 0x5713c001\nstart=1MiB, size=256MiB, type=ef, bootable\n"
        _run("sfdisk", "-q", path, input=table)
        # As it ships, boot.img loads the core from sector 1 on.
        with open(path, "r+b") as file:
            file.write(Path("/usr/lib/grub/i386-pc/boot.img").read_bytes()[:440])
            file.seek(512)
            file.write((work / "core.img").read_bytes())
        file_system = f"{path}@@1M"
        _run("mformat", "-i", file_system, "-F", "-v", "STICK", "-T", str(256 * 2048), "::")
        _run("mmd", "-i", file_system, "::/boot", "::/boot/grub", "::/EFI", "::/EFI/BOOT")
        for source, to in (
            (place.KERNEL, "boot/ironlet.kernel"),
            (place.RAMDISK, "boot/ironlet.initramfs"),
            (work / "grub.cfg", "boot/grub/grub.cfg"),
            (work / "grub.efi", "EFI/BOOT/BOOTX64.EFI"),
        ):
            _run("mcopy", "-i", file_system, source, f"::/{to}")
    return path


def _run(*words, input=None):
    subprocess.run([str(word) for word in words], check=True, input=input, text=True)


def up(name):
    """What a deployed image says on the console."""
    return f"ironlet: deployed system {name} is up"


@contextlib.contextmanager
def _draft(path):
    """A file that gets its name once it is complete: two scenarios may make the same one at a time."""
    place.FIXTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.FIXTURES) as scratch:
        draft = Path(scratch) / path.name
        yield draft
        draft.rename(path)


def _boot_sector(name, sectors):
    code = BOOT_CODE + b"\r\n" + up(name).encode() + b"\r\n\0"
    partition = struct.pack("<B3sB3sII", 0x80, b"\x20\x21\0", 0x83, b"\xfe\xff\xff", 2048, sectors - 2048)
    return (code.ljust(440, b"\0") + struct.pack("<IH", 0x1B007ED0, 0) + partition).ljust(510, b"\0") + b"\x55\xaa"
