"""Networks that want more of a machine than an address on its card: VLANs, bonds, addresses by hand. The switch is switch.py; dnsmasq
and a web server are behind it."""

import hashlib
import json
import os
import subprocess
from contextlib import contextmanager

from archive import appended
from machine import Broken, Machine
from receiver import receiver
from switch import Switch

MIB = 1 << 20
BOOT = 150
MACS = ["52:54:00:00:00:01", "52:54:00:00:00:02"]


@contextmanager
def dnsmasq(folder, name, switch, networks):
    """DHCP on each of these networks: VLAN → the first three bytes of its addresses."""
    options = [option for vlan, net in networks.items() for option in (f"--interface={switch.device(vlan)}", f"--dhcp-range={net}.100,{net}.199,255.255.255.0,1h")]
    leases = folder / f"{name}.leases"
    leases.unlink(missing_ok=True)
    with open(folder / f"{name}-dnsmasq.log", "w") as log:
        server = subprocess.Popen(
            ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--bind-interfaces", "--user=root", "--no-ping", "--log-dhcp",
             f"--dhcp-leasefile={leases}", *options], stdout=log, stderr=log)
    try:
        yield
    finally:
        server.kill()
        server.wait()


def idle(more):
    """An order for which the agent needs no disk and no server."""
    return f"ironlet.image=http://10.99.0.1:1/none ironlet.checksum=sha256:{'0' * 64} ipa-disk-wait-attempts=1 {more}"


def vlans(folder):
    """VLANs by the name of a card, by its MAC address, and as the switch tells by LLDP: each gets an address by DHCP"""
    networks = {0: "10.90.0.1/24", 100: "10.91.0.1/24", 200: "10.92.0.1/24"}
    served = {100: "10.91.0", 200: "10.92.0"}
    with Switch("vlan", 21000, 2, networks) as switch, dnsmasq(folder, "vlans", switch, served):
        cards = [argument for number, mac in enumerate(MACS) for argument in switch.nic(number, mac)]
        named = f"ipa-enable-vlan-interfaces=eth0.100,{MACS[1].upper()}.200,eth9.7,eth0.5000"
        with Machine(folder, "vlans-named", 384, idle(named), ["-machine", "q35", *cards]) as console:
            console.expect(r"'eth0\.5000' is none of interface\.number", BOOT)
            first = console.expect(r"eth0\.100: (10\.91\.0\.\d+)/24 from the DHCP server 10\.91\.0\.1", BOOT)[1]
            second = console.expect(r"eth1\.200: (10\.92\.0\.\d+)/24 from the DHCP server 10\.92\.0\.1", 30)[1]
            console.never_said(r"eth0\.200|eth1\.100")
        told = "ipa-enable-vlan-interfaces=eth1 ipa-collect-lldp=1 ipa-lldp-timeout=20"
        with Machine(folder, "vlans-told", 384, idle(told), ["-machine", "q35", *cards]) as console:
            console.expect(r"LLDP: eth1 has the neighbour 02:00:00:00:77:01", BOOT)
            for vlan, net in served.items():
                console.expect(rf"eth1\.{vlan}: {net}\.\d+/24 from the DHCP server {net}\.1", 60)
            console.never_said(r"eth0\.\d+ is the VLAN")
    log = (folder / "vlans-dnsmasq.log").read_text()
    granted = [log.count(f"DHCPACK({switch.device(vlan)})") for vlan in served]
    if min(granted) < 2:
        raise Broken(f"dnsmasq granted too few addresses: {granted}")
    return f"eth0.100 {first}, eth1.200 {second}; eth1.100 and eth1.200 by LLDP"


def bond(folder):
    """network_data.json: a VLAN with an address by hand on a bond of two cards, through which an image comes while a cable is pulled; each card is told of by its own address"""
    plan = {
        "links": [
            {"id": "trunk", "type": "bond", "bond_links": ["a", "b"], "bond_mode": "active-backup", "mtu": 1400},
            {"id": "tagged", "type": "vlan", "vlan_link": "trunk", "vlan_id": 100},
            *({"id": id, "type": "phy", "ethernet_mac_address": mac} for id, mac in zip("ab", MACS)),
        ],
        "networks": [{
            "id": "n", "type": "ipv4", "link": "tagged", "ip_address": "10.95.0.9", "netmask": "255.255.255.0",
            "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.95.0.1"}],
        }],
        "services": [{"type": "dns", "address": "10.95.0.1"}],
    }
    more = appended(folder / "plan-tree", {"mnt/config/openstack/latest/network_data.json": json.dumps(plan).encode()})
    initramfs = folder / "initramfs-plan"
    initramfs.write_bytes((folder / "initramfs").read_bytes() + more)
    web, disk = folder / "bond-web", folder / "bond-disk.raw"
    web.mkdir(exist_ok=True)
    image = os.urandom(48 * MIB)
    (web / "image.raw").write_bytes(image)
    disk.write_bytes(bytes(64 * MIB))
    # Behind the router, on the other side of the default route.
    subprocess.run(["ip", "address", "replace", "10.93.0.1/32", "dev", "lo"], check=True)
    order = f"ironlet.image=http://10.93.0.1:8089/image.raw ironlet.checksum=sha256:{hashlib.sha256(image).hexdigest()} ironlet.disk=/dev/vda"
    with Switch("bond", 21100, 2, {0: "10.94.0.1/24", 100: "10.95.0.1/24"}) as switch:
        server = subprocess.Popen(["python3", "-m", "http.server", "8089", "-d", str(web)], stdout=subprocess.DEVNULL, stderr=open(folder / "bond-web.log", "w"))
        try:
            cards = [argument for number, mac in enumerate(MACS) for argument in switch.nic(number, mac)]
            virtio = ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
            with Machine(folder, "bond", 512, order, ["-machine", "q35", *cards, *virtio], initramfs=initramfs) as console:
                console.expect(r"trunk is a bond", BOOT)
                console.expect(r"trunk\.100 is the VLAN 100 of trunk", 10)
                console.expect(r"trunk\.100: 10\.95\.0\.9/24 from network_data\.json", 10)
                for card in ("eth0", "eth1"):
                    console.expect(rf"{card} is a port of trunk", 10)
                console.expect(r"image: ", 60)
                console.ask("set_link nic0 off")
                console.expect(r"trunk: .*\(?slave eth0\)?: link status definitely down", 30)
                told = console.expect(r"image: .* on /dev/vda in .*", 120)[0]
                console.goes_off(60)
                console.never_said(r"by DHCP|eth\d: 10\.")
            with receiver("10.93.0.1", 8090) as (order, posted):
                with Machine(folder, "bond-told", 512, order, ["-machine", "q35", *cards], initramfs=initramfs) as console:
                    console.expect("Ironic has taken it", BOOT)
            macs = {card["name"]: card["mac_address"] for card in posted[0]["inventory"]["interfaces"]}
            if [macs["eth0"], macs["eth1"]] != MACS:
                raise Broken(f"the cards of the bond are told as {macs}")
        finally:
            server.kill()
            server.wait()
    if disk.read_bytes()[: len(image)] != image:
        raise Broken("what is on the disk is not the image")
    return told
