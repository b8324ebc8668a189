"""lab: a 2 GiB image on a small machine that boots from the network, and a deploy by a real Ironic beside IPA's"""

import subprocess

from place import TOP, Broken


def run(limits, options):
    print("  a 2 GiB raw image, from firmware to the deployed system:")
    shown = told([TOP / "tests/demo/run", "2048"])
    table = shown[next(i for i, line in enumerate(shown) if line.startswith("step ")) :]
    print("".join(f"    {line}\n" for line in table), end="")
    print("  a deploy by a real Ironic:")
    for line in told([TOP / "tests/lab/run", "deploy-raw"]):
        if line.startswith("timing "):
            print(f"    {line}", flush=True)


def told(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = done.stdout.splitlines()
    if done.returncode:
        raise Broken(f"{argv[0].parent.name} failed: " + " / ".join(lines[-3:]))
    return lines
