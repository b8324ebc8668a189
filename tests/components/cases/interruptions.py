import json
import os
import threading
import time

from case import case
from image import MADE, MIB, Image
from place import PORTS
from service import patiently
from world import url

# Of the bytes of the image (the issue's own limit).
LIMIT = 1.02


def broken(here, path, between=lambda: None, image=None, served=None):
    """An order in whose middle the server is stopped, something done, and the server started again."""
    with here.alone_with_fragile:
        started, outcome = here.agent("believer"), []
        started.disk.refill()
        ordered = threading.Thread(target=lambda: outcome.append(started.order(url("fragile", path), image or here.image)))
        ordered.start()
        patiently(lambda: started.disk.reached(2 * MIB, served or image or here.image), 20, "nothing arrives")
        here.fragile.stop()
        between()
        here.fragile.start()
        ordered.join()
        return outcome[0]


@case("a server that is slow but steady is waited for")
def slow(here):
    began = time.monotonic()
    here.deployed(here.order(url("http", "/slow/image.raw")))
    assert time.monotonic() - began > 0.9, "the server was not slow at all"


@case("a server restarted in mid-body: the rest by Range and If-Range, no byte twice")
def restarted(here):
    here.deployed(broken(here, "/restarted/image.raw"))
    last = here.fragile.all_of("/restarted/image.raw")[-1]
    assert last["status"] == "206" and last["if_range"].startswith('"'), last
    start = int(last["range"].removeprefix("bytes=").removesuffix("-"))
    assert start > 2 * MIB and start + int(last["bytes"]) == len(here.image.bytes), last


@case("the same where the server knows no parts: the whole again, and only the rest is written")
def whole(here):
    here.deployed(broken(here, "/whole/image.raw"))
    last = here.fragile.all_of("/whole/image.raw")[-1]
    assert last["status"] == "200" and last["range"].startswith("bytes="), last


@case("the same where the server names no version either: it starts over")
def nameless(here):
    here.deployed(broken(here, "/nameless/image.raw"))
    last = here.fragile.all_of("/nameless/image.raw")[-1]
    assert last["status"] == "200" and not last["range"], last


def changed(here, later):
    """An image is replaced in mid-body by one that was made so many seconds later: nginx makes its ETag of time and length."""
    www = here.work / "www"
    for wanted in ("new", "old"):
        name = f"changing-{wanted}-{later}.raw"
        old, new = Image(www / name), Image(www / f"fresh-{later}.raw", changed=MADE + later)
        outcome = broken(here, f"/changed/{name}", lambda: os.rename(www / f"fresh-{later}.raw", www / name),
                         image=new if wanted == "new" else old, served=old)
        if wanted == "new":
            here.deployed(outcome, new)
        else:
            here.refused(outcome, "ImageChecksumError", old.sha256, new.sha256)


@case("an image that changed in between, its ETag too: starts over; it is the new one, or fails by its digest")
def changed_and_told(here):
    changed(here, later=60)


@case("an image that changed in between under the same ETag: the mixture fails by its digest, and it starts over")
def changed_silently(here):
    changed(here, later=0)


@case("connections cut at random: every byte once")
def chaos(here):
    relay = here.chaos(PORTS["http"], cut=0.4, seed=9)
    try:
        address = url("http", "/chaos/image.raw").replace(f"images.test:{PORTS['http']}", f"127.0.0.1:{relay.port}")
        here.deployed(here.alone(address))
    finally:
        relay.terminate()
        lines = [json.loads(line) for line in relay.communicate()[0].splitlines()]
    assert sum(line["cut"] for line in lines) >= 3, f"hardly anything was cut: {lines}"
    # Of a cut connection, the head of the answer counts too.
    fetched = sum(line["bytes"] for line in lines) / len(here.image.bytes)
    assert fetched <= LIMIT, f"{fetched:.3f} times the image: {lines}"


@case("ipa-image-download-max-duration is for all attempts together")
def max_duration(here):
    agent, began = here.agent("hurried"), time.monotonic()
    here.refused(agent.order(url("http", "/crawl/image.raw"), here.image), "longer than the 2s of ipa-image-download-max-duration")
    took = time.monotonic() - began
    # Two seconds to choose the disk, two that are allowed.
    assert 3.9 < took < 6, f"it took {took:.1f} s"


@case("Retry-After of a busy server is heeded")
def busy(here):
    began = time.monotonic()
    here.refused(here.order(url("http", "/busy/image.raw")), "HTTP status 503")
    here.origin.asked("/busy/image.raw", 3)
    took = time.monotonic() - began
    # Two seconds to choose the disk, and two pauses of which each is two seconds instead of half of one.
    assert took > 5.9, f"it took {took:.1f} s"
