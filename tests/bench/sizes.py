"""sizes: what is built, in MiB"""

from place import DIST, MIB, TOP

WHAT = [
    ("the binary", DIST / "ironlet", 4),
    ("userland part of the initramfs", TOP / "target/initramfs/userland.cpio.xz", 1.8),
    ("initramfs of the vm profile", DIST / "ironlet.initramfs", 3),
]


def run(limits, options):
    for name, path, limit in WHAT:
        limits.most(name, path.stat().st_size / MIB, limit, "MiB")
