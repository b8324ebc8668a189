import base64

from case import case
from place import PORTS
from world import BEARER, PASSWORD, SIGNATURE, USER, url

LOGIN = dict(image_server_auth_strategy="http_basic", image_server_user=USER, image_server_password=PASSWORD)


def bearer(token):
    return base64.b64encode(f"Bearer {token}".encode()).decode()


@case("an image under a gzip label that has the digest neither packed nor unpacked is told with both")
def encoded(here):
    outcome = here.order(url("http", "/encoded/image.raw"), image=here.other)
    here.refused(outcome, "ImageChecksumError", "Content-Encoding: gzip", here.image.sha256, here.other.sha256)


@case("a login is shown: from the order, from the configuration file, from the URL; a wrong one is told as that")
def basic(here):
    address = url("http", "/basic/image.raw")
    here.deployed(here.order(address, **LOGIN))
    here.deployed(here.order(address, by="logged_in"))
    quoted = PASSWORD.replace(":", "%3A").replace("@", "%40")
    here.deployed(here.order(address.replace("://", f"://{USER}:{quoted}@")))
    here.refused(here.order(address), "HTTP status 401", "user and password")
    here.refused(here.order(address, **{**LOGIN, "image_server_password": f"{PASSWORD}!"}), "HTTP status 401")


@case("image_request_authorization is sent as it is, before any login")
def authorization(here):
    address = url("http", "/bearer/image.raw")
    here.deployed(here.order(address, image_request_authorization=bearer(BEARER), **LOGIN))
    here.refused(here.order(address, image_request_authorization=bearer("another")), "HTTP status 401")


@case("a page in HTML instead of the image is told as that")
def page(here):
    here.refused(here.order(url("http", "/page/image.raw")), "ImageChecksumError", "HTML")


@case("403, 404, 410 and 500 say what to try; the first three are asked once")
def statuses(here):
    for name, status, words, count in (("denied", 403, "denied", 1), ("lost", 404, "no such image", 1),
                                       ("gone", 410, "no such image", 1), ("broken", 500, "failed", 3)):
        path = f"/{name}/missing.raw"
        here.refused(here.order(url("http", f"{path}?temp_url_sig={SIGNATURE}")), f"HTTP status {status}", words)
        here.origin.asked(path, count)


@case("an expired temporary URL is told with the day it expired")
def expired(here):
    address = url("http", f"/denied/image.raw?temp_url_sig={SIGNATURE}&temp_url_expires=1700000000")
    here.refused(here.order(address), "HTTP status 403", "expired on 2023-11-14")


@case("a name nobody knows, and a port nobody listens on")
def unreachable(here):
    here.refused(here.order("http://nobody.test/image.raw"), "nobody.test", "cannot be resolved", "DNS")
    here.refused(here.order("http://127.0.0.1:9/image.raw"), "127.0.0.1:9 refuses connections")


@case("alone, by --write-image: names, IPv6 literals, redirects, logins; and it fails as well")
def alone(here):
    quoted = PASSWORD.replace(":", "%3A").replace("@", "%40")
    for address in (url("http", "/alone/image.raw"), url("http", "/alone/image.raw", host="[::1]"), url("http", "/moved/image.raw"),
                    url("http", "/basic/image.raw").replace("://", f"://{USER}:{quoted}@")):
        here.deployed(here.alone(address))
    here.refused(here.alone(url("http", "/alone/lost.raw")), "HTTP status 404")
    here.refused(here.alone(url("http", "/alone/other.raw")), here.image.sha256, here.other.sha256)
    assert f"[::1]:{PORTS['http']}" in (here.work / "alone.log").read_text()
