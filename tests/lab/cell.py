"""A cell: namespaces that hold everything one scenario starts.

Network, process and mount namespaces of their own: nothing a scenario does leaves the machine, its mounts are
nobody else's, and when the cell's first process goes, the kernel kills whatever else is still inside. That is the whole
clean-up, and it holds for a failure, a Ctrl-C and a SIGKILL of the lab alike.
"""

import ctypes
import os
import signal
import subprocess
import sys

# include/uapi/linux/sched.h
CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1

LIBC = ctypes.CDLL(None, use_errno=True)


def start(work):
    """Start `work()` (an exit code) in a new cell; the process to wait for, whose exit code is that one or 130 after an interrupt."""
    sys.stdout.flush()
    doorkeeper = os.fork()
    if doorkeeper == 0:
        os._exit(_keep_door(work))
    return doorkeeper


def wait_any(cells):
    """Wait for the end of one of these cells: which one, and its exit code. A SIGTERM meanwhile is for all of them."""
    def forward(number, frame):
        for cell in cells:
            os.kill(cell, signal.SIGTERM)
    # Ctrl-C reaches the whole process group by itself.
    before = signal.signal(signal.SIGTERM, forward), signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        cell, status = os.wait()
        return cell, _code(status)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before):
            signal.signal(number, handler)


def _keep_door(work):
    # unshare(CLONE_NEWPID) moves only later children, hence a process between the lab and the cell's first one.
    _check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    _check(LIBC.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET), "unshare (the lab needs root)")
    first = os.fork()
    if first == 0:
        os._exit(_be_first(work))
    return _wait(first)


def _be_first(work):
    """Pid 1 of the cell: fork the worker, reap what falls to us, leave with the worker's code."""
    _check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    worker = os.fork()
    if worker == 0:
        os._exit(_work(work))
    _forward(worker)
    while True:
        pid, status = os.wait()
        # libvirt waits for the death of orphans it sees as zombies, so they have to be reaped here.
        if pid == worker:
            return _code(status)


def _work(work):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _mounts()
        code = work()
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        print(f"lab: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _mounts():
    for command in (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "proc", "proc", "/proc"],
        # sysfs shows the network devices of the namespace it was mounted from; libvirt looks the bridge up there.
        ["mount", "-t", "sysfs", "sysfs", "/sys"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"],
        ["ip", "link", "set", "lo", "up"],
    ):
        subprocess.run(command, check=True)


def _wait(pid):
    _forward(pid)
    while True:
        try:
            return _code(os.waitpid(pid, 0)[1])
        except InterruptedError:
            continue


def _forward(pid):
    """Hand SIGTERM down to the worker. Ctrl-C reaches the whole process group by itself, so here it is only ignored."""
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(pid, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _code(status):
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
