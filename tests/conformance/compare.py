"""Differences between two normalised replies, and whether the table accepts them."""

import json
import re
import tomllib
from pathlib import Path

import normalise

ACCEPTED = Path(__file__).parent / "accepted.toml"
NOTHING = "<absent>"


def leaves(left, right, field=""):
    """(field, left, right) wherever two values differ, as deep as they have the same shape."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(set(left) | set(right)):
            inner = f"{field}.{name}" if field else name
            yield from leaves(left.get(name, NOTHING), right.get(name, NOTHING), inner)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right)):
            yield from leaves(one, other, f"{field}.{number}")
    elif left != right or type(left) is not type(right):
        yield field, left, right


def differences(upstream, ironlet, situation):
    """{test id: [(field, upstream, ironlet)]} of two records of one situation; every compared case is a key."""
    found = {}
    pairs = [(normalise.exchanges(upstream), normalise.exchanges(ironlet))]
    if situation.compare_requests:
        pairs.append((normalise.asked(upstream), normalise.asked(ironlet)))
    if situation.compare_certificate:
        pairs.append((normalise.announced(upstream), normalise.announced(ironlet)))
    for left, right in pairs:
        for case in list(left) + [case for case in right if case not in left]:
            test = f"{upstream['situation']}/{case}"
            found[test] = list(leaves(left.get(case, NOTHING), right.get(case, NOTHING)))
    return found


class Accepted:
    """The table of accepted differences; each must be met, and each must still occur.

    `field` is the end of a path, so that one entry fits a command in its own reply and in a list.
    """

    def __init__(self):
        table = tomllib.loads(ACCEPTED.read_text()) if ACCEPTED.exists() else {}
        self.entries = []
        for entry in table.get("difference", []):
            missing = {"cases", "field", "upstream", "ironlet", "why"} - set(entry)
            assert not missing, f"accepted.toml: an entry lacks {sorted(missing)}: {entry}"
            for case in entry["cases"]:
                self.entries.append(dict(entry, case=case, met=False))

    def meets(self, test, field, upstream, ironlet):
        for entry in self.entries:
            if entry["case"] == test and f".{field}".endswith(f".{entry['field']}") and \
                    reads(entry["upstream"], upstream) and reads(entry["ironlet"], ironlet):
                entry["met"] = True
                return True
        return False

    def stale(self, known, situations):
        """Entries of these situations that did not occur, and entries of cases that do not exist."""
        return [entry for entry in self.entries
                if entry["case"] not in known or entry["case"].split("/")[0] in situations and not entry["met"]]


def reads(pattern, item):
    """Whether a value is what the table says; `*` stands for any text, everything else for itself."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text(item), re.S) is not None


def text(item):
    """How a value stands in the table: strings as they are, the rest as JSON."""
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)
