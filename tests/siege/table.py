"""The table: what was tried and what came of it."""

import dataclasses
import sys
import time

WIDTHS = (58, 26, 26, 34, 26)
HEADS = ("what", "tried", "held", "figure", "limit")


@dataclasses.dataclass
class Row:
    what: str
    tried: str
    held: str
    figure: str
    limit: str
    good: bool


class Table:
    def __init__(self):
        self.rows = []
        self.began = time.monotonic()

    def head(self):
        self.line(HEADS, "")

    def add(self, row):
        """Printed at once: whoever waits sees how far it is."""
        self.rows.append(row)
        self.line((row.what, row.tried, row.held, row.figure, row.limit), "" if row.good else "FAILED")

    def line(self, words, verdict):
        fields = [str(word).ljust(width) for word, width in zip(words, WIDTHS)]
        sys.stdout.write(f"{' '.join(fields)} {verdict}".rstrip() + "\n")
        sys.stdout.flush()

    @property
    def held(self):
        return sum(row.good for row in self.rows)

    def end(self):
        print(f"{self.held} of {len(self.rows)} tests passed, {time.monotonic() - self.began:.0f} s")
        return 0 if self.rows and self.held == len(self.rows) else 1
