"""Runs the cases, several at a time, and tells which held. Exit status 0: all did."""

import importlib
import pathlib
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import case
import place
from world import World

HERE = pathlib.Path(__file__).resolve().parent
# Cases mostly wait: an agent looks at its disks for two seconds before it chooses one.
TOGETHER = 6


def chosen(names):
    known = sorted(path.stem for path in (HERE / "cases").glob("*.py"))
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such cases: {', '.join(unknown)}; there are {', '.join(known)}")
    for name in names or known:
        importlib.import_module(f"cases.{name}")
    return case.CASES


def told(here, part, sentence, holds):
    """Runs one case; true if it held."""
    started, title, held = time.monotonic(), f"{part}: {sentence}", False
    try:
        holds(here)
        held = True
    except AssertionError as denied:
        title += f"\n        {denied}"
    except Exception:
        title += "\n" + traceback.format_exc()
    # In one piece: others write too.
    sys.stdout.write(f"{time.monotonic() - started:5.1f} s  {'ok    ' if held else 'FAILED'}  {title}\n")
    sys.stdout.flush()
    return held


def main():
    cases = chosen(sys.argv[1:])
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="components.", dir=place.TARGET) as files, place.prepared(files) as work:
        here = World(work)
        try:
            here.start()
            with ThreadPoolExecutor(TOGETHER) as pool:
                held = list(pool.map(lambda one: told(here, *one), cases))
            held.append(told(here, "secrets", "no log holds a password, a token, a signature or a key", World.kept_secrets))
        finally:
            here.stop()
    print(f"{sum(held)} of {len(held)} tests passed, {time.monotonic() - began:.0f} s")
    return 0 if all(held) else 1


sys.exit(main())
