"""The disks of the machine: QEMU's kinds, each with what its kind can say about itself."""

# Name → QEMU devices; `{drive}` becomes the backing file's drive. Sizes are MiB, all different, so that a disk is known by its size.
KINDS = {
    "virtio-blk": (64, ["virtio-blk-pci,drive={drive},serial=VBLK-0001"]),
    "virtio-blk plain": (65, ["virtio-blk-pci,drive={drive}"]),
    "virtio-blk 4Kn": (66, ["virtio-blk-pci,drive={drive},serial=VBLK4K,logical_block_size=4096,physical_block_size=4096"]),
    "virtio-scsi": (67, ["scsi-hd,bus=scsi.0,scsi-id=1,lun=2,drive={drive},serial=SCSI 0001,wwn=0x5000c50015ea71aa,vendor=ACME,product=Rocket 15k"]),
    "virtio-scsi plain": (68, ["scsi-hd,bus=scsi.0,scsi-id=2,drive={drive}"]),
    "virtio-scsi 4Kn": (69, ["scsi-hd,bus=scsi.0,scsi-id=3,drive={drive},serial=S4K,wwn=0x5000c50015ea71ab,logical_block_size=4096,physical_block_size=4096,rotation_rate=1"]),
    "AHCI": (70, ["ide-hd,bus=ahci.0,drive={drive},serial=AHCI0001,wwn=0x5000c50015ea71ac,model=Quick Disk 3000 with a long name"]),
    "AHCI plain": (71, ["ide-hd,bus=ahci.1,drive={drive}"]),
    "AHCI SSD": (72, ["ide-hd,bus=ahci.2,drive={drive},serial=WD-1 2 3,rotation_rate=1"]),
    "NVMe": (73, ["nvme,id=nvme0,serial=NVME0001", "nvme-ns,bus=nvme0,drive={drive},nsid=1,eui64=0x0123456789abcdef"]),
    "NVMe plain": (74, ["nvme,drive={drive},serial=NVME0002"]),
    "NVMe 4Kn, second": (75, ["nvme-ns,bus=nvme0,drive={drive},nsid=2,uuid=5c1f6f52-8b9e-4c36-9b3c-0a8d2f1a7e10,logical_block_size=4096,physical_block_size=4096"]),
    "USB": (76, ["usb-storage,bus=xhci.0,port=1,drive={drive},serial=USB0001,removable=on"]),
    "USB UAS": (77, ["usb-uas,id=uas,bus=xhci.0,port=2", "scsi-hd,bus=uas.0,drive={drive},serial=UAS0001"]),
}

CONTROLLERS = ["virtio-scsi-pci,id=scsi", "ahci,id=ahci", "qemu-xhci,id=xhci"]


def arguments(folder):
    """QEMU's arguments for a machine with one disk of each kind; their files are made in `folder`."""
    made = []
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


def kind_of(size):
    """The kind of a disk of `size` bytes, if it is one of ours."""
    for kind, (mebibytes, _) in KINDS.items():
        if size == mebibytes << 20:
            return kind
    return None
