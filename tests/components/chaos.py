#!/usr/bin/env python3
"""A network that breaks: relays TCP to one server and cuts connections at random, the same ones for the same seed.

`chaos.py PORT HOST:PORT [--cut 0.01] [--seed 1] [--limit BYTES]` listens on 127.0.0.1:PORT, says `ready` on standard
output, then one line of JSON for every connection that ended: {"connection": 1, "bytes": 123, "cut": true}. `bytes` is
what the client was given: what was on its way when a connection was reset is not in it. A connection is cut with the
probability --cut in every MiB the server sends, half of them politely (FIN), half not (RST). --limit ends it after so
many bytes of all connections together, for clients that would never arrive. SIGTERM ends it.
"""

import argparse
import json
import os
import random
import signal
import socket
import struct
import threading

MIB = 1 << 20
# Small, so that little is on its way when a connection is cut, and the bytes counted are the bytes received.
BUFFER = 64 << 10
# SO_LINGER on, no time: close() resets the connection (socket(7)).
RESET = struct.pack("ii", 1, 0)


class Chaos:
    def __init__(self, server, cut, seed, limit):
        self.server = server
        self.cut = cut
        self.dice = random.Random(seed)
        self.limit = limit
        self.total = 0
        self.connections = 0
        self.lock = threading.Lock()

    def fate(self):
        """After how many bytes a connection is cut (never: none), and whether it is reset."""
        with self.lock:
            self.connections += 1
            whole = 0
            while self.cut > 0 and self.dice.random() >= self.cut and whole < 1 << 20:
                whole += 1
            at = whole * MIB + self.dice.randrange(MIB)
            return self.connections, at if self.cut > 0 else None, self.dice.random() < 0.5

    def relay(self, client):
        number, cut, reset = self.fate()
        done = 0
        try:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            server = socket.create_connection(self.server, timeout=10)
            server.settimeout(None)
            threading.Thread(target=pour, args=(client, server), daemon=True).start()
            buffer = memoryview(bytearray(4 * BUFFER))
            while cut is None or done < cut:
                room = len(buffer) if cut is None else min(len(buffer), cut - done)
                count = server.recv_into(buffer[:room])
                if count == 0:
                    break
                client.sendall(buffer[:count])
                done += count
            server.close()
        except OSError:
            pass    # either side went away by itself
        broken = cut is not None and done >= cut
        if broken and reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        close(client)
        self.ended(number, done, broken)

    def ended(self, number, done, cut):
        with self.lock:
            self.total += done
            print(json.dumps({"connection": number, "bytes": done, "cut": cut}), flush=True)
            if self.limit and self.total >= self.limit:
                os._exit(0)


def pour(source, into):
    """The client's requests, until one side ends."""
    try:
        while data := source.recv(BUFFER):
            into.sendall(data)
        into.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def close(connection):
    """The thread that still reads from it must not keep it open."""
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("server", metavar="HOST:PORT")
    parser.add_argument("--cut", type=float, default=0.01, help="probability per MiB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="bytes after which it ends; 0 is never")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    host, port = chosen.server.rsplit(":", 1)
    chaos = Chaos((host.strip("[]"), int(port)), chosen.cut, chosen.seed, chosen.limit)
    listener = socket.create_server(("127.0.0.1", chosen.port), backlog=64)
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=chaos.relay, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
