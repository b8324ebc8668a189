"""floor: the least RAM of a machine that a 2 GiB qcow2 can be deployed on, from the goal downwards"""

import subprocess
import sys

import images
from place import HERE, Broken

LEAST, MOST, STEP = 64, 256, 4
GOAL = 96
# Of 2 GiB; a machine without KVM is slow.
USED = 256
IPA = "documented, not of this run: 1280 MiB panics while unpacking, 1536 boots; 1185 MiB in use at the peak of a qcow2 deploy"


def run(limits, options):
    image = images.qcow2(images.system(2048, USED), "zstd")
    least = GOAL
    if deploys(image, least):
        while least > LEAST and deploys(image, least - STEP):
            least -= STEP
    else:
        # Nothing but how far off it is.
        while not deploys(image, least := least + 4 * STEP):
            if least > MOST:
                raise Broken(f"not even {least} MiB are enough, see the end of target/bench/floor-{least}.log")
    limits.most("RAM of the smallest machine", least, GOAL, "MiB")
    print(f"  IPA 13, {IPA}")


def deploys(image, mib):
    argv = [sys.executable, "-B", HERE / "machine.py", str(mib), image.path, image.sha256, image.raw]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True)
    print(f"  {mib:4} MiB: {done.stdout.strip()}", flush=True)
    return done.returncode == 0
