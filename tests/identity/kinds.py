"""The disks of the machine: QEMU's kinds and those the guest reaches over a network of its own, each with what its kind can say about itself."""

# Name → QEMU devices; `{drive}` becomes the backing file's drive. Sizes are MiB, all different, so that a disk is known by its size, and
# all large enough to deploy to.
KINDS = {
    "virtio-blk": (5001, ["virtio-blk-pci,drive={drive},serial=VBLK-0001"]),
    "virtio-blk plain": (5002, ["virtio-blk-pci,drive={drive}"]),
    "virtio-blk 4Kn": (5003, ["virtio-blk-pci,drive={drive},serial=VBLK4K,logical_block_size=4096,physical_block_size=4096"]),
    "virtio-scsi": (5004, ["scsi-hd,bus=scsi.0,scsi-id=1,lun=2,drive={drive},serial=SCSI 0001,wwn=0x5000c50015ea71aa,vendor=ACME,product=Rocket 15k"]),
    "virtio-scsi plain": (5005, ["scsi-hd,bus=scsi.0,scsi-id=2,drive={drive}"]),
    "virtio-scsi 4Kn": (5006, ["scsi-hd,bus=scsi.0,scsi-id=3,drive={drive},serial=S4K,wwn=0x5000c50015ea71ab,logical_block_size=4096,physical_block_size=4096,rotation_rate=1"]),
    "virtio-scsi LUN 300": (5007, ["scsi-hd,bus=scsi.0,scsi-id=4,lun=300,drive={drive},serial=far away,device_id=odd id/1"]),
    "AHCI": (5008, ["ide-hd,bus=ahci.0,drive={drive},serial=AHCI0001,wwn=0x5000c50015ea71ac,model=Quick Disk 3000 with a long name"]),
    "AHCI plain": (5009, ["ide-hd,bus=ahci.1,drive={drive}"]),
    "AHCI SSD": (5010, ["ide-hd,bus=ahci.2,drive={drive},serial=WD-1 2 3,rotation_rate=1"]),
    "PATA": (5011, ["ide-hd,bus=pata.0,unit=0,drive={drive},serial=PATA0001,model=Old/Disk #1"]),
    "PATA second": (5012, ["ide-hd,bus=pata.0,unit=1,drive={drive},serial=PATA0002"]),
    "NVMe": (5013, ["nvme,id=nvme0,serial=NVME0001", "nvme-ns,bus=nvme0,drive={drive},nsid=1,eui64=0x0123456789abcdef"]),
    "NVMe plain": (5014, ["nvme,drive={drive},serial=NVME0002"]),
    "NVMe 4Kn, second": (5015, ["nvme-ns,bus=nvme0,drive={drive},nsid=2,uuid=5c1f6f52-8b9e-4c36-9b3c-0a8d2f1a7e10,logical_block_size=4096,physical_block_size=4096"]),
    "NVMe shared": (5016, ["nvme-subsys,id=sub,nqn=sub", "nvme,id=nvme3,serial=NVME 3/x,subsys=sub", "nvme-ns,bus=nvme3,drive={drive},nsid=7,shared=on"]),
    "NVMe bridged": (5017, ["nvme,bus=below,drive={drive},serial=NVME0004"]),
    "USB": (5018, ["usb-storage,bus=xhci.0,port=1,drive={drive},serial=USB0001,removable=on"]),
    "USB UAS": (5019, ["usb-uas,id=uas,bus=xhci.0,port=2", "scsi-hd,bus=uas.0,drive={drive},serial=UAS0001"]),
    "USB hub": (5020, ["usb-hub,bus=xhci.0,port=3", "usb-storage,bus=xhci.0,port=3.2,drive={drive},serial=USB 0002"]),
    "USB LUN 0": (5021, ["usb-bot,id=bot,bus=xhci.0,port=4,serial=BOT0001", "scsi-hd,bus=bot.0,lun=0,drive={drive},serial=L0,vendor=Reader&Co,product=Slot  A"]),
    "USB LUN 1": (5022, ["scsi-hd,bus=bot.0,lun=1,drive={drive},serial=L1,vendor=Reader&Co,product=Slot  B"]),
    "USB 2": (5023, ["usb-storage,bus=ehci.0,port=1,drive={drive},serial=USB0003"]),
    "SAS": (5024, ["scsi-hd,bus=sas.0,scsi-id=0,drive={drive},serial=SAS0001,wwn=0x5000c50015ea71ad"]),
    "SAS plain": (5025, ["scsi-hd,bus=sas.0,scsi-id=3,drive={drive},wwn=0x5000c50015ea71af"]),
    "MegaRAID": (5026, ["scsi-hd,bus=mega.0,scsi-id=0,drive={drive},serial=MEGA0001,wwn=0x6001405a5a5a5a5a"]),
    "MegaRAID second": (5027, ["scsi-hd,bus=mega.0,scsi-id=5,drive={drive}"]),
    "MegaRAID gen2": (5028, ["scsi-hd,bus=mega2.0,scsi-id=1,drive={drive},serial=MEGA0002"]),
    "parallel SCSI": (5029, ["scsi-hd,bus=spi.0,scsi-id=2,drive={drive},serial=SPI0001,device_id=naa.none"]),
    "PVSCSI": (5030, ["scsi-hd,bus=pvscsi.0,scsi-id=1,drive={drive},serial=PV0001,wwn=0x5000c50015ea71ae"]),
    # An SD card is as large as a power of two.
    "SD card": (8192, ["sd-card,drive={drive}"]),
}

# What task.sh puts behind the guest's own targets.
FABRICS = {"iSCSI": 5101, "iSCSI LUN 300": 5102, "Fibre Channel": 5103, "NVMe over TCP": 5104}

CONTROLLERS = [
    "virtio-scsi-pci,id=scsi", "ahci,id=ahci", "qemu-xhci,id=xhci", "usb-ehci,id=ehci", "piix3-ide,id=pata", "mptsas1068,id=sas", "megasas,id=mega",
    "megasas-gen2,id=mega2", "lsi53c895a,id=spi", "pvscsi,id=pvscsi", "sdhci-pci", "pcie-root-port,id=root,chassis=1",
    "pcie-pci-bridge,id=below,bus=root",
    # Two ports of one cable, for Fibre Channel over Ethernet.
    "virtio-net-pci,netdev=left,mac=52:54:00:00:00:01", "virtio-net-pci,netdev=right,mac=52:54:00:00:00:02",
]


def arguments(folder):
    """QEMU's arguments for a machine with one disk of each kind; their files are made in `folder`."""
    made = ["-netdev", "hubport,id=left,hubid=0", "-netdev", "hubport,id=right,hubid=0"]
    for controller in CONTROLLERS:
        made += ["-device", controller]
    for number, (size, devices) in enumerate(KINDS.values()):
        file = folder / f"disk{number}"
        with open(file, "wb") as out:
            out.truncate(size << 20)
        drive = f"disk{number}"
        made += ["-drive", f"file={file},format=raw,if=none,id={drive},cache=unsafe"]
        for device in devices:
            made += ["-device", device.format(drive=drive)]
    return made


def all_kinds():
    """Every kind and its MiB."""
    return {kind: size for kind, (size, _) in KINDS.items()} | FABRICS


def kind_of(size):
    """The kind of a disk of `size` bytes, if it is one of ours."""
    for kind, mebibytes in all_kinds().items():
        if size == mebibytes << 20:
            return kind
    return None
