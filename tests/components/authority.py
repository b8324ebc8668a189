"""Throwaway certificates: an authority, two others, and what they signed."""

from place import command

SIGNED = {
    # name: (authority, names, day it ends)
    "good": ("authority", "DNS:images.test,DNS:cache.test,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1", "20991231000000Z"),
    "expired": ("authority", "DNS:images.test", "20200102000000Z"),
    "elsewhere": ("authority", "DNS:elsewhere.test", "20991231000000Z"),
    "unknown": ("stranger", "DNS:images.test", "20991231000000Z"),
    "agent": ("authority", "DNS:agent.test", "20991231000000Z"),
}

CONFIG = """
[ca]
default_ca = here
[here]
dir = {folder}
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def make(folder):
    """NAME.crt and NAME.key for every name above, authority.crt, stranger.crt and opener.crt."""
    (folder / "index").write_text("")
    config = folder / "ca.conf"
    config.write_text(CONFIG.format(folder=folder))
    fresh = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    # The last is that of a proxy which opens TLS, and signs by itself.
    for name in ("authority", "stranger", "opener"):
        command("openssl", "req", "-x509", *fresh, "-days", "3650", "-subj", f"/CN={name}",
                "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    for name, (signer, names, end) in SIGNED.items():
        request = folder / f"{name}.req"
        command("openssl", "req", *fresh, "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
                "-keyout", folder / f"{name}.key", "-out", request)
        command("openssl", "ca", "-batch", "-notext", "-config", config, "-in", request, "-out", folder / f"{name}.crt",
                "-cert", folder / f"{signer}.crt", "-keyfile", folder / f"{signer}.key",
                "-startdate", "20200101000000Z", "-enddate", end)
