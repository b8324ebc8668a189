"""A daemon the lab runs: one child process with a log file, started, awaited and stopped by its own pid."""

import os
import socket
import subprocess
import time

from verdict import Failed


class Daemon:
    def __init__(self, name, command, log, env=None):
        self.name, self.command, self.log = name, command, log
        self.env = dict(os.environ, **(env or {}))
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            # A session of its own: Ctrl-C is for the lab, which still wants to read states and logs afterwards.
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True
            )
        return self

    def wait_port(self, address, port, seconds=60):
        def connects():
            with socket.create_connection((address, port), timeout=1):
                return True
        return self.wait_for(connects, f"port {address}:{port}", seconds)

    def wait_file(self, path, seconds=60):
        return self.wait_for(lambda: os.path.exists(path), path, seconds)

    def wait_for(self, ready, what, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with code {self.process.returncode} at its start, see {self.log}")
            try:
                if ready():
                    return self
            except OSError:
                pass
            time.sleep(0.2)
        raise Failed(f"{self.name}: no {what} after {seconds} s, see {self.log}")

    def kill(self):
        """As if the host under it had lost its power."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=90):
        """SIGTERM, and a failure when the daemon does not go: a SIGKILL would hide a hang."""
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} still runs {seconds} s after SIGTERM") from None
