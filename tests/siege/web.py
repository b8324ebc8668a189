"""An image server on the loopback: what is put there, and lies as told."""

import re
import socket
import threading

PORT = 18300


class Web:
    """Serves `files`, path → bytes; `lies` says of a path how its answers go: a function of (connection, bytes, first byte
    asked for) that sends whatever it likes."""

    only = None

    @classmethod
    def shared(cls):
        """The one of this siege."""
        cls.only = cls.only or cls()
        return cls.only

    def __init__(self):
        self.files, self.lies = {}, {}
        self.listener = socket.create_server(("127.0.0.1", PORT), backlog=256)
        threading.Thread(target=self.work, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{PORT}{path}"

    def work(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                connection.settimeout(20)
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    head += piece
                path = head.split(b" ")[1].decode().split("?")[0]
                asked = re.search(rb"(?i)\r\nrange: bytes=(\d+)-", head)
                self.lies.get(path, honest)(connection, self.files[path], int(asked[1]) if asked else 0)
        except OSError:
            pass    # it had enough


def answer(content, first, length=None, more=""):
    """The head of an honest answer from byte `first` on, but for what is told otherwise."""
    status = f"206 Partial Content\r\nContent-Range: bytes {first}-{len(content) - 1}/{len(content)}" if first else "200 OK"
    length = len(content) - first if length is None else length
    return f"HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n".encode()


def honest(connection, content, first):
    connection.sendall(answer(content, first) + content[first:])
