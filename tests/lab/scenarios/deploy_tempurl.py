"""From a real Swift by a temporary URL; an expired one and a wrong signature are refused at once, and no log holds a signature."""

import hashlib
import re
import subprocess
import time

import disk
import image
import place
import swift
from stand import Stand
from verdict import require

KEY = "the account's key"
ENOUGH = 600
# Kind of URL → (key that signs, seconds it is valid, what the error has to say).
REFUSED = {
    "expired": (KEY, -60, r"401.*temporary URL.*expired on"),
    "of a wrong signature": ("another key", ENOUGH, r"401.*temporary URL.*signature"),
}


def run(directory):
    source = image.noise("tempurl", 64)
    cloud = swift.Swift(directory).start()
    stand = Stand(directory)
    cloud.ready().set_key(KEY)
    path = cloud.upload(source)
    url, signature = swift.temporary_url(path, KEY, ENOUGH)
    ordered = stand.deploy(source, url=url)
    stand.deployed(source, "tempurl", ordered)
    collected = list(stand.ironic.collected())
    require(collected, "Ironic collected no logs from the agent")
    for name, text in [("console.log", stand.console.log_path.read_text()), *collected]:
        require(signature not in text, f"{name} holds the URL's signature")
        require("temp_url_sig" not in text, f"{name} holds the URL's query")
    print(f"  active by a temporary URL of Swift, {source.stat().st_size >> 20} MiB in segments; then booted from disk", flush=True)

    alone(directory, path, source)


def alone(directory, path, source):
    """ironlet by itself, writing to a file: what takes no machine."""
    target, wanted = directory / "file.raw", disk.digest(source)

    def write(url):
        with open(target, "wb") as file:
            file.truncate(source.stat().st_size)
        started = time.monotonic()
        done = subprocess.run(
            [place.IRONLET, "--write-image", url, "--checksum", f"sha256:{wanted}", "--disk", target, "--allow-disk", target],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )
        return done.returncode == 0, done.stdout, time.monotonic() - started

    written, said, _ = write(swift.temporary_url(path, KEY, ENOUGH, hashlib.sha1)[0])
    require(written and disk.digest(target) == wanted, f"a URL signed with SHA-1, which Swift still takes, did not do: {said}")
    for kind, (key, seconds, hint) in REFUSED.items():
        url, signature = swift.temporary_url(path, key, seconds)
        written, said, took = write(url)
        require(not written, f"a URL that is {kind} was good enough")
        require(re.search(hint, said), f"the error does not say /{hint}/: {said}")
        require(signature not in said, f"the error holds the URL's signature: {said}")
        require(took < 10, f"it took {took:.0f} s to refuse a URL that is {kind}")
        print(f"  {kind}: refused after {took:.1f} s: {said.splitlines()[-1]}", flush=True)
