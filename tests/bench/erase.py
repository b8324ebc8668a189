"""erase_devices: one random pass and one of zeros over loop devices, beside fio; four disks at once beside one"""

import contextlib
import json
import shutil
import statistics

import measure
import place
import slow
from place import DIST, MIB, WORK

# So slow that four at once cost the two cores nothing worth mentioning.
RATE = 100 * MIB


class Machine:
    """A tree that stands for / and shows loop devices as disks."""

    def __init__(self, devices):
        self.root = WORK / "erase-root"
        shutil.rmtree(self.root, ignore_errors=True)
        self.devices = devices
        (self.root / "dev").mkdir(parents=True)
        (self.root / "proc/self").mkdir(parents=True)
        (self.root / "proc/self/mountinfo").write_text("")
        for letter, device in zip("abcdefgh", devices):
            name = f"sd{letter}"
            queue = self.root / "sys/block" / name / "queue"
            queue.mkdir(parents=True)
            (queue / "logical_block_size").write_text("512\n")
            number = place.output("lsblk", "-ndo", "MAJ:MIN", device).strip()
            (queue.parent / "dev").write_text(f"{number}\n")
            (queue.parent / "size").write_text(f"{int(place.output('blockdev', '--getsize64', device)) // 512}\n")
            (self.root / "dev" / name).symlink_to(device)

    def erase(self, prefix=(), **switches):
        node = json.dumps({"driver_internal_info": switches})
        allowed = [part for device in self.devices for part in ("--allow-disk", device)]
        return measure.run([*prefix, DIST / "ironlet", "--root", self.root, "--step", "erase_devices", "--node", node, *allowed])


def fio(device, size):
    return measure.run(["fio", "--name=write", f"--filename={device}", "--rw=write", "--direct=1", "--bs=512k", "--ioengine=libaio", "--iodepth=8",
                        f"--size={size}", "--end_fsync=1", "--output-format=terse"])


def overwriting(limits, options):
    size = options.mib * MIB
    with place.loop_device("erase", size) as device:
        machine = Machine([device])
        costs = {"fio": [], "random": [], "zeros": []}
        for _ in range(options.rounds):
            costs["fio"].append(fio(device, size).wall)
            costs["random"].append(machine.erase(agent_erase_devices_iterations=1, agent_erase_devices_zeroize=False).wall)
            costs["zeros"].append(machine.erase(agent_erase_devices_iterations=0, agent_erase_devices_zeroize=True).wall)
    rates = {name: options.mib / statistics.median(walls) for name, walls in costs.items()}
    print("  MiB/s: " + ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items()))
    for name in ("random", "zeros"):
        ratio = statistics.median(fio / own for fio, own in zip(costs["fio"], costs[name]))
        limits.least(f"overwriting with {name} beside fio", ratio, 0.9)


def several(limits, options):
    size = 256 * MIB
    with contextlib.ExitStack() as held:
        memory = held.enter_context(place.tmpfs(5 * size))
        devices = []
        for number in range(4):
            backing = memory / f"disk{number}"
            with open(backing, "wb") as out:
                out.truncate(size)
            device = place.output("losetup", "--find", "--show", str(backing))
            held.callback(place.output, "losetup", "--detach", device)
            devices.append(device)
        prefix = held.enter_context(slow.slowed(RATE, devices))
        walls = {}
        for count in (1, 4):
            machine = Machine(devices[:count])
            costs = [machine.erase(prefix, disk_erasure_concurrency=4).wall for _ in range(min(options.rounds, 3))]
            walls[count] = statistics.median(costs)
    print(f"  256 MiB at 100 MiB/s each, two passes: one disk {walls[1]:.2f} s, four {walls[4]:.2f} s")
    # A disk that is not held back would make the comparison easy.
    limits.least("one disk takes as long as its rate allows", walls[1] / (2 * size / RATE), 0.9)
    limits.most("four disks beside one", walls[4] / walls[1], 1.2)


def run(limits, options):
    overwriting(limits, options)
    several(limits, options)
