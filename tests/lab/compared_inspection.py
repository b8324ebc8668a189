"""What Ironic knows of a machine after upstream's inspection and after ironlet's, field by field; what differs is listed with its reason."""

import json
import re
from collections import namedtuple

from verdict import Failed

Known = namedtuple("Known", "inventory plugin_data ports properties")

# Where they may differ, by the field's path, or by the whole line that tells of it, and why.
REASONS = [
    (r"(inventory\.interfaces|plugin_data\.((all|valid)_interfaces|numa_topology\.nics))\[\w+\]\.name", "there is no udev here to rename a card: the kernel's name"),
    (r"inventory\.disks\[/dev/vda\]\.by_path", "udev makes two links to a virtio disk; upstream tells the one it read last"),
    (r"inventory\.hostname", "each ramdisk has a host name of its own"),
    (r"(inventory\.memory\.total|plugin_data\.numa_topology\.ram\[\d+\]\.size_kb)", "what the kernel leaves of the same memory depends on the ramdisk"),
    (r'(inventory\.interfaces|plugin_data\.(all|valid)_interfaces)\[\w+\]\.ipv6_address: ".+" beside "fe80::.+"',
     "nobody waits for the address a router gives to a card the machine was not booted from, and upstream looks half a minute later"),
    (r"plugin_data\.configuration\.managers\[0\]\.version", "each agent has a version of its own"),
    (r"ports\[\w+\]\.(id|uuid|created_at|updated_at|links\[\d+\]\.href)", "Ironic's own, and new with each port"),
]


# What tells the items of a list apart, whatever their order; upstream's is that of directories.
KEYS = {
    "interfaces": ["mac_address"], "disks": ["name"], "pci_devices": ["bus"], "usb_devices": ["handle"], "ram": ["numa_node"], "cpus": ["numa_node", "cpu"],
    "nics": ["mac_address"],
}
# Lists whose order means nothing.
SETS = ("macs", "thread_siblings")


def flat(value, path):
    """Leaves of a JSON value by their path."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, path + (f"[{plain(key)}]" if path in BY_ADDRESS else f".{key}"))
    elif isinstance(value, list) and value:
        name = path.rpartition(".")[2]
        for number, inner in enumerate(sorted(value) if name in SETS else value):
            key = " ".join(plain(inner[field]) for field in KEYS[name]) if name in KEYS else number
            yield from flat(inner, f"{path}[{key}]")
    else:
        yield path, value


def plain(key):
    return str(key).replace(":", "")


# Objects whose keys are addresses of cards.
BY_ADDRESS = ("ports", "plugin_data.all_interfaces", "plugin_data.valid_interfaces", "plugin_data.lldp_raw", "plugin_data.parsed_lldp")


def fields(known):
    """Leaf by path. What is filed by a card's name is filed by its address here: the names are each agent's own."""
    data = json.loads(json.dumps(known.plugin_data))
    address = {card["name"]: card["mac_address"] for card in known.inventory["interfaces"]}
    for path in BY_ADDRESS[1:]:
        key = path.rpartition(".")[2]
        if data.get(key):
            data[key] = {address.get(name, name): value for name, value in data[key].items()}
    for card in data.get("numa_topology", {}).get("nics", []):
        card["mac_address"] = address.get(card["name"], card["name"])
    return dict(leaf for name, value in known._replace(plugin_data=data)._asdict().items() for leaf in flat(value, name))


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
        line = f"{path}: {shown}"
        reason = next((reason for pattern, reason in REASONS if re.fullmatch(pattern, path) or re.fullmatch(pattern, line)), None)
        if reason:
            reasoned.setdefault(reason, []).append(line)
        else:
            wrong.append(line)
    for reason, lines in reasoned.items():
        print(f"  {len(lines)} differ: {reason}")
        for line in lines:
            print(f"      {line}")
    print(f"  {same} of {len(theirs.keys() | own.keys())} fields are the same as upstream's, {sum(map(len, reasoned.values()))} differ for a reason that is listed", flush=True)
    if wrong:
        raise Failed("differs from upstream (upstream's first):\n    " + "\n    ".join(wrong))
