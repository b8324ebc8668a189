"""Pages of the README, to be followed word for word."""

import re

import place
from verdict import require


def page(title):
    """The blocks below that heading, by the language they are marked with."""
    section = re.search(rf"^## {re.escape(title)}\n(.*?)^## ", (place.ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    require(section, f"the README has no page '{title}'")
    return dict(re.findall(r"^```(\w+)\n(.*?)^```", section[1], flags=re.MULTILINE | re.DOTALL))
