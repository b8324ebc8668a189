"""One life: an agent in a situation, from its start to its end, written down as a record (JSON).

`python life.py SITUATION AGENT DIRECTORY`, in namespaces of its own; main.py starts it.
"""

import json
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import cases
import certificate
import stage
from agents import Agent, ironlet_binary
from exchange import exchange
from fake_ironic import FakeIronic, Witness
from situation import IRONLET, Await, Finish, Probe, Process, Send, Tell


class Stuck(Exception):
    """The agent did not do what the table waits for; the life ends here."""


class Life:
    """What probes and steps may use: the agent, its address and anchor, the witness, the record."""

    def __init__(self, situation, agent, directory):
        self.situation = situation
        self.tree = directory / "tree"
        programs = stage.build(self.tree, situation.cmdline, situation.files)
        self.witness = Witness()
        self.anchor = None
        self.base = None
        self.pending = {}
        self.record = dict(situation=situation.name, agent=agent, exchanges=[], probes=[], events=[], stuck=None)
        self.apis = {}
        for api in situation.apis:
            keys = certificate.for_address(directory, api.host) if api.tls else None
            self.apis[api.name] = FakeIronic(api, self.witness, situation.stock, keys)
            if keys:
                trust = self.tree / "etc/ironic-python-agent/ironic.crt"
                stage.write(trust, Path(keys[0]).read_text())
        inside = situation.ramdisk and agent == IRONLET
        ramdisk = stage.ramdisk(directory, self.tree, ironlet_binary()) if inside else None
        self.agent = Agent(agent, self.tree, situation.cmdline, programs, directory / "log", self.witness, ramdisk)

    def happened(self, what):
        self.record["events"].append(dict(t=time.monotonic(), what=what))

    def live(self):
        """The whole life; whatever goes wrong is part of the record."""
        try:
            self.process("start")
            if self.situation.serves:
                self.meet()
            for step in self.situation.steps:
                self.step(step)
        except Stuck as stuck:
            self.record["stuck"] = str(stuck)
        except Exception:
            self.record["stuck"] = traceback.format_exc()
        finally:
            self.record["alive"] = self.agent.ended is None
            self.record["exit"] = self.agent.ended and self.agent.ended["code"]
            self.agent.kill()
            for api in self.apis.values():
                api.stop()
        self.record["ironic"] = self.witness.requests
        self.record["log"] = self.agent.log.read_text(errors="replace")
        return self.record

    def meet(self):
        """Waits for the first heartbeat and trusts what it announces, as the conductor does."""
        if not self.witness.wait("heartbeat", 1, 60):
            raise Stuck("no heartbeat within 60 s; the log ends: " + self.agent.log.read_text(errors="replace")[-1500:])
        first = next(request for request in self.witness.requests if request["kind"] == "heartbeat")
        self.base = first["body"]["callback_url"]
        pem = first["body"].get("agent_verify_ca")
        if pem:
            with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as anchor:
                anchor.write(pem)
            self.anchor = anchor.name

    def step(self, step):
        if isinstance(step, Send):
            self.send(step)
        elif isinstance(step, Finish):
            thread = self.pending.pop(step.id)
            thread.join(step.within)
            if thread.is_alive():
                raise Stuck(f"{step.id}: no reply within {step.within} s")
        elif isinstance(step, Await):
            self.wait(step)
        elif isinstance(step, Tell):
            self.tell(step)
        elif isinstance(step, Process):
            self.process(step.what)
        elif isinstance(step, Probe):
            if self.record["agent"] in step.agents:
                answer = step.probe(self, *step.args)
                self.record["probes"].append(dict(id=step.id, answer=answer, expect=dict(step.expect)))
        else:
            raise TypeError(f"not a step: {step!r}")

    def send(self, send):
        path = send.path
        for done in self.record["exchanges"]:
            if isinstance(done.get("body"), dict) and "id" in done["body"]:
                path = path.replace("{" + done["id"] + "}", str(done["body"]["id"]))

        def run():
            self.record["exchanges"].append(exchange(self.base, self.anchor, send, path))
        if send.background:
            self.pending[send.id] = threading.Thread(target=run, daemon=True)
            self.pending[send.id].start()
        else:
            run()

    def wait(self, step):
        if step.what == "exit":
            done = self.agent.wait(step.within)
        elif step.what.startswith("log:"):
            done = self.wait_log(step.what[4:], step.within)
        else:
            done = self.witness.wait(step.what, step.count, step.within)
        if not done:
            raise Stuck(f"waited {step.within} s for {step.what} × {step.count}")
        self.happened(f"await {step.what} {step.count}")

    def wait_log(self, text, within):
        """The one wait without a bell: the log is a file of another process."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if text in self.agent.log.read_text(errors="replace"):
                return True
            time.sleep(0.25)
        return False

    def tell(self, step):
        api = self.apis[step.api]
        if step.what == "hold-lookups":
            api.flowing.clear()
        elif step.what == "release-lookups":
            api.flowing.set()
        elif step.what in ("down", "up"):
            api.down = step.what == "down"
        else:
            raise ValueError(step.what)
        self.happened(step.what)

    def process(self, what):
        if what == "start":
            self.agent.start()
        elif what == "kill":
            self.agent.kill()
        else:
            raise ValueError(what)
        self.happened(what)


def main(name, agent, directory):
    record = Life(cases.SITUATIONS[name], agent, Path(directory)).live()
    Path(directory, "record.json").write_text(json.dumps(record, indent=1, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
