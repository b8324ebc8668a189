"""cuts: bytes fetched where the network cuts, on average, 1 of 100 MiB; IPA beside it"""

import statistics

import images
import measure
from cutting import Cutting
from ironlet import Ironlet
from limits import table
from place import HERE, IPA_PYTHON, MIB, Broken, loop_device, nginx

# One percent of all MiBs see a cut.
BETWEEN_CUTS = 100 * MIB


def run(limits, options):
    image = images.noise(options.mib)
    rows, ratios = [], {"ironlet": [], "IPA 13": []}
    with nginx() as port, loop_device("cuts", image.size + 64 * MIB) as device:
        for seed in range(1, options.rounds + 1):
            for name, tried in (("ironlet", own), ("IPA 13", ipa)):
                with Cutting(port, BETWEEN_CUTS, seed) as proxy:
                    done = tried(proxy, image, device, seed)
                ratio = proxy.delivered / image.size
                ratios[name].append(ratio)
                rows.append((f"{name}, chance {seed}", proxy.connections, proxy.cuts, ratio, "done" if done else "gave up"))
    table((f"{options.mib} MiB", "connections", "cuts", "fetched/size", ""), rows)
    if not any(cuts for _, _, cuts, *_ in rows):
        raise Broken("nothing was cut")
    limits.most("ironlet: bytes fetched / image size, the worst", max(ratios["ironlet"]), 1.02)
    print(f"  IPA 13: bytes fetched / image size, the median{statistics.median(ratios['IPA 13']):29.2f}")


def own(proxy, image, device, seed):
    ironlet = Ironlet(proxy.port)
    (ironlet.write_and_compare if seed == 1 else ironlet.write)(image, device)
    return True


def ipa(proxy, image, device, _):
    url = Ironlet(proxy.port).url(image)
    return measure.run([IPA_PYTHON, HERE / "ipa.py", url, image.sha256, device], may_end=3).code == 0
