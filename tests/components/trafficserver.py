"""Apache Traffic Server: a caching forward proxy, and a cache in front of an HTTPS origin."""

from place import HERE, PORTS, template
from service import Service, folder, patiently


class TrafficServer(Service):
    def __init__(self, work):
        user = "trafficserver"
        path = folder(work, "trafficserver", user)
        for name in ("cache", "log", "run"):
            folder(work, f"trafficserver/{name}", user)
        etc = folder(work, "trafficserver/etc", user)
        for source in sorted((HERE / "trafficserver").iterdir()):
            text = template(f"trafficserver/{source.name}", folder=path, work=work)
            (path if source.name == "runroot.yaml" else etc).joinpath(source.name).write_text(text)
        super().__init__("trafficserver", work, ["traffic_server", f"--run-root={path / 'runroot.yaml'}"],
                         PORTS["trafficserver"])
        self.log = path / "log/facts.log"

    def results(self, part, count):
        """`TCP_MISS/200 GET` and so on for the URLs that contain this, once there are so many: it writes in bursts."""
        def found():
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            return [line.split(" ", 2)[:2] for line in lines if part in line]
        seen = patiently(lambda: (some := found()) and len(some) >= count and some, 15,
                         f"Traffic Server's log has no {count} lines with {part}")
        return [f"{result} {method}" for result, method in seen]
