"""The writer is killed at moments drawn by lot: the disk is as it was, boots nothing, or holds the whole image."""

import random
import subprocess
import time

import agent
from attack import attack
from image import Disk, Image, MIB
from table import Row
from web import Web, answer

SLOW = 0.25


def slowly(connection, content, first):
    """In pieces, so that the moment of a kill hits every phase."""
    connection.sendall(answer(content, first))
    piece = len(content) // 24
    for at in range(first, len(content), piece):
        connection.sendall(content[at:at + piece])
        time.sleep(SLOW / 24)


def boots(content):
    """Is there a boot sector, or a GPT at either end?"""
    return content[510:512] == b"\x55\xaa" or b"EFI PART" in (content[512:520], content[-512:-504])


@attack
def kills(field):
    dice, web = random.Random(field.seed), Web.shared()
    count = field.scale(25, 450)
    image = Image(field.work / "killed.raw")
    web.files["/killed.raw"], web.lies["/killed.raw"] = image.bytes, slowly
    states = {"old": 0, "bare": 0, "all but the boot sector": 0, "whole": 0}
    wrong = []
    disk = Disk(field.work / "killed.disk")
    for number in range(count):
        disk.refill()
        words = [agent.IRONLET, "--write-image", web.url("/killed.raw"), "--checksum", f"sha256:{image.sha256}",
                 "--disk", disk.path, "--allow-disk", disk.path]
        writer = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            writer.wait(dice.uniform(0, 2 * SLOW))
        except subprocess.TimeoutExpired:
            writer.kill()
            writer.wait()
        content = disk.path.read_bytes()
        ends = content[:MIB], content[-MIB:]
        if content[:len(image.bytes)] == image.bytes:
            states["whole"] += 1
        elif disk.untouched():
            states["old"] += 1
        elif not any(end.strip(b"\0").strip(b"\xaa") for end in ends):
            states["bare"] += 1
        elif not boots(content):
            # In the middle of the ends themselves: what makes it bootable is written last.
            states["all but the boot sector"] += 1
        else:
            wrong.append(f"{number}: something that boots is at an end of the disk")
    yield Row("killed in mid-write", f"{count} (seed {field.seed})", f"{count - len(wrong)} harmless",
              ", ".join(f"{number} {state}" for state, number in states.items() if number), "0 half-written that boot"
              + (f"; {wrong[0]}" if wrong else ""), not wrong and states["bare"] > 0)
