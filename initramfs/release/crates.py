"""The crates of a build as cargo knows them: which are in the binary, their licences and the texts of those."""

import json
import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TEXT = re.compile(r"(un)?licen[cs]e|copying|copyright|notice", re.IGNORECASE)


class Crates:
    def __init__(self, target):
        command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
        self._all = json.loads(subprocess.run(command, cwd=TOP, capture_output=True, check=True).stdout)
        self._by_id = {package["id"]: package for package in self._all["packages"]}
        self._nodes = {node["id"]: node for node in self._all["resolve"]["nodes"]}
        self._sums = _checksums()
        self.root = self._all["resolve"]["root"]
        self._linked = set()
        self._link(self.root)
        self._needed = set()
        self._need(self.root)

    def _link(self, id_):
        """What ends up in the binary: a macro's code, and what it needs, does not."""
        if id_ not in self._linked and not _is_macro(self._by_id[id_]):
            self._linked.add(id_)
            for dependency in self._dependencies(id_, {None}):
                self._link(dependency)

    def _need(self, id_):
        """What is needed to build it."""
        if id_ not in self._needed:
            self._needed.add(id_)
            for dependency in self._dependencies(id_, {None, "build"}):
                self._need(dependency)

    def _dependencies(self, id_, kinds):
        return [each["pkg"] for each in self._nodes[id_]["deps"] if kinds & {kind["kind"] for kind in each["dep_kinds"]}]

    def linked(self):
        return self._described(self._linked)

    def build_only(self):
        return self._described(self._needed - self._linked)

    def _described(self, ids):
        crates = [self._by_id[id_] for id_ in ids if id_ != self.root]
        return sorted(crates, key=lambda crate: (crate["name"], crate["version"]))

    def checksum(self, crate):
        return self._sums.get((crate["name"], crate["version"]))

    def edges(self):
        """Crate → what it links."""
        for id_ in self._linked:
            yield self._by_id[id_], [self._by_id[other] for other in self._dependencies(id_, {None}) if other in self._linked]

    def texts(self, crate):
        """The licence texts it comes with; those of a crate of the same repository where it has none."""
        texts = _texts(crate)
        if not texts:
            siblings = [other for other in self._all["packages"] if crate["repository"] and other["repository"] == crate["repository"]]
            texts = next((found for other in siblings if (found := _texts(other))), [])
        return texts


def _texts(crate):
    folder = Path(crate["manifest_path"]).parent
    names = sorted(name for name in os.listdir(folder) if TEXT.match(name) and (folder / name).is_file())
    return [(folder / name).read_text(errors="replace").replace("\r\n", "\n").strip() + "\n" for name in names]


def expression(crate):
    """In SPDX's words: a slash is Cargo's old OR."""
    return re.sub(r"\s*/\s*", " OR ", crate["license"])


def _is_macro(package):
    return any("proc-macro" in target["kind"] for target in package["targets"])


def _checksums():
    """(name, version) → SHA-256 of the archive on crates.io, by Cargo.lock."""
    sums = {}
    for block in (TOP / "Cargo.lock").read_text().split("[[package]]")[1:]:
        fields = dict(re.findall(r'^(\w+) = "(.*)"$', block, re.MULTILINE))
        if "checksum" in fields:
            sums[fields["name"], fields["version"]] = fields["checksum"]
    return sums
