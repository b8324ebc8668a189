"""What machines are deployed from that need not start: an image with a partition."""

import os


def partitioned(size, noise=os.urandom):
    """An image of that many bytes with a partition, whose bytes are no pattern: `noise(n)` has n of them."""
    table = bytearray(512)
    table[446:462] = bytes([0, 0, 2, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little") + (size // 512 - 2048).to_bytes(4, "little")
    table[510:] = b"\x55\xaa"
    return bytes(table) + noise(size - 512)
