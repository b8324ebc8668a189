"""Figures held against their limits; what is broken is told again at the end."""


class Limits:
    def __init__(self):
        self.broken = []

    def most(self, what, value, limit, unit=""):
        self._tell(what, value, limit, unit, "≤", value <= limit)

    def least(self, what, value, limit, unit=""):
        self._tell(what, value, limit, unit, "≥", value >= limit)

    def inform(self, what, value):
        """Beside the point, and worth knowing."""
        print(f"  {what:66} {value:8.2f}", flush=True)

    def _tell(self, what, value, limit, unit, sign, good):
        print(f"  {what:66} {value:8.2f} {sign} {limit:g} {unit:7}{'ok' if good else 'BROKEN'}", flush=True)
        if not good:
            self.broken.append(f"{what}: {value:.2f}, and not {sign} {limit:g} {unit}".rstrip())


def table(head, rows):
    """Columns of figures after a name."""
    print(f"  {head[0]:44}" + "".join(f"{name:>14}" for name in head[1:]))
    for name, *values in rows:
        cells = (f"{value:14.2f}" if isinstance(value, float) else f"{value:>14}" for value in values)
        print(f"  {name:44}" + "".join(cells), flush=True)
