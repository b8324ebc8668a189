"""What Ironic knows of a machine after upstream's inspection and after ironlet's, field by field; what differs is listed with its reason."""

import json
import re
from collections import namedtuple

from verdict import Failed

Known = namedtuple("Known", "inventory plugin_data ports properties")

# Where they may differ, by the field's path, and why.
REASONS = [
    (r"(inventory\.interfaces|plugin_data\.(all|valid)_interfaces)\[\w+\]\.name", "there is no udev here to rename a card: the kernel's name"),
    (r"inventory\.disks\[/dev/vda\]\.by_path", "udev makes two links to a virtio disk; upstream tells the one it read last"),
    (r"inventory\.hostname", "each ramdisk has a host name of its own"),
    (r"inventory\.memory\.total", "what the kernel leaves of the same memory depends on the ramdisk"),
    (r"plugin_data\.configuration\.managers\[0\]\.version", "each agent has a version of its own"),
    (r"ports\[\w+\]\.(id|uuid|created_at|updated_at|links\[\d+\]\.href)", "Ironic's own, and new with each port"),
]


def flat(value, path):
    """Leaves of a JSON value by their path. A card is told by its address and a disk by its name, whatever comes first."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, path + (f"[{plain(key)}]" if path == "ports" else f".{key}"))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(sorted(value) if path.endswith("macs") else value):
            key = number
            if isinstance(inner, dict):
                key = inner.get("mac_address") or path.endswith("disks") and inner.get("name") or number
            yield from flat(inner, f"{path}[{plain(key)}]")
    else:
        yield path, value


def plain(key):
    return str(key).replace(":", "")


def fields(known):
    data = dict(known.plugin_data)
    # Ironic's hooks file them by name; upstream's are other names.
    for key in ("all_interfaces", "valid_interfaces"):
        data[key] = list(data[key].values())
    known = known._replace(plugin_data=data)
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
