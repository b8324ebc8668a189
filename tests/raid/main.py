"""Arrays that ironlet makes, puts together and deletes, as mdadm and the kernel see them. main.py KERNEL IRONLET MDADM FOLDER [CASE…]"""

import json
import re
import statistics
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
# The same for one mirror of two disks.
LONGEST_MIRROR = 2.0
# Of one disk's, onto the mirror of two such disks, while it synchronises.
LEAST_SPEED = 0.9


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


def errors(told, words):
    """Of all that ironlet ended with, what has these words; in a ramdisk it says that on the console."""
    return [line for line in re.findall(r"error ironlet: (.*)", told["console"]) if words in line]


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


def fail(told):
    """a member that fails in creation is named, and nothing half made is left on it or on the others"""
    reasons = []
    for bad in BAD_SECTORS:
        done(told, f"fail-{bad}", failed=True)
        said = errors(told, f"writing /dev/{bad} at byte")
        require(len(said) == 1 and "I/O error" in said[0] and "Software RAID" in said[0], f"{bad}: {said}")
        require(not told[f"fail-left-{bad}"].strip(), f"{bad}: left over: {told[f'fail-left-{bad}']}")
        reasons.append(said[0])
    done(told, "fail-good")
    done(told, "fail-delete")
    require(not told["fail-bare"].strip(), f"left over: {told['fail-bare']}")
    return f"{len(BAD_SECTORS)} failures, such as: {reasons[0]}"


def names(told):
    """an array is spared, and chosen, by each of its names; one that cannot be put together is written by nobody"""
    spared = [tag.removeprefix("names-after-") for tag in told if tag.startswith("names-after-")]
    for tag in spared:
        done(told, f"names-{tag}")
        require(told[f"names-after-{tag}"] == told["names-before"] != "", f"not spared as the volume {tag}")
    chosen = [tag.removeprefix("names-root-") for tag in told if tag.startswith("names-root-")]
    for tag in chosen:
        done(told, f"names-by-{tag}")
        require(told[f"names-by-after-{tag}"] == told["names-before"], f"not spared by the name {tag}")
        require("/dev/md127" in told[f"names-root-{tag}"].splitlines()[-1].split(" ")[0], f"{tag}: {told[f'names-root-{tag}']}")
    require((len(spared), len(chosen)) == (6, 4), f"{spared} {chosen}")
    for tag, words in (("lone", "'lone', raid5"), ("ddf", "DDF's"), ("isw", "Intel's")):
        require(told[f"apart-before-{tag}"] == told[f"apart-after-{tag}"] != "", f"{tag} was written")
        apart = [line for line in errors(told, "a member of an array that is not put together: ") if words in line]
        require([line for line in apart if "no disk to deploy to" in line], f"{tag} was chosen: {apart}")
        require([line for line in apart if "refusing to write /dev/vda" in line], f"{tag} was written by hand: {apart}")
    require("/dev/vda" in told["apart-root-erased"].splitlines()[-1].split(" ")[0], told["apart-root-erased"])
    for tag in ("names-delete", "apart-erase", "apart-delete", "apart-end"):
        done(told, tag)
    require(not (told["names-bare"] + told["apart-bare"]).strip(), f"left over: {told['names-bare']} {told['apart-bare']}")
    return f"{', '.join(spared)}; a lone member, DDF's and Intel's are left alone"


def speed(told):
    """a mirror is made in two seconds, and an image gets onto it as fast as onto one disk"""
    made, ratios = [], []
    for turn in range(1, 6):
        _, seconds = done(told, f"speed-create-{turn}")
        made.append(seconds)
        require("resync" in told[f"speed-mdstat-{turn}"], told[f"speed-mdstat-{turn}"])
        require(told[f"speed-same-{turn}"].strip() == "1", "what is on the array is not the image")
        _, one = done(told, f"speed-one-{turn}")
        _, array = done(told, f"speed-array-{turn}")
        ratios.append(one / array)
    ratio = statistics.median(ratios)
    figures = f"made in {statistics.median(made):.2f} s; speed onto it {ratio:.2f} of one disk's ({', '.join(f'{own:.2f}' for own in ratios)})"
    require(ratio >= LEAST_SPEED and statistics.median(made) <= LONGEST_MIRROR, figures)
    return figures


def odd(told):
    """sectors of 4096 bytes beside others, disks of very different sizes, and a disk that vanishes in mid-creation"""
    for level in ("0", "5"):
        done(told, f"odd-create-{level}")
        require(told[f"odd-detail-{level}"].count("Raid Level") == 2 and "degraded" not in told[f"odd-detail-{level}"], told[f"odd-detail-{level}"])
        require("No problems found" in told[f"odd-table-{level}"], told[f"odd-table-{level}"])
        require(told[f"odd-read-{level}"].startswith(told[f"odd-written-{level}"].strip()) and "degraded" not in told[f"odd-read-{level}"],
                f"{level}: {told[f'odd-written-{level}']} {told[f'odd-assemble-{level}']} {told[f'odd-read-{level}']}")
        size, theirs = int(told[f"odd-size-{level}"]), int(told[f"odd-mdadm-{level}"])
        require(abs(size - theirs) <= 2, f"level {level} has {size} MiB, and mdadm makes {theirs} MiB of the same partitions")
        done(told, f"odd-delete-{level}")
        require(not told[f"odd-bare-{level}"].strip(), f"left over: {told[f'odd-bare-{level}']}")
    gone = [tag.removeprefix("odd-gone-bare-") for tag in told if tag.startswith("odd-gone-bare-")]
    failures = []
    for delay in gone:
        code = told[f"odd-gone-{delay}-code"].split()[0]
        if code != "0":
            failures.append(delay)
            require(not told[f"odd-gone-left-{delay}"].strip(), f"{delay}: left over: {told[f'odd-gone-left-{delay}']}")
        done(told, f"odd-gone-delete-{delay}")
        require(not told[f"odd-gone-bare-{delay}"].strip(), f"{delay}: left over: {told[f'odd-gone-bare-{delay}']}")
    said = [line for line in errors(told, "") if re.search(r"/dev/sd|\bsd[a-z]", line)]
    require(len(said) >= len(failures) and "panicked" not in told["console"], f"{failures}: {errors(told, '')}")
    return f"of {len(gone)} disks that vanished {len(failures)} failed the creation: {sorted({re.sub('.*error ironlet: ', '', line) for line in said})}"


CASES = {"levels": levels, "foreign": foreign, "keep": keep, "leftovers": leftovers, "odd": odd, "fail": fail, "names": names, "speed": speed}

# Disks that fail to write one sector: the first superblock, the second bitmap, the table at the end, the first sector.
BAD_SECTORS = {"vde": 551 * 2048 + 8, "vdf": GIB // 512 + 24, "vdg": SIZE // 512 - 1, "vdh": 0}
# Bytes in a second that QEMU lets through to the disks on which times are compared.
SLOW = ("vde", "vdf"), 32 << 20

# One with sectors of 4096 bytes, and one on a bus where it can be taken away.
ODD = "vdg", "sda"


def further_disks(folder, wanted):
    """QEMU's arguments for the disks of single cases."""
    arguments = []
    if "fail" not in wanted:
        return arguments + slow_and_odd_disks(folder) if {"speed", "odd"} & set(wanted) else arguments
    for name, sector in BAD_SECTORS.items():
        node = {"driver": "blkdebug", "node-name": name, "image": {"driver": "file", "filename": str(fresh(folder / name))},
                "inject-error": [{"event": "none", "iotype": "write", "sector": sector, "errno": 5, "once": False}]}
        arguments += ["-blockdev", json.dumps(node), "-device", f"virtio-blk-pci,drive={name}"]
    return arguments


def slow_and_odd_disks(folder):
    arguments = []
    for name in SLOW[0]:
        arguments += ["-drive", f"file={fresh(folder / name)},format=raw,if=none,id={name},cache=unsafe,throttling.bps-write={SLOW[1]}",
                      "-device", f"virtio-blk-pci,drive={name}"]
    arguments += ["-drive", f"file={fresh(folder / ODD[0])},format=raw,if=none,id=large,cache=unsafe",
                  "-device", "virtio-blk-pci,drive=large,logical_block_size=4096,physical_block_size=4096",
                  "-device", "virtio-scsi-pci", "-drive", f"file={fresh(folder / ODD[1], 3 * SIZE)},format=raw,if=none,id=far,cache=unsafe",
                  "-device", "scsi-hd,drive=far"]
    return arguments


def fresh(path, size=SIZE):
    with open(path, "wb") as out:
        out.truncate(size)
    return path


def archive(kernel, ironlet, folder):
    """the archive of logs of a machine with 64 disks"""
    disks = ["-device", "virtio-scsi-pci,id=bus"]
    for number in range(64):
        disks += ["-blockdev", f"driver=null-co,read-zeroes=on,size={GIB},node-name=n{number}",
                  "-device", f"scsi-hd,bus=bus.0,scsi-id={number},drive=n{number},serial=LAB-{number:04}"]
    ramdisk = machine.ramdisk(folder, kernel, ironlet, HERE / "archive.sh", [])
    told = machine.run(folder, kernel, ramdisk, disks, 64)
    seconds = []
    for turn in range(1, 6):
        code, ended, began = told[f"posted-{turn}"].split()
        require(code == "0", told[f"result-{turn}"])
        seconds.append(float(ended) - float(began))
    size, files = int(told["bytes"]), told["files"].split()
    figures = f"{told['disks'].strip()} disks: collected and posted in {statistics.median(seconds):.2f} s, {size} bytes, {files[0]} files, lsblk has {files[1]}"
    require(told["disks"].strip() == "64" and statistics.median(seconds) <= 2 and 1000 < size <= 2 << 20 and int(files[1]) >= 64, figures)
    return figures


def main():
    kernel, ironlet, mdadm, folder, *wanted = sys.argv[1:]
    kernel, folder = Path(kernel).resolve(), Path(folder).resolve()
    if wanted == ["archive"]:
        print(f"raid archive: {archive.__doc__}: {archive(kernel, ironlet, folder)}")
        return 0
    wanted = wanted or list(CASES)
    machine.MODULES += ["md_mod", "raid0", "raid1", "raid10", "raid456"]
    failed = 0
    # Who cleans all disks of a machine would clean those that fail, too.
    for group in (["fail"], [name for name in CASES if name != "fail"]):
        if own := [name for name in wanted if name in group]:
            failed += play(kernel, ironlet, mdadm, folder, own)
    return 1 if failed else 0


def play(kernel, ironlet, mdadm, folder, wanted):
    """Those cases in one machine; how many failed."""
    disks = []
    for number in range(DISKS):
        # Devices of the same kind are named in their order, and those that have no device of their own come last.
        disks += ["-drive", f"file={fresh(folder / f'disk{number}')},format=raw,if=none,id=disk{number},cache=unsafe,discard=unmap,detect-zeroes=unmap",
                  "-device", f"virtio-blk-pci,drive=disk{number}"]
    further = further_disks(folder, wanted)
    disks += further
    (folder / "further").write_text(f"BAD='{' '.join(BAD_SECTORS)}' SLOW='{' '.join(SLOW[0])}' ODD='{' '.join(ODD)}'\n")
    (folder / "mdadm").write_text(str(Path(mdadm).resolve()))
    (folder / "cases").write_text("\n".join(wanted))
    files = [folder / "mdadm", folder / "cases", folder / "further", *HERE.glob("case-*.sh")]
    ramdisk = machine.ramdisk(folder, kernel, ironlet, HERE / "task.sh", files)
    told = machine.run(folder, kernel, ramdisk, disks, DISKS + "".join(further).count("drive="), seconds=1200)
    told["console"] = (folder / "console.log").read_text(errors="replace")
    failed = 0
    for name in wanted:
        try:
            print(f"raid {name}: {CASES[name].__doc__}: {CASES[name](told)}", flush=True)
        except (Broken, KeyError) as broken:
            failed += 1
            print(f"raid {name}: FAILED: {broken!r}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except machine.Broken as broken:
        sys.exit(f"raid: {broken}")
