"""Pages of the README, to be followed word for word."""

import re

import place
from verdict import require


def page(title):
    """The blocks below that heading, by the language they are marked with."""
    return dict(re.findall(r"^```(\w+)\n(.*?)^```", _text(title), flags=re.MULTILINE | re.DOTALL))


def words(title, start):
    """What begins so and stands in the text below that heading, marked as typed."""
    found = re.search(rf"`({re.escape(start)}[^`]*)`", _text(title))
    require(found, f"the README's page '{title}' has no words that begin with {start}")
    return found[1]


def _text(title):
    section = re.search(rf"^## {re.escape(title)}\n(.*?)^## ", (place.ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    require(section, f"the README has no page '{title}'")
    return section[1]
