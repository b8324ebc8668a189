"""The figures: each beside its peer and its limit, taken in the same run.

Writes only to loop devices over files made here; serves only on the loopback.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import cases
import choice
import cuts
import digests
import erase
import floor
import inspection
import inventory
import lab
import memory
import metadata
import packed
import page
import place
import qcow2
import raw
import sizes
import zeros
from limits import Limits

SECTIONS = {"sizes": sizes, "raw": raw, "cases": cases, "digests": digests, "qcow2": qcow2, "packed": packed, "zeros": zeros, "memory": memory, "cuts": cuts, "page": page, "floor": floor, "choice": choice, "inventory": inventory,
            "erase": erase, "metadata": metadata, "inspect": inspection, "lab": lab}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], prog="./build.sh bench")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="this section; may be given more than once")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is run (default %(default)s)")
    parser.add_argument("--mib", type=int, default=1024, help="size of the images written (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures there, to be compared later")
    return parser.parse_args()


def main():
    options, limits = arguments(), Limits()
    # Servers, mounts and devices are given back whatever ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    place.sweep()
    begun = time.monotonic()
    for name in options.only or SECTIONS:
        print(SECTIONS[name].__doc__, flush=True)
        limits.begin(name)
        started = time.monotonic()
        try:
            SECTIONS[name].run(limits, options)
        except Exception as error:
            if not isinstance(error, place.Broken):
                traceback.print_exc()
            print(f"  {name}: {error}")
            limits.broken.append(f"{name}: {error}")
        print(f"  ({time.monotonic() - started:.0f} s)\n", flush=True)
    total = time.monotonic() - begun
    limits.begin("all")
    if options.only:
        limits.inform("seconds of these", total)
    else:
        limits.most("seconds of all", total, 900, "s")
    if options.json:
        version = subprocess.run([place.DIST / "ironlet", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        limits.save(options.json, version=version, taken=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), cores=os.cpu_count(), rounds=options.rounds)
    if limits.broken:
        print("\n  ".join([f"bench: {len(limits.broken)} broken:", *limits.broken]))
    return 1 if limits.broken else 0


sys.exit(main())
