"""The two agents, started in the same situation: upstream from its venv, ironlet from its binary."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from situation import IRONLET, UPSTREAM
from stage import NETNS

TOP = Path(__file__).resolve().parents[2]
# What an agent could hurt the real machine with, whatever it was asked to do.
DROPPED = "-sys_boot,-sys_module,-sys_rawio,-mknod,-sys_time,-sys_ptrace"


def ironlet_binary():
    """IRONLET, else the newest build; None when there is none."""
    named = os.environ.get("IRONLET")
    if named:
        return Path(named).resolve()
    built = [TOP / "dist/ironlet", *TOP.glob("target/*/ironlet"), *TOP.glob("target/*/*/ironlet")]
    built = [path for path in built if path.is_file() and os.access(path, os.X_OK)]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


def words(agent, tree, cmdline, ramdisk):
    """The command line of an agent on this tree, or of ironlet in this ramdisk."""
    if agent == UPSTREAM:
        # As the stock ramdisk's unit starts it.
        return [str(Path(sys.prefix) / "bin/ironic-python-agent"),
                "--config-dir", str(tree / "etc/ironic-python-agent.d")]
    if ramdisk:
        return [which("chroot"), str(ramdisk), "/init", "--agent"]
    return [str(ironlet_binary()), "--agent", "--root", str(tree), "--cmdline", cmdline]


class Agent:
    """One agent process, its log and its end."""

    def __init__(self, agent, tree, cmdline, programs, log, witness, ramdisk):
        assert agent in (UPSTREAM, IRONLET)
        self.words = words(agent, tree, cmdline, ramdisk)
        self.programs = programs
        self.log = log
        self.witness = witness      # told when the process is gone, so that nobody waits for it in vain
        self.process = None
        self.ended = None
        self.bell = threading.Condition()

    def start(self):
        confined = ["nsenter", f"--net={NETNS}", "setpriv", f"--bounding-set={DROPPED}", f"--inh-caps={DROPPED}"]
        environment = {"PATH": str(self.programs), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent",
                       "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        binaries = {name: which(name) for name in ("nsenter", "setpriv")}
        line = [binaries.get(word, word) for word in confined] + self.words
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        self.ended = None
        self.witness.agent_is(gone=False)
        threading.Thread(target=self.reap, args=(self.process,), daemon=True).start()

    def reap(self, process):
        code = process.wait()
        with self.bell:
            self.ended = dict(t=time.monotonic(), code=code)
            self.bell.notify_all()
        self.witness.agent_is(gone=True)

    def wait(self, within):
        """True once the process is gone."""
        with self.bell:
            return self.bell.wait_for(lambda: self.ended is not None, timeout=within)

    def kill(self):
        """SIGKILL by process id; nothing to do if it ended by itself."""
        if self.process and self.ended is None:
            os.kill(self.process.pid, signal.SIGKILL)
            assert self.wait(10), "the kernel ends a killed process"

    def peak_kib(self):
        """The largest resident size of the process so far."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        return 0


def which(name):
    """Where the harness's own tools are; the agent's PATH does not have them."""
    for directory in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        if os.access(f"{directory}/{name}", os.X_OK):
            return f"{directory}/{name}"
    raise FileNotFoundError(name)
