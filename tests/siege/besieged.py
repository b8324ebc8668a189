"""The agent under attack: the components' agent, as machine in a directory, and what it takes of the real machine."""

import threading
import time

import agent
from conductor import Conductor

# A process's own counters are read so often, in seconds.
OFTEN = 0.05


class Besieged:
    def __init__(self, world, name, tls=False, conf="", more="", **others):
        if tls:
            folder = world.work / "tls"
            conf += (f"\nlisten_tls = true\ntls_cert_file = {folder}/good.crt\ntls_key_file = {folder}/good.key"
                     "\nadvertise_protocol = https")
        number = world.next_number()
        self.agent = agent.Agent(f"{name}-{number}", number, world.work, world.ironic, conf, more, **others)
        self.authority = str(world.work / "tls/authority.crt") if tls else None
        self.port = self.agent.port

    def conductor(self, host="127.0.0.1", source="127.0.0.1"):
        scheme = "https" if self.authority else "http"
        host = f"[{host}]" if ":" in host else host
        return Conductor(f"{scheme}://{host}:{self.port}", source, self.authority)

    def status(self, name):
        """A number of /proc/PID/status."""
        with open(f"/proc/{self.agent.process.pid}/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

    def measure(self):
        return Measure(self)

    def said(self):
        return self.agent.said()

    def lives(self):
        return self.agent.process.poll() is None

    def stop(self):
        self.agent.stop()

    def cpu(self):
        """The processor's seconds so far."""
        with open(f"/proc/{self.agent.process.pid}/stat") as text:
            fields = text.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100


class Measure:
    """Peaks while it lasts: resident memory in MiB beyond what there was, by the kernel's own mark; threads, as far as they are seen;
    and the processor's seconds."""

    def __init__(self, besieged):
        self.besieged = besieged
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.memory, self.threads = 0, 0

    def __enter__(self):
        # proc(5): the mark is set back to what there is now.
        with open(f"/proc/{self.besieged.agent.process.pid}/clear_refs", "w") as mark:
            mark.write("5")
        self.before = self.besieged.status("VmRSS")
        self.cpu_before = self.besieged.cpu()
        self.began = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.look()
        self.cpu_spent = self.besieged.cpu() - self.cpu_before
        self.seconds = time.monotonic() - self.began

    def work(self):
        while not self.over.wait(OFTEN):
            self.look()

    def look(self):
        if self.besieged.lives():
            self.memory = max(self.memory, (self.besieged.status("VmHWM") - self.before) / 1024)
            self.threads = max(self.threads, self.besieged.status("Threads"))
