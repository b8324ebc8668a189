"""The README's page for a lab without Ironic, word for word: BIOS, UEFI and UEFI's HTTP boot get from empty disks to the deployed system."""

import os
import re
import shutil
import subprocess
import time

import firmware
import image
import place
import readme
from daemon import Daemon
from verdict import require

LONG = True
PAGE = "A lab in ten minutes"

RAM, MIB = 512, 1 << 20
SECONDS = 200
# Whether iPXE came by TFTP and by HTTP so far, when each is deployed; a virtual machine's BIOS has it.
FETCHED = {"bios": (False, False), "uefi": (True, False), "http": (True, True)}
# The one that has an order of its own, of the README's own MAC address.
OWN = "52:54:00:aa:bb:cc"
# Where the README has each file.
FILES = {"ini": "etc/dnsmasq.d/ironlet.conf", "nginx": "etc/nginx/conf.d/ironlet.conf", "ipxe": "srv/http/boot.ipxe", "json": "srv/http/orders/default.json"}


def run(directory):
    blocks = readme.page(PAGE)
    # The page's places are this cell's own.
    work = directory / "host"
    for folder, name in {file.rsplit("/", 1)[0]: file for file in FILES.values()}.items():
        (work / folder).mkdir(parents=True)
    subprocess.run(["mount", "--bind", work / "srv", "/srv"], check=True)
    for folder in ("/etc/dnsmasq.d", "/etc/nginx/conf.d", "/etc/nginx/sites-enabled", "/var/log/nginx"):
        if os.path.isdir(folder):
            own = work / folder[1:]
            own.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--bind", own, folder], check=True)
    image_of = {"disk.raw": image.bootable("ten-minutes-bios", 96), "other.raw": image.bootable("ten-minutes-uefi", 160, "uefi")}
    (work / "disk.raw").symlink_to(image_of["disk.raw"])
    for end, file in (("kernel", place.KERNEL), ("initramfs", place.RAMDISK)):
        (work / f"ironlet-0.1.0-vm-x86_64.{end}").symlink_to(file)
    for command in ("link add eth1 type bridge stp_state 0", "link set eth1 up"):
        subprocess.run(["ip", *command.split()], check=True)
    # Installed by the lab already; what systemd would start is started here.
    commands = [line for line in blocks["sh"].splitlines() if not line.startswith("apt ")]
    # By the names that a build gives them, and by a release's.
    built = work / "dist"
    built.mkdir()
    for end, file in (("kernel", place.KERNEL), ("initramfs", place.RAMDISK)):
        (built / f"ironlet.{end}").symlink_to(file)
    copies = [line for line in commands if line.startswith("cp ironlet")]
    subprocess.run(["bash", "-euxc", "\n".join(["mkdir -p /srv/http", *copies, "rm /srv/http/ironlet.*"])], cwd=built, check=True)
    require(len(copies) == 2, f"kernel and ramdisk are copied by {copies}")
    subprocess.run(["bash", "-euxc", "\n".join(commands)], cwd=work, check=True)
    for language, file in FILES.items():
        (work / file).write_text(blocks[language])
    # As the page says of a machine that is to get something else.
    shutil.copyfile(image_of["other.raw"], "/srv/http/other.raw")
    subprocess.run(["bash", "-euxc", f"{readme.words(PAGE, 'sed s/')}\n{commands[-1]}"], cwd="/srv/http/orders", check=True)
    Daemon("nginx", ["/usr/sbin/nginx", "-g", "daemon off;"], directory / "nginx.log").start().wait_port("10.0.0.1", 8080)
    Daemon("dnsmasq", ["/usr/sbin/dnsmasq", "--no-daemon", "--user=root", f"--conf-file={work / FILES['ini']}"], directory / "dnsmasq.log").start()
    for name in FETCHED:
        took, up = deployed(directory, name, image_of)
        # By the way that is meant, and no other.
        logs = (directory / "dnsmasq.log", "sent /srv/tftp/snponly.efi"), (work / "var/log/nginx/access.log", "GET /snponly.efi")
        fetched = tuple(sign in log.read_text() for log, sign in logs)
        require(fetched == FETCHED[name], f"{name}: whether iPXE was fetched by TFTP and by HTTP so far: {fetched}")
        told = (directory / f"{name}.log").read_text(errors="replace")
        order, byte = (float(re.search(rf"\[ *([0-9.]+)\] info  {words}", told)[1]) for words in ("agent: order: ", "image: writing "))
        print(f"  {name}: power-on to {up} {took:.0f} s; from the order to the image's first byte {byte - order:.2f} s by the machine's own clock", flush=True)
        # Its disks were all there, and the kernel says so: whoever waits for more of them waits two seconds.
        require(byte - order < 2, f"{name}: {byte - order:.2f} s from the order to the image")


def deployed(directory, name, image_of):
    """Starts a machine with that firmware and an empty disk; the seconds until it was deployed and did what came last, and what that was."""
    started = time.monotonic()
    target = directory / f"{name}.raw"
    with open(target, "wb") as file:
        file.truncate(5 << 30)
    port = f"port-{name}"
    for command in (f"tuntap add {port} mode tap", f"link set {port} master eth1 up"):
        subprocess.run(["ip", *command.split()], check=True)
    log = directory / f"{name}.log"
    # A card's ROM would be iPXE for UEFI as well, and firmware's own ways were not taken.
    card = {"bios": "mac=52:54:00:00:00:01", "uefi": f"mac={OWN},romfile=", "http": f"mac={OWN},romfile="}[name]
    # Its firmware's way is told from the other UEFI's by how it got here: the restart is the end.
    end, source, wanted = {
        "bios": ([], "disk.raw", image.up("ten-minutes-bios")),
        "uefi": ([], "other.raw", image.up("ten-minutes-uefi")),
        "http": (["-no-reboot"], "other.raw", "reboot: Restarting system"),
    }[name]
    machine = Daemon(name, [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", str(RAM), "-nodefaults", "-display", "none", *end,
        "-serial", f"file:{log}", "-drive", f"file={target},format=raw,if=none,id=disk,cache=unsafe", "-device", "virtio-blk-pci,drive=disk,bootindex=1",
        "-netdev", f"tap,id=net,ifname={port},script=no,downscript=no", "-device", f"virtio-net-pci,netdev=net,bootindex=2,{card}", *flash(directory, name),
    ], directory / f"{name}-qemu.log").start()
    console = ""
    while wanted not in console and machine.process.poll() is None and time.monotonic() - started < SECONDS:
        time.sleep(0.2)
        console = log.read_text(errors="replace") if log.exists() else ""
    took = time.monotonic() - started
    machine.kill()
    written = re.search(r"order: http://10\.0\.0\.1:8080/orders/(\S+)\.json", console)
    require(wanted in console and written, f"{name}: '{wanted}' was not said within {SECONDS} s, see {log}, which ends:\n{console[-1500:]}")
    order = "default" if name == "bios" else OWN.replace(":", "-")
    require(written[1] == order, f"{name}: the order was {written[1]}")
    # The table at both ends of a GPT says how large the disk is.
    size = image_of[source].stat().st_size
    same = subprocess.run(["cmp", "-i", str(MIB), "-n", str(size - 2 * MIB), target, image_of[source]])
    require(same.returncode == 0, f"{name}: the disk does not hold the image")
    os.remove(target)
    return took, wanted


def flash(directory, name):
    """QEMU's arguments. The virtual machine's UEFI tries PXE, then HTTP; without PXE it begins with HTTP."""
    if name == "bios":
        return []
    drive = "if=pflash,format=raw,unit={},file={}{}"
    return ["-drive", drive.format(0, firmware.CODE, ",readonly=on"), "-drive", drive.format(1, firmware.fresh(directory / f"{name}-variables.fd"), ""),
            *(["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n", "-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"] if name == "http" else [])]
