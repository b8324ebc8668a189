"""What the installed ironic-python-agent offers, asked of itself: JSON on standard output, for features.py.

Commands of its extensions, steps of its hardware managers by phase, collectors, options with their defaults, and the
parameters of the kernel command line that its sources name.
"""

import importlib.metadata
import inspect
import json
import re
from pathlib import Path

import ironic_python_agent
from ironic_python_agent import config, mdns
from oslo_log import _options as oslo_log

# What `cmd/agent.py` does by being imported, in the order that hardware.py needs it.
if not hasattr(config.CONF, "api_url"):
    config.populate_config()

PHASES = ("clean", "deploy", "service")


def entry_points(group):
    """(name, what it loads) of those that upstream's own package brings."""
    own = importlib.metadata.distribution("ironic-python-agent").entry_points
    return sorted((point.name, point.load()) for point in own if point.group == group)


def commands():
    for extension, kind in entry_points("ironic_python_agent.extensions"):
        for _, member in inspect.getmembers(kind):
            if hasattr(member, "command_name"):
                yield f"{extension}.{member.command_name}"


def steps():
    """`interface.step`: {phase: [priority, abortable]}."""
    found = {}
    for _, kind in entry_points("ironic_python_agent.hardware_managers"):
        for phase in PHASES:
            for step in getattr(kind(), f"get_{phase}_steps")({}, []):
                about = [step["priority"], bool(step.get("abortable"))]
                found.setdefault(f"{step['interface']}.{step['step']}", {})[phase] = about
    return found


def options():
    """`section.name`, without a section for [DEFAULT]: its default as a file would have it."""
    found = {}
    for section, group in [*config.list_opts(), *mdns.list_opts(), *oslo_log.list_opts()]:
        prefix = "" if section in (None, "DEFAULT") else f"{section}."
        for option in group:
            value = option.default
            if isinstance(value, (list, tuple)):
                value = ",".join(map(str, value))
            found[prefix + option.dest] = "" if value is None else str(value)
    return found


def parameters():
    """Whole words of the sources that begin with `ipa-`, but for prefixes of file names."""
    found = {"BOOTIF", "boot_method"}
    for path in Path(ironic_python_agent.__file__).parent.rglob("*.py"):
        if "tests" not in path.parts:
            found |= set(re.findall(r"""['"](ipa-[a-z0-9-]*[a-z0-9])['"]""", path.read_text()))
    return sorted(found)


print(json.dumps(dict(
    command=sorted(commands()), step=steps(), option=options(), parameter=parameters(),
    collector=[name for name, _ in entry_points("ironic_python_agent.inspector.collectors")],
    manager=[name for name, _ in entry_points("ironic_python_agent.hardware_managers")])))
