"""A DHCP server that answers every card in an odd way of its own: which one, the last byte of the card's MAC address says.

`dhcp_zoo.py INTERFACE` serves until it is killed; with `--refuse` behind it, it offers nothing but 0.0.0.0 before a SIGUSR1, with `--nak` it
refuses what it offered. `--list` tells each number, the address and prefix the card is to have in the end, and the odd way. Each question is a line on the standard output.
The interface must have the addresses 10.77.NUMBER.1/24. Everything is built by hand: no server sends such things on request.
"""

import heapq
import signal
import socket
import struct
import sys
import time

DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
NAMES = {DISCOVER: "DISCOVER", OFFER: "OFFER", REQUEST: "REQUEST", ACK: "ACK", NAK: "NAK"}
EVERYBODY = b"\xff" * 6
END = b"\xff"
# A lease of so many seconds is renewed after half of them.
SHORT = 4


def option(number, data=b""):
    """In as many pieces as it takes (RFC 3396)."""
    pieces = [data[at:at + 255] for at in range(0, len(data), 255)] or [b""]
    return b"".join(bytes([number, len(piece)]) + piece for piece in pieces)


def crumbs(number, data, size):
    return b"".join(option(number, data[at:at + size]) for at in range(0, len(data), size))


def kind(number):
    return option(53, bytes([number]))


def seconds(number):
    return option(51, struct.pack("!I", number))


MASK, HOUR = option(1, bytes([255, 255, 255, 0])), seconds(3600)
DOMAIN = b"\x03lab\x04test\0"


class Card:
    """One of the client's cards, and what it asked so far."""

    def __init__(self, number, mac):
        self.number, self.mac = number, mac
        self.requests = self.discovers = 0
        self.last_request = None

    def ip(self, last):
        return bytes([10, 77, self.number, last])

    def server(self, last=1):
        return option(54, self.ip(last))

    def router(self):
        return option(3, self.ip(1))

    def usual(self, reply):
        return kind(reply) + self.server() + HOUR + MASK + self.router()

    def routes(self, count):
        """A default route and others to 10.200.x.0/24."""
        return bytes([0]) + self.ip(1) + b"".join(bytes([24, 10, 200, net]) + self.ip(1) for net in range(count - 1))


class Answer:
    """A message to a card: its options, and what else is odd about it."""

    def __init__(self, options, after=0.0, address=9, file=b"", sname=b"", operation=2, cookie=b"\x63\x82\x53\x63", transaction=0, stranger=False,
                 unicast=False, ip_options=b""):
        self.__dict__.update({name: value for name, value in locals().items() if name != "self"})

    def frame(self, card, question):
        transaction = (question.transaction + self.transaction) & 0xffffffff
        address = card.ip(self.address) if self.address else bytes(4)
        hardware = bytes([2, 9, 9, 9, 9, 9]) if self.stranger else card.mac
        message = struct.pack("!4BIHH", self.operation, 1, 6, 0, transaction, 0, 0) + bytes(4) + address + bytes(8)
        message += hardware.ljust(16, b"\0") + self.sname.ljust(64, b"\0") + self.file.ljust(128, b"\0") + self.cookie + self.options
        # No UDP checksum: nobody computes one between virtual machines.
        datagram = struct.pack("!4H", 67, 68, 8 + len(message), 0) + message
        words, length = 5 + len(self.ip_options) // 4, len(datagram) + 20 + len(self.ip_options)
        target = card.ip(9) if self.unicast else b"\xff" * 4
        head = struct.pack("!BBHIBBH", 0x40 | words, 0, length, 0, 64, 17, 0) + card.ip(1) + target + self.ip_options
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        return (card.mac if self.unicast else EVERYBODY) + bytes([2, 0x77, 0, 0, 0, 1]) + b"\x08\0" + head + datagram


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


# Each takes the card and the type of its answer, OFFER or ACK, and gives the answers in their order.

def routes_in_pieces(card, reply):
    yield Answer(card.usual(reply) + option(121, card.routes(42)) + END)


def everything_in_crumbs(card, reply):
    yield Answer(
        kind(reply) + crumbs(54, card.ip(1), 1) + crumbs(51, struct.pack("!I", 3600), 3) + crumbs(1, bytes([255, 255, 255, 0]), 2)
        + crumbs(3, card.ip(1), 2) + crumbs(6, card.ip(1), 3) + crumbs(119, DOMAIN, 5) + END
    )


def overload_file(card, reply):
    yield Answer(kind(reply) + option(52, b"\1") + END, file=card.server() + HOUR + MASK + END)


def overload_both(card, reply):
    yield Answer(option(52, b"\3") + option(6, card.ip(1)[:2]) + END, file=kind(reply) + card.server() + MASK + option(6, card.ip(1)[2:]), sname=HOUR + END)


def short_routes(card, reply):
    yield Answer(card.usual(reply) + option(121, bytes([24, 10, 1])) + END)


def mask_with_holes(card, reply):
    yield Answer(kind(reply) + card.server() + HOUR + option(1, bytes([255, 0, 255, 0])) + END)


def short_values(card, reply):
    yield Answer(
        kind(reply) + card.server() + HOUR + MASK + option(3, b"\x0a\x4d\1") + option(26, b"\1") + option(6, b"\1") + option(12) + option(58, b"\1")
        + option(119, b"\xc0\0") + END
    )


def no_time(card, reply):
    yield Answer(kind(reply) + card.server() + MASK + END)


def no_server(card, reply):
    yield Answer(kind(reply) + HOUR + MASK + END)


def nothing_but_an_address(card, reply):
    yield Answer(kind(reply) + END)


def refusal_of_another(card, reply):
    if reply == ACK:
        yield Answer(kind(NAK) + card.server(2) + END, address=0)
    yield Answer(card.usual(reply) + END)


def refusal_of_nobody(card, reply):
    if reply == ACK:
        yield Answer(kind(NAK) + END, address=0)
    yield Answer(card.usual(reply) + END, after=0.2)


def short_lease(card, reply):
    yield Answer(kind(reply) + card.server() + seconds(SHORT) + MASK + END)


def broken_ones_first(card, reply):
    good = card.usual(reply) + END
    yield Answer(good, address=0)
    yield Answer(card.server() + HOUR + END)
    yield Answer(good, cookie=bytes(4))
    yield Answer(good, stranger=True)
    yield Answer(good, transaction=1)
    yield Answer(good, operation=1)
    yield Answer(kind(13) + good)
    yield Answer(b"")
    yield Answer(good)


def said_twice(card, reply):
    yield Answer(card.server() + seconds(3600) + card.usual(reply) + END)


def offered_whole_and_confirmed_bare(card, reply):
    yield Answer(card.usual(reply) + END if reply == OFFER else kind(reply) + END)


def a_better_one_later(card, reply):
    if reply == OFFER:
        yield Answer(kind(reply) + MASK + END, address=66)
        yield Answer(card.usual(reply) + END, after=1.5)
    else:
        yield Answer(card.usual(reply) + END)


def three_refusals(card, reply):
    if reply == ACK and card.requests <= 3:
        yield Answer(kind(NAK) + card.server() + option(56, b"the pool is empty") + END, address=0)
    else:
        yield Answer(card.usual(reply) + END)


def no_end(card, reply):
    yield Answer(option(52, b"\7") + card.usual(reply) + option(42, b"\1\2\3\4")[:-1])


def straight_with_ip_options(card, reply):
    # No operation, three times, and the end of the list.
    yield Answer(card.usual(reply) + END, unicast=True, ip_options=b"\1\1\1\0")


# Number → the odd way, and the prefix in the end if it is not 24: the class's where there is no mask.
ANIMALS = dict(enumerate([
    (routes_in_pieces, 24), (everything_in_crumbs, 24), (overload_file, 24), (overload_both, 24), (short_routes, 24), (mask_with_holes, 8),
    (short_values, 24), (no_time, 24), (no_server, 24), (nothing_but_an_address, 8), (refusal_of_another, 24), (refusal_of_nobody, 24),
    (short_lease, 24), (broken_ones_first, 24), (said_twice, 24), (offered_whole_and_confirmed_bare, 24), (a_better_one_later, 24),
    (three_refusals, 24), (no_end, 24), (straight_with_ip_options, 24),
], start=1))
# An acknowledgement without a mask takes the one of the offer away.
ANIMALS[16] = offered_whole_and_confirmed_bare, 8


class Question:
    """A client's message, out of an Ethernet frame; `type` is none when it is nothing of the kind."""

    def __init__(self, frame):
        self.type = None
        head = 14 + (frame[14] & 15) * 4
        if frame[12:14] != b"\x08\0" or frame[23] != 17 or struct.unpack_from("!H", frame, head + 2) != (67,):
            return
        message = frame[head + 8:]
        self.mac, self.transaction = message[28:34], struct.unpack_from("!I", message, 4)[0]
        at = 240
        while message[at] != 255:
            if message[at] == 53:
                self.type = message[at + 2]
            at += 2 + message[at + 1]


def serve(interface, refuse, naks):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind((interface, 0))
    # Without somebody on the port the kernel would answer renewals by ICMP.
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.bind(("", 67))
    cards, waiting, order, useless = {}, [], 0, [refuse]
    signal.signal(signal.SIGUSR1, lambda number, frame: useless.clear())
    print("the zoo is open", flush=True)
    while True:
        wire.settimeout(max(0.001, waiting[0][0] - time.monotonic()) if waiting else None)
        try:
            question = Question(wire.recv(4096))
        except TimeoutError:
            question = None
        while waiting and waiting[0][0] <= time.monotonic():
            wire.send(heapq.heappop(waiting)[2])
        if question is None or question.type not in (DISCOVER, REQUEST) or question.mac[5] not in ANIMALS:
            continue
        card = cards.setdefault(question.mac, Card(question.mac[5], question.mac))
        odd, _ = ANIMALS[card.number]
        now = time.monotonic()
        if any(useless):
            answers = [Answer(card.usual(OFFER) + END, address=0)]
        elif naks and question.type == REQUEST:
            answers = [Answer(kind(NAK) + card.server() + option(56, b"no address left") + END, address=0)]
        elif question.type == DISCOVER:
            card.discovers += 1
            answers = list(odd(card, OFFER))
        else:
            card.requests += 1
            answers = list(odd(card, ACK))
        since = f", {now - card.last_request:.1f} s after the last" if card.last_request and question.type == REQUEST else ""
        print(f"{card.number} {odd.__name__}: {NAMES[question.type]}{since}", flush=True)
        if question.type == REQUEST:
            card.last_request = now
        for answer in answers:
            order += 1
            heapq.heappush(waiting, (now + answer.after, order, answer.frame(card, question)))
        while waiting and waiting[0][0] <= time.monotonic():
            wire.send(heapq.heappop(waiting)[2])


def main(arguments):
    if arguments == ["--list"]:
        for number, (odd, prefix) in ANIMALS.items():
            print(f"{number} 10.77.{number}.9/{prefix} {odd.__name__}")
    else:
        serve(arguments[0], "--refuse" in arguments, "--nak" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
