"""zeros: a raw image of which 90 % are zeros beside one without any"""

import images
import measure
from ironlet import Ironlet
from place import MIB, Broken, loop_device, nginx
from slow import slowed

# What a hard disk writes at its best. Where the disk is faster than the digest, zeros cannot save any time: every byte is hashed.
RATE = 200 * MIB
SLOWER = f", disk of {RATE // MIB} MiB/s"


def run(limits, options):
    full, sparse = images.noise(options.mib), images.mostly_zeros(options.mib, 10)
    size = full.size + 64 * MIB
    # Two devices: what the one punches out the other would have to allocate anew.
    with nginx() as port, loop_device("full", size) as one, loop_device("zeros", size) as other, slowed(RATE) as prefix:
        quick, slow = Ironlet(port), Ironlet(port, prefix)
        peers = {"all of it random": quick.peer(full, one), "90 % zeros": quick.peer(sparse, other)}
        peers |= {f"all of it random{SLOWER}": slow.peer(full, one), f"90 % zeros{SLOWER}": slow.peer(sparse, other)}
        costs = measure.rounds(options.rounds, peers)
    limits.table(("", "MiB/s", "CPU s"), [(name, options.mib / cost.wall, cost.cpu) for name, cost in costs.items()])
    random, zeros, random_slow, zeros_slow = (cost.wall for cost in costs.values())
    if options.mib * MIB / random_slow > 1.2 * RATE:
        raise Broken("the disk was not slowed")
    limits.least(f"speed with 90 % zeros / without any{SLOWER}", random_slow / zeros_slow, 3)
    limits.inform("the same on this disk, where the digest is the bottleneck", random / zeros)
