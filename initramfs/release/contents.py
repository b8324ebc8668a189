"""What is in an initramfs: its files, out of archives laid end to end, packed or not, as the kernel unpacks them."""

import lzma


def files(data):
    """Path → content of every regular file."""
    found, at = {}, 0
    while at < len(data):
        if data[at] == 0:
            at += 1
        elif data.startswith(b"070701", at):
            at = _archive(data, at, found)
        else:
            unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ)
            inner = unpacker.decompress(data[at:])
            at = len(data) - len(unpacker.unused_data)
            found.update(files(inner))
    return found


def _archive(data, at, found):
    """One newc archive (Documentation/driver-api/early-userspace/buffer-format.rst); the place behind it."""
    while True:
        fields = [int(data[at + 6 + 8 * field:at + 14 + 8 * field], 16) for field in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = data[at + 110:at + 110 + length - 1].decode()
        start = (at + 110 + length + 3) & ~3
        at = (start + size + 3) & ~3
        if name == "TRAILER!!!":
            return at
        if mode & 0o170000 == 0o100000:
            found[name.removeprefix("./")] = data[start:start + size]
