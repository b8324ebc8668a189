"""Media in real drives: a kernel's own view of sticks, discs and disks that all carry Ironic's labels, and one medium that comes late."""

import json
import subprocess

from machine import Machine

MIB, GIB = 1 << 20, 1 << 30
PUBLISHER = "3f0c7b52-8d1e-4a55-b0f4-6f1f0b1f7a11"
TOKEN = "n0tF0rTheC0ns0len0tF0rTheC0ns0len0tF0rTheC0"
MAC, ADDRESS = "52:54:00:12:34:56", "10.0.2.77"
PLAN = {
    "links": [{"id": "port", "type": "phy", "ethernet_mac_address": MAC}],
    "networks": [{"id": "net", "type": "ipv4", "link": "port", "ip_address": ADDRESS, "netmask": "255.255.255.0", "routes": []}],
}


def play(folder, patience):
    """What was taken from where, and why the rest was not."""
    work = folder / "media"
    work.mkdir(exist_ok=True)
    own, planted = iso(work, "own", PUBLISHER, "-partition_offset", "16"), iso(work, "planted", PUBLISHER)
    other = iso(work, "other", "somebody")
    floppy = parameters(work)
    # A stick of 64 GiB and a disk of the machine's own, with everything right on them.
    stick, disk = work / "stick.raw", work / "disk.raw"
    for path, size in ((stick, 64 * GIB), (disk, 8 * GIB)):
        path.write_bytes(planted.read_bytes())
        with open(path, "r+b") as file:
            file.truncate(size)
    arguments = [
        "-machine", "q35", "-netdev", "user,id=net", "-device", f"virtio-net-pci,netdev=net,romfile=,mac={MAC}", "-device", "qemu-xhci,id=xhci",
        "-drive", f"file={disk},format=raw,if=none,id=disk,snapshot=on", "-device", "ide-hd,drive=disk,bus=ide.0",
        "-drive", f"file={other},format=raw,if=none,id=other,readonly=on,media=cdrom", "-device", "ide-cd,drive=other,bus=ide.1",
        "-device", "ide-cd,bus=ide.2",
        *stick_of("stick", stick), *stick_of("own", own),
    ]
    with Machine(folder, "media", 512, f"boot_method=vmedia ir_pub_id={PUBLISHER} ipa-disk-wait-attempts=1", arguments) as console:
        console.expect(rf"looking for a medium labelled config-2 or vmedia_boot_iso, published as {PUBLISHER}", patience)
        console.expect("modules are loaded for every device", 60)
        console.ask(f"drive_add 0 if=none,id=late,format=raw,readonly=on,file={floppy}")
        console.ask("device_add usb-storage,drive=late,bus=xhci.0,removable=on")
        late = console.expect(r"parameters\.txt of (/dev/sd\w) sets ipa-agent-token, ipa-api-url", 60)
        plan = console.expect(r"the network is planned by network_data\.json of (/dev/sd\w)", 5)
        console.expect(rf"/etc/ironic-python-agent\.d/own\.conf is from {plan[1]}", 5)
        passed = [console.expect(pattern, 5)[0] for pattern in (
            r"/dev/sd\w is a USB disk of 64 GiB, and virtual media have less than 4 GiB",
            r"/dev/sd\w is a device of this machine's own \(8 GiB, sata\)",
            r"/dev/sr\d is labelled config-2, and was published as (?i:somebody)",
            r"/dev/sr\d has no medium in it",
        )]
        console.expect(rf"eth0: .*{ADDRESS}|eth0.*{ADDRESS}/24", 30)
        # The port of the API that is on the late stick alone.
        console.expect(r"http://10\.0\.2\.2:9(?:/|\b)", 60)
        console.never_said(f"{TOKEN}|DHCP server|planted|cannot be used|Call Trace")
    return "\n       ".join([plan[0], late[0], *passed])


def stick_of(name, path):
    return ["-drive", f"file={path},format=raw,if=none,id={name},snapshot=on", "-device", f"usb-storage,drive={name},bus=xhci.0,removable=on"]


def iso(work, name, publisher, *options):
    tree = work / f"{name}-tree"
    for path, content in ((f"etc/ironic-python-agent.d/{name}.conf", "[DEFAULT]\nlookup_timeout = 600\n"), ("openstack/latest/network_data.json", json.dumps(PLAN))):
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    made = work / f"{name}.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-r", "-V", "config-2", "-publisher", publisher, *options, "-o", made, tree], check=True, capture_output=True)
    return made


def parameters(work):
    image, text = work / "floppy.img", work / "parameters.txt"
    text.write_text(f"ipa-agent-token={TOKEN}\nipa-api-url=http://10.0.2.2:9\n")
    image.write_bytes(bytes(1440 << 10))
    subprocess.run(["/usr/sbin/mkfs.vfat", "-n", "ir-vfd-dev", image], check=True, capture_output=True)
    subprocess.run(["mcopy", "-i", image, text, "::"], check=True, capture_output=True)
    return image
