"""A compressed qcow2 image, which Ironic passes on as it is; decoded while it streams, the disk boots."""

import image
from stand import Stand


def run(directory):
    source = image.qcow2(image.bootable("stream", 256))
    stand = Stand(directory)
    stand.deploy(source)
    stand.node.wait("wait call-back", 120)
    on = stand.console.opened(60)
    stand.node.wait("active", 600)
    stand.console.expect(image.up("stream"), 180, since=on.number)
    print(f"  {source.stat().st_size >> 20} MiB fetched for a disk of 256 MiB; then booted from disk")
