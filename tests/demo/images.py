"""The HTTP server a machine boots and deploys from: files by name, byte ranges, and an event for each request."""

import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHUNK = 1 << 20


class Images:
    """Serves `files` (name → Path) on the loopback, or everywhere; `tell(name, what)` is called when a reply begins and when it ended."""

    def __init__(self, port, files, tell, keys=None, address="127.0.0.1"):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer(body=True)

            def do_HEAD(self):
                self.answer(body=False)

            def answer(self, body):
                name = self.path.lstrip("/")
                path = files.get(name)
                if path is None:
                    tell(name, "not found")
                    self.send_error(404)
                    return
                size = path.stat().st_size
                first, last = self.span(size)
                if first >= size:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{size}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206 if "Range" in self.headers else 200)
                if "Range" in self.headers:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(last - first + 1))
                self.end_headers()
                if body:
                    tell(name, "asked for")
                    self.send(path, first, last - first + 1)
                    tell(name, "sent")

            def span(self, size):
                """First and last byte asked for; anything but one plain range means all of it (RFC 9110, 14.2 allows that)."""
                found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                if not found:
                    # No 206 for a range this server did not read.
                    del self.headers["Range"]
                    return 0, size - 1
                return int(found[1]), min(int(found[2] or size), size - 1)

            def send(self, path, first, count):
                with open(path, "rb") as file:
                    while count:
                        sent = self.connection.sendfile(file, first, min(count, CHUNK))
                        first, count = first + sent, count - sent

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        # Firmware hangs up when it knows enough.
        self.server.handle_error = lambda *_: None
        if keys:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(keys / "server.crt", keys / "server.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, name="images")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
