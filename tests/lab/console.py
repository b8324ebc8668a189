"""The console is the log: the serial port of a VM, line by line, each with the host's time of its arrival.

QEMU connects to our socket, so we see every byte at once, can type, and learn from the hang-up when a VM is off.
"""

import os
import re
import socket
import threading
import time
from collections import namedtuple

from verdict import Failed

Line = namedtuple("Line", "number time text match")

# Lines that end any hope of the one we wait for.
HOPELESS = r"Kernel panic - not syncing|UEFI Interactive Shell|ironlet: lab cannot continue"
OPENED, CLOSED = "-- the machine is on --", "-- the machine is off --"
# A printk stamp, seconds since the kernel's start.
STAMP = re.compile(r"^\[ *(\d+\.\d{6})\]")


class Console:
    def __init__(self, path, log):
        self.log_path = log
        self._log = open(log, "a", buffering=1, encoding="utf-8")
        self._lines = []
        self._news = threading.Condition()
        self._peer = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        os.chmod(path, 0o600)
        self._listener.listen()
        threading.Thread(target=self._listen, name="console", daemon=True).start()

    def mark(self):
        """The number of the next line: `since` for an expectation about what comes from now on."""
        with self._news:
            return len(self._lines)

    def lines(self, since=0):
        with self._news:
            return self._lines[since:]

    def expect(self, pattern, seconds, since=0, hopeless=HOPELESS):
        """The first line from `since` on that matches; Failed after the deadline or on a hopeless line."""
        wanted, lost = re.compile(pattern), re.compile(hopeless)
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for line in self._lines[since:]:
                    since = line.number + 1
                    match = wanted.search(line.text)
                    if match:
                        return line._replace(match=match)
                    if lost.search(line.text):
                        raise Failed(f"console: waiting for /{pattern}/, got: {line.text}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failed(f"console: no /{pattern}/ within {seconds:.0f} s")
                self._news.wait(left)

    def find(self, pattern, since=0, until=None):
        """All lines there are now that match."""
        wanted = re.compile(pattern)
        with self._news:
            lines = self._lines[since:until]
        return [line._replace(match=found) for line in lines if (found := wanted.search(line.text))]

    def opened(self, seconds, since=0):
        return self.expect(re.escape(OPENED), seconds, since)

    def closed(self, seconds, since=0):
        return self.expect(re.escape(CLOSED), seconds, since)

    def kernel_start(self, since=0, until=None):
        """Host time of the kernel's first tick: no line can arrive before it was stamped, so the least difference."""
        stamps = [
            line.time - float(match.group(1))
            for line in self.lines(since)[: None if until is None else until - since]
            if (match := STAMP.match(line.text))
        ]
        if not stamps:
            raise Failed("console: no line with a kernel time stamp")
        return min(stamps)

    def type(self, text):
        if self._peer is None:
            raise Failed("console: the machine is off")
        self._peer.sendall(text.encode())

    def _listen(self):
        while True:
            peer, _ = self._listener.accept()
            self._add(OPENED)
            self._peer = peer
            rest = b""
            while True:
                try:
                    chunk = peer.recv(65536)
                except ConnectionError:
                    chunk = b""
                if not chunk:
                    break
                *full, rest = (rest + chunk).split(b"\n")
                for line in full:
                    self._add(line.decode("utf-8", "replace").strip("\r"))
            self._peer = None
            if rest:
                self._add(rest.decode("utf-8", "replace").strip("\r"))
            self._add(CLOSED)
            peer.close()

    def _add(self, text):
        now = time.time()
        with self._news:
            self._lines.append(Line(len(self._lines), now, text, None))
            self._news.notify_all()
        clock = time.strftime("%H:%M:%S", time.localtime(now)) + f".{int(now % 1 * 1000):03d}"
        # Control bytes (iPXE and firmware draw with them) would spoil the reader's terminal.
        self._log.write(clock + " " + "".join(c if c.isprintable() or c == "\t" else "." for c in text) + "\n")
