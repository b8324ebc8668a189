"""Whether firmware would start something of a disk: SeaBIOS's rule, and those of EDK2's PartitionDxe (Gpt.c, Mbr.c), on its first and last sectors."""

import struct
import zlib

SECTOR = 512
GPT = 0xEE


def bios_starts(first_sector):
    """SeaBIOS (boot.c, boot_disk) asks for nothing but the mark; a sector of zeros with it would be run too."""
    return first_sector[510:] == b"\x55\xaa"


def partitions_of_mbr(first_sector):
    """(type, start, count) of those that EDK2 takes for true: with a type, a length, and the mark behind them."""
    if first_sector[510:] != b"\x55\xaa":
        return []
    found = [(first_sector[at + 4], *struct.unpack_from("<II", first_sector, at + 8)) for at in range(446, 510, 16)]
    return [(kind, start, count) for kind, start, count in found if kind and count]


def gpt(read, sectors):
    """Which GPTs EDK2 finds: "primary", "backup"; none without a protective MBR. `read(sector, count)` has the disk's bytes."""
    # Gpt.c looks at types alone, not at the mark; Linux and libblkid want it as well.
    first = read(0, 1)
    if not any(first[at + 4] == GPT and first[at + 8:at + 12] == b"\1\0\0\0" for at in range(446, 510, 16)):
        return []
    return [name for name, at in (("primary", 1), ("backup", sectors - 1)) if valid(read, at, sectors)]


def valid(read, at, sectors):
    """A header whose own checksum and that of its table are right."""
    header = read(at, 1)
    size, checksum = struct.unpack_from("<II", header, 12)
    if header[:8] != b"EFI PART" or not 92 <= size <= SECTOR:
        return False
    if zlib.crc32(header[:16] + bytes(4) + header[20:size]) != checksum:
        return False
    mine, = struct.unpack_from("<Q", header, 24)
    table, entries, entry, of_table = struct.unpack_from("<QIII", header, 72)
    if mine != at or entry != 128 or entries > 128 or table + entries // 4 > sectors:
        return False
    return zlib.crc32(read(table, -(-entries * entry // SECTOR))[:entries * entry]) == of_table
