"""What a command costs: wall seconds, CPU seconds, peak resident memory; medians of interleaved rounds."""

import dataclasses
import json
import statistics
import subprocess
import time

from place import WORK, Broken


@dataclasses.dataclass
class Cost:
    wall: float
    cpu: float
    rss: float  # MiB
    output: str = ""
    code: int = 0
    # Of the process from start to end, where `cpu` is only of what is measured.
    whole: float = 0.0
    # Of a median: what it is the median of, in the order of the rounds.
    rounds: list = dataclasses.field(default_factory=list, repr=False)


def run(argv, may_end=0):
    """`may_end` is an exit code that is no failure of the measurement."""
    # time(1) in between: a child's peak starts at its parent's size, and Python is no small parent.
    taken = WORK / "taken"
    timed = ["time", "--quiet", "-f", "%U %S %M", "-o", str(taken), *map(str, argv)]
    started = time.monotonic()
    done = subprocess.run(timed, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    wall = time.monotonic() - started
    if done.returncode not in (0, may_end):
        raise Broken(f"{argv[0]} failed ({done.returncode}): {done.stderr.strip()[-800:]}")
    # Before them may be a line that says how the command ended.
    user, system, peak = map(float, taken.read_text().split()[-3:])
    return Cost(wall, user + system, peak / 1024, done.stdout, done.returncode)


def run_timed_inside(argv):
    """For a command that prints its own `wall` and `cpu` as JSON: one whose start is long and not what is measured."""
    cost = run(argv)
    return dataclasses.replace(cost, **json.loads(cost.output), whole=cost.cpu)


def rounds(count, peers):
    """`peers` (name → a function that gives a Cost), each `count` times in turn: a noisy minute hits everybody, and nobody always
    comes after the same. Gives the median of the times and the worst of the peaks."""
    costs = {name: [] for name in peers}
    order = list(peers)
    for _ in range(count):
        for name in order:
            costs[name].append(peers[name]())
        order = order[1:] + order[:1]
    return {name: middle(seen) for name, seen in costs.items()}


def middle(costs):
    def median(field):
        return statistics.median(getattr(cost, field) for cost in costs)

    return Cost(median("wall"), median("cpu"), max(cost.rss for cost in costs), whole=median("whole"), rounds=costs)


def paired(one, other, ratio):
    """The median over the rounds of `ratio` of the two costs of a round: they were taken within seconds of each other, so what else
    the machine did meanwhile hit both, where two medians may come from different minutes."""
    return statistics.median(ratio(*pair) for pair in zip(one.rounds, other.rounds))
