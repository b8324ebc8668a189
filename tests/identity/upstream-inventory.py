"""Runs in the machine, in upstream's Python: what its agent's inspection would post, by collector."""

import sys

from ironic_python_agent import config  # its options are read as soon as the next is imported
from ironic_python_agent import dmi_inspector, encoding, hardware, inspector, numa_inspector, utils

config.CONF([])
failures, data = utils.AccumulatedFailures(exc_class=RuntimeError), {}
data["inventory"] = hardware.list_hardware_info()
for collect in (inspector.collect_pci_devices_info, inspector.collect_usb_devices, numa_inspector.collect_numa_topology_info, dmi_inspector.collect_dmidecode_info):
    collect(data, failures)
data["error"] = failures.get_error()
sys.stdout.write(encoding.RESTJSONEncoder().encode(data))
