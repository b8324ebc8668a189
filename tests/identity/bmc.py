"""A BMC for QEMU's ipmi-bmc-extern: a LAN channel with IPv4, IPv6 and a MAC, one without; what it does not know it refuses. Told to hang
(ipmitool raw 0x30 1), it answers nothing any more."""

import ipaddress
import socket
import threading

# docs/specs of QEMU's external BMC: a message or a command ends with a byte of its own, and both are escaped within.
MESSAGE, COMMAND, ESCAPE = 0xA0, 0xA1, 0xAA
INVALID, OUT_OF_RANGE, INVALID_DATA = 0xC1, 0xC9, 0xCC


def ipv6(number, source, address, status):
    return bytes([number, source]) + ipaddress.IPv6Address(address).packed + bytes([64, status])


# (channel, parameter, set) → value. Channel 1 is there and unused; 8 is in use.
LAN = {
    1: {(0, 0): b"\0", (1, 0): b"\x14", (2, 0): b"\x14" * 5, (3, 0): bytes(4), (4, 0): b"\1", (5, 0): bytes(6), (6, 0): bytes(4), (50, 0): b"\2", (51, 0): b"\0"},
    8: {
        (0, 0): b"\0", (1, 0): b"\x14", (2, 0): b"\x14" * 5, (3, 0): bytes([192, 0, 2, 88]), (4, 0): b"\2", (5, 0): bytes.fromhex("525400bbcc08"),
        (6, 0): bytes([255, 255, 255, 0]), (50, 0): b"\2", (51, 0): b"\2",
        (56, 0): ipv6(0, 0x80, "2001:db8::56", 0), (56, 1): ipv6(1, 0, "::", 1),
        (59, 0): ipv6(0, 1, "2001:db8::1:59", 2), (59, 1): ipv6(1, 2, "2001:db8::2:59", 0),
    },
}


def answer(function, command, data):
    """The completion code and what follows."""
    if (function, command) == (0x06, 0x01):  # Get Device ID: of IPMI 2.0
        return bytes([0, 0x20, 1, 1, 0, 0x02, 0xBF, 0, 0, 0, 1, 0])
    if (function, command) in ((0x06, 0x2E), (0x06, 0x30)):  # Set Global Enables, Clear Message Flags
        return b"\0"
    if (function, command) in ((0x06, 0x2F), (0x06, 0x31)):  # Get Global Enables, Get Message Flags
        return b"\0\0"
    if (function, command) == (0x06, 0x42) and data:  # Get Channel Info
        channel = 15 if data[0] & 15 == 14 else data[0] & 15
        medium = 12 if channel == 15 else 4 if channel in LAN else None
        return bytes([0, channel, medium, 1 if channel in LAN else 5, 0x80, 0xF2, 0x1B, 0, 0, 0]) if medium else bytes([INVALID_DATA])
    if (function, command) == (0x0C, 0x02) and len(data) == 4:  # Get LAN Configuration Parameters
        channel = LAN.get(data[0] & 15)
        if channel is None:
            return bytes([INVALID_DATA])
        value = channel.get((data[1], data[2]))
        known = any(parameter == data[1] for parameter, _ in channel)
        return b"\0\x11" + value if value is not None else bytes([OUT_OF_RANGE if known else 0x80])
    return bytes([INVALID])


def packed(message):
    out = bytearray()
    for byte in message + bytes([-sum(message) & 0xFF]):
        out += bytes([ESCAPE, byte | 0x10]) if byte in (MESSAGE, COMMAND, ESCAPE) else bytes([byte])
    return bytes(out) + bytes([MESSAGE])


def serve(connection):
    message, escaped, hung = bytearray(), False, False
    while chunk := connection.recv(4096):
        for byte in chunk:
            if byte == ESCAPE:
                escaped = True
            elif byte == COMMAND:
                message.clear()
            elif byte == MESSAGE:
                if len(message) >= 4 and not hung:
                    number, function, command, data = message[0], message[1], message[2], bytes(message[3:-1])
                    hung = (function >> 2, command) == (0x30, 1)
                    said = answer(function >> 2, command, data)
                    connection.sendall(packed(bytes([number, function | 4, command]) + said))
                message.clear()
            else:
                message.append(byte & ~0x10 if escaped else byte)
                escaped = False


def start(path):
    """Listens at `path` for one machine."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def work():
        try:
            serve(listener.accept()[0])
        except OSError:
            pass  # the machine is gone

    threading.Thread(target=work, daemon=True).start()
