"""File systems for config drives that mean no good: with more files than anybody has, or folders and links that lead round."""

import os
import struct

from place import command

MIB = 1 << 20
BLOCK = 2048
SLOT = 32


def crowded_fat(path, folders, files):
    """A FAT32 of 48 MiB with so many empty files in each of so many folders, each of them with a long name."""
    with open(path, "wb") as drive:
        drive.truncate(48 * MIB)
    command("mkfs.vfat", "-F", "32", "-S", "512", "-s", "1", "-n", "config-2", path)
    with open(path, "r+b") as drive:
        boot = drive.read(512)
        reserved, tables = struct.unpack_from("<HB", boot, 14)
        table_len = struct.unpack_from("<I", boot, 36)[0] * 512
        data = reserved * 512 + tables * table_len
        table = {}
        free, root = 3, b""
        for folder in range(folders):
            content = slot(b".          ", 16, free) + slot(b"..         ", 16, 0)
            content += b"".join(long_named(f"file{number:04}.yaml", f"F{number:07}YAM".encode()) for number in range(files))
            count = -(-len(content) // 512)
            drive.seek(data + (free - 2) * 512)
            drive.write(content)
            table |= {cluster: cluster + 1 for cluster in range(free, free + count - 1)} | {free + count - 1: 0x0fffffff}
            root += slot(f"FOLDER{folder:02}   ".encode(), 16, free)
            free += count
        # Behind the label, in the one cluster that the root has.
        drive.seek(data + SLOT)
        drive.write(root)
        for copy in range(tables):
            start = reserved * 512 + copy * table_len
            drive.seek(start + 3 * 4)
            drive.write(b"".join(struct.pack("<I", table[cluster]) for cluster in sorted(table)))
    return path.read_bytes()


def slot(name, attributes, first):
    return struct.pack("<11sB8xH4xHI", name, attributes, first >> 16, first & 0xffff, 0)


def long_named(name, short):
    """An empty file whose name takes a slot of its own."""
    total = 0
    for byte in short:
        total = ((total & 1) << 7 | total >> 1) + byte & 0xff
    letters = name.encode("utf-16-le")
    assert len(letters) <= 26, name
    letters = (letters + b"\0\0").ljust(26, b"\xff")[:26]
    long = b"\x41" + letters[:10] + b"\x0f\0" + bytes([total]) + letters[10:22] + b"\0\0" + letters[22:]
    return long + slot(short, 32, 0)


class Tree:
    """Files for genisoimage, and the image that it makes, to be changed."""

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def file(self, name, content=b"x"):
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(content)

    def link(self, name, to):
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(to, self.path / name)

    def image(self):
        made = self.path.with_suffix(".iso")
        command("genisoimage", "-quiet", "-r", "-V", "config-2", "-o", made, self.path)
        return bytearray(made.read_bytes())


def record(image, name, after=18 * BLOCK):
    """Where the record of a file or folder begins, by the name it has without Rock Ridge."""
    at = after
    while True:
        at = image.index(name, at + 1)
        # Others stand in the table of paths.
        if image[at - 1] == len(name) and image[at - 33] >= 33 + len(name):
            return at - 33


def lead(image, at, start, length):
    """The record at `at` from now on has these blocks, in both byte orders."""
    image[at + 2:at + 18] = struct.pack("<I", start) + struct.pack(">I", start) + struct.pack("<I", length) + struct.pack(">I", length)


def looping_iso(work):
    """Folders that are the root."""
    tree = Tree(work / "loop")
    for number in range(8):
        tree.file(f"again{number}/file")
    image = tree.image()
    start, length = struct.unpack_from("<I4xI", image, 16 * BLOCK + 156 + 2)
    for number in range(8):
        lead(image, record(image, f"AGAIN{number}".encode()), start, length)
    return bytes(image)


def doubling_iso(work):
    """Each folder is the one before it, twice, by links; and links to themselves, to one another and to what is around them."""
    tree = Tree(work / "doubling")
    for number in range(100):
        tree.file(f"d00/file{number}")
    for order in ("d", "e"):
        for level in range(1, 40):
            # One of both orders is the one in which links are followed.
            name, before = (level, level - 1) if order == "d" else (40 - level, 41 - level)
            before = f"{order}{before:02}" if level > 1 else "d00"
            tree.link(f"{order}{name:02}/x", f"../{before}")
            tree.link(f"{order}{name:02}/y", f"../{before}")
    for name, to in (("self", "self"), ("one", "other"), ("other", "one"), ("around", "."), ("above", ".."), ("far", "/d00")):
        tree.link(f"links/{name}", to)
    return bytes(tree.image())


def shared_iso(work):
    """Nine thousand files, all of them the same 30 MiB."""
    tree = Tree(work / "shared")
    tree.file("big", os.urandom(30 * MIB))
    for number in range(9000):
        tree.file(f"f{number:04}")
    image = tree.image()
    big = record(image, b"BIG.;1")
    start, length = struct.unpack_from("<I4xI", image, big + 2)
    at = big
    for number in range(9000):
        at = record(image, f"F{number:04}.;1".encode(), at)
        lead(image, at, start, length)
    return bytes(image)


def many_links_iso(work):
    """Nine thousand links to a folder of a thousand files."""
    tree = Tree(work / "links")
    for number in range(900):
        tree.file(f"folder/{number:04}")
    for number in range(9000):
        tree.link(f"l{number:04}", "folder")
    return bytes(tree.image())


def names_iso(work):
    """What Rock Ridge says of a file goes on in itself, for ever."""
    tree = Tree(work / "names")
    tree.file("n" * 240)
    image = tree.image()
    at = image.rindex(b"CE\x1c\x01")
    block, offset = struct.unpack_from("<I4xI", image, at + 4)
    area = block * BLOCK + offset
    image[area:area + 28] = image[at:at + 28]
    return bytes(image)


def full_iso(work):
    """As many files as are taken, in few folders."""
    tree = Tree(work / "full")
    for folder in range(3):
        for number in range(3300):
            tree.file(f"folder{folder}/a-rather-long-name-of-a-file-{number:04}.yaml")
    return bytes(tree.image())
