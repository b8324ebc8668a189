import base64
import hashlib
import subprocess
import time
import types

import requests

import odd
from case import case
from image import MIB
from place import PORTS
from world import PASSWORD, USER, proxy, url

LOGIN = dict(image_server_auth_strategy="http_basic", image_server_user=USER, image_server_password=PASSWORD)


def digests(address):
    """Of what two clients that everybody knows make of it; none where they take it for no answer."""
    got = {}
    words = ["curl", "-sfgL", "--http1.1", "--max-time", "20", address]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    got["curl"] = hashlib.sha256(done.stdout).hexdigest() if done.returncode == 0 else None
    try:
        session = requests.Session()
        session.trust_env = False
        answer = session.get(address, timeout=20)
        got["requests"] = hashlib.sha256(answer.content).hexdigest() if answer.status_code == 200 else None
    except (requests.exceptions.RequestException, UnicodeError):
        got["requests"] = None
    return got


REFUSED = {"no-last-chunk": "before its answer had its last chunk", "half": "expected sha256",
           "endless-head": "larger than 32768 bytes"}


@case("whatever curl or python-requests takes with the right digest is taken, and more; what is cut is told")
def taken(here):
    stricter = dict.fromkeys(("curl", "requests"), 0)
    for name in odd.ANSWERS:
        address = url("odd", f"/{name}/image.raw")
        peers = digests(address)
        outcome = here.alone(address)
        if name in REFUSED:
            here.refused(outcome, REFUSED[name])
            assert here.image.sha256 not in peers.values(), f"{name}: {peers}"
            continue
        assert outcome.succeeded, f"{name}: {outcome.details}; peers: {peers}"
        here.deployed(outcome)
        for peer, digest in peers.items():
            stricter[peer] += digest != here.image.sha256
    # Else nobody would have to be odd.
    assert all(stricter.values()), stricter


@case("twenty redirects are followed, one more is not")
def hops(here):
    here.deployed(here.alone(url("odd", "/hop-20/image.raw")))
    here.refused(here.alone(url("odd", "/hop-21/image.raw")), "more than 20 redirects")


@case("a server that fails at every Range is asked three times, and once without")
def parts(here):
    for status in (500, 501, 502, 503):
        here.deployed(here.order(url("odd", f"/fails-at-parts-{status}/image.raw")))
        asked = here.odd.asked(f"fails-at-parts-{status}")
        # Two further attempts are allowed; the last is one more.
        assert len(asked) == 4, asked


@case("TLS without close_notify: the whole body is taken by its digest, half of it never")
def hung_up(here):
    for name in ("old", "aws-chunked", "signed", "no-trailers"):
        here.deployed(here.order(url("odd_tls", f"/{name}/image.raw")))
    here.refused(here.order(url("odd_tls", "/half/image.raw")), "ImageChecksumError", "expected sha256")
    here.refused(here.order(url("odd_tls", "/no-last-chunk/image.raw")), "before its answer had its last chunk")


@case("of a gzip label the digest decides: a packed file as it lies there, or what a server packed on its way")
def labelled(here):
    here.deployed(here.order(url("odd", "/gzip/image.raw")))
    # nginx, with the label on a file.
    here.deployed(here.order(url("http", "/encoded/image.raw")))
    lies_there = hashlib.sha256(odd.packed(here.image.bytes)).hexdigest()
    image = types.SimpleNamespace(bytes=here.image.bytes, sha256=lies_there)
    here.deployed(here.alone(url("odd", "/packed-file/image.raw.gz"), image))
    # The name says that the file is packed, and the digest is of what is in it.
    here.deployed(here.alone(url("odd", "/packed-file/image.raw.gz")))


@case("a server, a proxy or a handshake that dribbles ends with the time that is allowed")
def dribbling(here):
    started = here.agent("hurried")
    tests = {name: dict(url=url("odd", f"/{name}/image.raw")) for name in odd.SPEECHES if name != "dribbling-handshake"}
    tests["handshake"] = dict(url=f"https://127.0.0.1:{PORTS['odd_handshake']}/i")
    tests["tunnel"] = dict(url="https://127.0.0.1:9/i", proxy=f"http://127.0.0.1:{PORTS['odd_handshake']}")
    for name, words in tests.items():
        began = time.monotonic()
        here.refused(started.order(image=here.image, **words), "ipa-image-download-max-duration")
        took = time.monotonic() - began
        # Two seconds to choose the disk, two that are allowed; the machine may be busy.
        assert took < 10, f"{name}: {took:.1f} s"


@case("a config drive is fetched past the proxies, images and checksums by them")
def past_proxies(here):
    drive = b"config-2, as it were" + bytes(2048)
    (here.work / "www/drive").write_bytes(drive)
    (here.work / "www/SUMS").write_text(f"{here.image.sha256}  image.raw\n")
    # All three are fetched; but the disk has no room for one more partition.
    here.refused(here.order(url("http", "/proxied/image.raw"), proxy=proxy(), configdrive=url("http", "/past/drive"),
                            os_hash_value=url("http", "/summed/SUMS")), "DeploymentError")
    for path, by_proxy in (("/proxied/image.raw", True), ("/summed/SUMS", True), ("/past/drive", False)):
        (seen,) = here.origin.asked(path, 1)
        assert bool(seen["via"]) == by_proxy, seen


@case("a checksum file on the image's host gets its login at any port, on another host never")
def login(here):
    (here.work / "www/SUMS-login").write_text(f"{here.image.sha256}  image.raw\n")
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for name, sums, shown in (("port", url("https", "/login-port/SUMS-login"), wanted),
                              ("host", url("mirror", "/login-host/SUMS-login", host="mirror.test"), "")):
        here.deployed(here.order(url("http", f"/basic/image.raw?{name}"), os_hash_value=sums, **LOGIN))
        (seen,) = here.origin.asked(f"/login-{name}/SUMS-login", 1)
        assert seen["authorization"] == shown, seen


@case("a config drive that is all there by its length or last chunk is taken, though TLS was not ended; one without either is not")
def drives(here):
    disk = here.agent("believer").disk
    size = disk.size
    # Room for the image, and for the drive's partition behind it.
    disk.size = 80 * MIB
    try:
        for name, whole in (("identity", True), ("signed", True), ("old", False)):
            outcome = here.order(url("odd", "/identity/image.raw"), configdrive=url("odd_tls", f"/{name}/drive"))
            if not whole:
                here.refused(outcome, "the config drive", "hung up without ending TLS")
                continue
            assert outcome.succeeded, f"{name}: {outcome.details}"
            content = disk.path.read_bytes()
            start = max(int.from_bytes(content[at + 8:at + 12], "little") for at in range(446, 510, 16)) * 512
            assert content[start:start + len(here.image.bytes)] == here.image.bytes, f"{name}: the drive is not on the disk"
    finally:
        disk.size = size
