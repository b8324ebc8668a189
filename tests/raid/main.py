"""Arrays that ironlet makes, puts together and deletes, as mdadm and the kernel see them. main.py KERNEL IRONLET MDADM FOLDER [CASE…]"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "identity"))
import machine  # noqa: E402

GIB = 1 << 30
DISKS = 4
SIZE = GIB + 256 * (1 << 20)
# mdadm's words for what Ironic calls so.
LEVELS = {"0": "raid0", "1": "raid1", "1+0": "raid10", "5": "raid5", "6": "raid6"}
# Seconds from the order to two arrays of four disks in use, the program's start included, in a machine without KVM.
LONGEST = 6.0


class Broken(Exception):
    """What was said is not what was to be said."""


def require(holds, why):
    if not holds:
        raise Broken(why)


def done(told, tag, failed=False):
    """The result of a step that had to succeed, or its log if it had to fail; the seconds it took."""
    code, ended, began = told[f"{tag}-code"].split()
    require((code != "0") == failed, f"{tag}: ended with {code}: {told[f'{tag}-log']}")
    return told[f"{tag}-log"] if failed else told[tag], float(ended) - float(began)


def field(text, name):
    found = re.search(rf"^ *{re.escape(name)} : (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else None


def levels(told):
    """mdadm and the kernel take every level for what was asked, whole and clean, and it can be taken apart and assembled"""
    slowest = 0
    for level, word in LEVELS.items():
        _, seconds = done(told, f"create-{level}")
        slowest = max(slowest, seconds)
        mirror, other = (told[f"detail-{level}-md{number}"] for number in (0, 1))
        for text, kind, name in ((mirror, "raid1", "root"), (other, word, "data")):
            require(field(text, "Raid Level") == kind and field(text, "Version") == "1.2", f"{level}: {text}")
            require(field(text, "Name") == name, f"{level}: {text}")
            state = set(re.split(r", ", field(text, "State")))
            require(not state & {"degraded", "FAILED", "Not Started", "inactive"}, f"{level}: {text}")
            require((field(text, "Raid Devices"), field(text, "Active Devices") or "4") == ("4", "4"), f"{level}: {text}")
        examined = told[f"examine-{level}"]
        require("correct" in (field(examined, "Checksum") or "") and field(examined, "Name") == "root", examined)
        bitmap = told[f"bitmap-{level}"]
        require(field(bitmap, "Magic") == "6d746962" and "dirty" in (field(bitmap, "Bitmap") or ""), bitmap)
        table = told[f"table-{level}"]
        require("No problems found" in table, table)
        start = re.search(r"^ +1 +(\d+) +(\d+)", table, re.MULTILINE)
        require(start and (int(start[1]), int(start[2])) == (551 * 2048, GIB // 512 - 1), table)
        require(told[f"read-{level}"] == told[f"written-{level}"] != "", f"{level}: read {told[f'read-{level}']}, written {told[f'written-{level}']}")
        again = told[f"again-{level}"]
        require(again.count("Raid Level") == 2 and "degraded" not in again, f"{level}: {told[f'assemble-{level}']} {again}")
        done(told, f"delete-{level}")
        require(not told[f"bare-{level}"].strip(), f"{level}: left over: {told[f'bare-{level}']}")
    require(slowest <= LONGEST, f"making two arrays took {slowest:.1f} s")
    return f"two arrays at a time in {slowest:.1f} s at the most"


def foreign(told):
    """arrays that mdadm made, of every version, are put together, and not a byte is written; then they are deleted"""
    for version in ("0.90", "1.0", "1.1", "1.2"):
        done(told, f"kept-{version}")
        require("active (auto-read-only) raid1" in told[f"mdstat-{version}"], f"{version}: {told[f'mdstat-{version}']}")
        require(told[f"state-{version}"].split() == ["read-auto"], f"{version}: {told[f'state-{version}']}")
        require(told[f"before-{version}"] == told[f"after-{version}"] != "", f"{version}: disks were written")
        done(told, f"delete-{version}")
        require(not told[f"bare-{version}"].strip(), f"{version}: left over: {told[f'bare-{version}']}")
    return "0.90, 1.0, 1.1, 1.2"


def keep(told):
    """a volume to be spared survives cleaning and deletion, what shares its disks is emptied, and only what lacks is made again"""
    for tag in ("keep-create", "keep-metadata", "keep-delete", "keep-again", "keep-later", "keep-end"):
        done(told, tag)
    require("KEPT" in told["keep-blkid"] and "GONE" not in told["keep-blkid"], told["keep-blkid"])
    require(told["keep-there"].count(" md") == 2, told["keep-there"])
    require(told["keep-before"] == told["keep-after"] != "", "what was kept is not what it was")
    root = told["keep-root"]
    require("/dev/md" not in root.split(" ")[0] or "data" not in root, root)
    require(not told["keep-bare"].strip(), f"left over: {told['keep-bare']}")
    return told["keep-there"].replace("\n", " ").strip()


def leftovers(told):
    """what is left of Intel's and DDF's arrays goes; arrays on a skipped disk stay; partitions and wrong configurations are refused"""
    before = told["left-before"]
    require("isw_raid_member" in before and "ddf_raid_member" in before, f"{told['ddf-made']} {before}")
    done(told, "left-delete")
    require("raid_member" not in told["left-after"], told["left-after"])
    for tag in ("away-create", "away-kept", "away-delete", "away-erase", "parts-erase"):
        done(told, tag)
    require(told["away-mdstat"].count("auto-read-only") == 2 and "[4/3]" in told["away-mdstat"], told["away-mdstat"])
    done(told, "away-again", failed=True)
    require(not told["away-bare"].strip(), f"left over: {told['away-bare']}")
    for tag in ("parts-create", "wrong-config", "wrong-size"):
        done(told, tag, failed=True)
    require(not told["wrong-bare"].strip(), f"left over: {told['wrong-bare']}")
    return "isw, ddf, a member away, partitions, five problems at once, no room"


CASES = {"levels": levels, "foreign": foreign, "keep": keep, "leftovers": leftovers}


def main():
    kernel, ironlet, mdadm, folder, *wanted = sys.argv[1:]
    kernel, folder = Path(kernel).resolve(), Path(folder).resolve()
    wanted = wanted or list(CASES)
    machine.MODULES += ["md_mod", "raid0", "raid1", "raid10", "raid456"]
    disks = []
    for number in range(DISKS):
        file = folder / f"disk{number}"
        with open(file, "wb") as out:
            out.truncate(SIZE)
        disks += ["-drive", f"file={file},format=raw,if=virtio,cache=unsafe,discard=unmap,detect-zeroes=unmap"]
    (folder / "mdadm").write_text(str(Path(mdadm).resolve()))
    (folder / "cases").write_text("\n".join(wanted))
    files = [folder / "mdadm", folder / "cases", *HERE.glob("case-*.sh")]
    ramdisk = machine.ramdisk(folder, kernel, ironlet, HERE / "task.sh", files)
    told = machine.run(folder, kernel, ramdisk, disks, DISKS, seconds=1200)
    failed = 0
    for name in wanted:
        try:
            print(f"raid {name}: {CASES[name].__doc__}: {CASES[name](told)}", flush=True)
        except (Broken, KeyError) as broken:
            failed += 1
            print(f"raid {name}: FAILED: {broken!r}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machine.Broken as broken:
        sys.exit(f"raid: {broken}")
