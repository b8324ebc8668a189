"""One machine with a disk of each of QEMU's kinds: what upstream's agent says of each, field by field, beside what ironlet says."""

import json
import sys
from pathlib import Path

import kinds
import machine

# Fields of `disks` in the inventory (protocol: what Ironic stores and root device hints compare).
FIELDS = ["name", "model", "vendor", "serial", "wwn", "wwn_with_extension", "wwn_vendor_extension", "hctl", "by_path", "tran", "rotational",
          "size", "logical_sectors", "physical_sectors"]


def by_kind(disks):
    return {kinds.kind_of(disk["size"]): disk for disk in disks}


def show(value):
    return json.dumps(value) if not isinstance(value, str) else value


def compare(upstream, own):
    """Prints the table; how many fields were compared and which differ."""
    compared, differ = 0, []
    print(f"{'disk':18} {'field':21} {'upstream':58} ironlet")
    for kind in kinds.KINDS:
        theirs, ours = upstream.get(kind), own.get(kind)
        if theirs is None or ours is None:
            differ.append(f"{kind}: listed by {'ironlet' if theirs is None else 'upstream'} alone" if theirs or ours else f"{kind}: listed by nobody")
            continue
        for field in FIELDS:
            compared += 1
            # Of several links upstream tells the one it read last: any that udev made will do.
            same = theirs.get(field) == ours.get(field) or field == "by_path" and ours.get(field) in theirs["links"]
            if not same:
                differ.append(f"{kind}: {field} is {show(theirs.get(field))} upstream, {show(ours.get(field))} here")
            print(f"{kind:18} {field:21} {show(theirs.get(field)):58} {'=' if same else show(ours.get(field))}")
    return compared, differ


def main():
    kernel, ironlet, folder = (Path(argument) for argument in sys.argv[1:4])
    files = [machine.HERE / "upstream.py"]
    ramdisk = machine.ramdisk(folder, kernel, ironlet, machine.HERE / "task.sh", files)
    told = machine.run(folder, kernel, ramdisk, kinds.arguments(folder), len(kinds.KINDS))
    try:
        upstream, own = json.loads(told["upstream"]), json.loads(told["own"])["disks"]
    except (KeyError, json.JSONDecodeError) as failure:
        for name, text in told.items():
            print(f"--- {name}\n{text}")
        raise machine.Broken(f"no answer to compare: {failure!r}") from failure
    compared, differ = compare(by_kind(upstream), by_kind(own))
    for line in differ:
        print(f"DIFFERS: {line}")
    print(f"identity: {compared - len(differ)} of {compared} tests held: {len(kinds.KINDS)} disks, {len(FIELDS)} fields each")
    return 1 if differ or compared != len(kinds.KINDS) * len(FIELDS) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machine.Broken as broken:
        print(f"identity: {broken}", file=sys.stderr)
        sys.exit(1)
