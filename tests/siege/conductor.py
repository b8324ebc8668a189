"""What an honest conductor does meanwhile: calls with the token, each on a connection of its own, timed."""

import http.client
import json
import ssl
import threading
import time
from urllib.parse import urlsplit

from ironic import TOKEN

PATIENCE = 10


class Conductor:
    """Calls an agent. `source` is its address; `authority` the certificate it believes, under TLS."""

    def __init__(self, url, source="127.0.0.1", authority=None):
        self.url = urlsplit(url)
        self.source = source
        self.authority = authority

    def call(self, method, page, body=None, query="wait=true"):
        """The reply as JSON; an exception for every other status than 200."""
        connection = self.connect()
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/v1/commands/{page}?{query}&agent_token={TOKEN}", text,
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        if reply.status != 200:
            raise OSError(f"{reply.status}: {content[:200]!r}")
        return json.loads(content)

    def connect(self):
        options = dict(timeout=PATIENCE, source_address=(self.source, 0))
        if self.url.scheme == "http":
            return http.client.HTTPConnection(self.url.hostname, self.url.port, **options)
        context = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection(self.url.hostname, self.url.port, context=context, **options)

    def commands(self):
        return self.call("GET", "")["commands"]

    def run(self, name, **params):
        """A command to its end."""
        return self.call("POST", "", {"name": name, "params": params})


class Calls:
    """Calls by turns, the list and a command, until ended; how many were answered, and the slowest in seconds."""

    def __init__(self, conductor, pause=0.05):
        self.conductor = conductor
        self.pause = pause
        self.times, self.failures = [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def go_on(self, seconds, least, most):
        """For so long, and until at least so many were made; in no more than `most` seconds."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < most and (passed < seconds or len(self.times) < least):
            time.sleep(0.05)

    def work(self):
        while not self.over.wait(self.pause):
            began = time.monotonic()
            try:
                if len(self.times) % 2:
                    self.conductor.run("standby.get_partition_uuids")
                else:
                    self.conductor.commands()
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(f"{type(failure).__name__}: {failure}")
            self.times.append(time.monotonic() - began)

    @property
    def answered(self):
        return len(self.times) - len(self.failures)

    @property
    def slowest(self):
        return max(self.times, default=0)
