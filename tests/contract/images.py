"""An image server on loopback that goes on when it is told to: held in the middle, cut there, held again."""

import hashlib
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MIB = 1 << 20


def image(mib):
    """A disk with a boot record whose signature is known and with one partition, data, and zeros in its second half."""
    data = bytearray(b"".join(hashlib.sha256(number.to_bytes(4, "little")).digest() * 4096 for number in range(mib * 8)))
    data[440:444] = 0x1234ABCD.to_bytes(4, "little")
    data[446:510] = bytes(64)
    # Bootable, Linux, from sector 2048 to the end.
    data[446:462] = struct.pack("<BxxxBxxxII", 0x80, 0x83, 2048, mib * 2048 - 2048)
    data[510:512] = b"\x55\xaa"
    half = len(data) // 2
    data[half:] = bytes(len(data) - half)
    return bytes(data)


class Images:
    """One image, whole or from a byte on. Its first `pauses[n]` bytes go out on the n-th request; what the
    request waits for after that is `gates[n]`, then it is cut."""

    def __init__(self, data, pauses=()):
        self.data = data
        self.pauses = list(pauses)
        self.gates = [threading.Event() for _ in self.pauses]
        self.requests = 0
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"images": self}))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/image.raw"

    def next(self):
        with self.lock:
            self.requests += 1
            return self.requests - 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        images, number = self.images, self.images.next()
        data, start = images.data, 0
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") == '"one"':
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        held = number < len(images.pauses)
        end = images.pauses[number] if held else len(data)
        if held and end <= start:
            images.gates[number].wait(60)
            end, held = len(data), False
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:end])
        if held:
            self.wfile.flush()
            images.gates[number].wait(60)
            self.close_connection = True

    def log_message(self, *_):
        pass
