"""Figures held against their limits; what is broken is told again at the end, and all of it can be kept as JSON."""

import json


class Limits:
    def __init__(self):
        self.broken, self._section, self._sections = [], None, {}

    def begin(self, section):
        """What is told from here on belongs to that section."""
        self._section = self._sections[section] = {"figures": [], "tables": []}

    def most(self, what, value, limit, unit=""):
        self._tell(what, value, limit, unit, "≤", value <= limit)

    def least(self, what, value, limit, unit=""):
        self._tell(what, value, limit, unit, "≥", value >= limit)

    def inform(self, what, value):
        """Beside the point, and worth knowing."""
        print(f"  {what:66} {value:8.2f}", flush=True)
        self._section["figures"].append({"what": what, "value": value})

    def table(self, head, rows):
        """Columns of figures after a name."""
        rows = list(rows)
        print(f"  {head[0]:44}" + "".join(f"{name:>14}" for name in head[1:]))
        for name, *values in rows:
            cells = (f"{value:14.2f}" if isinstance(value, float) else f"{value:>14}" for value in values)
            print(f"  {name:44}" + "".join(cells), flush=True)
        self._section["tables"].append({"head": list(head), "rows": [list(row) for row in rows]})

    def save(self, path, **about):
        """Everything told, as JSON; `about` says of what and when."""
        path.write_text(json.dumps({**about, "broken": self.broken, "sections": self._sections}, indent=1, ensure_ascii=False) + "\n")

    def _tell(self, what, value, limit, unit, sign, good):
        print(f"  {what:66} {value:8.2f} {sign} {limit:g} {unit:7}{'ok' if good else 'BROKEN'}", flush=True)
        self._section["figures"].append({"what": what, "value": value, "sign": sign, "limit": limit, "unit": unit, "held": good})
        if not good:
            self.broken.append(f"{what}: {value:.2f}, and not {sign} {limit:g} {unit}".rstrip())
