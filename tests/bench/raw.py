"""raw: one image with its SHA-256 from the web server to a block device"""

import images
import measure
from ironlet import Ironlet
from place import HERE, IPA_PYTHON, MIB, loop_device, nginx

IPA = "IPA 13's streaming loop"
PIPE = "curl | tee >(sha256sum) | dd"
# What each stage can do alone; the slowest is the best anybody could reach.
ALONE = ("fio direct write", "bare SHA-256 (openssl)", "curl to /dev/null")


def run(limits, options):
    image = images.noise(options.mib)
    with nginx() as port, loop_device("raw", image.size + 64 * MIB) as device:
        ironlet = Ironlet(port)
        url = ironlet.url(image)
        ipa = [IPA_PYTHON, HERE / "ipa.py", url, image.sha256, device]
        fio = "fio --name=w --rw=write --bs=1M --direct=1 --ioengine=libaio --iodepth=4 --end_fsync=1".split()
        pipe = f"curl -s {url} | tee >(sha256sum >/dev/null) | dd of={device} oflag=direct iflag=fullblock bs=4M conv=fsync"
        commands = {
            PIPE: ["bash", "-o", "pipefail", "-c", pipe],
            ALONE[0]: [*fio, f"--filename={device}", f"--size={image.size}"],
            ALONE[1]: ["openssl", "dgst", "-sha256", image.path],
            ALONE[2]: ["curl", "-sf", "-o", "/dev/null", url],
        }
        peers = {"ironlet": ironlet.peer(image, device), IPA: lambda: measure.run_timed_inside(ipa)}
        peers |= {name: lambda argv=argv: measure.run(argv) for name, argv in commands.items()}
        costs = measure.rounds(options.rounds, peers)
    own, gib = costs["ironlet"], options.mib / 1024
    head = ("", "MiB/s", "CPU s/GiB", "RSS MiB", "own speed is")
    limits.table(head, [(name, options.mib / c.wall, c.cpu / gib, c.rss, f"{c.wall / own.wall:.2f}×") for name, c in costs.items()])
    slowest = max(ALONE, key=lambda name: costs[name].wall)

    def against(name, ratio):
        return measure.paired(own, costs[name], ratio)

    def speed(own, other):
        return other.wall / own.wall

    limits.least(f"speed / that of the slowest stage alone ({slowest})", against(slowest, speed), 0.9)
    limits.least(f"speed / {IPA}", against(IPA, speed), 1.5)
    # Process against process, from start to end. Against the loop without Python's start the digest and receiving alone, which both
    # need, take all that is allowed: the last figure of the three.
    limits.most(f"CPU seconds per GiB, whole processes / {IPA}", against(IPA, lambda own, ipa: own.cpu / ipa.whole), 0.5)
    limits.inform("the same, our whole process / IPA's loop without Python's start", against(IPA, lambda own, ipa: own.cpu / ipa.cpu))
    limits.inform("that of the digest and of curl alone / IPA's loop", (costs[ALONE[1]].cpu + costs[ALONE[2]].cpu) / costs[IPA].cpu)
    limits.least(f"speed / {PIPE}", against(PIPE, speed), 1.0)
    limits.most("peak resident memory", own.rss, 24, "MiB")
