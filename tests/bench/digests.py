"""digests: what each makes of memory in a second of processor time, beside OpenSSL"""

import re
import statistics
import subprocess

import measure
from place import TOP, Broken

# Built beside the binary, of the same code.
PROGRAM = TOP / "target/x86_64-unknown-linux-musl/release/examples/digests"
MIB = 512
# The others are what sha2 and md-5 make of them; OpenSSL has assembly for them that no crate has.
LIMITS = {"SHA-256": 0.95}


def run(limits, options):
    if not PROGRAM.exists():
        raise Broken(f"{PROGRAM} is not there: ./build.sh bench builds it")
    rows, ratios = [], []
    for name, algorithm in (("SHA-256", "sha256"), ("SHA-512", "sha512"), ("MD5", "md5")):
        pairs = [(own(algorithm), openssl(algorithm)) for _ in range(options.rounds)]
        rows.append((name, *(statistics.median(side) for side in zip(*pairs))))
        ratios.append((name, statistics.median(one / other for one, other in pairs)))
    limits.table(("MiB in a second", "ironlet", "OpenSSL"), rows)
    for name, ratio in ratios:
        said = f"{name}: speed / OpenSSL's"
        limits.least(said, ratio, LIMITS[name]) if name in LIMITS else limits.inform(said, ratio)


def own(algorithm):
    return MIB / (int(measure.run([PROGRAM, algorithm, MIB]).output) / 1e9)


def openssl(algorithm):
    # It measures processor time itself; the line for scripts ends in bytes per second.
    argv = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "16384", algorithm]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"^\+F:.*:([0-9.]+)$", told, re.MULTILINE)[1]) / (1 << 20)
