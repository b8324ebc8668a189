"""qcow2: 2 GiB of a system's disk, half of it in use, beside a download to tmpfs, a digest and qemu-img"""

import images
import measure
from ironlet import Ironlet
from place import GIB, MIB, loop_device, nginx, tmpfs


def run(limits, options):
    disk = images.system(2 * options.mib, options.mib)
    with nginx() as port, loop_device("qcow2", disk.size + 64 * MIB) as device, tmpfs(3 * GIB) as memory:
        for packing in (None, "zlib", "zstd"):
            image = images.qcow2(disk, packing)
            ironlet = Ironlet(port)
            copy = memory / "image.qcow2"
            steps = f"curl -sf -o {copy} {ironlet.url(image)} && sha256sum {copy} && qemu-img convert -n -W -t none -f qcow2 -O raw {copy} {device}; s=$?; rm -f {copy}; exit $s"
            peers = {
                "ironlet": ironlet.peer(image, device),
                "download, sha256sum, qemu-img convert": lambda: measure.run(["bash", "-c", steps]),
            }
            costs = measure.rounds(options.rounds, peers)
            own, other = costs.values()
            name = f"{packing or 'plain'}, {image.size / MIB:.0f} MiB"
            limits.table((name, "seconds", "CPU s", "RSS MiB"), [(name, c.wall, c.cpu, c.rss) for name, c in costs.items()])
            limits.most(f"{packing or 'plain'}: time / that of downloading and converting", own.wall / other.wall, 0.6)
            limits.most(f"{packing or 'plain'}: peak resident memory", own.rss, 40, "MiB")
