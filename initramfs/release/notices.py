"""The third-party notices of a release: every crate, Rust's own library, and every package of Debian's, each with the texts of its
licences. notices.py OPTIONS prints them."""

import argparse
import html
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import debian
from crates import Crates, expression

HEAD = """What ironlet's binaries, ramdisks and boot media contain of others' work, and under which licences.

The sources of Debian's packages are Debian's source packages of the same versions: `apt source NAME=VERSION`, or
https://snapshot.debian.org/ for what the mirrors no longer have. The sources of the crates are on https://crates.io/.
"""
COMMON = Path("/usr/share/common-licenses")
RULE = "=" * 78 + "\n"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", action="append", required=True)
    parser.add_argument("--package", type=debian.either, action="append", default=[], help="where a package of Debian's lies unpacked, or the name of one that is installed")
    return parser.parse_args()


class Texts:
    """Each text once, with all who brought it."""

    def __init__(self):
        self._owners = {}

    def add(self, text, owner):
        self._owners.setdefault(text.strip() + "\n", []).append(owner)

    def print(self):
        for text, owners in self._owners.items():
            print(f"{RULE}{chr(10).join(owners)}\n{RULE}\n{text}")


def crates(texts, architectures):
    seen = set()
    for architecture in architectures:
        known = Crates(f"{architecture}-unknown-linux-musl")
        for crate in known.linked() + known.build_only():
            name = f"{crate['name']} {crate['version']}"
            if name in seen:
                continue
            seen.add(name)
            found = known.texts(crate)
            if not found:
                raise SystemExit(f"notices.py: {name} has no licence text, and neither has another crate of its repository")
            for text in found:
                texts.add(text, f"{name} ({expression(crate)})")


def rust(texts):
    """The standard library and all it is made of, as the toolchain tells of it."""
    root = Path(subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip())
    told = root / "share/doc/rust/COPYRIGHT-library.html"
    if not told.exists():
        raise SystemExit(f"notices.py: {told} is not there: rustup component add rustc brings it")
    page = re.sub(r"<(style|script).*?</\1>", "", told.read_text(), flags=re.DOTALL)
    lines = [line.strip() for line in html.unescape(re.sub(r"<[^>]+>", "", page)).splitlines()]
    texts.add(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)), "Rust's standard library")


def main():
    wanted = arguments()
    texts = Texts()
    print(HEAD)
    crates(texts, wanted.arch)
    rust(texts)
    packages = {(package.name, package.version): package for package in wanted.package}
    for name in ["musl-dev", "ca-certificates"]:
        if found := debian.installed(name):
            packages[found.name, found.version] = found
    common = set()
    for (name, version), package in sorted(packages.items()):
        what = "musl, in Rust's copy" if name == "musl-dev" else f"{name} {version} (Debian)"
        text = debian.copyright_text(package)
        texts.add(text, what)
        common.update(re.findall(rf"{COMMON}/([A-Za-z0-9.+-]*[A-Za-z0-9])", text))
    for name in sorted(common):
        texts.add((COMMON / name).read_text(), f"{COMMON}/{name}, which others name")
    texts.print()


if __name__ == "__main__":
    main()
