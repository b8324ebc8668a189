"""The board of the machine: two sockets and three NUMA nodes, SMBIOS tables, network cards on two of the nodes, USB devices, a BMC."""

# Everything but the disks, which kinds.py has. Of memory, node 2 has some and no processors.
SMBIOS = [
    "type=0,vendor=ACME Firmware,version=F1.23 (beta),date=02/29/2024,release=4.7,uefi=on",
    "type=1,manufacturer=ACME,product=Rocket 9000,version=rev: B,serial=SN 0001,sku=RKT-9000,family=Rockets",
    "type=2,manufacturer=ACME,product=Board 7,version=2,serial=BRD0001,asset=none,location=slot 1",
    "type=3,manufacturer=ACME,version=1U,serial=CHS0001,asset=A-77,sku=CHS",
    "type=4,sock_pfx=CPU,manufacturer=ACME: processors,version=Quick 3000,serial=P-1,asset=PA,part=QP3000,max-speed=3700,current-speed=2900",
    "type=17,loc_pfx=DIMM,bank=BANK 0,manufacturer=ACME RAM,serial=D-1,asset=DA,part=M393A2K40,speed=3200",
]
NODES = ["node,nodeid=0,memdev=m0,cpus=0", "node,nodeid=1,memdev=m1,cpus=1", "node,nodeid=2,memdev=m2"]
MIB = [768, 512, 256]
# (QEMU's device, where it is); the last number of the MAC is its place here and 10 more.
CARDS = [
    ("e1000", ",bus=pcie.0"), ("e1000e", ",bus=near"), ("vmxnet3", ",bus=far"), ("rtl8139", ",bus=pcie.0"), ("virtio-net-pci", ",bus=further"), ("usb-net", ",bus=uhci.0,port=2"),
]
DEVICES = [
    # Root ports that belong to a node each.
    "pxb-pcie,id=pxb1,bus_nr=64,numa_node=1,bus=pcie.0", "pxb-pcie,id=pxb0,bus_nr=128,numa_node=0,bus=pcie.0",
    "pcie-root-port,id=near,bus=pxb0,chassis=20", "pcie-root-port,id=far,bus=pxb1,chassis=21,slot=1", "pcie-root-port,id=further,bus=pxb1,chassis=22,slot=2",
    # A reader of smart cards alone on its hub; one whose hub has a keyboard too; a serial adapter beside a card.
    "piix3-usb-uhci,id=lone,bus=pcie.0", "usb-ccid,bus=lone.0", "piix3-usb-uhci,id=both,bus=pcie.0", "usb-ccid,bus=both.0,port=1", "usb-kbd,bus=both.0,port=2",
    "piix3-usb-uhci,id=uhci,bus=pcie.0", "usb-tablet,bus=uhci.0,port=1",
    "ipmi-bmc-extern,id=bmc,chardev=bmc", "isa-ipmi-kcs,bmc=bmc",
]


def arguments(bmc):
    """QEMU's arguments; `bmc` is the socket where the BMC listens. A connection that is there before its device is the end of QEMU 7.2."""
    made = ["-smp", "cpus=2,sockets=2,cores=1,threads=1", "-m", str(sum(MIB)), "-chardev", f"socket,id=bmc,path={bmc},reconnect=1"]
    for number, size in enumerate(MIB):
        made += ["-object", f"memory-backend-ram,id=m{number},size={size}M"]
    for node in NODES:
        made += ["-numa", node]
    for table in SMBIOS:
        made += ["-smbios", table]
    for device in DEVICES:
        made += ["-device", device]
    for number, (kind, place) in enumerate(CARDS, 10):
        made += ["-netdev", f"hubport,id=card{number},hubid={number}", "-device", f"{kind},netdev=card{number},mac=52:54:00:00:00:{number}{place}"]
    return made
