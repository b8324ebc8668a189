"""Where figures are taken: a web server on the loopback, loop devices over files made here, a tmpfs; all gone at the end."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
DIST = TOP / "dist"
WORK = TOP / "target" / "bench"
# What the web server serves; kept from run to run.
WWW = WORK / "www"
IPA_PYTHON = TOP / "target/tools/ipa-venv/bin/python"
MIB = 1 << 20
GIB = 1 << 30
# Neither zeros nor anything an image holds: what was not written shows.
OLD = b"\xa5" * MIB

NGINX = """
user root; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err; worker_processes 1;
events {{ worker_connections 64; }}
http {{ access_log off; sendfile on; client_body_temp_path {work}/t1; proxy_temp_path {work}/t2;
  fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  {tls}
  server {{ listen 127.0.0.1:{port}; root {www}; location /slow/ {{ alias {www}/; limit_rate {slow}; }} }} }}
"""


TLS = "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem; root {www}; }}"


class Broken(Exception):
    """A figure that could not be taken; says why."""


def output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def own(argv):
    """A server's command line, so made that it never outlives whoever started it."""
    return ["setpriv", "--pdeathsig", "KILL", *map(str, argv)]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def sweep():
    """Takes away what a run that was killed left behind."""
    WWW.mkdir(parents=True, exist_ok=True)
    for line in output("losetup", "--noheadings", "--raw", "--output", "NAME,BACK-FILE").splitlines():
        device, _, backing = line.partition(" ")
        if backing.startswith(f"{WORK}/disk-"):
            subprocess.run(["losetup", "--detach", device], check=True)
    for disk in WORK.glob("disk-*"):
        disk.unlink()
    if os.path.ismount(WORK / "tmpfs"):
        subprocess.run(["umount", WORK / "tmpfs"], check=True)


@contextlib.contextmanager
def nginx(slow=0, tls=False):
    """Serves WWW, and below /slow/ with so many bytes a second; gives the port. By HTTPS too, one port further, with the certificate in WORK."""
    port = free_port()
    secure = TLS.format(work=WORK, www=WWW, port=port + 1) if tls else ""
    conf = WORK / "nginx.conf"
    conf.write_text(NGINX.format(work=WORK, www=WWW, port=port, slow=slow, tls=secure))
    server = subprocess.Popen(own(["nginx", "-c", conf, "-p", WORK]))
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"nginx does not answer, see {WORK}/nginx.err")
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def loop_device(name, size, sparse=False, sector=512):
    """A block device over a file, with direct I/O all the way down. Unless `sparse`, every byte was written once, so that no
    peer pays for the file's growth."""
    backing = WORK / f"disk-{name}"
    with open(backing, "wb") as disk:
        disk.truncate(size)
        for _ in range(0 if sparse else size // MIB):
            disk.write(OLD)
        os.fsync(disk.fileno())
    try:
        device = output("losetup", "--find", "--show", "--direct-io=on", f"--sector-size={sector}", str(backing))
        try:
            yield device
        finally:
            subprocess.run(["losetup", "--detach", device], check=True)
    finally:
        backing.unlink()


@contextlib.contextmanager
def tmpfs(size):
    directory = WORK / "tmpfs"
    directory.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "bench", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)


def same(device, path):
    """Does the device begin with the bytes of this file?"""
    size = str(path.stat().st_size)
    return subprocess.run(["cmp", "--quiet", "-n", size, device, path]).returncode == 0
