"""How a medium is in the machine: as a CD or as a stick; and the disk that is to be deployed to."""


def cd(path):
    return ["-drive", f"if=none,id=medium,format=raw,readonly=on,media=cdrom,file={path}", "-device", "ide-cd,drive=medium,bootindex=1"]


def stick(path):
    return ["-device", "qemu-xhci", "-drive", f"if=none,id=medium,format=raw,file={path}",
            "-device", "usb-storage,drive=medium,bootindex=1,removable=on"]


def own(path):
    return ["-drive", f"if=none,id=own,format=raw,file={path},cache=unsafe", "-device", "nvme,drive=own,serial=OWN"]


def network():
    # Nothing boots from it unless told.
    return ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
