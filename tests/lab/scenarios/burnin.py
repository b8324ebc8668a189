"""Burn-in of processor, memory and disks by hand; then one of the disks flips a bit, and the cleaning fails and names the place."""

import lying_disk
import machine
from stand import Drive, Stand
from verdict import Failed, require

MIB = 1 << 20
LIAR, BAD = "/run/liar", 5 * MIB + 777
# A disk by NBD behind virtio, in a slot that libvirt leaves free.
ARGUMENTS = ("-drive", f"driver=raw,if=none,id=liar,file.driver=nbd,file.server.type=unix,file.server.path={LIAR}",
             "-device", "virtio-blk-pci,drive=liar,serial=LIAR,bus=pcie.0,addr=0x1d")
STEPS = [{"interface": "deploy", "step": f"burnin_{what}"} for what in ("cpu", "memory", "disk")]


def run(directory):
    lies = []
    liar = lying_disk.LyingDisk(LIAR, 16 * MIB, lambda at, data: lies[0](at, data) if lies else [(at, data)])
    stand = Stand(
        directory, drives=[Drive("good", "scsi", 64), Drive("kept", "virtio", 64)],
        properties={"skip_block_devices": [{"serial": "LAB-KEPT"}]}, available=False, fast_track=True,
        hardware=machine.Hardware(arguments=ARGUMENTS),
        agent_burnin_cpu_timeout=3, agent_burnin_vm_timeout="3s", **{"agent_burnin_vm_vm-bytes": "80%"},
        agent_burnin_fio_disk_loops=1,
    )
    stand.disks["kept"].remember()
    clean(stand)
    stand.node.wait("manageable", 400)
    for what, told in (("cpu", r"burn-in of \d+ processors by \d+ threads for 3 s"), ("memory", r"burn-in of \d+ MiB of memory"),
                       ("disk", r"/dev/sda done in \d+ s: written and read back 1 times; 64 MiB were as they had been written")):
        print(f"  {what}: {stand.console.expect(told, 1, since=0).match.group(0)}", flush=True)
    stand.disks["kept"].require_spared()

    lies.append(lying_disk.flips(BAD))
    clean(stand, STEPS[2:])
    try:
        stand.node.wait("manageable", 300)
    except Failed:
        pass
    node = stand.node.read()
    require(node["provision_state"] == "clean failed", f"the node is '{node['provision_state']}' with a disk that flips bits")
    sector = BAD // 512 * 512
    words = f"1 sectors are not as they were written: byte {sector}: 1 bytes of the sector have changed"
    require(words in node["last_error"], f"the error does not name the place: {node['last_error']}")
    stand.disks["kept"].require_spared()
    print(f"  Ironic says: {words}", flush=True)
    collected(stand)


def clean(stand, steps=STEPS):
    stand.node.provision("clean", clean_steps=steps)
    stand.node.wait("clean wait", 120)


def collected(stand):
    """What Ironic fetched when the step failed has what an operator looks for, of this very machine."""
    texts = dict(stand.ironic.collected())
    for member, told in (("lsblk", "/dev/vda\n"), ("lsblk", "serial LAB-KEPT"), ("lsblk", "by-path /dev/disk/by-path/"), ("ip_addr", "172.22.0.50/"),
                         ("ip_route", "172.22.0.0/"), ("sys/bus/pci/devices", "driver=virtio-pci"), ("dmidecode", "\"bios\""),
                         ("kernel.log", "Linux version"), ("threads", "self "), ("agent.log", "burn-in of ")):
        found = [text for name, text in texts.items() if name.endswith(f": {member}") and told in text]
        require(found, f"no {member} that Ironic collected has {told!r}: {sorted(texts)}")
    print("  the archive that Ironic took by itself has disks, links, addresses, PCI, SMBIOS and both logs")
