"""zeros: a raw image of which 90 % are zeros beside one without any"""

import images
import measure
from ironlet import Ironlet
from limits import table
from place import MIB, loop_device, nginx


def run(limits, options):
    full, sparse = images.noise(options.mib), images.mostly_zeros(options.mib, 10)
    size = full.size + 64 * MIB
    # Two devices: what the one punches out the other would have to allocate anew.
    with nginx() as port, loop_device("full", size) as one, loop_device("zeros", size) as other:
        ironlet = Ironlet(port)
        peers = {"all of it random": ironlet.peer(full, one), "90 % zeros": ironlet.peer(sparse, other)}
        costs = measure.rounds(options.rounds, peers)
    table(("", "MiB/s", "CPU s"), [(name, options.mib / cost.wall, cost.cpu) for name, cost in costs.items()])
    random, zeros = costs.values()
    limits.least("speed with 90 % zeros / speed without any", random.wall / zeros.wall, 3)
