"""OVMF's memory: the variables an agent leaves for the firmware, read by virt-firmware, which knows nothing of ours."""

import json
import shutil
import subprocess
from collections import namedtuple

import place
from verdict import Failed

CODE, VARIABLES = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"

# Of a boot entry: a partition's number, first sector, sectors and GUID where its path begins with one, and a file's path.
Entry = namedtuple("Entry", "number title active partition start sectors guid file")

READ = r"""
import json, struct, sys
from virt.firmware.efi import bootentry
from virt.firmware.varstore import edk2
variables = edk2.Edk2VarStore(sys.argv[1]).get_varlist()
found = []
for (number,) in struct.iter_unpack("<H", variables["BootOrder"].data):
    variable = variables.get(f"Boot{number:04X}")
    if variable is None:
        continue
    entry = bootentry.BootEntry(data=variable.data)
    path = list(entry.devicepath)
    disk, file = [None] * 4, None
    if path and path[0].is_type(4, 1):
        disk = [*struct.unpack_from("<LQQ", path[0].data), str(path[0].get_partuuid())]
    if path and path[-1].is_type(4, 4):
        file = str(path[-1].get_filepath())
    found.append([number, str(entry.title), bool(entry.attr & bootentry.LOAD_OPTION_ACTIVE), *disk, file])
print(json.dumps(found))
"""


def boot_order(variables):
    """The boot entries in the order the firmware tries them."""
    done = subprocess.run([place.FIRMWARE_VENV / "bin" / "python", "-c", READ, variables], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"virt-firmware cannot read {variables}: {done.stderr[-2000:]}")
    return [Entry(*entry) for entry in json.loads(done.stdout)]


def fresh(path):
    """Variables as they are when a machine leaves its factory."""
    shutil.copyfile(VARIABLES, path)
    return path
