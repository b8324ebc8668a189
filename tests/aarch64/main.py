"""A machine of another architecture: QEMU's `virt` with Arm's processors. main.py FOLDER TOOLS [CASE…]; FOLDER holds what was built for it,
TOOLS Debian's programs for it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
for place in ("hardware", "components", "demo"):
    sys.path.append(str(TESTS / place))

from archive import appended  # noqa: E402
from cases import play_all, two_lines  # noqa: E402
from certificates import certificates  # noqa: E402
from images import Images  # noqa: E402
from ironic import Ironic  # noqa: E402
from machine import Broken, Machine  # noqa: E402
from orders import Agent  # noqa: E402

MIB = 1 << 20
PORT = 8080
# Another processor's instructions take a while, on a host that others use as well.
BOOT = 180
RAM = 192
CODE, VARIABLES = Path("/usr/share/AAVMF/AAVMF_CODE.fd"), Path("/usr/share/AAVMF/AAVMF_VARS.fd")
# Pointer authentication as QEMU has it by default takes half the processor's time.
MAX = "max,pauth-impdef=on"
UP = "ironlet: deployed system aarch64 is up"


def virt(folder, name, append, arguments, processor=MAX, ram=RAM, initramfs=None, serial="ttyAMA0"):
    card = ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="] if "-netdev" not in arguments else []
    return Machine(folder, name, ram, append, ["-machine", "virt", *card, *arguments], initramfs=initramfs or folder / "ironlet.initramfs",
                   kernel=folder / "ironlet.kernel", emulator=("qemu-system-aarch64", processor), serial=serial)


def disk(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return ["-drive", f"file={path},format=raw,if=none,id=disk,cache=unsafe,discard=unmap", "-device", "virtio-blk-pci,drive=disk,bootindex=1"]


def efi(variables):
    """EDK2 in place of QEMU's own start."""
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={CODE}", "-drive", f"if=pflash,format=raw,file={variables}"]


def image(folder, label):
    """A disk whose EFI system partition holds GRUB, which says that it is up and switches the machine off."""
    path, esp = folder / f"{label}.raw", folder / "esp.raw"
    size = 48
    with open(path, "wb") as file:
        file.truncate(size * MIB)
    table = f"label: {label}\nstart=1MiB, size={size - 8}MiB, type=uefi\n"
    subprocess.run(["sfdisk", "-q", path], input=table.encode(), check=True)
    (folder / "early.cfg").write_text(f'echo "{UP}"\nsleep 1\nhalt\n')
    modules = folder.parent / "tools/aarch64/root/usr/lib/grub/arm64-efi"
    subprocess.run(["grub-mkimage", "-O", "arm64-efi", "-d", modules, "-c", folder / "early.cfg", "-o", folder / "grubaa64.efi", "-p", "/", "echo", "sleep", "halt"], check=True)
    esp.unlink(missing_ok=True)
    subprocess.run(["mkfs.fat", "-C", "-F", "32", "-s", "1", esp, str((size - 8) * 1024)], check=True, capture_output=True)
    for words in (["mmd", "-i", esp, "::/EFI", "::/EFI/BOOT"], ["mcopy", "-i", esp, folder / "grubaa64.efi", "::/EFI/BOOT/BOOTAA64.EFI"]):
        subprocess.run(words, check=True)
    # What is not in use is noise: a hole would not be written at all.
    with open(path, "r+b") as file:
        file.seek(MIB)
        file.write(esp.read_bytes())
        file.write(os.urandom(6 * MIB))
    return path


def compare(source, written, start=0, end=0):
    """Byte for byte, but for so much at either end: a GPT grows with its disk."""
    size = source.stat().st_size - end
    with open(written, "rb") as file:
        if file.read(size)[start:] != source.read_bytes()[start:size]:
            raise Broken(f"{written} is not {source}")


def standalone(folder, url):
    """started by QEMU itself, with a device tree: an image is written without Ironic and the machine switched off in-band"""
    source, target = folder / "dos.raw", folder / "standalone.disk"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    order = f"ironlet.image={url}dos.raw ironlet.checksum=sha256:{digest} ironlet.then=poweroff"
    with virt(folder, "standalone", order, disk(target, 5 << 30)) as console:
        console.expect("Machine model: linux,dummy-virt", BOOT)
        told = console.expect(r"image: .* on /dev/vda in [\d.]+ s", BOOT)[0]
        console.expect("reboot: Power down", 60)
        console.goes_off(30)
        console.never_said("Call Trace|Oops|WARNING: CPU")
    compare(source, target)
    return f"{told}; byte for byte; {RAM} MiB of RAM"


def silent(folder, url):
    """told to speak on a serial port that is not there, and by a clock in 1970: an image is written all the same, by https with a certificate of today"""
    source, target = folder / "dos.raw", folder / "silent.disk"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    keys = certificates(folder / "silent-keys")
    initramfs = folder / "silent.initramfs"
    conf = b"[DEFAULT]\ncafile = /etc/authority.pem\n"
    initramfs.write_bytes((folder / "ironlet.initramfs").read_bytes() + appended(folder / "silent-tree", {
        "etc/authority.pem": (keys / "server.crt").read_bytes(), "etc/ironic-python-agent.d/silent.conf": conf}))
    order = f"ironlet.image=https://10.0.2.2:{PORT + 1}/dos.raw ironlet.checksum=sha256:{digest} ironlet.then=poweroff"
    with Images(PORT + 1, {"dos.raw": source}, lambda *_: None, keys):
        machine = [*disk(target, 5 << 30), "-rtc", "base=1970-01-02T00:00:00"]
        with virt(folder, "silent", order, machine, initramfs=initramfs, serial="ttyS0") as console:
            console.goes_off(BOOT)
    compare(source, target)
    said = (folder / "silent.log").read_text()
    if "ironlet" in said:
        raise Broken("it did speak: the test is none")
    return f"byte for byte; the console said {len(said)} bytes"


def uefi(folder, url):
    """started by EDK2, with ACPI: an order as Ironic gives it is written, its boot entry leads to BOOTAA64.EFI, and the firmware starts that"""
    source, target, variables = folder / "gpt.raw", folder / "uefi.disk", folder / "uefi.variables"
    shutil.copyfile(VARIABLES, variables)
    ironic = Ironic()
    machine = disk(target, 5 << 30) + efi(variables)
    agent = Agent(url + "gpt.raw", source)
    with virt(folder, "uefi", f"ipa-api-url={agent.api}", [*machine, *agent.network]) as console:
        console.expect("EFI stub: Booting Linux Kernel", BOOT)
        console.expect("ACPI: RSDP", 60)
        ironic.wait(agent.port, BOOT)
        agent.succeeds("standby.prepare_image", image_info=agent.image, configdrive=None)
        agent.succeeds("image.install_bootloader", root_uuid="", efi_system_part_uuid="", prep_boot_part_uuid="", target_boot_mode="uefi")
        agent.ends("standby.power_off")
        console.expect("reboot: Power down", 60)
        console.goes_off(30)
    compare(source, target, MIB, MIB)
    first = first_entry(variables)
    if first["file"].upper() != r"\EFI\BOOT\BOOTAA64.EFI" or first["start"] != 2048:
        raise Broken(f"the firmware's first entry is {first}")
    with virt(folder, "uefi-deployed", None, machine) as console:
        console.expect(UP, BOOT)
        console.goes_off(60)
    return f"Boot{first['number']:04X} '{first['title']}' → partition {first['partition']}, {first['file']}; then EDK2 and GRUB: {UP}"


def first_entry(variables):
    """What the firmware will try first, in the lab's words: its folder has names of its own for places."""
    ask = "import sys, json, firmware; print(json.dumps(firmware.boot_order(sys.argv[1])[0]._asdict()))"
    done = subprocess.run([sys.executable, "-B", "-c", ask, variables], cwd=TESTS / "lab", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def programs(folder, tools):
    """A ramdisk of Debian's own programs beside ironlet, that prints what each says of the machine."""
    tree = folder / "programs"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "proc", "sys", "dev", "lib/aarch64-linux-gnu"):
        (tree / name).mkdir(parents=True)
    for name in ("bin/busybox", "usr/bin/lscpu", "usr/sbin/dmidecode"):
        shutil.copy(tools / name, tree / "bin")
    for library in ("lib/ld-linux-aarch64.so.1", "lib/aarch64-linux-gnu/libc.so.6", "usr/lib/aarch64-linux-gnu/libsmartcols.so.1"):
        shutil.copy(tools / library, tree / "lib/aarch64-linux-gnu" / Path(library).name)
    (tree / "lib/ld-linux-aarch64.so.1").symlink_to("aarch64-linux-gnu/ld-linux-aarch64.so.1")
    shutil.copy(folder / "ironlet", tree / "bin")
    (tree / "init").write_text("""#!/bin/busybox sh
busybox mount -t proc proc /proc; busybox mount -t sysfs sys /sys; busybox mount -t devtmpfs dev /dev
export PATH=/bin LC_ALL=C; echo
said() { echo "=== $1"; shift; "$@"; echo "=== end"; }
said version ironlet --version
said lscpu lscpu -J
said ironlet ironlet --inventory
for word in system-manufacturer system-product-name system-serial-number bios-vendor bios-version bios-release-date; do said $word dmidecode -s $word; done
busybox poweroff -f
""")
    (tree / "init").chmod(0o755)
    (tree / "bin/busybox").chmod(0o755)
    for name in ("busybox",):
        (tree / "bin/sh").symlink_to(name)
    made = folder / "programs.initramfs"
    with open(made, "wb") as file:
        subprocess.run("find . | cpio -o -H newc --quiet | xz --check=crc32 -1", shell=True, cwd=tree, stdout=file, check=True)
    return made


def described(folder, tools):
    """what it tells Ironic of processor and board is what Debian's lscpu and dmidecode say in the same machine"""
    told = []
    initramfs = programs(folder, tools)
    for processor in ("cortex-a72", "neoverse-n1", "max"):
        variables = folder / f"described-{processor}.variables"
        shutil.copyfile(VARIABLES, variables)
        board = ["-smbios", "type=1,manufacturer=ACME,product=Anvil,serial=A-17", "-smp", "3"]
        name = f"described-{processor}"
        with virt(folder, name, "quiet", [*efi(variables), *board], processor, 512, initramfs) as console:
            console.expect("=== bios-release-date", BOOT)
            console.goes_off(60)
        said = sections((folder / f"{name}.log").read_text())
        told.append(compared(processor, said))
    return "\n       ".join(told)


def sections(log):
    found, name = {}, None
    for line in log.splitlines():
        if line.startswith("=== "):
            name = None if line == "=== end" else line[4:]
        elif name:
            found[name] = found.get(name, "") + line + "\n"
    return found


def compared(processor, said):
    """One line of what was the same; broken if something was not."""
    rows = {row["field"].rstrip(":"): row for row in flat(json.loads(said["lscpu"])["lscpu"])}
    judged = {field: row["data"] for field, row in rows.items()}
    inventory = json.loads(said["ironlet"])
    cpu, vendor = inventory["cpu"], inventory["system_vendor"]
    pairs = {
        "architecture": (cpu["architecture"], judged["Architecture"]),
        "count": (str(cpu["count"]), judged["CPU(s)"]),
        "model": (cpu["model_name"], judged.get("Model name", "")),
        "flags": (" ".join(cpu["flags"]), judged.get("Flags", "")),
        "socket_count": (str(cpu["socket_count"]), judged.get("Socket(s)", judged.get("Cluster(s)"))),
        "manufacturer": (vendor["manufacturer"], said["system-manufacturer"].strip()),
        "product": (vendor["product_name"], said["system-product-name"].strip()),
        "serial": (vendor["serial_number"], said["system-serial-number"].strip()),
        "firmware": (" ".join(vendor["firmware"][key] for key in ("vendor", "version", "build_date")),
                     " ".join(said[f"bios-{key}"].strip() for key in ("vendor", "version", "release-date"))),
        "boot mode": (inventory["boot"]["current_boot_mode"], "uefi"),
    }
    wrong = {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}
    if wrong:
        raise Broken(f"{processor}: ironlet and Debian's programs differ: {wrong}")
    return f"{processor}: {len(pairs)} fields alike, {cpu['model_name']}, {len(cpu['flags'])} flags; {', '.join(said['version'].split(chr(10))).strip(', ')}"


def flat(rows):
    for row in rows:
        yield row
        yield from flat(row.get("children", []))


def orders(folder, name, url):
    """An ironlet.conf for a person's machine, as a file."""
    digest = hashlib.sha256((folder / "dos.raw").read_bytes()).hexdigest()
    conf = folder / f"{name}.conf"
    conf.write_text(f"ironlet.image={url}dos.raw\nironlet.checksum=sha256:{digest}\nironlet.disk=/dev/vda\nironlet.then=poweroff\n")
    return conf


def by_medium(folder, name, medium):
    """Started by EDK2 from that; the image is on the disk in the end."""
    target, variables = folder / f"{name}.disk", folder / f"{name}.variables"
    shutil.copyfile(VARIABLES, variables)
    own = [word.replace("bootindex=1", "bootindex=2") for word in disk(target, 5 << 30)]
    with virt(folder, name, None, [*efi(variables), *medium, *own], ram=512) as console:
        told = console.expect(r"image: .* on /dev/vda in [\d.]+ s", 2 * BOOT)[0]
        console.expect("reboot: Power down", 60)
        console.goes_off(30)
    compare(folder / "dos.raw", target)
    return f"{told}; byte for byte"


def iso(folder, url):
    """the ISO with an ironlet.conf in a CD drive: Debian's shim and GRUB for Arm by EDK2"""
    cd = folder / "orders.iso"
    cd.unlink(missing_ok=True)
    subprocess.run(["xorriso", "-indev", folder / "ironlet.iso", "-outdev", cd, "-map", orders(folder, "iso", url), "/ironlet.conf", "-boot_image", "any", "replay"],
                   check=True, capture_output=True)
    drive = ["-drive", f"file={cd},format=raw,if=none,id=cd,readonly=on", "-device", "virtio-scsi-pci", "-device", "scsi-cd,drive=cd,bootindex=1"]
    return by_medium(folder, "iso", drive)


def uki(folder, url):
    """the UKI as EFI/BOOT/BOOTAA64.EFI on a partition, its ironlet.conf beside it"""
    stick = folder / "uki.raw"
    stick.unlink(missing_ok=True)
    subprocess.run(["mkfs.fat", "-C", "-F", "32", "-s", "1", stick, str(64 << 10)], check=True, capture_output=True)
    boot = "::/EFI/BOOT"
    for words in (["mmd", "-i", stick, "::/EFI", boot, f"{boot}/BOOTAA64.EFI.extra.d"], ["mcopy", "-i", stick, folder / "ironlet.efi", f"{boot}/BOOTAA64.EFI"],
                  ["mcopy", "-i", stick, orders(folder, "uki", url), f"{boot}/BOOTAA64.EFI.extra.d/ironlet.conf.cred"]):
        subprocess.run(words, check=True)
    drive = ["-drive", f"file={stick},format=raw,if=none,id=stick,readonly=on", "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=stick,bootindex=1"]
    return by_medium(folder, "uki", drive)


def main(folder, tools, *names):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder, tools = Path(folder).resolve(), Path(tools).resolve()
    images = {f"{label}.raw": image(folder, label) for label in ("dos", "gpt")}
    url = f"http://10.0.2.2:{PORT}/"
    cases = {
        "standalone": (standalone, url),
        "silent": (silent, url),
        "uefi": (uefi, url),
        "described": (described, tools),
        "iso": (iso, url),
        "uki": (uki, url),
    }
    chosen = [name for name in cases if not names or name in names]

    def play(name):
        case, *more = cases[name]
        return case(folder, *more)

    with Images(PORT, images, lambda *_: None):
        return play_all("aarch64", chosen, play, lambda name, held, told: two_lines(name, cases[name][0].__doc__, held, told))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
