"""A server of somebody else's: started, waited for, asked what it was asked, ended by its process id."""

import os
import pwd
import signal
import socket
import subprocess
import time


class Service:
    """`words` run in the foreground and serve `port`."""

    def __init__(self, name, work, words, port):
        self.name = name
        self.port = port
        self.words = words
        self.folder = work / name
        self.process = None

    def start(self):
        self.said = open(self.folder / "said", "ab")
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=self.said, stderr=self.said, cwd=self.folder)
        patiently(self.answers, 20, f"{self.name} does not listen on port {self.port}: {self.words}")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: {self.words}\n{(self.folder / 'said').read_text()[-2000:]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


def folder(work, name, user="root"):
    """A directory that this user owns; Squid and Traffic Server become somebody else."""
    path = work / name
    path.mkdir(exist_ok=True)
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


def patiently(question, seconds, complaint):
    """The first true answer; the outside has no bell to wait for."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise AssertionError(complaint)
        time.sleep(0.02)
    return answer
