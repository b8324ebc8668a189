import base64

from case import case
from place import PORTS
from world import BEARER, PASSWORD, USER, proxy, url

SECRET = base64.b64encode(f"Bearer {BEARER}".encode()).decode()


@case("301, 302, 303, 307 and 308 are followed to another server, without the Authorization for the first")
def across(here):
    for status in (301, 302, 303, 307, 308):
        path = f"/{status}/image.raw"
        here.deployed(here.order(url("http", path), image_request_authorization=SECRET))
        first, second = here.origin.asked(path, 2)
        assert (first["status"], first["authorization"]) == (str(status), f"Bearer {BEARER}"), first
        assert (second["port"], second["authorization"]) == (str(PORTS["mirror"]), ""), second


@case("a redirect on the same server keeps the login")
def at_home(here):
    login = dict(image_server_auth_strategy="http_basic", image_server_user=USER, image_server_password=PASSWORD)
    here.deployed(here.order(url("http", "/home/image.raw"), **login))


@case("a redirect from http to https is followed, and its certificate judged")
def upward(here):
    here.deployed(here.order(url("http", "/upward/image.raw"), image_request_authorization=SECRET))
    (seen,) = here.origin.asked("/upped/image.raw", 1)
    assert seen["protocol"].startswith("TLS") and not seen["authorization"], seen
    here.refused(here.order(url("http", "/upward/image.raw"), by="stranger"), "nobody trusted signed")


@case("a redirect from https to http is followed for the sake of the digest; with a login it is refused")
def downward(here):
    here.refused(here.order(url("https", "/downward/image.raw"), image_request_authorization=SECRET),
                 "redirects from https to http://images.test", "what a login protects")
    here.origin.asked("/downed/image.raw", 0)
    here.deployed(here.order(url("https", "/downward/image.raw")))
    (seen,) = here.origin.asked("/downed/image.raw", 1)
    assert not seen["protocol"] and not seen["authorization"], seen


@case("a checksum file is not fetched from where https redirects to http: nothing holds it")
def downward_sums(here):
    here.refused(here.order(url("http", "/held/image.raw"), os_hash_value=url("https", "/downward/SUMS")),
                 "redirects from https to http://images.test", "could change")
    here.origin.asked("/held/image.raw", 0)


@case("redirects that go round are given up, and their server is asked 21 times at most")
def circle(here):
    here.refused(here.order(url("http", "/circle/image.raw?secret=1")), "redirects", "go round")
    here.origin.asked("/circle/image.raw", 21)


@case("every hop goes its own way: the first by the proxy, the second past it")
def hop_by_hop(here):
    path = "/302/other.raw"
    here.deployed(here.order(url("http", path), image=here.other, proxy=proxy(), no_proxy="mirror.test"), here.other)
    first, second = here.origin.asked(path, 2)
    assert first["via"] and not second["via"], (first, second)
