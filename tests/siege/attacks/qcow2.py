"""Images that were tampered with: what the binary writes is what qemu-img reads, or nothing."""

import hashlib
import random
import subprocess
import time

from attack import attack
from image import Disk, MIB
from place import command
from table import Row
from web import Web
from write_image import written

SIZE = 8 * MIB
SECONDS = 20


class Sealed:
    """What agent.alone wants of an image: its digest."""

    def __init__(self, content):
        self.sha256 = hashlib.sha256(content).hexdigest()


def seeds(work, dice):
    """Small disks with a table and holes, as qemu-img packs them: plain, compressed, with version 2, small clusters."""
    raw = bytearray(SIZE)
    raw[446:512] = bytes.fromhex("80000000830000000008000000300000") + bytes(48) + b"\x55\xaa"
    for start in (0, 3 * MIB + 65536, 6 * MIB):
        raw[start + 512:start + 90000] = dice.randbytes(90000 - 512)
    (work / "seed.raw").write_bytes(raw)
    for options in ((), ("-c",), ("-o", "compat=0.10"), ("-o", "cluster_size=4096"), ("-c", "-o", "compression_type=zstd")):
        command("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, work / "seed.raw", work / "seed.qcow2")
        yield (work / "seed.qcow2").read_bytes()


def mutated(content, dice):
    """A few bytes of what describes the image are others: header and tables lie in the first clusters."""
    content = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 4))):
        at = dice.randrange(dice.choice((104, 512, 4096, 320 << 10)))
        at = min(at, len(content) - 1)
        content[at] = dice.choice((0, 1, 0x80, 0xff, dice.randrange(256), content[at] ^ (1 << dice.randrange(8))))
    if dice.random() < 0.1:
        del content[dice.randrange(len(content)):]
    return bytes(content)


@attack
def qcow2(field):
    dice, web = random.Random(field.seed), Web.shared()
    count = field.scale(40, 1500)
    originals = list(seeds(field.work, dice))
    whole = (field.work / "seed.raw").read_bytes()
    equal, refused_both, refused, lenient, wrong, slowest = 0, 0, 0, 0, [], 0
    target, reference = field.work / "alone.disk", field.work / "reference.raw"
    for number in range(count):
        content = mutated(dice.choice(originals), dice)
        (field.work / "mutated.qcow2").write_bytes(content)
        web.files["/i.qcow2"] = content
        reference.unlink(missing_ok=True)
        judged = subprocess.run(["timeout", "20", "qemu-img", "convert", "-f", "qcow2", "-O", "raw", field.work / "mutated.qcow2",
                                 reference], capture_output=True, text=True)
        theirs = judged.returncode == 0
        began = time.monotonic()
        disk = Disk(target, 16 * MIB)
        disk.refill()
        outcome = written(web.url("/i.qcow2"), Sealed(content), disk, SECONDS)
        slowest = max(slowest, time.monotonic() - began)
        if outcome is None:
            wrong.append(f"{number}: it did not end")
        elif not outcome:
            refused_both += not theirs
            refused += theirs
            if disk.boots():
                wrong.append(f"{number}: refused, and something boots")
        elif not theirs and target.read_bytes()[:SIZE] == whole:
            # What was changed says nothing of the disk, and the digest vouches for it.
            lenient += 1
        elif not theirs:
            wrong.append(f"{number}: taken, and qemu-img refuses it: {judged.stderr.strip()[-200:]}")
        elif target.read_bytes()[:reference.stat().st_size] == reference.read_bytes():
            equal += 1
        else:
            wrong.append(f"{number}: another disk than qemu-img's")
    yield Row("qcow2 with bytes changed, beside qemu-img", f"{count} (seed {field.seed})",
              f"{equal} equal, {refused_both} refused by both", f"{refused} by ironlet alone, {lenient} by qemu-img alone, <= {slowest:.1f} s",
              f"0 other disks, {SECONDS} s" + (f"; {'; '.join(wrong[:3])}" if wrong else ""),
              not wrong and equal + refused_both > count // 2 and slowest <= SECONDS)
