"""Processors of real machines: util-linux's dumps for its own tests, and what its lscpu is to say of them, through upstream's agent; beside ironlet."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import machine

FIELDS = ["model_name", "frequency", "count", "flags", "socket_count"]
# Those of the architectures there are agents for, by the names of the files.
WANTED = ("arm", "x86_64", "vbox", "vmware")
AGENT = """
import json, sys
from ironic_python_agent import config
from ironic_python_agent import encoding, hardware, utils
config.CONF([])
said = json.load(sys.stdin)
told = {}
for name, text in said.items():
    utils.execute = lambda *command, **_: (text, "")
    told[name] = hardware.GenericHardwareManager().get_cpus()
print(encoding.RESTJSONEncoder().encode(told))
"""


def dumps(source, folder):
    """Name → the dump's root and what lscpu is to say; unpacked into `folder` from the source package."""
    found = {}
    with tarfile.open(source) as package:
        members = {member.name.partition("/tests/")[2]: member for member in package if "/tests/" in member.name}
        for path, member in members.items():
            name = Path(path).name.removesuffix(".tar.gz")
            if path.startswith("ts/lscpu/dumps/") and name.startswith(WANTED):
                subprocess.run(["tar", "-xzC", folder], input=package.extractfile(member).read(), check=True)
                said = package.extractfile(members[f"expected/lscpu/lscpu-{name}"]).read().decode()
                # Tables follow after a blank line.
                found[name] = (folder / name, said.partition("\n\n")[0] + "\n")
    return found


def main():
    source, ironlet, folder = (Path(argument) for argument in sys.argv[1:4])
    found = dumps(source, folder)
    said = json.dumps({name: text for name, (_, text) in found.items()})
    upstream = json.loads(subprocess.run([machine.VENV / "bin/python", "-B", "-c", AGENT], input=said, check=True, text=True, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL).stdout)
    compared = differ = 0
    print(f"{'dump':26} {'field':14} {'upstream':58} ironlet")
    for name, (root, _) in found.items():
        printed = subprocess.run([ironlet, "--root", root, "--inventory"], check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        own = json.loads(printed)["cpu"]
        for field in FIELDS:
            compared += 1
            theirs, ours = (f"{len(cpu[field])} of them" if field == "flags" else json.dumps(cpu[field]) for cpu in (upstream[name], own))
            same = upstream[name][field] == own[field]
            differ += not same
            print(f"{name:26} {field:14} {theirs:58} {'=' if same else ours + ' DIFFERS'}")
    print(f"identity: {compared - differ} of {compared} fields of the processors in {len(found)} dumps of real machines held")
    return 1 if differ or len(found) < 8 else 0


if __name__ == "__main__":
    sys.exit(main())
