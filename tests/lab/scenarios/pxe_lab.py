"""The README's page for a lab without Ironic, word for word: BIOS, UEFI and UEFI's HTTP boot get from firmware to the deployed disk."""

import os
import re
import shutil
import subprocess
import time

import disk
import image
import place
import readme
from daemon import Daemon
from verdict import require

LONG = True

RAM = 512
SECONDS = 300
# Whether iPXE came by TFTP and by HTTP so far, when each is deployed; a virtual machine's BIOS has it.
FETCHED = {"bios": (False, False), "uefi": (True, False), "http": (True, True)}


def run(directory):
    blocks = readme.page("A PXE lab")
    # The page's places are this cell's own.
    work = directory / "host"
    (work / "srv").mkdir(parents=True)
    subprocess.run(["mount", "--bind", work / "srv", "/srv"], check=True)
    source = image.bootable("pxe-lab", 96)
    (work / "disk.raw").symlink_to(source)
    for name in ("initramfs", "dist"):
        (work / name).mkdir()
    shutil.copy(place.ROOT / "initramfs" / "boot.ipxe", work / "initramfs")
    for name, file in (("ironlet.kernel", place.KERNEL), ("ironlet.initramfs", place.RAMDISK)):
        (work / "dist" / name).symlink_to(file)
    for command in ("link add eth1 type bridge stp_state 0", "address add 10.0.0.1/24 dev eth1", "link set eth1 up"):
        subprocess.run(["ip", *command.split()], check=True)
    # Installed by the lab already; the web server is one more daemon.
    commands = [line for line in blocks["sh"].splitlines() if not line.startswith("apt ")]
    server = commands.pop().removesuffix(" &").split()
    subprocess.run(["bash", "-euxc", "\n".join(commands)], cwd=work, check=True)
    conf = directory / "dnsmasq.conf"
    conf.write_text(blocks["ini"])
    Daemon("web", server, directory / "web.log").start().wait_port("10.0.0.1", 8080)
    # No name server for the cell, whose machines have no use for one.
    Daemon("dnsmasq", ["/usr/sbin/dnsmasq", "--no-daemon", "--port=0", "--user=root", f"--conf-file={conf}"], directory / "dnsmasq.log").start()
    for name in FETCHED:
        took = deployed(directory, name, source)
        # By the way that is meant, and no other.
        logs = (("dnsmasq.log", "sent /srv/tftp/snponly.efi"), ("web.log", "GET /snponly.efi"))
        fetched = tuple(sign in (directory / log).read_text() for log, sign in logs)
        require(fetched == FETCHED[name], f"{name}: whether iPXE was fetched by TFTP and by HTTP so far: {fetched}")
        print(f"  {name}: firmware to the deployed disk and the restart in {took:.0f} s, the disk is the image byte for byte", flush=True)


def deployed(directory, name, source):
    """Starts a machine with that firmware and an empty disk; the seconds until it was deployed and restarted."""
    started = time.monotonic()
    target = disk.Disk(directory / f"{name}.raw", 5 << 30)
    port = f"port-{name}"
    for command in (f"tuntap add {port} mode tap", f"link set {port} master eth1 up"):
        subprocess.run(["ip", *command.split()], check=True)
    log = directory / f"{name}.log"
    # A card's ROM would be iPXE for UEFI as well, and firmware's own ways were not taken.
    uefi = name != "bios"
    machine = Daemon(name, [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", str(RAM), "-nodefaults", "-display", "none", "-no-reboot",
        "-serial", f"file:{log}", "-drive", f"file={target.path},format=raw,if=none,id=disk,cache=unsafe", "-device", "virtio-blk-pci,drive=disk",
        "-netdev", f"tap,id=net,ifname={port},script=no,downscript=no", "-device", f"virtio-net-pci,netdev=net,bootindex=1{',romfile=' if uefi else ''}", *firmware(directory, name),
    ], directory / f"{name}-qemu.log").start()
    try:
        machine.process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        pass
    console = log.read_text(errors="replace")
    written = re.search(r"image: .* on /dev/vda in ", console)
    machine.kill()
    require(written and "reboot: Restarting system" in console, f"{name}: the machine was not deployed within {SECONDS} s, see {log}, which ends:\n{console[-1500:]}")
    require(target.holds(source), f"{name}: the disk does not hold the image")
    os.remove(target.path)
    return time.monotonic() - started


def firmware(directory, name):
    """QEMU's arguments. The virtual machine's UEFI tries PXE, then HTTP; without PXE it begins with HTTP."""
    if name == "bios":
        return []
    variables = directory / f"{name}-variables.fd"
    shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
    flash = "if=pflash,format=raw,unit={},file={}{}"
    return ["-drive", flash.format(0, "/usr/share/OVMF/OVMF_CODE_4M.fd", ",readonly=on"), "-drive", flash.format(1, variables, ""),
            *(["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n", "-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"] if name == "http" else [])]
