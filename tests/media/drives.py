"""How a medium is in the machine: as a CD or as a stick; and the disk that is to be deployed to."""


def cd(path):
    return ["-drive", f"if=none,id=medium,format=raw,readonly=on,media=cdrom,file={path}", "-device", "ide-cd,drive=medium,bootindex=1"]


def stick(path):
    return ["-device", "qemu-xhci,id=usb", "-drive", f"if=none,id=medium,format=raw,file={path}",
            "-device", "usb-storage,bus=usb.0,drive=medium,bootindex=1,removable=on"]


def own(path):
    return [*_blank(path), "-device", "nvme,drive=own,serial=OWN"]


def own_beside_stick(path):
    """Another that can be pulled out, and larger: no rule but one prefers it."""
    return [*_blank(path), "-device", "usb-storage,bus=usb.0,drive=own,removable=on,serial=OWN"]


def _blank(path):
    return ["-drive", f"if=none,id=own,format=raw,file={path},cache=unsafe"]


def network():
    # Nothing boots from it unless told.
    return ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
