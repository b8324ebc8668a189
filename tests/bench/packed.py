"""packed: raw images as people pack them, each beside the pipe that unpacks it"""

import images
import measure
from ironlet import Ironlet
from place import MIB, loop_device, nginx

# Ending of the image → what unpacks it in the pipe, and the least that ironlet's speed is beside that.
WAYS = {"gz": ("gzip", 1.5), "bz2": ("bzip2", 0.8), "zst": ("zstd", 1.5), "frames.zst": ("zstd", 1.5), "xz": ("xz", 0.8), "blocks.xz": ("xz", 1.7)}


def run(limits, options):
    whole, quarter = (images.system(mib, mib * 3 // 4) for mib in (options.mib // 2, options.mib // 8))
    with nginx() as port, loop_device("packed", whole.size + 64 * MIB) as device:
        for suffix, (tool, least) in WAYS.items():
            # A second for each 20 MiB is enough of it.
            disk = quarter if suffix == "bz2" else whole
            image = images.packed(disk, suffix)
            ironlet = Ironlet(port)
            pipe = f"curl -s {ironlet.url(image)} | tee >(sha256sum >/dev/null) | {tool} -dc | dd of={device} oflag=direct iflag=fullblock bs=4M conv=fsync"
            name = f"curl | tee >(sha256sum) | {tool} -dc | dd"
            peers = {"ironlet": ironlet.peer(image, device), name: lambda pipe=pipe: measure.run(["bash", "-o", "pipefail", "-c", pipe])}
            costs = measure.rounds(options.rounds, peers)
            own, other = costs.values()
            head = (f".{suffix}, {image.size / MIB:.0f} MiB", "MiB/s", "CPU s", "RSS MiB")
            limits.table(head, [(name, disk.size / MIB / c.wall, c.cpu, c.rss) for name, c in costs.items()])
            limits.least(f".{suffix}: speed / that of the pipe", measure.paired(own, other, lambda own, other: other.wall / own.wall), least)
