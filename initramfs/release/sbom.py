"""The bill of materials of one profile and architecture, as CycloneDX 1.6 has it: sbom.py OPTIONS prints it. Equal input gives equal bytes.

What is listed is what is in the finished initramfs, module for module and firmware file for firmware file, and the crates that cargo links."""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True

import contents
import debian
from crates import Crates, expression

# Not crates, and in the binary all the same.
RUST = "MIT OR Apache-2.0"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--arch", required=True)
    parser.add_argument("--initramfs", type=Path, required=True)
    parser.add_argument("--kernel", type=debian.unpacked, required=True, help="where the kernel's package lies unpacked")
    parser.add_argument("--firmware", type=debian.unpacked, action="append", default=[], help="the same of a package with firmware")
    parser.add_argument("--loader", type=debian.either, action="append", default=[], help="a package that is on the boot media: its folder, or the name of one that is installed")
    parser.add_argument("files", type=Path, nargs="*", help="what is published")
    return parser.parse_args()


def licensed(text):
    """A name the kernel or Debian has for a licence is not always one of SPDX's."""
    return [{"license": {"name": text}}]


def digest(data):
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]


def crate(package, checksum, scope):
    purl = f"pkg:cargo/{package['name']}@{package['version'].replace('+', '%2B')}"
    found = {
        "type": "library", "bom-ref": purl, "name": package["name"], "version": package["version"], "scope": scope,
        "licenses": [{"expression": expression(package)}], "purl": purl,
    }
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return found


def package(of, kind, licenses, parts=()):
    found = {
        "type": kind, "bom-ref": debian.purl(of), "publisher": "Debian", "name": of.name, "version": of.version,
        "licenses": licenses, "purl": debian.purl(of),
    }
    if parts:
        found["components"] = list(parts)
    return found


def module(path, data):
    """A kernel module, and the licence it declares to the kernel."""
    declared = re.search(rb"\0license=([^\0]+)\0", b"\0" + data)
    name = Path(path).stem
    found = {"type": "file", "bom-ref": f"module/{name}", "name": path, "hashes": digest(data)}
    if declared:
        found["licenses"] = licensed(declared[1].decode())
    return found


def firmware(packages, files):
    """The packages whose files are there, each with those. Every firmware file has to be one of theirs."""
    left = dict(files)
    for of in packages:
        own = {}
        for path in list(left):
            inner = path.split("lib/firmware/", 1)[1]
            if any((of.home / "lib/firmware" / (inner + packed)).exists() for packed in ("", ".xz", ".zst")):
                own[path] = left.pop(path)
        if own:
            parts = [{"type": "file", "bom-ref": f"firmware/{path}", "name": path, "hashes": digest(data)} for path, data in sorted(own.items())]
            yield package(of, "firmware", [entry for name in debian.licences(of) for entry in licensed(name)], parts)
    if left:
        raise SystemExit(f"sbom.py: no package is known for {', '.join(sorted(left))}")


def rust():
    """The standard library, and the C library under it."""
    version = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    yield {"type": "library", "bom-ref": "rust-std", "name": "rust-std", "version": version, "licenses": [{"expression": RUST}],
           "externalReferences": [{"type": "website", "url": "https://www.rust-lang.org/"}]}
    yield {"type": "library", "bom-ref": "musl", "name": "musl", "licenses": [{"license": {"id": "MIT"}}],
           "description": f"as Rust {version} brings it for its musl targets", "externalReferences": [{"type": "website", "url": "https://musl.libc.org/"}]}


def main():
    wanted = arguments()
    crates = Crates(f"{wanted.arch}-unknown-linux-musl")
    inside = contents.files(wanted.initramfs.read_bytes())
    modules = [module(path, data) for path, data in sorted(inside.items()) if path.endswith(".ko")]
    blobs = {path: data for path, data in inside.items() if "lib/firmware/" in path}
    kernel = [{"expression": "GPL-2.0-only WITH Linux-syscall-note"}]
    components = [crate(each, crates.checksum(each), "required") for each in crates.linked()]
    components += [crate(each, crates.checksum(each), "excluded") for each in crates.build_only()]
    components += rust()
    components.append(package(wanted.kernel, "operating-system", kernel, modules))
    components += firmware(wanted.firmware, blobs)
    for of in [debian.either("ca-certificates"), *wanted.loader]:
        components.append(package(of, "data" if of.name == "ca-certificates" else "application", [entry for short in debian.licences(of) for entry in licensed(short)]))
    me = f"pkg:generic/ironlet@{wanted.version}?profile={wanted.profile}&arch={wanted.arch}"
    reference = {None: me}
    dependencies = []
    for parent, children in crates.edges():
        ref = me if parent["id"] == crates.root else f"pkg:cargo/{parent['name']}@{parent['version'].replace('+', '%2B')}"
        dependencies.append({"ref": ref, "dependsOn": sorted({f"pkg:cargo/{child['name']}@{child['version'].replace('+', '%2B')}" for child in children})})
    others = [component["bom-ref"] for component in components if not component["bom-ref"].startswith("pkg:cargo/")]
    for entry in dependencies:
        if entry["ref"] == reference[None]:
            entry["dependsOn"] = sorted({*entry["dependsOn"], *others})
    files = [{"type": "file", "bom-ref": f"file/{path.name}", "name": path.name, "hashes": digest(path.read_bytes())} for path in sorted(wanted.files)]
    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": me, "name": "ironlet", "version": wanted.version, "licenses": [{"license": {"id": "Apache-2.0"}}],
                          "purl": me, "components": files},
            "properties": [{"name": "ironlet:profile", "value": wanted.profile}, {"name": "ironlet:architecture", "value": wanted.arch}],
        },
        "components": components,
        "dependencies": sorted(dependencies, key=lambda entry: entry["ref"]),
    }
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))}"
    json.dump(bill, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
