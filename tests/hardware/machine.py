"""A machine without KVM: its console as lines to wait for, and its keyboard."""

import re
import socket
import subprocess
import threading
import time


# Of a console that did not say what it was to say, where nobody can look at the log.
LAST_LINES = 12


class Broken(Exception):
    """The machine did not do what it was to do."""


class Machine:
    """Runs from here on; `arguments` are QEMU's, `append` the kernel's beside the console; without an `append` the firmware chooses what
    to start. `emulator` is QEMU's program and the processor's name, `serial` what the kernel calls the serial port."""

    def __init__(self, folder, name, ram, append, arguments, initramfs=None, kernel=None, screen=False,
                 emulator=("qemu-system-x86_64", "max"), serial="ttyS0,115200"):
        self.log = folder / f"{name}.log"
        self._monitor = folder / f"{name}.monitor"
        self._lines, self._news, self._off = [], threading.Condition(), False
        initramfs = initramfs or folder / "initramfs"
        system = [
            "-kernel", str(kernel or folder / "kernel"), "-initrd", str(initramfs),
            "-append", f"{'console=tty0 ' if screen else ''}console={serial} loglevel=7 panic=-1 no_timer_check {append}",
        ]
        self.process = subprocess.Popen(
            [
                emulator[0], "-accel", "tcg", "-cpu", emulator[1], "-m", str(ram), "-smp", "1",
                "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
                "-monitor", f"unix:{self._monitor},server=on,wait=off",
                *([] if append is None else system),
                *(["-vga", "std"] if screen else []),
                *arguments,
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._listen, name=name, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _listen(self):
        with open(self.log, "w", buffering=1) as log:
            for raw in self.process.stdout:
                line = re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]|\x1bc|[\r\x00]", "", raw.decode(errors="replace")).rstrip()
                log.write(line + "\n")
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._off = True
            self._news.notify_all()

    def expect(self, pattern, seconds):
        """The first line there is that matches, as a match."""
        wanted, deadline, seen = re.compile(pattern), time.monotonic() + seconds, 0
        with self._news:
            while True:
                for line in self._lines[seen:]:
                    if found := wanted.search(line):
                        return found
                seen = len(self._lines)
                left = deadline - time.monotonic()
                if self._off or left <= 0:
                    why = "before the machine went off" if self._off else f"within {seconds} s"
                    last = "".join(f"\n       | {line}" for line in self._lines[-LAST_LINES:])
                    raise Broken(f"no line with /{pattern}/ {why}, see {self.log}, which ends:{last}")
                self._news.wait(left)

    def never_said(self, pattern):
        """Fails if a line of what was heard so far matches."""
        with self._news:
            said = [line for line in self._lines if re.search(pattern, line)]
        if said:
            raise Broken(f"the console says: {said[0]}")

    def screen(self):
        """The rows that a VGA screen in text mode shows."""
        dump = self.log.with_suffix(".vga")
        self.ask(f'pmemsave 0xb8000 0x8000 "{dump}"')
        text = dump.read_bytes()[::2].decode("cp437")
        return [text[at : at + 80].rstrip() for at in range(0, len(text), 80)]

    def press(self, keys):
        """Types on the keyboard that QEMU gave the machine last."""
        self.ask(f"sendkey {keys}")

    def ask(self, question):
        """One command to QEMU's monitor."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(10)
            monitor.connect(str(self._monitor))
            # A command that is still on its way when the line drops is lost.
            for command in (f"{question}\n", ""):
                heard = b""
                while b"(qemu) " not in heard:
                    heard += monitor.recv(4096) or b"(qemu) "
                monitor.sendall(command.encode())

    def goes_off(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Broken(f"the machine is still on after {seconds} s, see {self.log}") from None
