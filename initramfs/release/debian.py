"""Debian's packages that are in a release: which, and what their copyright files say."""

import re
import subprocess
from argparse import ArgumentTypeError
from collections import namedtuple
from pathlib import Path

# `home` is where it lies unpacked; / for one that is installed.
Package = namedtuple("Package", "name version architecture home")


def unpacked(folder):
    """One of target/tools: its file `complete` names the .deb it came from."""
    name, version, architecture = (Path(folder) / "complete").read_text().strip().removesuffix(".deb").split("_")
    return Package(name, version.replace("%3a", ":"), architecture, Path(folder))


def installed(name):
    """None if it is not."""
    show = ["dpkg-query", "-W", "-f", "${Version} ${Architecture}", name]
    done = subprocess.run(show, capture_output=True, text=True)
    return Package(name, *done.stdout.split(), Path("/")) if done.returncode == 0 and done.stdout.strip() else None


def either(text):
    """The folder of an unpacked one, or the name of one that is installed."""
    found = unpacked(text) if (Path(text) / "complete").exists() else installed(text)
    if found is None:
        raise ArgumentTypeError(f"the package {text} is not installed")
    return found


def copyright_text(package):
    path = package.home / "usr/share/doc" / package.name / "copyright"
    return path.read_text(errors="replace").strip() + "\n"


def licences(package):
    """The short names in it, where it is of the form that machines read (copyright-format 1.0)."""
    names = re.findall(r"^License: *(\S.*)$", copyright_text(package), re.MULTILINE)
    return sorted(set(names)) or [f"see /usr/share/doc/{package.name}/copyright"]


def purl(package):
    version = package.version.replace(":", "%3A").replace("+", "%2B").replace("~", "~")
    return f"pkg:deb/debian/{package.name.replace('+', '%2B')}@{version}?arch={package.architecture}"
