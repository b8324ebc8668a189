from case import case
from world import url


@case("an origin whose authority is in cafile is believed, in TLS 1.3")
def believed(here):
    here.deployed(here.order(url("https", "/believed/image.raw")))
    (seen,) = here.origin.asked("/believed/image.raw", 1)
    assert seen["protocol"] == "TLSv1.3", seen


@case("an origin that nobody trusted signed is refused, and so is one signed by somebody else")
def stranger(here):
    here.refused(here.order(url("unknown", "/unknown/image.raw")), "nobody trusted signed", "cafile")
    here.refused(here.order(url("https", "/unknown/image.raw"), by="stranger"), "nobody trusted signed", "cafile")
    here.origin.asked("/unknown/image.raw", 0)


@case("an expired certificate is refused with its last day")
def expired(here):
    here.refused(here.order(url("expired", "/expired/image.raw")), "expired on 2020-01-02", "clock")
    here.origin.asked("/expired/image.raw", 0)


@case("a certificate for another name is refused with the names it is for")
def wrong_name(here):
    here.refused(here.order(url("wrong_name", "/named/image.raw")), "elsewhere.test")
    here.origin.asked("/named/image.raw", 0)


@case("ipa-insecure believes all of these")
def careless(here):
    for port in ("unknown", "expired", "wrong_name"):
        here.deployed(here.order(url(port, "/careless/image.raw"), by="careless"))


@case("a server that stopped at TLS 1.1 is refused")
def old(here):
    here.refused(here.order(url("old_tls", "/old/image.raw")), "no TLS version and cipher in common")


@case("TLS 1.2 is spoken, unless ipa-tls-min-version is 1.3")
def minimum(here):
    here.deployed(here.order(url("tls12", "/tls12/image.raw")))
    here.refused(here.order(url("tls12", "/tls12/image.raw"), by="modern"), "no TLS version and cipher in common",
                 "ipa-tls-min-version")
    (seen,) = here.origin.asked("/tls12/image.raw", 1)
    assert seen["protocol"] == "TLSv1.2", seen
    here.deployed(here.order(url("https", "/tls13/image.raw"), by="modern"))


@case("a client certificate is shown to a server that wants one; without it the server's refusal is told")
def client_certificate(here):
    here.deployed(here.order(url("client", "/client/image.raw"), by="known"))
    (seen,) = here.origin.asked("/client/image.raw", 1)
    assert seen["client"] == "CN=agent", seen
    here.refused(here.order(url("client", "/nobody/image.raw")), "HTTP status 400", "certfile")


@case("https where http is spoken, and http where https is, are told apart")
def mixed(here):
    here.refused(here.order(url("http", "/mixed/image.raw", scheme="https")), "does not speak TLS")
    here.refused(here.order(url("https", "/mixed/image.raw", scheme="http")), "HTTP status 400", "https")


@case("an IPv6 literal in an https URL is dialled, and is the name the certificate must have")
def literal(here):
    here.deployed(here.order(url("https", "/literal/image.raw", host="[::1]")))
    here.refused(here.order(url("expired", "/literal/image.raw", host="127.0.0.1")), "expired")
