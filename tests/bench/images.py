"""The images that are served: made once, kept with a note of what they are."""

import functools
import hashlib
import json
import os
import random
import subprocess

from place import MIB, WWW


class Image:
    """A file the web server has, its SHA-256, and the raw disk it stands for."""

    def __init__(self, path, sha256, raw=None):
        self.path, self.sha256, self.raw = path, sha256, raw or path

    @property
    def size(self):
        return self.path.stat().st_size

    def digest(self, algorithm):
        return self.sha256 if algorithm == "sha256" else digest(self.path, algorithm)


def kept(name, recipe, make, raw=None):
    """The image `name`, made by `make(path)` unless the one there was made by the same recipe."""
    path, note = WWW / name, WWW / f"{name}.json"
    if raw:
        recipe += f" of {raw.sha256}"
    known = json.loads(note.read_text()) if note.exists() and path.exists() else {}
    if known.get("recipe") != recipe:
        print(f"(making {name})", flush=True)
        path.unlink(missing_ok=True)
        make(path)
        digest.cache_clear()
        known = {"recipe": recipe, "sha256": digest(path)}
        note.write_text(json.dumps(known))
    return Image(path, known["sha256"], raw and raw.raw)


@functools.cache
def digest(path, algorithm="sha256"):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def noise(mib):
    """Random bytes: nothing on the way can take a short cut."""

    def make(path):
        with open(path, "wb") as image:
            for _ in range(mib):
                image.write(os.urandom(MIB))

    return kept(f"noise-{mib}.raw", "random", make)


def mostly_zeros(mib, percent):
    """Random MiBs all over an image, in `percent` of it; the rest are zeros."""

    def make(path):
        places = random.Random(mib).sample(range(mib), mib * percent // 100)
        with open(path, "wb") as image:
            image.truncate(mib * MIB)
            for place in sorted({0, mib - 1, *places}):
                image.seek(place * MIB)
                image.write(os.urandom(MIB))

    return kept(f"zeros-{mib}-{100 - percent}.raw", "random", make)


def system(mib, used):
    """What a system's disk holds: its files, in `used` MiB of it, with stretches never written between them."""

    def make(path):
        chance = random.Random(used)
        left, at = used * MIB, 0
        with open(path, "wb") as image, Files() as files:
            image.truncate(mib * MIB)
            while left:
                # On average as much is skipped as the share that stays free.
                length = min(left, chance.randint(1, 16) * MIB)
                image.seek(at)
                image.write(files.read(length))
                left -= length
                most = max(0, mib * MIB - at - length - left)
                at += length + min(most, chance.randint(1, 16) * (mib - used) // used * MIB)

    return kept(f"system-{mib}-{used}.raw", "files of /usr", make)


class Files:
    """This machine's /usr as one endless archive."""

    def __enter__(self):
        self.tar = self._start()
        return self

    def __exit__(self, *_):
        self.tar.stdout.close()
        self.tar.kill()
        self.tar.wait()

    def _start(self):
        argv = ["tar", "-c", "--ignore-failed-read", "-C", "/", "usr"]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def read(self, length):
        found = b""
        while len(found) < length:
            part = self.tar.stdout.read(length - len(found))
            if not part:
                self.tar.wait()
                self.tar = self._start()
            found += part
        return found


def qcow2(raw, packing=None):
    """A raw image as qemu-img makes a qcow2 of it; `packing` is zlib, zstd or none."""
    options = ["-c", "-o", f"compression_type={packing}"] if packing else []

    def make(path):
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, raw.path, path], check=True)

    return kept(f"{raw.path.stem}-{packing or 'plain'}.qcow2", " ".join(["qemu-img", *options]), make, raw)


# By the ending of what they make: in one piece, and in frames or blocks.
PACKERS = {
    "gz": ["gzip", "-1", "-n"],
    "bz2": ["bzip2"],
    "zst": ["zstd", "-q", "-T0"],
    "frames.zst": ["pzstd", "-q", "-p", "2"],
    "xz": ["xz", "-T1", "-6"],
    "blocks.xz": ["xz", "-T2", "-6"],
}


def packed(raw, suffix):
    """A raw image as people publish it."""
    argv = PACKERS[suffix]

    def make(path):
        with open(raw.path, "rb") as source, open(path, "wb") as sink:
            subprocess.run([*argv, "-c"], stdin=source, stdout=sink, check=True)

    return kept(f"{raw.path.name}.{suffix}", " ".join(argv), make, raw)
