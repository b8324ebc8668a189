"""QEMU's network cards, disk controllers and card readers: what each needs on the command line, and where its disk turns up; and the smallest machines."""

from dataclasses import dataclass

VIRTIO_DISK = ["-device", "virtio-blk-pci,drive=disk"]
VIRTIO_NIC = ["-device", "virtio-net-pci,netdev=net,romfile="]
# A hub of each speed, for what is plugged in there.
XHCI = ["-device", "qemu-xhci"]
EHCI = ["-device", "usb-ehci"]
UHCI = ["-device", "piix3-usb-uhci"]
OHCI = ["-device", "pci-ohci"]
SCSI_DISK = ["-device", "scsi-hd,drive=disk,scsi-id=1,wwn=0x5000c50012345678"]


@dataclass
class Device:
    name: str
    kind: str
    # Its module, for the table.
    module: str
    # QEMU's, beside the drive `disk` and the network `net`.
    arguments: list
    disk: str = "/dev/vda"
    profile: str = "server"
    machine: str = "q35"
    uefi: bool = False
    # Of memory.
    mib: int = 512
    # More words for the kernel.
    kernel: str = ""


def nic(name, module, profile="server", **more):
    return Device(name, "network card", module, ["-device", f"{name},netdev=net,romfile=", *VIRTIO_DISK], profile=profile, **more)


def controller(name, module, arguments, disk="/dev/sda", **more):
    return Device(name, "disk controller", module, [*arguments, *VIRTIO_NIC], disk=disk, **more)


def scsi(name, module, **more):
    return controller(name, module, ["-device", name, *SCSI_DISK], **more)


def usb(name, bus, arguments, module, kind="disk controller", **more):
    device = controller(f"{name} at {bus[1].split(',')[0]}", module, [*bus, *arguments], **more)
    device.kind = kind
    return device


def smallest(profile, mib, uefi):
    """What README.md's table promises of a profile, firmware and all."""
    firmware = "UEFI" if uefi else "BIOS"
    device = controller(f"{mib} MiB by {firmware}", "virtio_blk", VIRTIO_DISK, "/dev/vda", profile=profile, uefi=uefi, mib=mib, kernel="rootfstype=ramfs")
    device.kind = "smallest machine"
    return device


STICK = ["-device", "usb-storage,drive=disk"]
UAS = ["-device", "usb-uas,id=uas", "-device", "scsi-hd,bus=uas.0,drive=disk"]

DEVICES = [
    nic("virtio-net-pci-transitional", "virtio_net"),
    nic("virtio-net-pci-non-transitional", "virtio_net"),
    nic("e1000", "e1000"),
    nic("e1000-82544gc", "e1000"),
    nic("e1000-82545em", "e1000"),
    nic("e1000e", "e1000e"),
    nic("vmxnet3", "vmxnet3"),
    nic("rtl8139", "8139cp"),
    *(nic(name, "e100") for name in ("i82550", "i82551", "i82557a", "i82557b", "i82557c", "i82558a", "i82558b",
                                     "i82559a", "i82559b", "i82559c", "i82559er", "i82562", "i82801")),
    nic("pcnet", "pcnet32", "board"),
    nic("tulip", "tulip", "board"),
    nic("ne2k_pci", "ne2k_pci", "board"),
    *(Device(f"usb-net at {bus[1]}", "network card", "cdc_ether, rndis_host", [*bus, "-device", "usb-net,netdev=net", *VIRTIO_DISK]) for bus in (XHCI, UHCI, OHCI)),
    controller("virtio-blk-pci-transitional", "virtio_blk", ["-device", "virtio-blk-pci-transitional,drive=disk"], "/dev/vda"),
    controller("virtio-blk-pci-non-transitional", "virtio_blk", ["-device", "virtio-blk-pci-non-transitional,drive=disk"], "/dev/vda"),
    scsi("virtio-scsi-pci", "virtio_scsi"),
    controller("nvme", "nvme", ["-device", "nvme,drive=disk,serial=zoo"], "/dev/nvme0n1"),
    controller("ich9-ahci", "ahci", ["-device", "ide-hd,drive=disk,bus=ide.0"]),
    controller("piix3-ide", "ata_piix", ["-device", "ide-hd,drive=disk,bus=ide.0"], machine="pc"),
    scsi("megasas", "megaraid_sas"),
    scsi("megasas-gen2", "megaraid_sas"),
    scsi("mptsas1068", "mptsas"),
    scsi("pvscsi", "vmw_pvscsi"),
    scsi("lsi53c895a", "sym53c8xx"),
    scsi("lsi53c810", "sym53c8xx"),
    scsi("am53c974", "am53c974", profile="board"),
    scsi("dc390", "am53c974", profile="board"),
    usb("usb-storage", XHCI, STICK, "usb_storage"),
    usb("usb-storage", EHCI, STICK, "usb_storage"),
    usb("usb-storage", UHCI, STICK, "usb_storage"),
    usb("usb-storage", OHCI, STICK, "usb_storage"),
    usb("usb-bot", XHCI, ["-device", "usb-bot,id=bot", "-device", "scsi-hd,bus=bot.0,drive=disk"], "usb_storage"),
    usb("usb-uas", XHCI, UAS, "uas"),
    usb("usb-uas", EHCI, UAS, "uas"),
    Device("sdhci-pci, SD card", "card reader", "sdhci_pci, mmc_block", ["-device", "sdhci-pci,id=reader", "-device", "sd-card,drive=disk", *VIRTIO_NIC], "/dev/mmcblk0", "board"),
    Device("sdhci-pci, SD card", "card reader", "sdhci_pci, mmc_block", ["-device", "sdhci-pci,id=reader", "-device", "sd-card,drive=disk", *VIRTIO_NIC], "/dev/mmcblk0"),
    *(smallest(profile, mib, uefi) for profile, mib in (("server", 192), ("board", 160)) for uefi in (False, True)),
]
