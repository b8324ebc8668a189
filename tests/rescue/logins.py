"""Logins with hashes of every kind, by the programs of a rescue ramdisk; what the sources take is what both programs can check.
logins.py FOLDER; FOLDER holds rescue.cpio.xz."""

import crypt
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

PASSWORD, PORT = "rescue-me-7", 2222
# Settings as crypt(5) has them: what each kind's hash begins with, and a salt.
SETTINGS = {
    "$5$": "$5$saltstring", "$6$": "$6$saltstring", "$6$rounds=": "$6$rounds=10000$saltstring",
    "$y$": "$y$j9T$F5Jx5fExrKuPp53xLKQ..1", "$gy$": "$gy$j9T$F5Jx5fExrKuPp53xLKQ..1", "$7$": "$7$CU..../....2Q9obwLhin8qvQl6sisAO/",
    "$2a$": "$2a$05$abcdefghijklmnopqrstuu", "$2b$": "$2b$05$abcdefghijklmnopqrstuu", "$2y$": "$2y$05$abcdefghijklmnopqrstuu",
}


def taken():
    """The kinds that the agent takes, and those of which it says that a console would not, by its sources."""
    text = Path("src/rescue/password_hash.rs").read_text()
    return [re.findall(r'"([^"]+)"', re.search(rf"const {name}: [^=]*= &\[([^\]]*)\]", text)[1]) for name in ("KNOWN", "BY_SSH_ALONE")]


def by_ssh(folder):
    ask = folder / "ask"
    ask.write_text(f"#!/bin/sh\necho {PASSWORD}\n")
    ask.chmod(0o755)
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "PubkeyAuthentication=no", "NumberOfPasswordPrompts=1"]
    said = subprocess.run(
        ["ssh", "-p", str(PORT), *(word for option in options for word in ("-o", option)), "rescue@127.0.0.1", "echo in-$((6*7))"],
        env={**os.environ, "SSH_ASKPASS": str(ask.resolve()), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return said.stdout.strip() == "in-42"


def on_a_console(tree):
    child, console = pty.fork()
    if child == 0:
        os.chroot(tree)
        os.chdir("/")
        os.execv("/bin/busybox", ["login", "-p", "rescue"])
    said, step, end = b"", 0, time.monotonic() + 60
    while time.monotonic() < end and b"in-42" not in said and b"ncorrect" not in said:
        if not select.select([console], [], [], 1)[0]:
            continue
        try:
            said += os.read(console, 1000)
        except OSError:
            break
        for number, (asked, answer) in enumerate(((b"assword", PASSWORD), (b"# ", "echo in-$((6*7))"))):
            if step == number and asked in said:
                os.write(console, answer.encode() + b"\n")
                step += 1
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(console)
    return b"in-42" in said


def main(folder):
    folder = Path(folder)
    tree = folder / "tree"
    for place in ("dev/pts", "proc", "etc"):
        (tree / place).mkdir(parents=True, exist_ok=True)
    subprocess.run(f"xz -dc {folder}/rescue.cpio.xz | (cd {tree} && cpio -idmu --quiet)", shell=True, check=True)
    for command in (["ip", "link", "set", "lo", "up"], ["mount", "--bind", "/dev", tree / "dev"], ["mount", "--bind", "/dev/pts", tree / "dev/pts"],
                    ["mount", "-t", "proc", "proc", tree / "proc"]):
        subprocess.run(command, check=True)
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nrescue:x:0:0:rescue:/root:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\ntty:x:5:\n")
    shadow = tree / "etc/shadow"
    both, ssh_alone = taken()
    good, count = 0, 0
    with open(folder / "dropbear.log", "w") as log:
        server = subprocess.Popen(["chroot", tree, "/usr/sbin/dropbear", "-F", "-E", "-R", "-p", f"127.0.0.1:{PORT}"], stderr=log)
    try:
        time.sleep(1)
        for kind, setting in SETTINGS.items():
            shadow.write_text(f"root:*::0:99999:7:::\nrescue:{crypt.crypt(PASSWORD, setting)}::0:99999:7:::\n")
            shadow.chmod(0o600)
            found = by_ssh(folder), on_a_console(tree)
            begins = [kind.startswith(known) for known in both]
            expected = (True, True) if any(begins) else (True, False) if kind in ssh_alone else None
            count += 1
            good += found == expected
            print(f"{'ok    ' if found == expected else 'FAILED'} {kind}: by SSH {found[0]}, on a console {found[1]}, "
                  f"{'taken' if any(begins) else 'refused'}", flush=True)
    finally:
        server.kill()
        server.wait()
    print(f"logins: {good} of {count} tests held")
    return 0 if good == count else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
