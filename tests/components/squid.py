"""Squid: a caching forward proxy, the same behind a login, and a cache in front of an HTTPS origin."""

from place import PORTS, template
from service import Service, folder, patiently


class Squid(Service):
    def __init__(self, work):
        path = folder(work, "squid", "proxy")
        (path / "squid.conf").write_text(template("squid.conf", folder=path, work=work))
        super().__init__("squid", work, ["squid", "-N", "-f", str(path / "squid.conf")], PORTS["squid"])
        self.log = path / "access.log"

    def results(self, part, count):
        """`TCP_MISS/200 GET` and so on for the URLs that contain this, once there are so many."""
        def found():
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            return [line.split(" ", 2)[:2] for line in lines if part in line]
        seen = patiently(lambda: (some := found()) and len(some) >= count and some, 5,
                         f"Squid's log has no {count} lines with {part}")
        return [f"{result} {method}" for result, method in seen]
