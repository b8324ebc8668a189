"""A real Swift: proxy, account, container and object server, one replica on one device, tempauth and temporary URLs."""

import hashlib
import hmac
import shutil
import time
import urllib.request

import network
import place
from daemon import Daemon

PORT, MEMCACHED = 8090, 11211
URL = f"http://{network.ADDRESS}:{PORT}"
# The servers behind the proxy, each with the port its ring names.
SERVERS = {"account": 6202, "container": 6201, "object": 6200}
ACCOUNT = "/v1/AUTH_lab"
USER, PASSWORD = "lab:admin", "lab-password"
MIB = 1 << 20

COMMON = """
[DEFAULT]
bind_ip = {address}
bind_port = {port}
workers = 0
user = root
swift_dir = {swift}
devices = {swift}/devices
mount_check = false
"""

# memcached holds tempauth's tokens; nobody without a token or a signature gets at anything.
PROXY = """
[pipeline:main]
pipeline = catch_errors proxy-logging cache tempurl tempauth dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:tempurl]
use = egg:swift#tempurl
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {password} .admin
[filter:dlo]
use = egg:swift#dlo
"""

SERVER = """
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

CLUSTER = """
[swift-hash]
swift_hash_path_suffix = lab
[storage-policy:0]
name = lab
default = yes
"""


def rings():
    """The arguments of swift-ring-builder that make the three rings, 2^4 partitions each."""
    for name, port in SERVERS.items():
        ring = f"{name}.builder"
        yield [ring, "create", "4", "1", "1"]
        yield [ring, "add", f"r1z1-127.0.0.1:{port}/lab", "1"]
        yield [ring, "rebalance"]


class Swift:
    def __init__(self, directory):
        swift = directory / "swift"
        shutil.copytree(place.SWIFT_RINGS, swift)
        (swift / "devices" / "lab").mkdir(parents=True)
        (swift / "swift.conf").write_text(CLUSTER)
        programs = {name: (SERVER.format(name=name), "127.0.0.1", port) for name, port in SERVERS.items()}
        proxy = PROXY.format(memcached=MEMCACHED, user=USER.replace(":", "_"), password=PASSWORD)
        programs["proxy"] = (proxy, network.ADDRESS, PORT)
        self._daemons = [Daemon("memcached", [
            "/usr/bin/memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(MEMCACHED), "-U", "0",
        ], directory / "memcached.log")]
        for name, (conf, address, port) in programs.items():
            path = swift / f"{name}.conf"
            path.write_text(COMMON.format(address=address, port=port, swift=swift) + conf)
            program = str(place.SWIFT_VENV / "bin" / f"swift-{name}-server")
            # verbose: the log goes to the console, here a file, besides a syslog nobody runs.
            self._daemons.append(Daemon(f"swift-{name}-server", [program, str(path), "verbose"], directory / f"swift-{name}.log"))
        self._token = None

    def start(self):
        for daemon in self._daemons:
            daemon.start()
        return self

    def ready(self):
        self._daemons[0].wait_port("127.0.0.1", MEMCACHED)
        for daemon, port in zip(self._daemons[1:], SERVERS.values()):
            daemon.wait_port("127.0.0.1", port)
        self._daemons[-1].wait_port(network.ADDRESS, PORT)
        headers = {"X-Auth-User": USER, "X-Auth-Key": PASSWORD}
        self._token = self._ask("GET", "/auth/v1.0", headers)["X-Auth-Token"]
        return self

    def set_key(self, key):
        """The account's Temp-URL-Key, which signs."""
        self._ask("POST", ACCOUNT, {"X-Account-Meta-Temp-URL-Key": key})

    def upload(self, image, container="images", name=None, segment=16 * MIB):
        """Store an image as Glance does a large one, in segments and an object that joins them; returns its path."""
        for needed in (container, "segments"):
            self._ask("PUT", f"{ACCOUNT}/{needed}")
        with open(image, "rb") as file:
            number = 0
            while part := file.read(segment):
                self._ask("PUT", f"{ACCOUNT}/segments/{image.name}-{number:05}", body=part)
                number += 1
        path = f"{ACCOUNT}/{container}/{name or image.name}"
        self._ask("PUT", path, {"X-Object-Manifest": f"segments/{image.name}-"}, b"")
        return path

    def _ask(self, method, path, headers=None, body=None):
        token = {"X-Auth-Token": self._token} if self._token else {}
        request = urllib.request.Request(URL + path, method=method, data=body, headers={**token, **(headers or {})})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.headers


def temporary_url(path, key, seconds, algorithm=hashlib.sha256):
    """A URL that lets anybody GET `path` for so many seconds, and its signature.

    https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html
    """
    expires = int(time.time()) + seconds
    signature = hmac.new(key.encode(), f"GET\n{expires}\n{path}".encode(), algorithm).hexdigest()
    return f"{URL}{path}?temp_url_sig={signature}&temp_url_expires={expires}", signature
