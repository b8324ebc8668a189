"""The bare-metal machine: a libvirt domain without KVM, BIOS or UEFI, network boot first, the console on our socket."""

from collections import namedtuple
from xml.etree import ElementTree

import firmware
import network
import place

NAME = "metal"
UUID = "6b1d6d0e-1f5f-4f6e-9d2b-2b7a5a3c0e50"
CONSOLE = "/run/console"

DOMAIN = """
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory><vcpu>{processors}</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>{firmware}<boot dev='network'/><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <cpu mode='maximum'><topology sockets='{processors}' cores='1' threads='1'/></cpu>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='scsi' model='virtio-scsi'/>
    {disks}
    <interface type='bridge'>
      <mac address='{mac}'/><source bridge='{bridge}'/><target dev='port1'/><model type='virtio'/>{rom}
    </interface>
    <serial type='unix'><source mode='connect' path='{console}'/><target port='0'/></serial>
    {devices}
    <video><model type='none'/></video>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>{arguments}</qemu:commandline>
</domain>
"""

# OVMF keeps much for itself, and of the rest GRUB takes a quarter, into which Debian's kernel has to go.
UEFI_MEMORY = 64
UEFI = "<loader readonly='yes' type='pflash'>{code}</loader><nvram>{variables}</nvram>"

DISK = """
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe' discard='unmap'/>
      <source file='{path}'/>{bus}<serial>{serial}</serial>
    </disk>
"""
BUSES = {
    "scsi": "<target dev='sd{letter}' bus='scsi'/><address type='drive' target='{target}'/><wwn>5000c50015ea71a{letter}</wwn><vendor>LAB</vendor><product>Metal disk</product>",
    "virtio": "<target dev='vd{letter}' bus='virtio'/>",
    "locked": "<target dev='vd{letter}' bus='virtio'/><readonly/>",
}
# libvirt has no emulated NVMe disk. The slot is one that it leaves free.
NVME = "file={path},if=none,id=nvme,format=raw,cache=unsafe", "nvme,drive=nvme,serial={serial},bus=pcie.0,addr=0x1e"


# What more a machine may have: memory in MiB, sockets, devices as libvirt has them, arguments for QEMU, and its card iPXE in a ROM.
Hardware = namedtuple("Hardware", "memory processors devices arguments rom", defaults=(place.MEMORY, 1, "", (), True))


class Machine:
    def __init__(self, hypervisor, directory, drives, variables=None, hardware=Hardware()):
        """`drives`: kind and file of each; the first is the one a BIOS boots from. `variables`: the file of a UEFI's."""
        self.hypervisor = hypervisor
        definition = directory / "domain.xml"
        definition.write_text(DOMAIN.format(
            name=NAME, uuid=UUID, memory=hardware.memory + (UEFI_MEMORY if variables else 0), mac=network.MACHINE_MAC, bridge=network.BRIDGE, console=CONSOLE,
            disks=_disks(drives), arguments=_arguments(drives) + "".join(f"<qemu:arg value='{word}'/>" for word in hardware.arguments),
            processors=hardware.processors, devices=hardware.devices, rom="" if hardware.rom else "<rom enabled='no'/>",
            firmware=UEFI.format(code=firmware.CODE, variables=variables) if variables else "",
        ))
        hypervisor.virsh("define", str(definition))

    def scsi_path(self):
        """The place of the SCSI adapter, as udev names it: libvirt numbers the buses as the firmware does."""
        domain = ElementTree.fromstring(self.hypervisor.virsh("dumpxml", NAME))
        where = domain.find("devices/controller[@type='scsi']/address")
        domain, bus, slot, function = (int(where.get(part), 16) for part in ("domain", "bus", "slot", "function"))
        return f"pci-{domain:04x}:{bus:02x}:{slot:02x}.{function}"

    def is_on(self):
        return self.hypervisor.virsh("domstate", NAME).strip() == "running"

    def pull_cable(self, pulled=True):
        """The machine's network card without a carrier, or with one again."""
        self.hypervisor.virsh("domif-setlink", NAME, network.MACHINE_MAC, "down" if pulled else "up")

    def send_break(self):
        """A break on the serial line: the next letter typed is a SysRq command."""
        self.hypervisor.virsh("qemu-monitor-command", NAME, "--hmp", "chardev-send-break charserial0")


def serial(path):
    """The serial number of the disk in that file."""
    return f"LAB-{path.stem.upper()}"


def _disks(drives):
    """libvirt's order is the firmware's; SCSI targets count down, so that the kernel's is another."""
    return "".join(
        DISK.format(path=path, serial=serial(path), bus=BUSES[kind].format(letter="abcdef"[number], target=9 - number))
        for number, (kind, path) in enumerate(drives) if kind in BUSES
    )


def _arguments(drives):
    return "".join(
        f"<qemu:arg value='{option}'/><qemu:arg value='{value.format(path=path, serial=serial(path))}'/>"
        for kind, path in drives if kind == "nvme" for option, value in zip(("-drive", "-device"), NVME)
    )
