"""Plays the cases of a suite two at a time, for a machine without KVM keeps one core busy."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from machine import Broken


def two_lines(name, what, held, told):
    """How most suites tell of a case."""
    return f"{'ok    ' if held else 'FAILED'} {name}: {what}\n       {told}"


def play_all(suite, chosen, play, line):
    """Prints `line(case, held, told)` for each, and how many held; `told` is what `play(case)` returns, or why it is broken. The exit code."""
    def guarded(case):
        try:
            return True, play(case)
        except Broken as broken:
            return False, str(broken)
        except subprocess.CalledProcessError as failure:
            return False, f"{failure} {failure.stderr or ''}"

    good = 0
    with ThreadPoolExecutor(min(2, os.cpu_count())) as pool:
        for case, (held, told) in zip(chosen, pool.map(guarded, chosen)):
            good += held
            print(line(case, held, told), flush=True)
    print(f"{suite}: {good} of {len(chosen)} tests held")
    return 0 if chosen and good == len(chosen) else 1
