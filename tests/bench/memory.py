"""memory: peak resident memory, whatever the size of the image"""

import errno
import os

import images
from ironlet import Ironlet
from place import MIB, Broken, loop_device, nginx

SIZES = (1024, 4096, 16384)
# In use of each image: enough to fill every buffer on the way.
PERCENT = 3
# The most a larger image may add. Blocks of 1 MiB are made when first needed: a small image may do with some fewer.
GROWTH = 4


def run(limits, options):
    peaks = {}
    with nginx() as port:
        for mib in SIZES:
            disk = images.system(mib, mib * PERCENT // 100)
            for name, image in served(disk, mib).items():
                with loop_device("memory", disk.size + 64 * MIB, sparse=True) as device:
                    peaks.setdefault(name, []).append(Ironlet(port).write(image, device).rss)
                    if not data_arrived(disk, device):
                        raise Broken(f"{image.path.name}: what is on {device} is not the image")
    limits.table(("sparse image of", *(f"{mib // 1024} GiB" for mib in SIZES)), [(name, *of, *["-"] * (len(SIZES) - len(of))) for name, of in peaks.items()])
    for name, of in peaks.items():
        limits.most(f"{name}: the highest peak", max(of), 24 if name == "raw" else 40, "MiB")
        limits.most(f"{name}: the largest image's peak - the smallest one's", of[-1] - of[0], GROWTH, "MiB")


def served(disk, mib):
    ways = {"raw": disk, "qcow2": images.qcow2(disk)}
    ways |= {f"qcow2, {packing} clusters": images.qcow2(disk, packing) for packing in ("zlib", "zstd")}
    # Packing 16 GiB takes minutes, and two sizes show a growth as well.
    if mib < SIZES[-1]:
        ways |= {f"raw in {suffix}": images.packed(disk, suffix) for suffix in ("gz", "zst", "xz")}
    return ways


def data_arrived(disk, device):
    """Compares where the source holds data; holes would take minutes to read."""
    with open(disk.raw, "rb") as source, open(device, "rb") as target:
        for at, end in data(source.fileno()):
            source.seek(at)
            target.seek(at)
            for place in range(at, end, MIB):
                length = min(MIB, end - place)
                if source.read(length) != target.read(length):
                    return False
    return True


def data(file):
    """From where to where a file holds data."""
    end = 0
    while True:
        try:
            at = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # a hole to the end
            raise
        end = os.lseek(file, at, os.SEEK_HOLE)
        yield at, end
