"""Odd neighbours of IPv6: odd.py liar PORT — a DHCPv6 server that offers what it then refuses; odd.py flood PORT COUNT —
router advertisements of as many routers, networks and name servers."""

import os
import socket
import struct
import sys

ALL_NODES, ALL_SERVERS = "ff02::1", "ff02::1:2"


def option(number, data):
    return struct.pack("!HH", number, len(data)) + data


def options(data):
    while len(data) >= 4:
        number, length = struct.unpack("!HH", data[:4])
        yield number, data[4:4 + length]
        data = data[4 + length:]


def liar(port):
    wire = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, port.encode())
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    wire.bind(("::", 547))
    group = socket.inet_pton(socket.AF_INET6, ALL_SERVERS) + struct.pack("@I", socket.if_nametoindex(port))
    wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    own = option(2, b"\x00\x03\x00\x01\x02\x00\x00\x00\x66\x66")
    print("the liar is there", flush=True)
    while True:
        message, sender = wire.recvfrom(2000)
        asked = dict(options(message[4:]))
        client, association = option(1, asked.get(1, b"")), asked.get(3, b"")[:12]
        head = message[1:4] + client + own
        if message[0] == 1:
            address = socket.inet_pton(socket.AF_INET6, "fd00:66::66") + struct.pack("!II", 600, 600)
            # Garbage first, then the offer, which is to be the most wanted of all.
            wire.sendto(b"\x02" + message[1:4] + os.urandom(200), sender)
            wire.sendto(b"\x02" + head + option(7, b"\xc8") + option(3, association + option(5, address)), sender)
            print("offered", flush=True)
        elif message[0] == 3 and asked.get(2) == own[4:]:
            wire.sendto(b"\x07" + head + option(3, association + option(13, struct.pack("!H", 2) + b"not really")), sender)
            print("refused", flush=True)


def checksum(source, target, body):
    data = source + target + struct.pack("!II", len(body), 58) + body
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def flood(port, count):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind((port, 0))
    target = socket.inet_pton(socket.AF_INET6, ALL_NODES)
    for number in range(count):
        router = struct.pack("!HIHHHI", 0xfe80, 0, 0, 0, 0xbad, number)
        prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 600, 600, 0) + struct.pack("!HHI", 0xfd66, 0, number) + bytes(8)
        servers = struct.pack("!BBHI", 25, 3, 0, 600) + struct.pack("!HHHHHHI", 0xfd66, 0, 0, 0, 0, 0, number)
        domain = (f"rogue{number:06}".encode()).ljust(15, b"x")
        domains = struct.pack("!BBHI", 31, 3, 0, 600) + (bytes([13]) + domain[:13] + b"\0\0")
        body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 600, 0, 0) + prefix + servers + domains
        body = body[:2] + struct.pack("!H", checksum(router, target, body)) + body[4:]
        packet = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + router + target + body
        mac = struct.pack("!HI", 0x0200, number)
        try:
            wire.send(b"\x33\x33\0\0\0\x01" + mac + b"\x86\xdd" + packet)
        except OSError:
            pass
    print("flooded", flush=True)


if __name__ == "__main__":
    {"liar": lambda port: liar(port), "flood": lambda port, count: flood(port, int(count))}[sys.argv[1]](*sys.argv[2:])
