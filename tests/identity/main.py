"""One machine with a disk of each of QEMU's kinds: what upstream's agent says of each, field by field, beside what ironlet says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import bmc
import board
import inventory
import kinds
import machine
import reasons

# Fields of `disks` in the inventory (protocol: what Ironic stores and root device hints compare).
FIELDS = ["name", "model", "vendor", "serial", "wwn", "wwn_with_extension", "wwn_vendor_extension", "hctl", "by_path", "tran", "rotational",
          "size", "logical_sectors", "physical_sectors"]


# Of a case's answers, which pair of them must agree: upstream's word, ironlet's word, what it is.
ANSWERS = {"root": "takes", "rest": "takes past it", "spared": "spares in a deploy", "cleaning": "spares in cleaning"}


def by_kind(disks):
    return {kinds.kind_of(disk["size"]): disk for disk in disks}


def show(value):
    return json.dumps(value) if not isinstance(value, str) else value


def compare(upstream, own):
    """Prints the table; how many fields were compared and which differ."""
    compared, differ = 0, []
    print(f"{'disk':20} {'field':21} {'upstream':58} ironlet")
    for kind in kinds.all_kinds():
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
            print(f"{kind:20} {field:21} {show(theirs.get(field)):58} {'=' if same else show(ours.get(field))}")
    return compared, differ


def picked(line):
    """What ironlet said of one node: the disk it takes, and those it leaves alone."""
    taken = re.search(r"(/dev/\S+) \([^)]*\): the (?:only|first|smallest) ", line)
    spared = re.findall(r"(/dev/\S+) \([^)]*\) is to be left alone", line)
    return taken.group(1) if taken else "none", sorted(spared)


def compare_picks(upstream, own, lists):
    """How many answers were compared, which differ, and which of those for a reason that is known."""
    compared, differ, reasoned = 0, [], {}
    lines = [line for line in own.splitlines() if line.startswith("> ")]
    if len(lines) != 2 * len(upstream):
        raise machine.Broken(f"{len(lines)} answers to {2 * len(upstream)} questions")
    for (case, theirs), hint, skip in zip(upstream.items(), lines, lines[len(upstream) :]):
        root, (rest, spared) = picked(hint)[0], picked(skip)
        for what, ours in {"root": root, "rest": rest, "spared": spared, "cleaning": spared}.items():
            compared += 1
            if theirs[what] == ours:
                continue
            said = f"{case} ({show(theirs['hint'])}): upstream {ANSWERS[what]} {show(theirs[what])}, ironlet {show(ours)}"
            reason = reasons.why(theirs, what, ours, lists)
            if reason:
                reasoned.setdefault(reason, []).append(said)
            else:
                differ.append(said)
    return compared, differ, reasoned


def main():
    kernel, ironlet, folder = (Path(argument) for argument in sys.argv[1:4])
    files = [machine.HERE / name for name in ("upstream.py", "fabric.sh", "upstream-inventory.py", "receiver.py")]
    ramdisk = machine.ramdisk(folder, kernel, ironlet, machine.HERE / "task.sh", files)
    bmc.start(folder / "bmc")
    told = machine.run(folder, kernel, ramdisk, kinds.arguments(folder) + board.arguments(folder / "bmc"), len(kinds.KINDS), seconds=1200)
    try:
        lists, own, own_picks = json.loads(told["upstream"]), json.loads(told["own"])["disks"], told["own-picks"]
    except (KeyError, json.JSONDecodeError) as failure:
        for name, text in told.items():
            print(f"--- {name}\n{text}")
        raise machine.Broken(f"no answer to compare: {failure!r}") from failure
    upstream = lists["inventory"]
    picks = subprocess.run([machine.VENV / "bin/python", "-B", machine.HERE / "picks.py"], input=json.dumps(lists), check=True, text=True, stdout=subprocess.PIPE,
                           stderr=open(folder / "picks.log", "w"))
    picks = json.loads(picks.stdout)
    compared, differ = compare(by_kind(upstream), by_kind(own))
    order = [[disk["name"] for disk in disks] for disks in (upstream, own)]
    if order[0] != order[1]:
        differ.append(f"the order is {order[0]} upstream, {order[1]} here")
    answers, wrong, reasoned = compare_picks(picks, own_picks, lists)
    for reason, cases in reasoned.items():
        print(f"{len(cases)} answers differ: {reason}")
        for case in cases:
            print(f"    {case}")
    unlike = inventory.report(told)
    for line in differ + wrong:
        print(f"DIFFERS: {line}")
    count = len(kinds.all_kinds())
    held = sum(len(cases) for cases in reasoned.values())
    print(f"identity: {answers - len(wrong)} of {answers} answers to {len(picks)} hints and skip entries held, {held} of them differ for a reason that is listed")
    print(f"identity: {compared - len(differ)} of {compared} tests held: {count} disks, {len(FIELDS)} fields each, and their order")
    return 1 if differ or wrong or unlike or compared != count * len(FIELDS) or len(picks) < 300 else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machine.Broken as broken:
        print(f"identity: {broken}", file=sys.stderr)
        sys.exit(1)
