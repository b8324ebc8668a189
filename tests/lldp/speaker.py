"""Speaks LLDP as nobody should: speaker.py PORT WHAT… says each of WHAT at PORT, in that order, and keeps the port."""

import os
import socket
import struct
import sys
import time

NEAREST, BRIDGES = "0180c200000e", "0180c2000000"


def tlv(kind, value):
    return struct.pack("!H", kind << 9 | len(value)) + value


def frame(source, name, capabilities=0x04, to=NEAREST, ttl=120):
    body = tlv(1, b"\x07" + name) + tlv(2, b"\x05port 1") + tlv(3, struct.pack("!H", ttl)) + tlv(5, name)
    body += tlv(7, struct.pack("!HH", 0x94, capabilities)) + tlv(127, b"\x00\x80\xc2\x03\x00\x64\x04prod") + tlv(0, b"")
    return (bytes.fromhex(to) + bytes.fromhex(source.replace(":", "")) + b"\x88\xcc" + body).ljust(60, b"\0")


def main():
    port, *acts = sys.argv[1:]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind((port, 0))
    other = "02:00:00:00:77:01"
    for act in acts:
        act, _, value = act.partition("=")
        if act == "garbage":
            good = frame(other, b"garbage")
            for length in range(14, len(good)):
                wire.send(good[:length])
            for size in (14, 60, 1500):
                wire.send(good[:14] + os.urandom(size - 14))
                wire.send(good[:14] + b"\xff" * (size - 14))
                wire.send(good[:14] + b"\0" * (size - 14))
        elif act == "leaving":
            wire.send(frame(other, b"leaving", ttl=0))
        elif act == "flood":
            end = time.monotonic() + float(value)
            junk = frame(other, b"flood", ttl=0).ljust(1500, b"\xff")
            while time.monotonic() < end:
                try:
                    wire.send(junk)
                except OSError:
                    time.sleep(0.001)
        elif act == "host":
            wire.send(frame(other, b"a host", capabilities=0x80))
        elif act == "forwarded":
            wire.send(frame(other, b"a bridge elsewhere", to=BRIDGES))
        elif act == "tagged":
            good = frame(other, b"a switch of VLAN 100")
            wire.send(good[:12] + b"\x81\x00\x00\x64" + good[12:])
        elif act == "switch":
            wire.send(frame(other, b"the switch"))
        elif act == "as":
            wire.send(frame(value, b"an impostor"))
        elif act == "wait":
            time.sleep(float(value))
        print(act, "said", flush=True)
    time.sleep(60)


main()
