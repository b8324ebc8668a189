"""Differences between two normalised replies, and whether the table accepts them."""

import json
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


def differences(upstream, ironlet, with_requests):
    """{test id: [(field, upstream, ironlet)]} of two records of one situation; every compared case is a key."""
    found = {}
    pairs = [(normalise.exchanges(upstream), normalise.exchanges(ironlet))]
    if with_requests:
        pairs.append((normalise.asked(upstream), normalise.asked(ironlet)))
    for left, right in pairs:
        for case in list(left) + [case for case in right if case not in left]:
            test = f"{upstream['situation']}/{case}"
            found[test] = list(leaves(left.get(case, NOTHING), right.get(case, NOTHING)))
    return found


class Accepted:
    """The table of accepted differences; each must be met exactly, and each must still occur."""

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
            if entry["case"] == test and entry["field"] == field and \
                    entry["upstream"] == text(upstream) and entry["ironlet"] == text(ironlet):
                entry["met"] = True
                return True
        return False

    def stale(self, situations):
        """Entries of these situations that did not occur."""
        return [entry for entry in self.entries
                if entry["case"].split("/")[0] in situations and not entry["met"]]


def text(item):
    """How a value stands in the table: strings as they are, the rest as JSON."""
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)
