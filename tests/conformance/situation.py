"""The words the case tables are written in: a situation, and the steps taken in it."""

from dataclasses import dataclass, field
from typing import Any, Callable

UPSTREAM = "upstream"
IRONLET = "ironlet"
BOTH = (UPSTREAM, IRONLET)

# 43 characters, as Ironic makes them: 32 random bytes in URL-safe base64.
TOKEN = "Hq3vTt0n1kJ8mW_ZrXy5bC-dE7fG9hI2jK4lM6nO8pQ"
PRESHARED = "pS1rA2bC3dE4fG5hI6jK7lM8nO9pQ0rS1tU2vW3xY4z"
WRONG = "wR1oN2gT3oK4eN5wR6oN7gT8oK9eN0wR1oN2gT3oK4e"

NODE = "5f0d6a4e-2f1b-4f57-9d1c-0c9f3c1b7a10"

# The two ends of the only cable: Ironic's and the machine's.
IRONIC_V4, MACHINE_V4 = "192.0.2.1", "192.0.2.50"
IRONIC_V6, MACHINE_V6 = "fd00:2::1", "fd00:2::50"
PORT = 6385
OTHER_PORT = 6386
MACS = ("52:54:00:12:34:01", "52:54:00:12:34:02")

ABSENT = object()


@dataclass(frozen=True)
class Send:
    """One request of Ironic's to the agent, by `requests`, as Ironic sends it."""
    id: str
    method: str
    path: str                       # `{case}` stands for the id of the command that case started
    token: str | None = TOKEN
    query: tuple = ()
    json: Any = ABSENT
    data: bytes | None = None
    headers: tuple = ()
    status: int | None = None       # what it must be, from either agent
    background: bool = False        # sent now, answered by the time of Finish(id)
    chunked: bool = False


@dataclass(frozen=True)
class Finish:
    """Waits for the reply to a request sent in the background."""
    id: str
    within: float = 20


@dataclass(frozen=True)
class Await:
    """Waits until the fake Ironic has seen `count` requests of a kind, or the agent did something."""
    what: str                       # inspection | lookup | heartbeat | refused | exit | log:<text>
    count: int = 1
    within: float = 30


@dataclass(frozen=True)
class Tell:
    """Changes the fake Ironic: hold-lookups, release-lookups, down, up."""
    what: str
    api: str = "a"


@dataclass(frozen=True)
class Probe:
    """Something `requests` cannot do: a handshake, a raw socket. The answer must contain `expect`."""
    id: str
    probe: Callable
    args: tuple = ()
    expect: tuple = ()
    agents: tuple = BOTH


@dataclass(frozen=True)
class Process:
    """Kills the agent's process (by its id, SIGKILL) or starts it again on the same tree."""
    what: str                       # kill | start


@dataclass(frozen=True)
class Check:
    """A statement about the whole record of one agent's life in a situation."""
    id: str
    check: Callable
    args: tuple = ()
    agents: tuple = BOTH


@dataclass(frozen=True)
class Reply:
    """What the fake Ironic answers: a status and a body; `drop` closes the connection instead."""
    status: int = 200
    body: Any = ABSENT
    drop: bool = False


@dataclass(frozen=True)
class Api:
    """One base URL of the fake Ironic. Each list is used up in order; its last entry repeats."""
    name: str = "a"
    host: str = IRONIC_V4
    port: int = PORT
    tls: bool = False
    version: tuple = ("1.115",)     # as `default_version` of `GET /`; None answers 500
    lookups: tuple = ()             # empty: one stock reply for ever
    inspections: tuple = ()         # empty: taken for ever
    heartbeats: tuple = ()
    down: bool = False              # accepts connections and drops every one


@dataclass(frozen=True)
class Situation:
    name: str
    why: str
    cmdline: str
    apis: tuple = (Api(),)
    steps: tuple = ()
    checks: tuple = ()
    agents: tuple = BOTH
    serves: bool = True             # the agent is expected to serve and to send a first heartbeat
    files: tuple = ()               # (path in the tree, text); `{etc}` stands for the tree's etc
    ramdisk: bool = False           # ironlet's / is a tmpfs, as in its initramfs, instead of --root
    compare_requests: bool = True   # also compare what the agents asked of Ironic
    compare_certificate: bool = False   # and the certificates they announced
    seconds: float = 120            # the whole life, start to end
    stock: dict = field(default_factory=dict, hash=False)   # changes to the stock lookup config


def lookup_config(**changes):
    """The `config` of a stock Ironic's lookup reply (its defaults), with changes."""
    config = {
        "heartbeat_timeout": 300, "agent_token": TOKEN, "agent_token_required": True,
        "agent_md5_checksum_enable": True, "disable_deep_image_inspection": False,
        "permitted_image_formats": ["raw", "gpt", "qcow2", "iso"], "agent_skip_bmc_detect": False,
        "enable_bios_bootloader_install": False, "tls_min_version": "1.3", "tls_cipher_suites": None,
        "agent_containers": {"runner": "podman"}, "metrics": {"backend": "noop"},
        "metrics_statsd": {"statsd_host": "localhost", "statsd_port": 8125},
    }
    config.update(changes)
    return {key: value for key, value in config.items() if value is not ABSENT}


def node(**changes):
    """The `node` of a lookup reply."""
    value = {"uuid": NODE, "properties": {}, "instance_info": {}, "driver_internal_info": {}, "links": []}
    value.update(changes)
    return {key: item for key, item in value.items() if item is not ABSENT}


def found(node_changes=None, **changes):
    """A successful lookup reply."""
    return Reply(200, {"node": node(**(node_changes or {})), "config": lookup_config(**changes)})


def ipa(**parameters):
    """A kernel command line: `ipa-` keys from keyword arguments, and what a PXE boot adds."""
    words = ["nofb", "vga=normal", "selinux=0", "ipa-disk-wait-attempts=1", "ipa-disk-wait-delay=0"]
    parameters.setdefault("api_url", f"http://{IRONIC_V4}:{PORT}")
    words += [f"ipa-{key.replace('_', '-')}={value}" for key, value in parameters.items() if value is not None]
    return " ".join(words)
