"""A machine that runs one task in a shell, with the host's files to read and a second port to answer on."""

import lzma
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
VENV = TOP / "target/tools/ipa-venv"

# What must be loaded before udev, or the shell, could ask for it.
MODULES = [
    "virtio_pci", "9p", "9pnet_virtio", "virtio_blk", "virtio_scsi", "nvme", "ahci", "ata_piix", "ehci_pci", "xhci_pci", "usb_storage", "uas",
    "mptsas", "megaraid_sas", "sym53c8xx", "vmw_pvscsi", "sdhci_pci", "mmc_block", "sd_mod",
    "virtio_net", "e1000", "e1000e", "vmxnet3", "8139cp", "uhci_hcd", "usbhid", "rndis_host", "cdc_ether", "bonding", "8021q", "ipmi_si", "ipmi_devintf",
    "crc32c_generic", "target_core_file", "iscsi_target_mod", "iscsi_tcp", "tcm_fc", "fcoe", "nvmet_tcp", "nvme_tcp",
]


class Broken(Exception):
    """The machine did not do what it was asked."""


def closure(modules):
    """Every module of MODULES and what it needs, in the order to load them; paths below `modules`."""
    needs = dict(line.split(":", 1) for line in (modules / "modules.dep").read_text().splitlines())
    named = {Path(path).name.split(".ko")[0].replace("-", "_"): path for path in needs}
    order = []

    def take(path):
        for need in needs[path].split():
            take(need)
        if path not in order:
            order.append(path)

    for name in MODULES:
        if name in named:
            take(named[name])
    return order


def unpacked(path):
    return Path(path).name.removesuffix(".xz")


def ramdisk(folder, kernel, ironlet, task, files):
    """An initramfs with a shell, the modules, `ironlet`, the `task` and further `files`."""
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for place in ("bin", "proc", "sys", "dev", "modules", "tmp"):
        (tree / place).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin/busybox")
    shutil.copy(ironlet, tree / "ironlet")
    shutil.copy(HERE / "init.sh", tree / "init")
    shutil.copy(task, tree / "task.sh")
    for file in files:
        shutil.copy(file, tree / Path(file).name)
    os.chmod(tree / "init", 0o755)
    modules = next((kernel / "lib/modules").iterdir())
    order = closure(modules)
    for path in order:
        # Newer Debians pack them, and the shell's insmod unpacks nothing.
        content = (modules / path).read_bytes()
        (tree / "modules" / unpacked(path)).write_bytes(lzma.decompress(content) if path.endswith(".xz") else content)
    (tree / "modules/order").write_text("".join(f"{unpacked(path)}\n" for path in order))
    names = subprocess.run(["find", ".", "-print0"], cwd=tree, check=True, capture_output=True).stdout
    packed = subprocess.run(["cpio", "-0oHnewc", "--quiet"], cwd=tree, input=names, check=True, capture_output=True).stdout
    (folder / "ramdisk").write_bytes(packed)
    return folder / "ramdisk"


# no_timer_check: without KVM the kernel measures the timer's interrupts against a host that may have no time for it, and panics
# ("IO-APIC + timer doesn't work!"); of KVM and its like it knows to ask no such thing.
def run(folder, kernel, ramdisk_file, disks, wanted, memory=1536, seconds=900):
    """Boots the machine to its end; what it said on its second port, as `answered` has it."""
    answers = folder / "answers"
    console = folder / "console.log"
    command = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(memory),
               "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none",
               "-kernel", str(next((kernel / "boot").glob("vmlinuz-*"))), "-initrd", str(ramdisk_file),
               "-append", f"console=ttyS0 panic=-1 no_timer_check quiet disks={wanted}",
               "-serial", f"file:{console}", "-serial", f"file:{answers}",
               "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
               "-virtfs", f"local,path={VENV},mount_tag=python,security_model=none,readonly=on,multidevs=remap", *disks]
    try:
        subprocess.run(command, check=True, timeout=seconds, stdin=subprocess.DEVNULL, stderr=open(folder / "qemu.log", "w"))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
        said = f"it had told {', '.join(answered(answers)) or 'nothing'}; its console ends:\n{ending(console)}"
        raise Broken(f"{failure}; {(folder / 'qemu.log').read_text()}{said}") from failure
    told = answered(answers)
    if "identity: done" not in console.read_text(errors="replace"):
        raise Broken(f"the machine did not finish; its console ends:\n{ending(console)}")
    return told


def answered(answers):
    """What the machine said on its second port, by name."""
    text = answers.read_text(errors="replace") if answers.exists() else ""
    parts = re.split("^== ", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    return dict(part.split("\n", 1) for part in parts if "\n" in part)


def ending(console):
    """What to show of a console whose file goes with everything else."""
    return console.read_text(errors="replace")[-2000:] if console.exists() else "it said nothing"
