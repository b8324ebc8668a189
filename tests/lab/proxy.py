"""A real Squid: keeps images in memory, tunnels to any port, and writes down what it was asked and whether it knew the answer.

With an authority it also opens the TLS of those who ask it for a tunnel, and stands before Swift as a server of its own.
"""

import shutil
from collections import namedtuple

import network
import place
from daemon import Daemon

PORT, OPENING, FRONT = 3128, 3129, 8445
URL = f"http://{network.ADDRESS}:{PORT}"
OPENING_URL = f"http://{network.ADDRESS}:{OPENING}"
FRONT_URL = f"https://{network.ADDRESS}:{FRONT}"

CONF = """
visible_hostname lab
pid_filename none
pinger_enable off
unlinkd_program {squid}/usr/lib/squid/unlinkd
shutdown_lifetime 1 second
cache_log {log}/cache.log
logformat lab %Ss %rm %ru %>a
access_log stdio:{log}/access.log lab
"""

CACHE = f"""
http_port {network.ADDRESS}:{PORT}
http_access allow all
cache_mem 256 MB
maximum_object_size_in_memory 128 MB
maximum_object_size 128 MB
# Images do not change under their name: fresh for an hour at least, however young.
refresh_pattern ^http://.*/images/ 60 20% 1440 override-lastmod
"""

# What the README shows, with this lab's places.
TLS = """
# A forward proxy that opens TLS: it looks at the server's certificate, and makes one of its own for the same names.
http_port {address}:{opening} ssl-bump generate-host-certificates=on tls-cert={authority}/ca.crt tls-key={authority}/ca.key
ssl_bump stare all
ssl_bump bump all
sslcrtd_program {log}/security_file_certgen
tls_outgoing_options cafile={trusted}
# A server that stands before Swift.
https_port {address}:{front} accel no-vhost defaultsite={origin} tls-cert={authority}/cache.crt tls-key={authority}/cache.key name=front
cache_peer {origin_host} parent {origin_port} 0 no-query no-digest originserver name=origin tls tls-cafile={trusted}
acl at_front myportname front
cache_peer_access origin allow at_front
never_direct allow at_front
# A temporary URL is told from another by its query: here it is wanted to the letter.
strip_query_terms off
"""

# Squid's own words for what it did (TCP_MISS, TCP_MEM_HIT, TCP_TUNNEL…), for whom.
Request = namedtuple("Request", "result method url client")


class Proxy:
    def __init__(self, directory, authority=None, trusted=None, cache=CACHE):
        """`authority`: a directory as authority.py makes it; `trusted`: who signed for the Swift behind nginx; `cache`: squid.conf's lines on what is kept and for whom."""
        self._directory = directory / "squid"
        self._directory.mkdir()
        # Squid gives root away and writes its logs as this account, which every Debian has.
        shutil.chown(self._directory, "proxy", "proxy")
        text = CONF.format(log=self._directory, squid=place.SQUID) + cache
        if authority:
            # It is started as that account, which may not walk to where it lies.
            shutil.copy(place.SQUID / "usr/lib/squid/security_file_certgen", self._directory)
            origin = network.SWIFT_TLS.removeprefix("https://")
            host, port = origin.split(":")
            text += TLS.format(
                address=network.ADDRESS, opening=OPENING, front=FRONT, log=self._directory, authority=authority, trusted=trusted,
                origin=origin, origin_host=host, origin_port=port,
            )
        conf = directory / "squid.conf"
        conf.write_text(text)
        self.daemon = Daemon("squid", [str(place.SQUID / "usr/sbin/squid"), "-N", "-f", str(conf)], directory / "squid.log")

    def start(self):
        self.daemon.start()
        return self

    def ready(self):
        self.daemon.wait_port(network.ADDRESS, PORT)
        return self

    def requests(self, text, client=network.MACHINE_ADDRESS):
        """What the machine, or another, or (None) anybody asked it for that has `text` in the URL, in the order of completion."""
        log = self._directory / "access.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [request for request in (Request(*line.split()) for line in lines) if text in request.url and client in (None, request.client)]
