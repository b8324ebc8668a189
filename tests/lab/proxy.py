"""A real Squid: keeps images in memory, tunnels to any port, and writes down what it was asked and whether it knew the answer."""

import shutil
from collections import namedtuple

import network
from daemon import Daemon

PORT = 3128
URL = f"http://{network.ADDRESS}:{PORT}"

CONF = """
http_port {address}:{port}
http_access allow all
visible_hostname lab
pid_filename none
pinger_enable off
shutdown_lifetime 1 second
cache_log {log}/cache.log
logformat lab %Ss %rm %ru %>a
access_log stdio:{log}/access.log lab
cache_mem 256 MB
maximum_object_size_in_memory 128 MB
maximum_object_size 128 MB
# Images do not change under their name: fresh for an hour at least, however young.
refresh_pattern ^http://.*/images/ 60 20% 1440 override-lastmod
"""

# Squid's own words for what it did (TCP_MISS, TCP_MEM_HIT, TCP_TUNNEL…), for whom.
Request = namedtuple("Request", "result method url client")


class Proxy:
    def __init__(self, directory):
        self._directory = directory / "squid"
        self._directory.mkdir()
        # Squid gives root away and writes its logs as this account, which its package makes.
        shutil.chown(self._directory, "proxy", "proxy")
        conf = directory / "squid.conf"
        conf.write_text(CONF.format(address=network.ADDRESS, port=PORT, log=self._directory))
        self.daemon = Daemon("squid", ["/usr/sbin/squid", "-N", "-f", str(conf)], directory / "squid.log")

    def start(self):
        self.daemon.start()
        return self

    def ready(self):
        self.daemon.wait_port(network.ADDRESS, PORT)
        return self

    def requests(self, text):
        """What the machine asked it for that has `text` in the URL, in the order of completion."""
        log = self._directory / "access.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [request for request in (Request(*line.split()) for line in lines) if text in request.url and request.client == network.MACHINE_ADDRESS]
