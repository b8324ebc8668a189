"""One bill of materials beside what it is of: bill.py FILE. CycloneDX's own validator says whether it is one; every module and firmware file in
the initramfs is listed with its digest, and nothing else is; every crate linked is one of Cargo.lock's and has its text in the notices."""

import hashlib
import json
import re
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

TOP = Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "initramfs/release"))

import contents  # noqa: E402


def faults(path):
    text = path.read_text()
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong:
        yield str(wrong)
        return
    bill = json.loads(text)
    listed = {part["name"]: part["hashes"][0]["content"] for component in bill["components"] for part in component.get("components", [])}
    initramfs = Path(str(path).replace(".cdx.json", ".initramfs"))
    inside = {name: hashlib.sha256(data).hexdigest() for name, data in contents.files(initramfs.read_bytes()).items()
              if name.endswith(".ko") or "lib/firmware/" in name}
    if listed != inside:
        yield f"listed and inside differ: {sorted(set(listed.items()) ^ set(inside.items()))[:4]}"
    published = {file["name"]: file["hashes"][0]["content"] for file in bill["metadata"]["component"]["components"]}
    for name, digest in published.items():
        if hashlib.sha256((path.parent / name).read_bytes()).hexdigest() != digest:
            yield f"{name} is not what it says"
    lock = (TOP / "Cargo.lock").read_text()
    notices = (path.parent / "THIRD-PARTY-NOTICES.txt").read_text()
    for component in bill["components"]:
        if component.get("purl", "").startswith("pkg:cargo/"):
            named = f'name = "{component["name"]}"\nversion = "{component["version"]}"\n'
            if named not in lock:
                yield f"{component['name']} is not in Cargo.lock"
        elif "licenses" not in component:
            yield f"{component['name']} has no licence"
        if component["name"] not in ("rust-std", "musl") and not re.search(rf"^{re.escape(component['name'])} {re.escape(component['version'])} \(", notices, re.MULTILINE):
            yield f"{component['name']} {component['version']} is not in the notices"


def main(path, quiet=False):
    found = list(faults(Path(path)))
    if not quiet:
        bill = json.loads(Path(path).read_text())
        parts = sum(len(component.get("components", [])) for component in bill["components"])
        print("; ".join(found) or f"CycloneDX {bill['specVersion']}, {len(bill['components'])} components, {parts} modules and firmware files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--quiet" in sys.argv))
