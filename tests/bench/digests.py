"""digests: what each makes of memory in a second of processor time, beside OpenSSL, with and without instructions for SHA-256"""

import os
import re
import statistics
import subprocess

import measure
from place import TOP, Broken

# Built beside the binary, of the same code.
PROGRAM = TOP / "target/x86_64-unknown-linux-musl/release/examples/digests"
MIB = 512
# What OPENSSL_ia32cap(3) takes away: bit 29 of the seventh leaf's EBX.
MASKED = {"OPENSSL_ia32cap": ":~0x20000000"}


def run(limits, options):
    if not PROGRAM.exists():
        raise Broken(f"{PROGRAM} is not there: ./build.sh bench builds it")
    rows, ratios = [], []
    for name, algorithm, masked in (("SHA-256", "sha256", False), ("SHA-256, masked", "sha256", True), ("SHA-512", "sha512", False), ("MD5", "md5", False)):
        pairs = [(own(algorithm, masked), openssl(algorithm, masked)) for _ in range(options.rounds)]
        rows.append((name, *(statistics.median(side) for side in zip(*pairs))))
        ratios.append((name, statistics.median(one / other for one, other in pairs)))
    limits.table(("MiB in a second", "ironlet", "OpenSSL"), rows)
    for name, ratio in ratios:
        limits.least(f"{name}: speed / OpenSSL's", ratio, 0.95)


def own(algorithm, masked):
    return MIB / (int(measure.run([PROGRAM, algorithm, MIB, *(["masked"] if masked else [])]).output) / 1e9)


def openssl(algorithm, masked):
    # It measures processor time itself; the line for scripts ends in bytes per second.
    argv = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "16384", algorithm]
    told = subprocess.run(argv, env=os.environ | (MASKED if masked else {}), capture_output=True, text=True, check=True).stdout
    return float(re.search(r"^\+F:.*:([0-9.]+)$", told, re.MULTILINE)[1]) / (1 << 20)
