"""A slower disk: a control group whose writes reach the disk under WORK at a given rate only.

The kernel charges what a loop device writes to whoever wrote to the loop device; punched holes are not writes and cost nothing.
"""

import contextlib
import os
from pathlib import Path

from place import WORK, Broken

# Another run's is not ours.
NAME = f"ironlet-bench-{os.getpid()}"


@contextlib.contextmanager
def slowed(rate, devices=()):
    """Gives what to put before a command so that it writes `rate` bytes per second at most to each of `devices`, or to the disk
    under WORK."""
    group, rules = control_group()
    group.mkdir(exist_ok=True)
    try:
        numbers = [number(device) for device in devices] or [disk()]
        for file, rule in rules.items():
            for disk_number in numbers:
                (group / file).write_text(rule.format(disk=disk_number, rate=rate))
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def control_group():
    """Where the group goes and what is written into it: Documentation/admin-guide/cgroup-v1/blkio-controller.rst and
    Documentation/admin-guide/cgroup-v2.rst, "IO Interface Files"."""
    for _, place, kind, options, *_ in map(str.split, Path("/proc/mounts").read_text().splitlines()):
        root = Path(place)
        if kind == "cgroup" and "blkio" in options.split(","):
            return root / NAME, {"blkio.throttle.write_bps_device": "{disk} {rate}"}
        if kind == "cgroup2" and "io" in (root / "cgroup.controllers").read_text().split():
            (root / "cgroup.subtree_control").write_text("+io")
            return root / NAME, {"io.max": "{disk} wbps={rate}"}
    raise Broken("no control group here limits a disk")


def disk():
    """MAJOR:MINOR of the whole disk that holds WORK."""
    held = os.stat(WORK).st_dev
    device = Path(f"/sys/dev/block/{os.major(held)}:{os.minor(held)}")
    if not device.exists():
        raise Broken(f"{WORK} is on no disk of its own that could be slowed")
    device = device.resolve()
    if (device / "partition").exists():
        device = device.parent
    return (device / "dev").read_text().strip()


def number(device):
    """MAJOR:MINOR of a device node."""
    itself = os.stat(device).st_rdev
    return f"{os.major(itself)}:{os.minor(itself)}"
