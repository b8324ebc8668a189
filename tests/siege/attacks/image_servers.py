"""Servers that lie about an image: it is on the disk as its digest has it, or nothing that boots is; soon."""

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor

from attack import attack
from image import Disk, Image
from table import Row
from web import Web, answer, honest
from write_image import written

SECONDS = 60


def cut(connection, content, first):
    connection.sendall(answer(content, first) + content[first:first + len(content) // 3])


def long(connection, content, first):
    connection.sendall(answer(content, first, len(content) - first + 1000) + content[first:] + bytes(1000))


def longer_than_told(connection, content, first):
    connection.sendall(answer(content, first) + content[first:] + bytes(100000))


def short(connection, content, first):
    connection.sendall(answer(content, first, (len(content) - first) // 2) + content[first:])


def changed(connection, content, first):
    connection.sendall(answer(content, first) + content[first:-1] + bytes([content[-1] ^ 1]))


def another(connection, content, first):
    """What is asked for from the middle comes from the start."""
    connection.sendall(answer(content, first) + (content[first:first + 100000] if not first else content[:len(content) - first]))


def no_ranges(connection, content, first):
    connection.sendall(answer(content, 0) + content[:len(content) if first else len(content) // 2])


def terabytes(connection, content, first):
    connection.sendall(answer(content, first, 1 << 60) + content[first:])


def not_a_number(connection, content, first):
    connection.sendall(answer(content, first).replace(b"Content-Length: ", b"Content-Length: -") + content[first:])


def two_lengths(connection, content, first):
    connection.sendall(answer(content, first, more="Content-Length: 7\r\n") + content[first:])


def bad_chunks(connection, content, first):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + content[:0x100000] + b"\r\nzz\r\n")


def endless_head(connection, content, first):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n" * 1000)


def zeros_for_ever(connection, content, first):
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 20))


def noise(connection, content, first):
    connection.sendall(content[:100000])


def nothing(connection, content, first):
    pass


def redirects(connection, content, first):
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: ?again\r\nContent-Length: 0\r\n\r\n")


LIES = (cut, long, longer_than_told, short, changed, another, no_ranges, terabytes, not_a_number, two_lengths, bad_chunks,
        endless_head, zeros_for_ever, noise, nothing, redirects)


@attack
def image_servers(field):
    dice, web = random.Random(field.seed), Web.shared()
    image = Image(field.work / "lie.raw")
    rounds = field.scale(1, 6)
    trials = [(number, lie, dice.choice((1, 1 << 30))) for number, lie in enumerate(LIES * rounds)]
    # They mostly wait for their next try.
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda one: trial(field.work, web, image, *one), trials))
    wrong = [what for what, _ in outcomes if what not in ("whole", "bare")]
    slowest = max(seconds for _, seconds in outcomes)
    whole = sum(what == "whole" for what, _ in outcomes)
    yield Row("image servers that lie", f"{len(trials)} (seed {field.seed})", f"{len(trials) - len(wrong)} harmless",
              f"{whole} whole, {len(trials) - len(wrong) - whole} refused, <= {slowest:.0f} s", f"0 other disks, {SECONDS} s"
              + (f"; {'; '.join(wrong[:3])}" if wrong else ""), not wrong)


def trial(work, web, image, number, lie, turns):
    """What came of a server that lies so many times, then tells the truth; and the seconds."""
    path, disk, told = f"/lie{number}.raw", Disk(work / f"lie{number}.disk"), itertools.count()
    web.files[path] = image.bytes
    web.lies[path] = lambda *asked: (lie if next(told) < turns else honest)(*asked)
    disk.refill()
    began = time.monotonic()
    outcome = written(web.url(path), image, disk, SECONDS)
    seconds = time.monotonic() - began
    try:
        if outcome is None:
            return f"{lie.__name__}: no end", seconds
        if outcome and disk.holds(image):
            return "whole", seconds
        if not outcome and not disk.boots():
            return "bare", seconds
        return f"{lie.__name__}: {'taken' if outcome else 'refused'}, and another disk", seconds
    finally:
        disk.path.unlink()
