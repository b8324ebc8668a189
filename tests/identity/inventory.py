"""What an inspection tells of the machine but for its disks: upstream's words beside ironlet's, field by field."""

import json

import machine

# Place → why ironlet tells something there of which upstream says nothing. A place is the path of names.
REASONS = {"usb_devices.": "lshw numbers devices that share a hub, and upstream looks for none with a number"}
# Seconds that an inventory takes without a BMC in such a machine, on a busy host.
SLACK = 5


def flat(value, place=()):
    """Path → value, of everything that is neither an object nor a list of objects."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from flat(inner, (*place, name))
    elif isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        for number, inner in enumerate(value):
            yield from flat(inner, (*place, number))
    else:
        yield place, value


def ordered(data):
    """The same with its lists in an order of their own: upstream's is that of directories."""
    data = json.loads(json.dumps(data))
    inventory = data["inventory"]
    inventory.pop("disks")
    inventory["interfaces"] = {card["name"]: card for card in inventory["interfaces"]}
    data["pci_devices"] = {device["bus"]: device for device in data["pci_devices"]}
    data["usb_devices"] = {device["handle"]: device for device in data["usb_devices"]}
    topology = data["numa_topology"]
    topology["ram"] = {node["numa_node"]: node for node in topology["ram"]}
    topology["nics"] = {card["name"]: card for card in topology["nics"]}
    topology["cpus"] = {f"{core['numa_node']} {core['cpu']}": {**core, "thread_siblings": sorted(core["thread_siblings"])} for core in topology["cpus"]}
    return data


def reason(place):
    named = ".".join(str(name) for name in place)
    return next((why for known, why in REASONS.items() if named.startswith(known)), None)


def compare(upstream, own):
    """How many fields were compared, which differ, and which of those for a reason that is known."""
    fields = ["inventory", "pci_devices", "usb_devices", "numa_topology", "dmi", "error"]
    theirs, ours = ({place: value for place, value in flat(ordered({name: data.get(name) for name in fields}))} for data in (upstream, own))
    compared, differ, reasoned = 0, [], {}
    print(f"{'field':70} {'upstream':58} ironlet")
    for place in sorted(theirs.keys() | ours.keys(), key=str):
        compared += 1
        one, other = (json.dumps(side[place]) if place in side else "(none)" for side in (theirs, ours))
        print(f"{'.'.join(str(name) for name in place):70} {one:58} {'=' if one == other else other}")
        if one != other:
            said = f"{'.'.join(str(name) for name in place)}: {one} upstream, {other} here"
            why = None if place in theirs else reason(place)
            if why:
                reasoned.setdefault(why, []).append(said)
            else:
                differ.append(said)
    return compared, differ, reasoned


def report(told):
    """Prints the table; how many fields differ without a reason, or were not there to compare."""
    try:
        upstream, own = json.loads(told["upstream-inventory"]), json.loads(told["own-inventory"])
    except (KeyError, json.JSONDecodeError) as failure:
        for name in ("upstream-inventory", "upstream-inventory-log", "own-inventory", "own-inventory-log"):
            print(f"--- {name}\n{told.get(name)}")
        raise machine.Broken(f"no inventory to compare: {failure!r}") from failure
    compared, differ, reasoned = compare(upstream, own)
    before, after = (float(moment) for moment in told["own-hung-times"].split())
    hung = json.loads(told["own-hung"])
    silent = (hung["bmc_address"], hung["bmc_v6address"], "bmc_mac" in hung)
    if silent != ("0.0.0.0", "::/0", False):
        differ.append(f"a BMC that hangs has the addresses {silent}")
    print(f"identity: an inventory with a BMC that hangs took {after - before:.1f} s: what it costs is 5 s at most")
    if after - before > 5 + SLACK:
        differ.append(f"a BMC that hangs costs {after - before:.1f} s")
    for why, places in reasoned.items():
        print(f"{len(places)} fields differ: {why}")
        for place in places:
            print(f"    {place}")
    for line in differ:
        print(f"DIFFERS: {line}")
    held = sum(len(places) for places in reasoned.values())
    print(f"identity: {compared - len(differ)} of {compared} fields of the rest of the inspection held, {held} of them differ for a reason that is listed")
    return len(differ) + (0 if compared > 350 else 1)
