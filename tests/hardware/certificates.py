"""Certificates of a server that a machine in QEMU reaches at its gateway, 10.0.2.2."""

import subprocess


def certificates(folder):
    """server.crt and server.key of a server that vouches for itself, and stranger.crt."""
    folder.mkdir(exist_ok=True)
    for name in ("server", "stranger"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                        "-addext", "subjectAltName=IP:10.0.2.2", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"],
                       check=True, capture_output=True)
    return folder
