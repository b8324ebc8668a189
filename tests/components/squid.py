"""Squid: a caching forward proxy, also behind a login and by TLS, one that opens TLS, and a cache in front of an HTTPS origin."""

import shutil

from place import PORTS, SQUID, template
from service import Service, folder, patiently


class Squid(Service):
    def __init__(self, work):
        path = folder(work, "squid", "proxy")
        (path / "squid.conf").write_text(template("squid.conf", folder=path, work=work))
        # It starts these once it is somebody else, who may not walk to where it lies.
        for helper in ("basic_ncsa_auth", "security_file_certgen", "unlinkd"):
            shutil.copy(SQUID / "usr/lib/squid" / helper, path)
        super().__init__("squid", work, [SQUID / "usr/sbin/squid", "-N", "-f", str(path / "squid.conf")], PORTS["squid"])
        self.log = path / "access.log"

    def results(self, part, count):
        """`TCP_MISS/200 GET` and so on for the URLs that contain this, once there are so many."""
        def found():
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            return [line.split(" ", 2)[:2] for line in lines if part in line]
        seen = patiently(lambda: (some := found()) and len(some) >= count and some, 5,
                         f"Squid's log has no {count} lines with {part}")
        return [f"{result} {method}" for result, method in seen]
