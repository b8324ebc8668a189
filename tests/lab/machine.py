"""The bare-metal machine: a libvirt domain without KVM, BIOS firmware, network boot first, the console on our socket."""

import network
import place

NAME = "metal"
UUID = "6b1d6d0e-1f5f-4f6e-9d2b-2b7a5a3c0e50"
CONSOLE = "/run/console"

DOMAIN = """
<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='network'/><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <cpu mode='maximum'/>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='scsi' model='virtio-scsi'/>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe' discard='unmap'/>
      <source file='{disk}'/><target dev='sda' bus='scsi'/>
      <serial>LAB0001</serial><wwn>5000c50015ea71aa</wwn><vendor>LAB</vendor><product>Metal disk</product>
    </disk>
    <interface type='bridge'>
      <mac address='{mac}'/><source bridge='{bridge}'/><model type='virtio'/>
    </interface>
    <serial type='unix'><source mode='connect' path='{console}'/><target port='0'/></serial>
    <video><model type='none'/></video>
    <memballoon model='none'/>
  </devices>
</domain>
"""


class Machine:
    def __init__(self, hypervisor, directory, disk):
        self.hypervisor = hypervisor
        definition = directory / "domain.xml"
        definition.write_text(DOMAIN.format(
            name=NAME, uuid=UUID, memory=place.MEMORY, disk=disk, mac=network.MACHINE_MAC,
            bridge=network.BRIDGE, console=CONSOLE,
        ))
        hypervisor.virsh("define", str(definition))

    def is_on(self):
        return self.hypervisor.virsh("domstate", NAME).strip() == "running"

    def pull_cable(self, pulled=True):
        """The machine's network card without a carrier, or with one again."""
        self.hypervisor.virsh("domif-setlink", NAME, network.MACHINE_MAC, "down" if pulled else "up")

    def send_break(self):
        """A break on the serial line: the next letter typed is a SysRq command."""
        self.hypervisor.virsh("qemu-monitor-command", NAME, "--hmp", "chardev-send-break charserial0")
