"""Answers multicast DNS with lies: liar.py PORT HOW. Hears IPv4 and IPv6 questions on the network device PORT."""

import os
import select
import socket
import struct
import sys

NAME = "baremetal._openstack._tcp.local"


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(name, kind, data):
    return wire(name) + struct.pack("!HHIH", kind, 0x8001, 120, len(data)) + data


def texts(*entries):
    return b"".join(bytes([len(entry)]) + entry.encode() for entry in entries)


def answer(question, how):
    name = "elsewhere.local" if how == "other-name" else NAME
    text = ["path=/baremetal", "protocol=http"]
    if how == "evil-path":
        text = ["path=@203.0.113.66/", "protocol=http"]
    if how == "evil-scheme":
        text = ["protocol=file"]
    records = [
        record(name, 33, struct.pack("!HHH", 0, 0, 6385) + wire("liar.local")),
        record(name, 16, texts(*text)),
        record("liar.local", 1, socket.inet_aton("203.0.113.66")),
    ]
    number = bytes([question[0] ^ 1, question[1]]) if how == "wrong-id" else question[:2]
    return number + struct.pack("!HHHHH", 0x8400, 0, len(records), 0, 0) + b"".join(records)


def main(port, how):
    index = socket.if_nametoindex(port)
    ears = []
    for family, group in ((socket.AF_INET, "224.0.0.251"), (socket.AF_INET6, "ff02::fb")):
        ear = socket.socket(family, socket.SOCK_DGRAM)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, port.encode())
        if family == socket.AF_INET:
            ear.bind(("", 5353))
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("@i", index))
        else:
            ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            ear.bind(("::", 5353))
            ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, group) + struct.pack("@I", index))
        ears.append(ear)
    print("the liar is there", flush=True)
    while True:
        for ear in select.select(ears, [], [])[0]:
            question, sender = ear.recvfrom(9000)
            if wire(NAME) not in question or question[2] & 0x80:
                continue
            mouth = ear
            if how == "wrong-port":
                mouth = socket.socket(ear.family, socket.SOCK_DGRAM)
            if how == "garbage":
                good = answer(question, how)
                for length in range(len(good)):
                    mouth.sendto(good[:length], sender)
                mouth.sendto(question[:2] + os.urandom(500), sender)
                mouth.sendto(good[:12] + b"\xc0\x0c" * 200, sender)
            else:
                mouth.sendto(answer(question, how), sender)
            print("lied", flush=True)


main(*sys.argv[1:])
