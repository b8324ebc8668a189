"""An authority that nobody knows but those who are told of it, a server's certificate of its, and a ramdisk that believes it."""

import shutil
import subprocess

import network
import place

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
# Where the ramdisk has it; any name does.
IN_RAMDISK = "/etc/ssl/cache.crt"


def make(directory):
    """A directory with ca.crt and ca.key, and cache.crt and cache.key for a server at the lab's address."""
    folder = directory / "authority"
    folder.mkdir()
    _openssl("req", "-x509", *CURVE, "-days", "30", "-subj", "/CN=the cache's authority", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    _openssl("req", *CURVE, "-subj", "/CN=cache", "-addext", f"subjectAltName=IP:{network.ADDRESS}", "-keyout", folder / "cache.key", "-out", folder / "cache.req")
    _openssl("x509", "-req", "-in", folder / "cache.req", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial",
             "-days", "30", "-copy_extensions", "copy", "-out", folder / "cache.crt")
    return folder


def ramdisk(authority, path):
    """The ramdisk, with a configuration file and the certificate appended as one more archive: the kernel unpacks all of them."""
    tree = authority / "tree"
    conf = tree / "etc/ironic-python-agent.d"
    conf.mkdir(parents=True)
    (conf / "cache.conf").write_text(f"[DEFAULT]\ncafile = {IN_RAMDISK}\n")
    certificate = tree / IN_RAMDISK.lstrip("/")
    certificate.parent.mkdir()
    shutil.copy(authority / "ca.crt", certificate)
    names = "".join(f"{name.relative_to(tree)}\n" for name in sorted(tree.rglob("*")))
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(), cwd=tree, check=True, stdout=subprocess.PIPE)
    path.write_bytes(place.RAMDISK.read_bytes() + archive.stdout)


def _openssl(*words):
    subprocess.run(["openssl", *words], check=True, stderr=subprocess.DEVNULL)
