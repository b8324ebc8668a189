"""Holds COVERAGE.md to the truth: every line is there, every test it names exists and ran.

A row: `| line | held | tests | note |`. State is `held`, `part` or `not yet`; the latter two need a note.
A test is `situation/case`, or `rust:name` for a Rust test function of that name, `suite:name` for a file of them, or `lab:name` for a
scenario of the lab.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
TOP = HERE.parents[1]
# conformance.md numbers its lines through all sections.
LINES = range(1, 199)
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


def untrue(test, known, ran, rust):
    """Why a test that somebody names holds nothing; none if it does."""
    kind, _, name = test.rpartition(":")
    if kind == "rust":
        return None if name in rust else f"no Rust test is called {name}"
    if kind == "suite":
        return None if (TOP / f"tests/{name}.rs").exists() else f"there is no tests/{name}.rs"
    if kind == "lab":
        scenario = TOP / "tests/lab/scenarios" / f"{name.replace('-', '_')}.py"
        return None if scenario.exists() else f"the lab has no scenario {name}"
    if test not in known:
        return f"no test is called {test}"
    return None if test in ran else f"{test} did not run"


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
            wrong = untrue(test, known, ran, rust)
            if wrong:
                yield f"line {line}: {wrong}"
    for line in LINES:
        if line not in seen:
            yield f"line {line} is missing"
