"""What Ironic knows of a machine after upstream's inspection and after ironlet's, field by field; what differs is listed with its reason."""

import json
import re
from collections import namedtuple

from verdict import Failed

Known = namedtuple("Known", "inventory plugin_data ports properties")

# Where they may differ, by the field's path, and why.
REASONS = [
    (r"inventory\.interfaces\[\w+\]\.name", "there is no udev here to rename a card: the kernel's name"),
    (r"inventory\.interfaces\[\w+\]\.ipv6_address", "the scope of a link-local address is the card's name"),
    (r"plugin_data\.(all|valid)_interfaces\..*", "by the card's name"),
    (r"inventory\.hostname", "upstream's ramdisk is Debian with a host name of its own"),
    (r"inventory\.memory\.total", "what the kernel leaves of the same memory depends on the ramdisk"),
    (r"plugin_data\.configuration\.managers\[0\]\.version", "the version is each agent's own"),
    (r"ports\[\S+\]\.(id|uuid|created_at|updated_at|links\[\d+\]\.href)", "Ironic's own of a new port"),
]


def flat(value, path):
    """Leaves of a JSON value by their path. Cards and disks are told by what does not depend on the agent: address and name."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{path}[{key}]" if path == "ports" else f"{path}.{key}")
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            key = number
            if isinstance(inner, dict):
                key = inner.get("mac_address", inner.get("name", number) if path.endswith("disks") else number)
            yield from flat(inner, f"{path}[{str(key).replace(':', '')}]")
    else:
        yield path, value


def fields(known):
    return dict(leaf for name, value in known._asdict().items() for leaf in flat(value, name))


def require_same(theirs, own):
    theirs, own = fields(theirs), fields(own)
    nothing = object()
    same, reasoned, wrong = 0, {}, []
    for path in sorted(theirs.keys() | own.keys()):
        one, other = theirs.get(path, nothing), own.get(path, nothing)
        if one == other:
            same += 1
            continue
        shown = " beside ".join("nothing" if value is nothing else json.dumps(value) for value in (one, other))
        reason = next((reason for pattern, reason in REASONS if re.fullmatch(pattern, path)), None)
        if reason:
            reasoned.setdefault(reason, []).append(f"{path}: {shown}")
        else:
            wrong.append(f"{path}: {shown}")
    for reason, lines in reasoned.items():
        print(f"  {len(lines)} differ: {reason}")
        for line in lines:
            print(f"      {line}")
    print(f"  {same} of {len(theirs.keys() | own.keys())} fields are the same as upstream's, {sum(map(len, reasoned.values()))} differ for a reason that is listed", flush=True)
    if wrong:
        raise Failed("differs from upstream (upstream's first):\n    " + "\n    ".join(wrong))
