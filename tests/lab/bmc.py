"""The BMC: sushy-tools' Redfish emulator on top of libvirt, and the list of resets it was asked for."""

import json

import place
import web
from daemon import Daemon

CONF = """
SUSHY_EMULATOR_LISTEN_IP = '127.0.0.1'
SUSHY_EMULATOR_LISTEN_PORT = {port}
SUSHY_EMULATOR_LIBVIRT_URI = 'qemu:///system'
SUSHY_EMULATOR_STATE_DIR = '{directory}/bmc'
SUSHY_EMULATOR_IGNORE_BOOT_DEVICE = False
"""


class Bmc:
    def __init__(self, directory, witness, http_boot=None):
        """`http_boot`: see http_boot_bmc.py; its environment."""
        self.witness = witness
        (directory / "bmc").mkdir()
        conf = directory / "bmc.conf"
        conf.write_text(CONF.format(port=web.BMC_BEHIND, directory=directory))
        self.daemon = Daemon(
            "sushy-emulator", [str(place.VENV / "bin" / "python"), str(place.LAB / "http_boot_bmc.py") if http_boot else str(place.VENV / "bin" / "sushy-emulator"), "--config", str(conf)],
            directory / "bmc.log", env={"TMPDIR": str(directory / "bmc"), "PYTHONUNBUFFERED": "1", **(http_boot or {})},
        )

    def start(self):
        self.daemon.start()
        return self

    def ready(self):
        self.daemon.wait_port("127.0.0.1", web.BMC_BEHIND)
        return self

    def resets(self, after, before):
        """ResetType of every reset request that began in that span of host time."""
        requests = self.witness.requests("bmc", "POST", "Actions/ComputerSystem.Reset", after)
        return [json.loads(request["body"])["ResetType"] for request in requests if request["start"] < before]
