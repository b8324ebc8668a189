"""Runs in the machine, in upstream's Python: seconds its agent takes for its first inventory, and for one when it has asked its tools already."""

import time

from ironic_python_agent import config
from ironic_python_agent import hardware

config.CONF([])
# Without a disk it would wait; with one it does not.
began = time.monotonic()
hardware.get_managers()
found = hardware.list_hardware_info(use_cache=False)
first = time.monotonic() - began
assert len(found["disks"]) == 3, found["disks"]
began = time.monotonic()
hardware.list_hardware_info(use_cache=False)
print(first, time.monotonic() - began)
