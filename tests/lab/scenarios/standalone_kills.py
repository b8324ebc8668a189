"""Standalone mode, the plug pulled at 7 random moments (LAB_KILLS says how many more): no bootable table before success was printed."""

import collections
import os
import random
import time

import emulator
import image
import standalone
from verdict import Failed, require

LONG = True
MIB = 1 << 20
KILLS_BOOTING, KILLS_WRITING = 2, 5 + int(os.environ.get("LAB_KILLS", 0))
RATE = 6 * MIB


def run(directory):
    seed = int(os.environ.get("LAB_SEED", time.time_ns() % 1_000_000))
    moments = random.Random(seed)
    print(f"  LAB_SEED={seed}", flush=True)
    # Zeros in the midst: an agent that skips or punches them must still replace the old bytes.
    source = image.noise("standalone", 64, zeros=(24, 32))
    stand = standalone.Standalone(directory, source)
    disk = emulator.slowed(stand.disk.path, RATE)

    machine, on = stand.power_on(disk)
    booting = stand.wait_first_write(machine, 120) - on.time
    success = stand.console.expect(standalone.SUCCESS, 180, since=on.number)
    writing = success.time - on.time - booting
    stand.console.expect(r"reboot: Power down", 60, since=on.number)
    stand.console.closed(30, since=on.number)
    machine.process.wait()
    require(stand.verdict() == "image complete", "success was printed, but the disk does not hold the image")
    print(f"  undisturbed: first write after {booting:.1f} s, written in {writing:.1f} s, powered off in-band", flush=True)

    found = collections.Counter()
    for number in range(KILLS_BOOTING + KILLS_WRITING):
        machine, on = stand.power_on(disk)
        if number < KILLS_BOOTING:
            stand.console.expect(r"Linux version", 60, since=on.number)
            phase, moment = "booting", booting * (number + moments.random()) / KILLS_BOOTING
            time.sleep(max(0, on.time + moment - time.time()))
        else:
            start = stand.wait_first_write(machine, 120)
            phase, moment = "writing", writing * (number - KILLS_BOOTING + moments.random()) / KILLS_WRITING
            time.sleep(max(0, start + moment - time.time()))
        machine.kill()
        stand.console.closed(10, since=on.number)
        try:
            state = stand.verdict()
        except Failed as failure:
            raise Failed(f"kill {number + 1}, {moment:.2f} s into {phase}: {failure}") from None
        printed = bool(stand.console.find(standalone.SUCCESS, since=on.number))
        require(not printed or state == "image complete", f"success was printed, but the disk is: {state}")
        found[state] += 1
        print(f"  kill {number + 1:2}, {moment:5.2f} s into {phase}: {state}{', success printed' if printed else ''}", flush=True)

    # Kills that all missed the write would have proved nothing.
    require(found["no table"] >= KILLS_WRITING // 2, f"too few kills hit the write: {dict(found)}")
    print("  " + ", ".join(f"{state}: {count}" for state, count in found.most_common()))
