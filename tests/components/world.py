"""Everything a case may use: the servers, the agents, the image; and the two things that can be said of an order."""

import gzip
import itertools
import subprocess
import sys
import threading

import agent
import authority
from image import Image
from ironic import TOKEN, Ironic
from nginx import Nginx, passwords
from odd import Odd
from place import HERE, PORTS
from service import folder
from squid import Squid
from trafficserver import TrafficServer

USER, PASSWORD = "deployer", "pass:w@rd-never-to-be-seen"
BEARER = "bearer-never-to-be-seen"
SIGNATURE = "signature-never-to-be-seen"

# The agents by whom they believe and what they show: (lines of the configuration file, words of the command line).
AGENTS = {
    "believer": ("cafile = {tls}/authority.crt", ""),
    "stranger": ("cafile = {tls}/stranger.crt", ""),
    "opened": ("cafile = {tls}/opener.crt", ""),
    "both": ("cafile = {tls}/both.crt", ""),
    "careless": ("cafile = {tls}/stranger.crt", "ipa-insecure=1"),
    "modern": ("cafile = {tls}/authority.crt", "ipa-tls-min-version=1.3"),
    "known": ("cafile = {tls}/authority.crt\ncertfile = {tls}/agent.crt\nkeyfile = {tls}/agent.key", ""),
    "logged_in": ("image_server_auth_strategy = http_basic\nimage_server_user = " + USER +
                  "\nimage_server_password = " + PASSWORD, ""),
    "hurried": ("", "ipa-image-download-max-duration=2"),
}


class World:
    def __init__(self, work):
        self.work = work
        self.agents = {}
        self.lock = threading.Lock()
        self.alone_with_fragile = threading.Lock()
        self.numbers = itertools.count()
        www, tls = folder(work, "www"), folder(work, "tls")
        authority.make(tls)
        (tls / "both.crt").write_text((tls / "authority.crt").read_text() + (tls / "opener.crt").read_text())
        self.image = Image(www / "image.raw")
        self.other = Image(www / "other.raw")
        (www / "image.raw.gz").write_bytes(gzip.compress(self.image.bytes, 1))
        passwords(work / "www.passwords", USER, PASSWORD)
        passwords(work / "squid.passwords", USER, PASSWORD)
        self.origin = Nginx("origin", work, "origin.conf", "http", bearer=BEARER)
        self.fragile = Nginx("fragile", work, "fragile.conf", "fragile")
        self.squid = Squid(work)
        self.trafficserver = TrafficServer(work)
        self.servers = [self.origin, self.fragile, self.squid, self.trafficserver]
        self.odd = Odd(self.image, tls)
        self.ironic = Ironic()

    def start(self):
        for server in self.servers:
            server.start()

    def stop(self):
        for one in [*self.agents.values(), *self.servers]:
            one.stop()

    def agent(self, name):
        """Started when a thread first asks for it: an agent carries out one order at a time."""
        key = name, threading.get_ident()
        with self.lock:
            number = next(self.numbers)
        if key not in self.agents:
            conf, more = AGENTS[name]
            self.agents[key] = agent.Agent(f"{name}-{number}", number, self.work, self.ironic,
                                           conf.format(tls=self.work / "tls"), more)
        return self.agents[key]

    def order(self, url, by="believer", image=None, **info):
        return self.agent(by).order(url, image or self.image, **info)

    def alone(self, url, image=None):
        return agent.alone(self.work, url, image or self.image)

    def deployed(self, outcome, image=None):
        assert outcome.succeeded, f"it failed: {outcome.details}"
        assert outcome.disk.holds(image or self.image), "the disk is not the image"

    def refused(self, outcome, *words):
        """Failed, with all of these words, and with nothing on the disk that boots."""
        assert not outcome.succeeded, "it succeeded"
        for word in words:
            assert word in outcome.details, f"nothing of '{word}' in: {outcome.details}"
        assert not outcome.disk.boots(), "something bootable is on the disk"

    def chaos(self, server, cut, seed):
        """The relay that cuts, in front of a port: the process, and its port; its lines come when connections end."""
        with self.lock:
            port = PORTS["chaos"] + next(self.numbers)
        words = [sys.executable, "-B", str(HERE / "chaos.py"), str(port), f"127.0.0.1:{server}", "--cut", str(cut),
                 "--seed", str(seed)]
        relay = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert relay.stdout.readline() == "ready\n", "the relay does not start"
        relay.port = port
        return relay

    def kept_secrets(self):
        """Of every agent, and of those that ran alone."""
        logs = {name: agent.said() for (name, _), agent in self.agents.items()}
        if (self.work / "alone.log").exists():
            logs["--write-image"] = (self.work / "alone.log").read_text()
        key = (self.work / "tls/agent.key").read_text().splitlines()[1]
        secrets = [PASSWORD, BEARER, SIGNATURE, key, agent.basic(USER, PASSWORD).split()[1], TOKEN,
                   PASSWORD.replace(":", "%3A").replace("@", "%40")]
        for name, log in logs.items():
            assert "image" in log, f"the log of {name} is empty"
            for secret in secrets:
                assert secret not in log, f"'{secret}' is in the log of {name}"


# Ports where TLS is spoken.
SECURE = {"https", "expired", "wrong_name", "old_tls", "tls12", "client", "unknown", "odd_tls", "squid_front", "squid_secure", "secure_opening", "trafficserver_front"}


def url(port, path, host="images.test", scheme=None):
    scheme = scheme or ("https" if port in SECURE else "http")
    return f"{scheme}://{host}:{PORTS[port]}{path}"


def proxy(port="squid", login=""):
    return url(port, "", f"{login}{'cache.test' if port in SECURE else '127.0.0.1'}")
