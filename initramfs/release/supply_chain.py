"""Every crate that the binary is built of beside deny.toml: licences, sources with their checksums, one version each, build scripts; as a table with
how often each says `unsafe`."""

import re
import sys
import tomllib
from pathlib import Path

from crates import Crates, expression

HERE = Path(__file__).resolve().parent
TARGETS = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl")
UNSAFE = re.compile(r"\bunsafe\b")


def permitted(spdx, allowed):
    """Does an expression of SPDX's come true with these licences? OR binds less than AND; parentheses go first."""
    while inner := re.search(r"\(([^()]*)\)", spdx):
        spdx = spdx.replace(inner[0], "yes" if permitted(inner[1], allowed) else "no")
    return any(all(part.strip() in allowed | {"yes"} for part in way.split(" AND ")) for way in spdx.split(" OR "))


def uses_unsafe(crate):
    """How often its sources have the word, comments left out."""
    sources = Path(crate["manifest_path"]).parent.rglob("*.rs")
    texts = (re.sub(r"//.*", "", source.read_text(errors="replace")) for source in sources if not {"tests", "benches", "examples"} & set(source.parts))
    return sum(len(UNSAFE.findall(text)) for text in texts)


def faults(crates, rules):
    """What does not agree with the rules, in words."""
    allowed = set(rules["licenses"]["allow"])
    registries = {f"registry+{registry}" for registry in rules["sources"]["allow-registry"]}
    scripts = set(rules["bans"]["build"]["allow-build-scripts"])
    skipped = {rule["crate"].partition("@")[0] for rule in rules["bans"]["skip"]}
    versions = {}
    for crate, checksum in crates:
        name = f"{crate['name']} {crate['version']}"
        versions.setdefault(crate["name"], set()).add(crate["version"])
        if not crate["license"] or not permitted(expression(crate), allowed):
            yield f"{name}: its licence {crate['license']} is none of {', '.join(sorted(allowed))}"
        if crate["source"] not in registries:
            yield f"{name} comes from {crate['source']}"
        if not checksum:
            yield f"{name} has no checksum in Cargo.lock"
        if runs_a_script(crate) and crate["name"] not in scripts:
            yield f"{name} runs a script on the builder's machine"
    for name, found in versions.items():
        if len(found) > 1 and name not in skipped:
            yield f"{name} is there as {' and '.join(sorted(found))}"
    for name in sorted((scripts | skipped) - versions.keys()):
        yield f"{name} is named in deny.toml, and nothing needs it any more"


def runs_a_script(crate):
    return any("custom-build" in target["kind"] for target in crate["targets"])


def judges_itself():
    """The judge on what it must and must not let pass."""
    allowed = {"MIT", "ISC", "Zlib"}
    for spdx, good in (("MIT", True), ("GPL-3.0", False), ("GPL-3.0 OR MIT", True), ("MIT AND GPL-3.0", False), ("(GPL-3.0 OR MIT) AND ISC", True),
                       ("(MIT AND GPL-2.0) OR Zlib", True), ("MIT AND (GPL-2.0 OR GPL-3.0)", False)):
        assert permitted(spdx, allowed) == good, spdx
    crate = {"name": "a", "version": "1", "license": "GPL-3.0", "source": "git+https://example.org", "targets": [{"kind": ["custom-build"]}]}
    other = {**crate, "version": "2"}
    rules = {"licenses": {"allow": ["MIT"]}, "sources": {"allow-registry": ["r"]}, "bans": {"build": {"allow-build-scripts": ["gone"]}, "skip": []}}
    assert len(list(faults([(crate, None), (other, "sum")], rules))) == 9


def main():
    judges_itself()
    rules = tomllib.loads((HERE / "deny.toml").read_text())
    found, linked = {}, set()
    for target in TARGETS:
        crates = Crates(target)
        linked |= {crate["id"] for crate in crates.linked()}
        found |= {crate["id"]: (crate, crates.checksum(crate)) for crate in crates.linked() + crates.build_only()}
    ordered = sorted(found.values(), key=lambda one: (one[0]["name"], one[0]["version"]))
    print(f"{'crate':24} {'version':10} {'unsafe':>7}  in the binary  builds by a script  licence")
    for crate, _ in ordered:
        print(f"{crate['name']:24} {crate['version']:10} {uses_unsafe(crate):7}  {'yes' if crate['id'] in linked else 'no':13}  "
              f"{'yes' if runs_a_script(crate) else 'no':18}  {expression(crate)}")
    wrong = list(faults(ordered, rules))
    for fault in wrong:
        print(f"FAILED {fault}", file=sys.stderr)
    if wrong:
        print(f"supply chain: {len(wrong)} faults in {len(ordered)} crates, see initramfs/release/deny.toml", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
