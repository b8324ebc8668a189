"""A real Ironic: API and conductor in one process, noauth, sqlite, TLS towards the agent as stock has it."""

import json
import re
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from datetime import datetime

import network
import place
import web
from daemon import Daemon
from verdict import Failed

API = f"http://{network.ADDRESS}:6385"

# Of the API. An Ironic older than the scenarios is asked in the newest that it speaks.
VERSION = "1.100" if place.IRONIC == place.NEWEST else "latest"

# Seconds a node may be locked by what Ironic itself does with it.
LOCKED = 30

# Everything [agent] about TLS, and [conductor] deploy_callback_timeout, is left at Ironic's defaults on purpose.
CONF = """
[DEFAULT]
my_ip = {address}
host = lab
auth_strategy = noauth
rpc_transport = none
state_path = {state}
log_file = {log}
log_rotate_interval = 1
use_stderr = False
tempdir = {state}/tmp
enabled_hardware_types = redfish
enabled_bios_interfaces = no-bios
enabled_boot_interfaces = ipxe
enabled_console_interfaces = no-console
enabled_deploy_interfaces = direct
enabled_firmware_interfaces = no-firmware
enabled_inspect_interfaces = no-inspect
enabled_management_interfaces = redfish
enabled_network_interfaces = noop
enabled_power_interfaces = redfish
enabled_raid_interfaces = agent,no-raid
enabled_rescue_interfaces = no-rescue
enabled_storage_interfaces = noop
enabled_vendor_interfaces = no-vendor

[database]
connection = sqlite:///{state}/ironic.sqlite

[api]
host_ip = 127.0.0.1
port = {api_behind}
public_endpoint = {api}
api_workers = 1

[agent]
certificates_path = {state}/certificates
deploy_logs_collect = always
deploy_logs_local_path = {collected}
# Looked at more often, with the patience of stock (6 times 5 s).
post_deploy_get_power_state_retries = 30
post_deploy_get_power_state_retry_interval = 1

[conductor]
automated_clean = False
deploy_kernel = {dist}/kernel
deploy_ramdisk = {dist}/ramdisk
sync_power_state_interval = 3600
graceful_shutdown_timeout = 20

[deploy]
http_url = {web}
http_root = {http_root}
default_boot_mode = bios
# What automated cleaning does as most operators have it; nodes want it or not, each for itself.
erase_devices_priority = 0
erase_devices_metadata_priority = 10
erase_skip_read_only = True

[dhcp]
dhcp_provider = none

[pxe]
tftp_root = {directory}/tftp
tftp_master_path = {state}/tftp-master
images_path = {state}/images
instance_master_path = {state}/masters
ipxe_bootfile_name = undionly.kpxe
loader_file_paths = undionly.kpxe:/usr/lib/ipxe/undionly.kpxe
# The last: a busy host without KVM may keep the kernel from seeing its timer tick, and then it panics.
kernel_append_params = nofb vga=normal console=ttyS0,115200 no_timer_check

[oslo_concurrency]
lock_path = {state}/locks

[service_catalog]
auth_type = none
endpoint_override = {api}

[sensor_data]
send_sensor_data = False
"""


class Ironic:
    def __init__(self, directory, web_root, more=""):
        """`more` is what the scenario adds to ironic.conf, sections and all."""
        self.log, self._collected = directory / "ironic.log", directory / "agent-logs"
        state = directory / "ironic"
        for part in ("tmp", "certificates", "images", "masters", "locks", "tftp-master"):
            (state / part).mkdir(parents=True)
        shutil.copy(place.SCHEMA, state / "ironic.sqlite")
        # Ironic fetches the artefacts by HTTP, as it would from an operator's server.
        dist = web_root / "dist"
        dist.mkdir()
        for name, file in (("kernel", place.KERNEL), ("ramdisk", place.RAMDISK)):
            (dist / name).symlink_to(file)
        conf = directory / "ironic.conf"
        conf.write_text(CONF.format(
            address=network.ADDRESS, state=state, log=self.log, api=API, api_behind=web.API_BEHIND, directory=directory,
            collected=self._collected, dist=f"{network.WEB}/dist", web=network.WEB, http_root=web_root,
        ) + more)
        self._daemon = Daemon(
            "ironic", [str(place.VENV / "bin" / "ironic"), "--config-file", str(conf)], directory / "ironic-output.log"
        )

    def start(self):
        self._daemon.start()
        return self

    def ready(self, seconds=120, driver="redfish"):
        """The API answers and a conductor with that hardware type has come forward."""
        def has_driver():
            try:
                return any(known["name"] == driver and known["hosts"] for known in self.call("GET", "/v1/drivers")["drivers"])
            except Failed:
                return False
        self._daemon.wait_for(has_driver, "conductor", seconds)
        return self

    def stop(self):
        self._daemon.stop()

    def steps(self):
        """Host time at which the conductor began each deploy step, from its log; quick steps escape a poll of the API."""
        began = re.compile(r"^(\S+ \S+) .* Executing \{'step': '(\w+)'", re.MULTILINE)
        return {step: datetime.fromisoformat(at).timestamp() for at, step in began.findall(self.log.read_text())}

    def collected(self):
        """Name and text of every log that Ironic collected from the agent."""
        for archive in sorted(self._collected.glob("*.tar.gz")):
            with tarfile.open(archive) as files:
                for member in files:
                    if member.isfile():
                        yield f"{archive.name}: {member.name}", files.extractfile(member).read().decode(errors="replace")

    def call(self, method, path, body=None, version=VERSION):
        request = urllib.request.Request(
            API + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json", "Accept": "application/json",
                "X-OpenStack-Ironic-API-Version": version, "User-Agent": "lab",
            },
        )
        deadline = time.monotonic() + LOCKED
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    text = reply.read()
                break
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace")
                # Whoever works on a node keeps it to himself, past the change of state that a client waits for; every client tries again.
                if error.code != 409 or "is locked" not in said or time.monotonic() > deadline:
                    raise Failed(f"{method} {path}: {error.code} {said[:500]}") from None
            time.sleep(1)
        return json.loads(text) if text else None
