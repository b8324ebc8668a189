"""A fake Ironic API: version discovery, inspection, lookup and heartbeat with scripted replies; every request is recorded."""

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import socket
from urllib.parse import parse_qsl, urlsplit

from situation import ABSENT, NODE, Reply, found


class Witness:
    """The requests of all base URLs, in the order they came, and a bell for those who wait."""

    def __init__(self):
        self.requests = []
        self.gone = False           # the agent's process ended: nothing more will come
        self.bell = threading.Condition()

    def saw(self, **request):
        with self.bell:
            self.requests.append(request)
            self.bell.notify_all()
        return request

    def count(self, kind):
        return sum(request["kind"] == kind for request in self.requests)

    def wait(self, kind, count, within):
        """True once `count` requests of this kind came; False when time is up or the agent is gone."""
        with self.bell:
            self.bell.wait_for(lambda: self.gone or self.count(kind) >= count, timeout=within)
            return self.count(kind) >= count

    def agent_is(self, gone):
        with self.bell:
            self.gone = gone
            self.bell.notify_all()


class Script:
    """A list of replies; the last repeats for ever."""

    def __init__(self, replies):
        self.replies = list(replies)
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class FakeIronic:
    """One base URL. It says what `api` tells it to and keeps no state of its own but the scripts."""

    def __init__(self, api, witness, stock, certificate=None):
        self.api = api
        self.witness = witness
        self.versions = Script(api.version)
        self.lookups = Script(api.lookups or (found(**stock),))
        self.inspections = Script(api.inspections or (Reply(202, {"uuid": NODE}),))
        self.heartbeats = Script(api.heartbeats or (Reply(202),))
        self.down = api.down
        self.flowing = threading.Event()
        self.flowing.set()
        family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
        server_class = type("Server", (ThreadingHTTPServer,), {"address_family": family, "daemon_threads": True})
        handler = type("Handler", (Handler,), {"ironic": self})
        self.server = server_class((api.host, api.port), handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.flowing.set()
        self.server.shutdown()
        self.server.server_close()

    def reply(self, method, path):
        """(kind, Reply) for a request; holds a lookup while told to."""
        parts = [part for part in path.split("/") if part]
        if method == "GET" and not parts:
            return "root", root(self.versions.next())
        if method == "GET" and parts == ["v1", "lookup"]:
            return "lookup", self.lookups.next()
        if method == "POST" and parts == ["v1", "continue_inspection"]:
            return "inspection", self.inspections.next()
        if method == "POST" and parts[:2] == ["v1", "heartbeat"] and len(parts) == 3:
            return "heartbeat", self.heartbeats.next()
        return "other", Reply(404, {"error_message": {"faultstring": "Not found here", "faultcode": "Client"}})


def root(version):
    """The root document, of which agents read `default_version.version`."""
    if version is None:
        return Reply(500, {"error_message": {"faultstring": "not now", "faultcode": "Server"}})
    default = {"id": "v1", "links": [], "status": "CURRENT", "min_version": "1.1", "version": version}
    return Reply(200, {"name": "OpenStack Ironic API", "description": "a fake", "versions": [default],
                       "default_version": default})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self):
        self.handle_any()

    def do_POST(self):
        self.handle_any()

    def handle_any(self):
        arrived = time.monotonic()
        ironic = self.ironic
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        if ironic.down:
            kind, reply = "refused", Reply(drop=True)
        else:
            kind, reply = ironic.reply(self.command, url.path)
        request = dict(
            t=arrived, api=ironic.api.name, kind=kind, method=self.command, path=url.path,
            query=parse_qsl(url.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=decoded(body), peer=self.client_address[0],
            reply="drop" if reply.drop else reply.status)
        if kind == "heartbeat" and not ironic.witness.count("heartbeat"):
            request["listening"] = listening(request["body"])
        ironic.witness.saw(**request)
        if kind == "lookup":
            ironic.flowing.wait(timeout=60)
        if reply.drop:
            self.close_connection = True
            return
        data = b"" if reply.body is ABSENT else reply.body if isinstance(reply.body, bytes) \
            else json.dumps(reply.body).encode()
        try:
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True    # the agent hung up first: its own affair

    def log_message(self, *_):
        pass


def listening(heartbeat):
    """Whether something accepts connections where the first heartbeat says the agent is."""
    try:
        url = urlsplit(heartbeat["callback_url"])
        socket.create_connection((url.hostname, url.port), timeout=5).close()
        return True
    except (OSError, TypeError, KeyError, ValueError):
        return False


def decoded(body):
    """JSON if it is JSON, else text; None when there is no body."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
