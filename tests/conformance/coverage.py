"""Holds COVERAGE.md to the truth: every line of sections A to N is there, every test it names exists and ran.

A row: `| line | held | tests | note |`. State is `held`, `part` or `not yet`; the latter two need a note.
A test is `situation/case`, or `rust:name` for a Rust test function of that name, or `lab:name` for a scenario of the lab.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
TOP = HERE.parents[1]
# conformance.md numbers its lines through; sections A to N are 1 to 192.
LINES = range(1, 193)
STATES = ("held", "part", "not yet")


def rows():
    """(line, state, tests, note) of every row."""
    for text in (HERE / "COVERAGE.md").read_text().splitlines():
        cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
        if text.startswith("|") and len(cells) == 5 and cells[0].isdigit():
            yield int(cells[0]), cells[2], re.findall(r"`([^`]+)`", cells[3]), cells[4]


def rust_tests():
    """Names of functions under #[test] in the crate."""
    found = set()
    for directory in (TOP / "src", TOP / "tests"):
        for path in directory.rglob("*.rs"):
            found |= set(re.findall(r"#\[test\]\s*(?:#\[[^\]]*\]\s*)*fn\s+(\w+)", path.read_text()))
    return found


def problems(known, ran):
    """What is untrue, after a whole run: `known` tests exist in the tables, `ran` is the part of them that ran."""
    seen = {}
    rust = rust_tests()
    for line, state, tests, note in rows():
        if line in seen:
            yield f"line {line} is there twice"
        seen[line] = state
        if state not in STATES:
            yield f"line {line}: state {state!r}"
        if state != "held" and not note:
            yield f"line {line}: {state} without a reason"
        if state == "held" and not tests:
            yield f"line {line}: held by no test"
        for test in tests:
            if test.startswith("rust:"):
                if test[5:] not in rust:
                    yield f"line {line}: no Rust test is called {test[5:]}"
            elif test.startswith("lab:"):
                if not (TOP / "tests/lab/scenarios" / f"{test[4:].replace('-', '_')}.py").exists():
                    yield f"line {line}: the lab has no scenario {test[4:]}"
            elif test not in known:
                yield f"line {line}: no test is called {test}"
            elif test not in ran:
                yield f"line {line}: {test} did not run"
    for line in LINES:
        if line not in seen:
            yield f"line {line} is missing"
