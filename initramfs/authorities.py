"""Prints the PEM certificates of its input, each without its signature.

An authority vouches for itself by standing in the bundle; what it signed its own certificate with is read by nobody, and is bytes that
no compressor makes smaller."""

import base64
import re
import sys

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def ending(der, at):
    """Where the DER value that begins at `at` has its content, and where it ends."""
    length, content = der[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        content += digits
        length = int.from_bytes(der[content - digits : content], "big")
    return content, content + length


def unsigned(der):
    """SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING } (RFC 5280 §4.1) with no bit in the signature."""
    fields, end = ending(der, 0)
    _, algorithm = ending(der, fields)
    _, signature = ending(der, algorithm)
    kept = der[fields:signature] + b"\x03\x01\x00"
    # Below 256 bytes the length would be written otherwise, and no certificate with a key is that short.
    if end != len(der) or der[signature] != 0x03 or ending(der, signature)[1] != end or len(kept) < 256:
        raise SystemExit("authorities: a certificate is not as RFC 5280 has it")
    return b"\x30\x82" + len(kept).to_bytes(2, "big") + kept


for text in CERTIFICATE.findall(sys.stdin.read()):
    print("-----BEGIN CERTIFICATE-----")
    print(base64.b64encode(unsigned(base64.b64decode(text))).decode())
    print("-----END CERTIFICATE-----")
