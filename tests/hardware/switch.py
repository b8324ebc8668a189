"""A switch for a machine of QEMU's: trunk ports, VLANs that lead to network devices here, and LLDP. Tags are handled here, for a
kernel that knows no VLANs."""

import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
TAG = b"\x81\x00"
NEIGHBOURS = bytes.fromhex("0180c200000e")
OWN = bytes.fromhex("020000007701")


def tlv(kind, value):
    return struct.pack("!H", kind << 9 | len(value)) + value


class Switch:
    """`ports`: how many. `networks`: VLAN (0 is untagged) → the address of the device `<name><VLAN>` here, with its prefix."""

    def __init__(self, name, first_port, ports, networks):
        self._name = name
        self._first, self._vlans = first_port, [vlan for vlan in networks if vlan]
        self._wires, self._taps, self._where, self._stop = [], {}, {}, False
        for number in range(ports):
            wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            wire.bind(("127.0.0.1", first_port + 2 * number))
            self._wires.append(wire)
        for vlan, address in networks.items():
            tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", self.device(vlan).encode(), IFF_TAP | IFF_NO_PI))
            for words in (f"address add {address} dev {self.device(vlan)}", f"link set {self.device(vlan)} up"):
                subprocess.run(["ip", *words.split()], check=True)
            self._taps[vlan] = tap

    def device(self, vlan):
        return f"{self._name}{vlan}"

    def nic(self, number, mac):
        """QEMU's arguments for a card at port `number`."""
        here, there = self._first + 2 * number, self._first + 2 * number + 1
        ends = f"local.type=inet,local.host=127.0.0.1,local.port={there},remote.type=inet,remote.host=127.0.0.1,remote.port={here}"
        return ["-netdev", f"dgram,id=port{number},{ends}", "-device", f"virtio-net-pci,netdev=port{number},mac={mac},romfile=,id=nic{number}"]

    def __enter__(self):
        self._thread = threading.Thread(target=self._forward, name="switch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop = True
        self._thread.join()
        for wire in self._wires:
            wire.close()
        for tap in self._taps.values():
            os.close(tap)

    def _forward(self):
        taps = {tap: vlan for vlan, tap in self._taps.items()}
        due = 0
        while not self._stop:
            ready, _, _ = select.select([*self._wires, *taps], [], [], 0.2)
            for source in ready:
                if isinstance(source, int):
                    self._down(os.read(source, 65536), taps[source])
                else:
                    self._up(source.recv(65536), self._wires.index(source))
            if time.monotonic() >= due:
                due = time.monotonic() + 1
                for number in range(len(self._wires)):
                    self._send(number, self._lldp(number))

    def _up(self, frame, port):
        self._where[frame[6:12]] = port
        vlan = 0
        if frame[12:14] == TAG:
            vlan = struct.unpack("!H", frame[14:16])[0] & 0xFFF
            frame = frame[:12] + frame[16:]
        if vlan in self._taps:
            os.write(self._taps[vlan], frame)

    def _down(self, frame, vlan):
        if vlan:
            frame = frame[:12] + TAG + struct.pack("!H", vlan) + frame[12:]
        port = self._where.get(frame[:6])
        for number in range(len(self._wires)) if port is None else [port]:
            self._send(number, frame)

    def _send(self, number, frame):
        try:
            self._wires[number].sendto(frame, ("127.0.0.1", self._first + 2 * number + 1))
        except OSError:
            pass  # no machine there yet, or any more

    def _lldp(self, number):
        body = tlv(1, b"\x04" + OWN) + tlv(2, b"\x05port %d" % number) + tlv(3, b"\0\x78") + tlv(7, b"\0\x04\0\x04")
        for vlan in self._vlans:
            body += tlv(127, b"\x00\x80\xc2\x03" + struct.pack("!HB", vlan, 1) + b"v")
        return (NEIGHBOURS + OWN + b"\x88\xcc" + body + tlv(0, b"")).ljust(60, b"\0")
