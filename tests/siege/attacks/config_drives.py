"""Config drives that mean no good, given to an agent that makes them anew: each is an answer by name, in seconds and in bounded memory."""

import base64
import gzip
import re
import time
import zlib

import drives
from attack import attack
from image import MIB, Image
from table import Row
from web import Web

# Of the processor; of the clock it takes two more until the disks are known to have settled, and what others take of the machine.
SECONDS = 5
WAITED = 20
# Four times the largest that is made anew: packed, unpacked, what is made of it, and that packed.
MEMORY = 256
MADE = "is made anew: vfat"
WHOLE = r"written as it is, not made anew: (.*)"
TOO_LARGE = "it is larger than 64 MiB"
MANY_FILES = "it has more than 10000 files"
ROUND = "more files, or folders in folders, than a config drive"

# (what, drive, by its URL?, what the log or the error has to say)
BOMBS = (
    ("1 GiB of zeros, packed twice", lambda work: gzip_bomb(1 << 30), False, TOO_LARGE),
    ("the same by its URL", lambda work: gzip_bomb(1 << 30), True, TOO_LARGE),
    ("200 MiB of zeros as they are, by its URL", lambda work: bytes(200 * MIB), True, TOO_LARGE),
    ("FAT: 40,000 files in five folders", lambda work: drives.crowded_fat(work / "40000.fat", 5, 8000), False, MANY_FILES),
    ("FAT: 8,000 files in one folder", lambda work: drives.crowded_fat(work / "8000.fat", 1, 8000), False, MADE),
    ("ISO: 9,900 files in three folders", drives.full_iso, False, MADE),
    ("ISO: folders that are the root", drives.looping_iso, False, ROUND),
    ("ISO: each folder is the one before twice, by links", drives.doubling_iso, False, ROUND),
    ("ISO: 9,000 links to a folder of 900 files", drives.many_links_iso, False, ROUND),
    ("ISO: 9,000 files that are the same 30 MiB", drives.shared_iso, False, "in a FAT file system"),
    ("ISO: a name that goes on in itself", drives.names_iso, False, ROUND),
)


def gzip_bomb(size):
    """Zeros, as gzip of level 9."""
    packer = zlib.compressobj(9, wbits=31)
    pieces = [packer.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join(pieces) + packer.flush()


def inline(drive):
    packed = drive if drive.startswith(b"\x1f\x8b") else gzip.compress(drive, 1)
    return base64.b64encode(packed).decode()


@attack
def config_drives(field):
    besieged = field.besieged("drives", conf="config_drive_rebuild = true")
    # Room for the image, and for the drive behind it.
    besieged.agent.disk.size = 80 * MIB
    web, image = Web.shared(), Image(field.work / "driven.raw")
    web.files["/driven.raw"] = image.bytes
    besieged.agent.order(web.url("/driven.raw"), image)
    for number, (what, make, by_url, fitting) in enumerate(BOMBS):
        drive = make(field.work)
        web.files[f"/drive{number}"] = drive
        given = web.url(f"/drive{number}") if by_url else inline(drive)
        before = len(besieged.said())
        with besieged.measure() as taken:
            began = time.monotonic()
            outcome = besieged.agent.order(web.url("/driven.raw"), image, configdrive=given)
            seconds = time.monotonic() - began
        said = outcome.details + besieged.said()[before:]
        named = re.search(re.escape(fitting), said)
        whole = re.search(WHOLE, said)
        told = "made anew" if MADE in said else f"as it is: {whole[1]}" if whole else "refused" if not outcome.succeeded else "taken"
        good = bool(named) and taken.cpu_spent <= SECONDS and seconds <= WAITED and taken.memory <= MEMORY and besieged.lives()
        yield Row(f"drive: {what}", f"{len(drive) / MIB:.1f} MiB", told[:60], f"{taken.cpu_spent:.1f} CPU s of {seconds:.1f} s, +{taken.memory:.0f} MiB",
                  f"{SECONDS} of {WAITED} s, {MEMORY} MiB" + ("" if good else f"; {said[-300:]}"), good)
    besieged.stop()
