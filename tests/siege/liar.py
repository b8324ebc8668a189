"""Servers whose answers have no end: a byte now and then, or as many as there is room for; and how long they were listened to."""

import contextlib
import dataclasses
import socket
import ssl
import threading
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# Nobody is to listen for so long.
LONGEST = 40
EVERY = 0.1


@dataclasses.dataclass
class Speech:
    """`start`, and then `more` over and over, if there is more. Some begin before anything was asked."""
    start: bytes
    more: bytes = b""
    unasked: bool = False


SPEECHES = {
    "head": Speech(HEAD + b"X: ", b"y"),
    "interim answers": Speech(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "chunk size": Speech(CHUNKS, b"0"),
    "chunk extension": Speech(CHUNKS + b"5;", b"x"),
    "trailers": Speech(CHUNKS + b"0\r\n", b"T: x\r\n"),
    "body": Speech(HEAD + b"Content-Length: 1000000000000\r\n\r\n", b"["),
    # A record that holds the first part of a message, and more of its kind behind it.
    "TLS handshake": Speech(b"\x16\x03\x03\x00\x04\x02\xff\xff\xff", b"\x16\x03\x03\x00\x01x", unasked=True),
    "TLS record": Speech(b"\x16\x03\x03\x20\x00", b"x", unasked=True),
}
TUNNEL = Speech(b"HTTP/1.1 200 Connection ", b"established")


class Liar:
    """A server that gives `speech` to the first one who asks for a path that begins like this, and to everybody if `always`; it puts all
    others through to the honest server at a port. With `tls`, certificate and key, the honest one is reached by https."""

    def __init__(self, speech, floods, path="/", honest=None, tls=None, always=False):
        self.speech, self.floods, self.path, self.honest, self.always = speech, floods, path, honest, always
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        # How long each of those listened who were lied to, and how much was sent to them.
        self.lasted, self.sent, self.listeners = [], 0, 0
        self.lock = threading.Lock()
        self.left = 1
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def stop(self):
        self.listener.close()

    def longest(self):
        """How long it was listened to, by whoever did so longest; none if nobody did. Who has hung up is noticed a little later."""
        end = time.monotonic() + 3
        while self.listeners and time.monotonic() < end:
            time.sleep(0.05)
        return LONGEST if self.listeners else max(self.lasted, default=None)

    def chosen(self):
        """May this one be lied to?"""
        with self.lock:
            self.left -= 1
            return self.always or self.left >= 0

    def serve(self, client):
        try:
            with client:
                client.settimeout(LONGEST)
                if self.speech.unasked and self.chosen():
                    return self.lie(client)
                if self.context:
                    client = self.context.wrap_socket(client, server_side=True)
                asked = b""
                while b"\r\n\r\n" not in asked:
                    piece = client.recv(65536)
                    if not piece:
                        return
                    asked += piece
                target = asked.split(b" ")[1].decode()
                if not self.speech.unasked and (self.always or self.is_meant(target)) and self.chosen():
                    return self.lie(client)
                self.put_through(client, asked)
        except OSError:
            pass    # it had enough

    def is_meant(self, target):
        return target == self.path if self.path == "/" else target.startswith(self.path)

    def lie(self, client):
        began = time.monotonic()
        with self.lock:
            self.listeners += 1
        try:
            client.settimeout(1)
            self.send(client, self.speech.start)
            if not self.speech.more:
                return client.shutdown(socket.SHUT_WR)
            more = self.speech.more * (65536 // len(self.speech.more)) if self.floods else self.speech.more
            at = 0
            while time.monotonic() - began < LONGEST:
                if self.floods:
                    self.send(client, more)
                else:
                    self.send(client, more[at % len(more):][:1])
                    at += 1
                    time.sleep(EVERY)
        except OSError:
            pass    # that was enough
        finally:
            with self.lock:
                self.lasted.append(time.monotonic() - began)
                self.listeners -= 1

    def send(self, client, piece):
        """All of it; not read for a second is no reason to stop."""
        at = 0
        while at < len(piece):
            try:
                count = client.send(piece[at:])
            except TimeoutError:
                count = 0
                if client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                    raise ConnectionResetError from None
            at += count
            self.sent += count

    def put_through(self, client, asked):
        with socket.create_connection(("127.0.0.1", self.honest)) as honest:
            honest.sendall(asked)
            back = threading.Thread(target=pour, args=(honest, client), daemon=True)
            back.start()
            pour(client, honest)
            back.join()


def pour(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass
    finally:
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
