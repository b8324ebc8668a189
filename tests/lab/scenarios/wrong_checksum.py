"""A wrong checksum: the deploy fails naming both digests, and nothing on the disk would boot, the old system included."""

import hashlib

import disk
import image
from stand import Stand
from verdict import require


def run(directory):
    source = image.noise("wrong-checksum", 96)
    actual, expected = disk.digest(source), hashlib.sha256(b"another image").hexdigest()
    stand = Stand(directory)
    require(stand.disk.tables(), "the old system's tables are not on the disk, so their absence later would prove nothing")
    stand.deploy(source, expected)
    node = stand.node.wait("deploy failed", 600)

    for name, value in (("expected", expected), ("actual", actual)):
        require(value in node["last_error"], f"last_error lacks the {name} digest {value}: {node['last_error']}")
    left = stand.disk.tables()
    require(not left, f"the disk would still boot: it has {', '.join(left)}")
    print(f"  deploy failed, no table left; last_error: {node['last_error']}")
