"""TLS handshakes with the announced certificate as the only trust anchor and the callback address as the name."""

import socket
import ssl
import subprocess
from urllib.parse import urlsplit

from agents import which

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def verified(life, version):
    """Offers this version alone, verifying as the conductor does (and presenting no certificate)."""
    url = urlsplit(life.base)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(life.anchor)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    try:
        with socket.create_connection((url.hostname, url.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=url.hostname) as secured:
                secured.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answered = secured.recv(12)
                return dict(ok=answered.startswith(b"HTTP/1.1 200"), version=secured.version())
    except OSError as failure:
        return dict(ok=False, why=str(failure))


def openssl(life):
    """The openssl program's own verdict, name checked against the callback address."""
    url = urlsplit(life.base)
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    done = subprocess.run(
        [which("openssl"), "s_client", "-connect", f"{host}:{url.port}", "-CAfile", life.anchor,
         "-verify_ip", url.hostname, "-verify_return_error", "-tls1_3"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return dict(verified=done.returncode == 0 and "Verify return code: 0 (ok)" in done.stdout,
                requests_client_certificate="No client certificate CA names sent" not in done.stdout,
                says=done.stderr[-400:])
