"""Debian's cloud-init as a judge: what its own sources of data find on a machine whose one disk with a seed is this one."""

import json
import os
import subprocess

import judge
import place
from verdict import Failed

PACKAGES = place.TOOLS / "cloud-init" / "usr" / "lib" / "python3" / "dist-packages"

# The whole way cloud-init goes at a machine's start: devices by their labels, mounted, read, merged.
READ = r"""
import json, sys
from cloudinit import distros, helpers, settings
from cloudinit.sources import DataSourceConfigDrive, DataSourceNoCloud
kind, place = sys.argv[1:]
paths = helpers.Paths({"cloud_dir": place, "run_dir": place})
distro = distros.fetch("debian")("debian", {}, paths)
source = {"nocloud": DataSourceNoCloud.DataSourceNoCloud, "config-2": DataSourceConfigDrive.DataSourceConfigDrive}[kind](settings.CFG_BUILTIN, distro, paths)
found = source._get_data()
print(json.dumps({
    "found": bool(found), "source": str(source), "instance": str(source.get_instance_id()) if found else "", "meta": source.metadata if found else {},
    "user": (source.userdata_raw or b"").decode() if isinstance(source.userdata_raw, bytes) else source.userdata_raw,
    "vendor": source.vendordata_raw.decode() if isinstance(source.vendordata_raw, bytes) else source.vendordata_raw,
    "network": source.network_config if found else None,
}, default=str))
"""


def prepare():
    subprocess.run([place.ROOT / "tests" / "cloud-init.sh"], check=True)


def found(kind, path, partition, directory):
    """What the source `nocloud` or `config-2` finds on this partition of the disk's file, shown to it as a device."""
    state = directory / f"cloud-{kind}"
    state.mkdir()
    with judge.device(path, partition.start, partition.size):
        done = subprocess.run(
            ["/usr/bin/python3", "-c", READ, kind, str(state)], env={**os.environ, "PYTHONPATH": str(PACKAGES)}, capture_output=True, text=True, cwd=state
        )
    if done.returncode != 0:
        raise Failed(f"cloud-init: {done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    if not told["found"]:
        raise Failed(f"cloud-init finds no {kind}: {done.stdout} {done.stderr[-2000:]}")
    return told
