"""A web server of every odd kind, by the first part of the path; over TLS it hangs up without saying that this was all."""

import gzip
import re
import socket
import ssl
import threading
import time
import urllib.parse

from place import PORTS

# Longer than any client of a case may wait.
DRIBBLES = 30


def plain(body, *headers, status="200 OK"):
    """With its length."""
    return head(status, f"Content-Length: {len(body)}", *headers) + body


def head(status, *headers):
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers, "")).encode()


def chunked(body, extension="", size=65536, last="0", trailers="", end="\r\n", digits="%x"):
    pieces = [head("200 OK", "Transfer-Encoding: chunked")]
    for at in range(0, len(body), size):
        piece = body[at:at + size]
        pieces += [(digits % len(piece) + extension + end).encode(), piece, end.encode()]
    return b"".join(pieces) + (last and last + extension + end + trailers + end).encode()


def packed(image):
    return gzip.compress(image, 1, mtime=0)


SIGNATURE = ";chunk-signature=" + "0" * 64
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style>; rel=preload\r\n\r\n"

# What is sent for an image, in one go.
ANSWERS = {
    "aws-chunked": lambda image: plain(image, "Content-Encoding: aws-chunked"),
    "empty": lambda image: plain(image, "Content-Encoding:"),
    "none": lambda image: plain(image, "Content-Encoding: none"),
    "identity": lambda image: plain(image, "Content-Encoding: identity"),
    "charset": lambda image: plain(image, "Content-Encoding: UTF-8"),
    "gzip": lambda image: plain(packed(image), "Content-Encoding: gzip"),
    "x-gzip": lambda image: plain(packed(image), "Content-Encoding: x-gzip, aws-chunked"),
    "packed-file": lambda image: plain(packed(image), "Content-Encoding: x-gzip"),
    "signed": lambda image: chunked(image, SIGNATURE),
    "small": lambda image: chunked(image, SIGNATURE, size=64),
    "long-extension": lambda image: chunked(image, ";x=" + "y" * 20000),
    "trailers": lambda image: chunked(image, trailers="X-Checksum: none\r\nX-More: none\r\n"),
    "upper-case": lambda image: chunked(image, digits="%08X"),
    "line-feeds": lambda image: chunked(image, end="\n"),
    "no-trailers": lambda image: chunked(image)[:-2],
    "no-last-chunk": lambda image: chunked(image, last=""),
    "100": lambda image: head("100 Continue") + plain(image),
    "100-headers": lambda image: head("100 Continue", "X: y") + plain(image),
    "102": lambda image: head("102 Processing") + plain(image),
    "103": lambda image: HINTS + plain(image),
    "many-hints": lambda image: HINTS * 20 + plain(image),
    "folded": lambda image: head("200 OK", "X: y,", "\tz", "Content-Length:", f" {len(image)}") + image,
    "folded-chunks": lambda image: chunked(image).replace(b": chunked", b":\r\n chunked", 1),
    "blank-before-colon": lambda image: head("200 OK", f"Content-Length : {len(image)}") + image,
    "no-header": lambda image: head("200 OK", "what is this", f"Content-Length: {len(image)}") + image,
    "twice-as-long": lambda image: plain(image, f"Content-Length: {len(image)}"),
    "old": lambda image: b"HTTP/1.0 200 OK\r\n\r\n" + image,
    "half": lambda image: b"HTTP/1.0 200 OK\r\n\r\n" + image[:len(image) // 2],
    "dots": lambda image: head("302 Found", "Location: ../x/.././aws-chunked/image.raw", "Content-Length: 0"),
    "umlaut": lambda image: head("302 Found", "Location: /d\u00e4s/image.raw", "Content-Length: 0"),
    "d\u00e4s": lambda image: plain(image),
    "endless-head": lambda image: head("200 OK", "X: " + "y" * 200_000) + image,
}

# What is sent at once and then over and over, a little at a time.
SPEECHES = {
    "dribbling-head": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "dribbling-size": (head("200 OK", "Transfer-Encoding: chunked"), b"0"),
    "dribbling-extension": (head("200 OK", "Transfer-Encoding: chunked") + b"5;", b"x"),
    "dribbling-trailers": (head("200 OK", "Transfer-Encoding: chunked") + b"0\r\n", b"T: x\r\n"),
    "dribbling-handshake": (b"\x16\x03\x03\x20\x00", b"x"),
}


class Odd:
    def __init__(self, image, tls):
        self.image = image
        self.lines = []
        self.lock = threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "good.crt", tls / "good.key")
        for port, secure in (("odd", None), ("odd_tls", context)):
            listener = socket.create_server(("127.0.0.1", PORTS[port]), backlog=64)
            threading.Thread(target=self.listen, args=(listener, secure), daemon=True).start()
        dribbler = socket.create_server(("127.0.0.1", PORTS["odd_handshake"]), backlog=64)
        threading.Thread(target=self.listen, args=(dribbler, None, "dribbling-handshake"), daemon=True).start()

    def listen(self, listener, context, always=None):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=self.serve, args=(client, context, always), daemon=True).start()

    def serve(self, client, context, always):
        try:
            client.settimeout(DRIBBLES)
            if context:
                client = context.wrap_socket(client, server_side=True)
            self.answer(client, always)
        except OSError:
            pass    # a client that hangs up is what many cases are about
        finally:
            client.close()

    def answer(self, client, always):
        said = b""
        while not always and b"\r\n\r\n" not in said:
            more = client.recv(65536)
            if not more:
                return
            said += more
        line, _, headers = said.decode(errors="replace").partition("\r\n")
        name = always or urllib.parse.unquote(line.split(" ")[1].split("/")[1])
        with self.lock:
            self.lines.append(line)
        if name in SPEECHES:
            dribble(client, *SPEECHES[name])
        elif name.startswith("hop-"):
            number = int(name.removeprefix("hop-"))
            to = f"/hop-{number - 1}/image.raw" if number > 1 else "/identity/image.raw"
            client.sendall(head("302 Found", f"Location: {to}", "Content-Length: 0"))
        elif name.startswith("fails-at-parts-"):
            self.fails_at_parts(client, name[-3:], re.search(r"(?im)^range:", headers))
        else:
            client.sendall(ANSWERS[name](self.image.bytes))
        if not isinstance(client, ssl.SSLSocket):
            # Not before everything has arrived: what is not read would be lost by a reset.
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass

    def fails_at_parts(self, client, status, part):
        """Cut in the middle at first; then there is no going on but with the whole."""
        with self.lock:
            before = sum(f"fails-at-parts-{status}" in line for line in self.lines)
        if part:
            return client.sendall(head(f"{status} No", "Content-Length: 0"))
        answer = plain(self.image.bytes, 'ETag: "a"')
        client.sendall(answer if before > 1 else answer[:len(answer) // 2])

    def asked(self, name):
        with self.lock:
            return [line for line in self.lines if line.split(" ")[1].startswith(f"/{name}/")]


def dribble(client, start, more):
    client.sendall(start)
    end = time.monotonic() + DRIBBLES
    while time.monotonic() < end:
        client.sendall(more)
        time.sleep(0.02)
