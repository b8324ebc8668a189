"""Ironic 39's own side of the conversation: its database, its task manager, its `direct` deploy interface and its agent
client, all as installed. Only the step after ours is replaced by a note that Ironic would go on to it."""

import shutil
from pathlib import Path

from ironic.common import context, service, states
from ironic.conductor import utils as ironic_utils
from ironic.conductor import deployments, task_manager
from ironic.drivers.modules import agent_client
from ironic import objects

from situation import NODE, TOKEN

TOP = Path(__file__).resolve().parents[2]
KINDS = ("bios", "boot", "console", "firmware", "inspect", "management", "network", "power", "raid", "rescue", "storage",
         "vendor")

CONF = """
[DEFAULT]
host = contract
rpc_transport = none
state_path = {state}
log_file = {state}/ironic.log
use_stderr = False
debug = True
enabled_hardware_types = fake-hardware
enabled_deploy_interfaces = direct
enabled_network_interfaces = noop
enabled_storage_interfaces = noop
{fakes}
[database]
connection = sqlite:///{state}/ironic.sqlite
[agent]
certificates_path = {state}/certificates
deploy_logs_local_path = {state}/agent-logs
[service_catalog]
auth_type = none
"""


class Client(agent_client.AgentClient):
    """Ironic's agent client, watched: every list of commands it was given, and who wants to know."""

    def __init__(self):
        super().__init__()
        self.lists = []
        self.listener = lambda commands: None

    def get_commands_status(self, node, **options):
        commands = super().get_commands_status(node, **options)
        self.lists.append(commands)
        self.listener(commands)
        return commands


class Conductor:
    def __init__(self, directory):
        state = directory / "ironic"
        for part in ("certificates", "agent-logs"):
            (state / part).mkdir(parents=True)
        shutil.copy(TOP / "target/tools/ironic-39.sqlite", state / "ironic.sqlite")
        fakes = "".join(f"enabled_{kind}_interfaces = fake\n" for kind in KINDS if kind not in ("network", "storage"))
        conf = directory / "ironic.conf"
        conf.write_text(CONF.format(state=state, fakes=fakes))
        service.prepare_command(["contract", "--config-file", str(conf)])
        self.log = state / "ironic.log"
        self.context = context.get_admin_context()
        self.client = Client()
        self.gone_on = 0
        deployments.continue_node_deploy = self.go_on
        interfaces = {f"{kind}_interface": "fake" for kind in KINDS}
        interfaces.update(deploy_interface="direct", network_interface="noop", storage_interface="noop")
        objects.Node(
            self.context, uuid=NODE, driver="fake-hardware", provision_state=states.DEPLOYWAIT,
            target_provision_state=states.ACTIVE, power_state=states.POWER_ON,
            driver_internal_info={"agent_secret_token": TOKEN, "is_whole_disk_image": True}, **interfaces).create()

    def go_on(self, task):
        self.gone_on += 1

    def task(self, shared=False):
        task = task_manager.acquire(self.context, NODE, shared=shared, purpose="contract")
        task.cached_agent_client = self.client
        return task

    def node(self):
        return objects.Node.get_by_uuid(self.context, NODE)

    def heartbeat(self, body):
        """As the conductor takes one; returns how often Ironic went on to the next step because of it."""
        before = self.gone_on
        with self.task(shared=True) as task:
            anchor = ironic_utils.store_agent_certificate(task.node, body["agent_verify_ca"])
            task.driver.deploy.heartbeat(task, body["callback_url"], body["agent_version"], anchor)
        return self.gone_on - before

    def write_image(self, url, algorithm, digest):
        """The deploy step as the conductor starts it."""
        with self.task() as task:
            node = task.node
            node.provision_state, node.target_provision_state = states.DEPLOYING, states.ACTIVE
            node.instance_info = {"image_source": url, "image_url": url, "image_disk_format": "raw",
                                  "image_os_hash_algo": algorithm, "image_os_hash_value": digest}
            node.deploy_step = {"interface": "deploy", "step": "write_image", "priority": 80, "args": None}
            node.save()
            state = task.driver.deploy.write_image(task)
            assert state == states.DEPLOYWAIT, state
            task.process_event("wait")
