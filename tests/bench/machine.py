"""machine.py RAM_MIB IMAGE SHA256 RAW — one machine without an Ironic, started at once with the ramdisk, deploys IMAGE; says how it
went in a line. Moves into a network namespace of its own first: only there does QEMU's user-mode network lead nowhere.
"""

import os
import queue
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from place import DIST, MIB, TOP, WORK, own

sys.path.insert(0, str(TOP / "tests/demo"))
from images import Images  # noqa: E402

PORT = 8080
DEADLINE = 150
GOOD = re.compile(r"image: .* on /dev/vda in ([0-9.]+) s")
# What there is no coming back from; a machine short of memory can also just stand still.
BAD = re.compile(r"Kernel panic|the deploy failed|Out of memory|System is deadlocked|Initramfs unpacking failed|restarting the agent")


def qemu(ram, disk, image, sha256):
    append = "console=ttyS0,115200 loglevel=6 panic=-1 no_timer_check ironlet.disk=/dev/vda ironlet.then=poweroff"
    append += f" ironlet.image=http://10.0.2.2:{PORT}/{image.name} ironlet.checksum=sha256:{sha256}"
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", ram, "-smp", "1"]
    command += ["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"]
    command += ["-kernel", DIST / "ironlet.kernel", "-initrd", DIST / "ironlet.initramfs", "-append", append]
    command += ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe,discard=unmap"]
    command += ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"]
    return subprocess.Popen(own(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def listen(pipe, log, news):
    with open(log, "wb") as file:
        for line in pipe:
            file.write(line)
            file.flush()
            text = line.decode(errors="replace")
            if BAD.search(text):
                news.put(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\x00]", "", text).strip())
            elif GOOD.search(text):
                news.put(None)
    news.put("the machine went off")


def main(ram, image, sha256, raw):
    if os.environ.get("IRONLET_BENCH_CELL") != "yes":
        os.environ["IRONLET_BENCH_CELL"] = "yes"
        os.execvp("unshare", ["unshare", "-n", sys.executable, "-B", __file__, ram, image, sha256, raw])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    image, raw = Path(image), Path(raw)
    disk, log = WORK / "disk-floor", WORK / f"floor-{ram}.log"
    with open(disk, "wb") as file:
        file.truncate(raw.stat().st_size + 64 * MIB)
    news, started = queue.Queue(), time.monotonic()
    with Images(PORT, {image.name: image}, lambda *_: None):
        machine = qemu(ram, disk, image, sha256)
        ear = threading.Thread(target=listen, args=(machine.stdout, log, news), name="console")
        ear.start()
        try:
            trouble = news.get(timeout=DEADLINE)
            if trouble is None:
                machine.wait(timeout=30)
        except queue.Empty:
            trouble = f"nothing more within {DEADLINE} s"
        except subprocess.TimeoutExpired:
            trouble = "written, but the machine does not go off"
        finally:
            machine.kill()
            machine.wait()
            ear.join()
    if trouble is None and subprocess.run(["cmp", "--quiet", "-n", str(raw.stat().st_size), disk, raw]).returncode:
        trouble = "what is on the disk is not the image"
    disk.unlink()
    print(f"{trouble or 'deployed'}; {time.monotonic() - started:.0f} s")
    return 1 if trouble else 0


sys.exit(main(*sys.argv[1:]))
