"""cases: a raw image where something is not as usual: HTTPS, SHA-512, sectors of 4 KiB, a slow disk, a slow network, one core"""

import subprocess

import images
import measure
from ironlet import Ironlet
from place import MIB, WORK, Broken, loop_device, nginx
from slow import slowed

# A disk slower than the network, and a network slower than the disk: 1 Gbit/s.
DISK, NETWORK = 200 * MIB, 118_000_000
ONE_CORE = ["taskset", "-c", "0"]


def run(limits, options):
    image = images.noise(options.mib // 2)
    size = image.size + 64 * MIB
    certificate()
    with nginx(NETWORK, tls=True) as port, loop_device("cases", size) as device, loop_device("sectors", size, sector=4096) as large:
        beside_pipes(limits, options, image, port, device, large)
        one_core(limits, options, image, port, device)
        slow_disk(limits, options, image, port, device)
        slow_network(limits, options, image, port, device)


def certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", WORK / "key.pem", "-out", WORK / "cert.pem"],
                   check=True, stderr=subprocess.DEVNULL)


def pipe(url, device, digest="sha256sum"):
    return measured(f"curl -s --cacert {WORK}/cert.pem {url} | tee >({digest} >/dev/null) | dd of={device} oflag=direct iflag=fullblock bs=4M conv=fsync")


def measured(script, prefix=()):
    return lambda: measure.run([*prefix, "bash", "-o", "pipefail", "-c", script])


def fio(device, image, prefix=()):
    words = f"fio --name=w --rw=write --bs=1M --direct=1 --ioengine=libaio --iodepth=4 --end_fsync=1 --filename={device} --size={image.size}"
    return lambda: measure.run([*prefix, *words.split()])


def beside_pipes(limits, options, image, port, device, large):
    plain = Ironlet(port)
    # Its authorities are the machine's: the server's own certificate stands in for them, for that process alone.
    trusting = f'mount --bind {WORK}/cert.pem /etc/ssl/certs/ca-certificates.crt && exec "$@"'
    tls = Ironlet(port, ["unshare", "--mount", "sh", "-c", trusting, "sh"], scheme="https")
    sha512 = Ironlet(port, algorithm="sha512")
    for name, ironlet, disk, digest, alone in (
        ("HTTPS", tls, device, "sha256sum", None),
        ("SHA-512", sha512, device, "sha512sum", ["openssl", "dgst", "-sha512", image.path]),
        ("sectors of 4 KiB", plain, large, "sha256sum", None),
    ):
        peers = {"ironlet": ironlet.peer(image, disk), f"curl | tee >({digest}) | dd": pipe(ironlet.url(image), disk, digest)}
        if alone:
            peers["bare digest (openssl)"] = lambda argv=alone: measure.run(argv)
        costs = measure.rounds(options.rounds, peers)
        own, other, *stage = costs.values()
        limits.table((f"{name}, {image.size // MIB} MiB", "MiB/s", "CPU s", "RSS MiB"), [(peer, image.size / MIB / c.wall, c.cpu, c.rss) for peer, c in costs.items()])
        limits.least(f"{name}: speed / that of the pipe", measure.paired(own, other, faster), 1.5)
        for one in stage:
            limits.least(f"{name}: speed / that of the digest alone", measure.paired(own, one, faster), 0.9)


def one_core(limits, options, image, port, device):
    ironlet = Ironlet(port, ONE_CORE)
    stages = {
        "SHA-256 alone (openssl)": lambda: measure.run([*ONE_CORE, "openssl", "dgst", "-sha256", image.path]),
        "receiving alone (curl)": lambda: measure.run([*ONE_CORE, "curl", "-sf", "-o", "/dev/null", ironlet.url(image)]),
        # One write after the other: no thread of its own that costs more.
        "writing alone (dd)": measured(f"dd if={image.path} of={device} oflag=direct iflag=fullblock bs=1M conv=fsync status=none", ONE_CORE),
    }
    costs = measure.rounds(options.rounds, {"ironlet": ironlet.peer(image, device), **stages})
    own, *stages = costs.values()
    limits.table((f"one core, {image.size // MIB} MiB", "seconds", "CPU s"), [(name, c.wall, c.cpu) for name, c in costs.items()])
    # A disk and a network wait for nobody's processor: of the stages only what they cost it counts.
    sums = [sum(of) for of in zip(*([cost.cpu for cost in stage.rounds] for stage in stages))]
    limits.least("one core: speed / one over the sum of what the stages cost alone", middle(sums, own, "wall"), 0.85)
    limits.inform("the same of processor time: theirs / its own", middle(sums, own, "cpu"))


def middle(sums, own, field):
    ratios = sorted(alone / getattr(cost, field) for alone, cost in zip(sums, own.rounds))
    return ratios[len(ratios) // 2]


def slow_disk(limits, options, image, port, device):
    with slowed(DISK) as prefix:
        costs = measure.rounds(options.rounds, {"ironlet": Ironlet(port, prefix).peer(image, device), "fio direct write": fio(device, image, prefix)})
    own, alone = costs.values()
    if image.size / alone.wall > 1.2 * DISK:
        raise Broken("the disk was not slowed")
    told(limits, f"a disk of {DISK // MIB} MiB/s", image, costs, own, alone)


def slow_network(limits, options, image, port, device):
    ironlet = Ironlet(port, path="slow/")
    fetch = lambda: measure.run(["curl", "-sf", "-o", "/dev/null", ironlet.url(image)])  # noqa: E731
    costs = measure.rounds(min(options.rounds, 3), {"ironlet": ironlet.peer(image, device), "curl to /dev/null": fetch})
    told(limits, "a network of 1 Gbit/s", image, costs, *costs.values())


def told(limits, name, image, costs, own, alone):
    limits.table((name, "MiB/s", "CPU s"), [(peer, image.size / MIB / c.wall, c.cpu) for peer, c in costs.items()])
    limits.least(f"{name}: speed / what it can do alone", measure.paired(own, alone, faster), 0.9)


def faster(own, other):
    return other.wall / own.wall
