"""A disk that was asked to test itself by ironlet, as smartctl reads its log afterwards: `self_test.py KERNEL IRONLET FOLDER`."""

import re
import sys
from pathlib import Path

import machine

MIB = 1 << 20


def main():
    kernel, ironlet, folder = map(Path, sys.argv[1:])
    folder.mkdir()
    with open(folder / "disk.raw", "wb") as disk:
        disk.truncate(32 * MIB)
    disks = ["-drive", f"file={folder / 'disk.raw'},if=none,id=disk,format=raw,cache=unsafe", "-device", "ide-hd,drive=disk,bus=ide.0"]
    ramdisk = machine.ramdisk(folder, kernel, ironlet, machine.HERE / "self-test.sh", [])
    told = machine.run(folder, kernel, ramdisk, disks, wanted=1, memory=512, seconds=300)
    log = re.compile(r"^# 1 +(\S.*?\S) {2,}(\S.*?\S) {2,}", re.MULTILINE)
    before, after = log.search(told["before"]), log.search(told["after"])
    own = re.search(r'"/dev/sda":\{"method":"([^"]+)"', told["own"])
    if before or not after or not own:
        print(f"identity: no self-test: {told}")
        return 1
    print(f"ironlet: {own.group(1)}\nsmartctl: {after.group(1)}: {after.group(2)}")
    good = "self-test (SMART)" in own.group(1) and after.group(1, 2) == ("Extended offline", "Completed without error")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
