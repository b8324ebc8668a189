"""What Ironic 39 makes of a command that shows its progress, and of the receipt at its end.

A held, cut and resumed `write_image`, a failed one, and a polled `prepare_image`: each read by Ironic's own code.
"""

import copy
import hashlib
import json
import shutil
import sys
import time
import traceback

from machine import MIB, TOP, Machine
from conductor import Conductor, states
from images import Images, image
from ironic.drivers.modules import agent_base, agent_client

OUT = TOP / "target/contract"
SIZE = 64
STEP = "deploy.execute_deploy_step"
FIRST = 24


class Contract:
    def __init__(self):
        shutil.rmtree(OUT, ignore_errors=True)
        OUT.mkdir(parents=True)
        self.data = image(SIZE)
        self.digest = hashlib.sha256(self.data).hexdigest()
        self.conductor = Conductor(OUT)
        self.machine = Machine(OUT)
        self.client = self.conductor.client
        self.held, self.denied = 0, 0

    def hold(self, what, truth, shown=None):
        if truth:
            self.held += 1
        else:
            self.denied += 1
            print(f"FAIL {what}: {str(shown)[:600]}", flush=True)

    def last(self):
        """The command as Ironic's client gives it."""
        return self.client.get_last_command_status(self.conductor.node(), STEP)

    def until(self, what, true, within=20):
        """The last command once its progress is as wanted."""
        deadline = time.monotonic() + within
        while True:
            command = self.last()
            if true(command.get("command_result") or {}) or time.monotonic() > deadline:
                self.hold(what, true(command.get("command_result") or {}), command)
                return command
            time.sleep(0.05)

    def enrolled(self):
        gone_on = self.conductor.heartbeat(self.machine.heartbeat(1))
        self.hold("after the first heartbeat Ironic goes on", gone_on == 1, self.conductor.node().last_error)

    def deploys(self):
        images = Images(self.data, (FIRST * MIB, FIRST * MIB))
        self.conductor.write_image(images.url, "sha256", self.digest)
        known = len(json.dumps(self.conductor.node().driver_internal_info))

        first = self.until("what was served is on its way to the disk", lambda p: p.get("bytes") == FIRST * MIB)
        self.running(first)
        self.hold("the rate", 0 < first["command_result"]["rate"], first)
        self.hold("the time left", isinstance(first["command_result"]["eta"], int), first)
        self.hold("the total", first["command_result"]["total"] == SIZE * MIB, first)
        self.hold("the stage", first["command_result"]["stage"] == "writing", first)
        images.gates[0].set()
        cut = self.until("a cut is shown", lambda p: p.get("stage") == "waiting for the network, attempt 2")
        self.running(cut)
        self.hold("bytes that came stay", cut["command_result"]["bytes"] == FIRST * MIB, cut)
        images.gates[1].set()

        gone_on = self.conductor.heartbeat(self.machine.heartbeat(2))
        node, done = self.conductor.node(), self.last()
        self.hold("after the end Ironic goes on", gone_on == 1, (node.last_error, done))
        self.hold("SUCCEEDED", done["command_status"] == "SUCCEEDED", done)
        result = (done["command_result"] or {}).get("deploy_result") or {}
        receipt = result.get("receipt") or {}
        self.hold("the text is where it was", "root_uuid=0x1234abcd" in result.get("result", ""), done)
        self.hold("fetched once", receipt.get("fetched") == SIZE * MIB, receipt)
        self.hold("one retry", receipt.get("retries") == 1, receipt)
        # Half of the image is zeros; the last MiB of the disk is not part of the image.
        self.hold("zeros skipped", receipt.get("zeros") == SIZE // 2 * MIB, receipt)
        seconds = dict(receipt.get("seconds") or {})
        total = seconds.pop("total", None)
        self.hold("the parts make the whole", total and abs(sum(seconds.values()) - total) < 0.01, receipt)
        self.hold("the server's pauses were the bottleneck", receipt.get("bottleneck") == "network", receipt)
        grown = len(json.dumps(node.driver_internal_info)) - known
        self.hold("Ironic's record of the node does not grow", grown < 200, grown)
        self.hold("nor keeps a receipt", "bottleneck" not in json.dumps(node.driver_internal_info))
        self.hold("the disk", self.machine.disk.read_bytes()[:len(self.data)] == self.data)
        uuids = self.client.get_partition_uuids(node)["command_result"]
        self.hold("the signature", uuids == {"root uuid": "0x1234abcd"}, uuids)
        print(f"receipt: {json.dumps(receipt)}")

    def running(self, command):
        """What Ironic does with a command while it runs."""
        progress = command["command_result"]
        self.hold("RUNNING", command["command_status"] == "RUNNING", command)
        self.hold("no error yet", command["command_error"] is None, command)
        self.hold("progress is small", len(json.dumps(progress)) < 200, progress)
        before = self.conductor.node()
        gone_on = self.conductor.heartbeat(self.machine.heartbeat(1))
        after = self.conductor.node()
        self.hold("a heartbeat meanwhile changes nothing", gone_on == 0 and after.provision_state == states.DEPLOYWAIT
                  and after.last_error is None and after.deploy_step == before.deploy_step, after.as_dict())
        # A lost reply: the client looks whether its command is the one that runs.
        found = self.client._status_if_last_command_matches(after, STEP, {})
        self.hold("a lost reply is found again", found and found["id"] == command["id"], found)
        with self.conductor.task(shared=True) as task:
            completed = agent_base._get_completed_command(task, [command], "deploy")
            self.hold("not complete", completed is None, completed)
            # That this code reads the result at all: a text in its place would break it.
            wrong = copy.deepcopy(command)
            wrong["command_result"] = "37 %"
            try:
                agent_base._get_completed_command(task, [wrong], "deploy")
                self.hold("Ironic looks into the result", False)
            except AttributeError:
                self.hold("Ironic looks into the result", True)

    def fails(self):
        count = self.machine.witness.count("heartbeat")
        self.conductor.write_image(Images(self.data).url, "sha256", "0" * 64)
        self.machine.heartbeat(count + 1)
        failed = self.last()
        gone_on = self.conductor.heartbeat(self.machine.heartbeat(1))
        node = self.conductor.node()
        self.hold("a failure ends the deploy", gone_on == 0 and node.provision_state == states.DEPLOYFAIL, node.as_dict())
        self.hold("and says why", self.digest in (node.last_error or "") and "0" * 64 in node.last_error, node.last_error)
        self.hold("nothing but the error", failed["command_status"] == "FAILED" and failed["command_result"] is None, failed)
        told = agent_client.get_command_error(failed)
        self.hold("the error is the agent's", self.digest in told, told)

    def polled(self):
        images = Images(self.data, (FIRST * MIB,))

        def listener(commands):
            if commands and commands[-1]["command_status"] == "RUNNING":
                images.gates[0].set()
        self.client.listener, self.client.lists = listener, []
        info = {"id": "x", "urls": [images.url], "disk_format": "raw", "os_hash_algo": "sha256",
                "os_hash_value": self.digest, "stream_raw_images": True}
        done = self.client._command(self.conductor.node(), "standby.prepare_image", {"image_info": info}, poll=True)
        seen = [commands[-1]["command_status"] for commands in self.client.lists]
        self.hold("polled while it ran, then done", seen[:1] == ["RUNNING"] and seen[-1] == "SUCCEEDED", seen)
        self.hold("its receipt", (done["command_result"] or {}).get("receipt", {}).get("bytes") == SIZE * MIB, done)

    def run(self):
        began = time.monotonic()
        try:
            for act in (self.enrolled, self.deploys, self.polled, self.fails):
                act()
        except Exception:
            self.hold("Ironic's own code", False, traceback.format_exc()[-3000:])
            traceback.print_exc()
        finally:
            self.machine.end()
        for line in self.conductor.log.read_text().splitlines():
            if "Traceback (most recent call last)" in line:
                self.hold("Ironic's log", False, line)
        print(f"{self.held} of {self.held + self.denied} tests held in {time.monotonic() - began:.0f} s; logs: {OUT}")
        return 1 if self.denied else 0


if __name__ == "__main__":
    sys.exit(Contract().run())
