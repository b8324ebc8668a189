"""The provisioning network: a bridge, DHCP with iPXE chain-loading, TFTP. It exists only inside a cell."""

import subprocess
from pathlib import Path

from daemon import Daemon

BRIDGE = "br-lab"
ADDRESS = "172.22.0.1"
# The web server again, as another host: what `no_proxy` can name.
ASIDE = "172.22.0.2"
MACHINE_ADDRESS = "172.22.0.50"
MACHINE_MAC = "52:54:00:22:00:50"
# nginx before the same Swift, by TLS.
SWIFT_TLS = f"https://{ADDRESS}:8444"
WEB, WEB_ASIDE, WEB_TLS = f"http://{ADDRESS}:8080", f"http://{ASIDE}:8080", f"https://{ADDRESS}:8443"
IPV6_PREFIX = "fd22::"
ADDRESS6, LEASES6 = f"{IPV6_PREFIX}1", f"{IPV6_PREFIX}d:0,{IPV6_PREFIX}d:ff"
# What the bridge's address is called where names are wanted.
NAME = "ironic.lab.test"


def start(directory, names=False, ipv6=False, dhcp=True, http_boot=None):
    """Without `dhcp` there is a bridge and nobody who has addresses. With `names` all in the cell have a DNS server that knows one name, one address of it, and nobody else to ask. With `ipv6` that
    is the IPv6 address, and DHCPv6 has addresses, too; to IPv4 the server is unknown once the firmware has booted. `http_boot`: a file with the options of who boots by HTTP, read again on SIGHUP."""
    if names:
        resolver = directory / "resolv.conf"
        resolver.write_text(f"nameserver {ADDRESS}\n")
        subprocess.run(["mount", "--bind", str(resolver), "/etc/resolv.conf"], check=True)
    _ip("link", "add", BRIDGE, "type", "bridge", "stp_state", "0")
    for address in (ADDRESS, ASIDE):
        _ip("address", "add", f"{address}/24", "dev", BRIDGE)
    _ip("address", "add", f"{IPV6_PREFIX}1/64", "dev", BRIDGE, "nodad")
    _ip("link", "set", BRIDGE, "up")
    (directory / "tftp").mkdir()
    if http_boot:
        http_boot.touch()
    if not dhcp:
        return None
    return Daemon("dnsmasq", [
        "/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--log-dhcp",
        *(["--no-resolv", "--no-hosts", f"--host-record={NAME},{ADDRESS6 if ipv6 else ADDRESS}", "--log-queries"] if names else ["--port=0"]),
        f"--interface={BRIDGE}", "--bind-interfaces", "--no-ping",
        f"--dhcp-range={MACHINE_ADDRESS},172.22.0.99,255.255.255.0,1h",
        f"--dhcp-host={MACHINE_MAC},{MACHINE_ADDRESS}",
        f"--dhcp-leasefile={directory}/dhcp.leases",
        "--enable-tftp", f"--tftp-root={directory}/tftp",
        # Option 175 is iPXE's own: firmware without it is sent to iPXE first.
        "--dhcp-match=set:ipxe,175",
        f"--dhcp-boot=tag:ipxe,{WEB}/boot.ipxe",
        "--dhcp-boot=tag:!ipxe,tag:!http,undionly.kpxe",
        # A firmware that boots by HTTP takes an answer only with this word in it.
        *(["--dhcp-match=set:http,option:client-arch,16", "--dhcp-option-force=tag:http,60,HTTPClient", f"--dhcp-optsfile={http_boot}"] if http_boot else []),
        # iPXE waits 2 s for another server's offer unless its option 176 (no-pxedhcp) is set, and 13 s for an IPv6 router
        # unless one comes forward; this one offers no route (a lifetime of 0).
        "--dhcp-option=encap:175,176,1b",
        "--enable-ra", f"--ra-param={BRIDGE},0,0", *([f"--dhcp-range={LEASES6},64,1h", f"--dhcp-option=option6:dns-server,[{ADDRESS6}]"] if ipv6 else [f"--dhcp-range=::,constructor:{BRIDGE},ra-only,64"]),
    ], directory / "dnsmasq.log").start()


def tap(name):
    """A port of the bridge for a QEMU that libvirt does not run."""
    _ip("tuntap", "add", "dev", name, "mode", "tap")
    _ip("link", "set", name, "master", BRIDGE, "up")
    return name


def sent_to_machine():
    """Bytes that left the bridge by its only port since the machine was powered on, whoever sent them."""
    [port] = Path(f"/sys/class/net/{BRIDGE}/brif").iterdir()
    return int((port.resolve().parent / "statistics" / "tx_bytes").read_text())


def reset(port):
    """End every connection of `port` here with an RST to the other side, as a firewall does that lost its table."""
    subprocess.run(["ss", "-t", "-H", "-K", "state", "established", "sport", "=", f":{port}", "dst", MACHINE_ADDRESS], check=True, stdout=subprocess.DEVNULL)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
