"""The origin: nginx, and a second one that may be stopped in the middle of things."""

import json
import os
import time

from place import PORTS, command, template
from service import Service, folder


class Nginx(Service):
    """Serves work/www by `conf`; its access log has one JSON object a line."""

    def __init__(self, name, work, conf, port, **values):
        path = folder(work, name)
        (path / "nginx.conf").write_text(template(conf, folder=path, work=work, **values))
        super().__init__(name, work, ["nginx", "-p", str(path), "-c", str(path / "nginx.conf"), "-e", str(path / "error.log")],
                         PORTS[port])
        self.log = path / "access.log"

    def all(self):
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]

    def all_of(self, path):
        return [one for one in self.all() if one["path"].split("?")[0] == path]

    def asked(self, path, count):
        """The requests for this path, in the order they ended: `count` of them are expected. One that is too many has some
        time to show up, for nginx writes down what is over."""
        deadline = time.monotonic() + 3
        while len(self.all_of(path)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        seen = self.all_of(path)
        assert len(seen) == count, f"{self.name} was asked for {path} {len(seen)} times, not {count}: {seen}"
        return seen


def passwords(path, user, password):
    hashed = command("openssl", "passwd", "-apr1", password).strip()
    path.write_text(f"{user}:{hashed}\n")
    os.chmod(path, 0o644)
