"""Upstream's choice: runs its agent's code, beside the machine, on the lists of disks that its agent made in the machine.

Takes those lists and the cases on its input. For each case: which disk a deploy takes with it as root device hints; which with it as the
only entry of a skip list; which disks a deploy, and which cleaning, spares for that entry."""

import copy
import functools
import json
import sys

from ironic_python_agent import config  # its options are read as soon as the next is imported
from ironic_python_agent import errors, hardware
from oslo_utils import specs_matcher

config.CONF([])
# Made anew for every comparison, of which there are a hundred thousand here.
specs_matcher.make_grammar = functools.lru_cache(specs_matcher.make_grammar)


def pick(node):
    """The disk a deploy takes, or in a word why none."""
    hardware.NODE = {"uuid": "none", "instance_info": {}, **node}
    try:
        return hardware.GenericHardwareManager().get_os_install_device()
    except errors.DeviceNotFound:
        return "none"
    except Exception as failure:  # upstream breaks
        return f"breaks: {type(failure).__name__}"


def spared(node, every, names):
    try:
        left = hardware.GenericHardwareManager().list_block_devices_check_skip_list(node, all_serial_and_wwn=every)
    except Exception as failure:
        return [f"breaks: {type(failure).__name__}"]
    return sorted(names - {disk.name for disk in left})


def main():
    told = json.load(sys.stdin)
    lists = {every: [hardware.BlockDevice(**{name: value for name, value in disk.items() if name != "links"}) for disk in told[which]]
             for every, which in ((True, "deploy"), (False, "inventory"))}
    hardware.GenericHardwareManager.list_block_devices = lambda self, include_partitions=False, all_serial_and_wwn=False: copy.copy(lists[all_serial_and_wwn])
    names = {disk.name for disk in lists[True]}
    answers = {}
    for name, hint in told["cases"].items():
        skip = {"properties": {"skip_block_devices": [hint]}}
        answers[name] = {"hint": hint, "root": pick({"properties": {"root_device": hint}}), "rest": pick(skip),
                         "spared": spared(skip, True, names), "cleaning": spared(skip, False, names)}
    json.dump(answers, sys.stdout)


main()
