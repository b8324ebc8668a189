"""As much of an Ironic as an agent needs to take orders: a version, one node for everybody, heartbeats."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from place import PORTS

TOKEN = "cO1mP2oN3eN4tS5tO6kE7nA8bC9dE0fG1hI2jK3lM4n"


class Ironic:
    def __init__(self):
        self.callbacks = {}
        self.bell = threading.Condition()
        handler = type("Handler", (Handler,), {"ironic": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", PORTS["ironic"]), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def beat(self, callback):
        with self.bell:
            self.callbacks[callback.rsplit(":", 1)[1]] = callback
            self.bell.notify_all()

    def wait(self, port, seconds=20):
        """Where the agent that listens on this port wants to be called."""
        with self.bell:
            assert self.bell.wait_for(lambda: str(port) in self.callbacks, seconds), f"no heartbeat of the agent on port {port}"
            return self.callbacks[str(port)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        node = {"uuid": "5f0d6a4e-2f1b-4f57-9d1c-0c9f3c1b7a10", "properties": {}, "instance_info": {}, "links": []}
        config = {"heartbeat_timeout": 300, "agent_token": TOKEN, "permitted_image_formats": ["raw", "qcow2"]}
        if self.path.startswith("/v1/lookup"):
            self.answer(200, {"node": node, "config": config})
        else:
            self.answer(200, {"default_version": {"version": "1.115"}})

    def do_POST(self):
        beat = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(202, None)
        self.ironic.beat(beat["callback_url"])

    def answer(self, status, value):
        body = b"" if value is None else json.dumps(value).encode()
        # Who has hung up waits for no answer.
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass
