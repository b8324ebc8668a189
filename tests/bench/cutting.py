"""A TCP proxy that cuts: passes on what a web server sends until a random byte, then ends the connection."""

import contextlib
import fcntl
import random
import select
import socket
import struct
import termios
import threading

CHUNK = 256 << 10


class Cutting:
    """Before `port` on the loopback. A cut comes every `mean` bytes on average, wherever in a connection that is; every other one,
    by chance, is a reset, the rest look like an answer that ended. The same seed cuts at the same bytes."""

    def __init__(self, port, mean, seed):
        self.behind, self.mean, self.chance = port, mean, random.Random(seed)
        self.connections = self.cuts = self.delivered = 0
        self.left = self._distance()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, name="cutting")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        # Wakes the accept.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _distance(self):
        return max(1, int(self.chance.expovariate(1 / self.mean)))

    def _serve(self):
        """One connection after the other, as a download makes them."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            # A peer that leaves is as good as one that was cut.
            with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.behind)) as server:
                self._pass_on(client, server)

    def _pass_on(self, client, server):
        """Both ways until one side ends or a cut comes. One thread does both: closing a socket that another waits on ends nothing."""
        buffer = bytearray(CHUNK)
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if client in ready:
                asked = client.recv(CHUNK)
                if not asked:
                    return
                server.sendall(asked)
            if server in ready:
                count = server.recv_into(buffer, min(CHUNK, self.left))
                if count == 0:
                    return
                client.sendall(memoryview(buffer)[:count])
                self.delivered += count
                self.left -= count
                if self.left == 0:
                    self._cut(client)
                    return

    def _cut(self, client):
        self.cuts += 1
        self.left = self._distance()
        if self.chance.random() < 0.5:
            # A reset; what is still on its way will never arrive.
            self.delivered -= struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4)))[0]
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
