"""Where things are: the checkout, what is tested, the caches, and the directory of a scenario's logs."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab"
# The shell functions that know the machine: its packages, its root.
HOST = ROOT / "initramfs" / "host.sh"
TARGET = ROOT / "target"
TOOLS = TARGET / "tools"
VENV = TOOLS / "ironic-venv"
CLIENT_VENV = TOOLS / "client-venv"
SWIFT_VENV = TOOLS / "swift-venv"
FIRMWARE_VENV = TOOLS / "firmware-venv"
SQUID = TOOLS / "squid"
SWIFT_RINGS = TOOLS / "swift-rings"
FIXTURES = TARGET / "fixtures"
LOGS = TARGET / "lab"

KERNEL = Path(os.environ.get("LAB_KERNEL", ROOT / "dist" / "ironlet.kernel")).resolve()
RAMDISK = Path(os.environ.get("LAB_RAMDISK", ROOT / "dist" / "ironlet.initramfs")).resolve()
IRONLET = Path(os.environ.get("LAB_IRONLET", ROOT / "dist" / "ironlet")).resolve()
# Guest memory in MiB: what ironlet promises to get by with, and enough for the deployed system.
MEMORY = int(os.environ.get("LAB_MEMORY", "192"))


# The same directory inside a cell: of a path that every program's configuration file can spell, below directories that everybody may
# walk through.
INSIDE = Path("/run/scenario")


def fresh(scenario):
    """An empty directory for the logs and disks of one run of a scenario."""
    path = LOGS / scenario
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def inside(directory):
    """Shows that directory as INSIDE, in this cell only."""
    INSIDE.mkdir()
    subprocess.run(["mount", "--bind", directory, INSIDE], check=True)
    return INSIDE
