"""From the origin by HTTPS, kept, and from there to the node by HTTPS again."""

from case import case
from place import PORTS
from world import PASSWORD, SIGNATURE, USER, proxy, url

LOGIN = f"{USER}:{PASSWORD.replace(':', '%3A').replace('@', '%40')}@"


def kept(here, cache, address, path, **order):
    """Twice the same image: the origin is asked by TLS and once, and the second is out of the cache."""
    for _ in range(2):
        here.deployed(here.order(address, **order))
    (seen,) = here.origin.asked(path, 1)
    assert seen["protocol"] == "TLSv1.3" and seen["method"] == "GET" and seen["via"], seen
    results = [result for result in cache.results(path, 2) if result.endswith(" GET")]
    assert len(results) == 2 and "MISS" in results[0] and "HIT" in results[1], results


def front(here, cache, port, path):
    address = url(port, f"{path}?temp_url_sig={SIGNATURE}", host="cache.test")
    kept(here, cache, address, path)
    here.refused(here.order(address, by="stranger"), "cache.test", "nobody trusted signed", "cafile")
    here.origin.asked(path, 1)


@case("a Squid that is asked for https, before an HTTPS origin: the second is a hit; who does not trust it takes nothing")
def front_squid(here):
    front(here, here.squid, "squid_front", "/front-squid/image.raw")


@case("a Traffic Server that is asked for https, before an HTTPS origin: the second is a hit; who does not trust it takes nothing")
def front_trafficserver(here):
    front(here, here.trafficserver, "trafficserver_front", "/front-ats/image.raw")


@case("a Squid that opens the node's own https: the second is a hit, for those who trust its authority by cafile")
def opened(here):
    path = "/opened/image.raw"
    address = url("https", f"{path}?temp_url_sig={SIGNATURE}")
    kept(here, here.squid, address, path, by="opened", proxy=proxy("opening"))
    # It is the proxy whom this agent trusts, and not the origin.
    here.refused(here.order(address, by="opened"), "nobody trusted signed")
    here.origin.asked(path, 1)


@case("the same for one who trusts the origin alone: refused in the handshake, and the origin is not asked")
def opened_unknown(here):
    path = "/opened-unknown/image.raw"
    here.refused(here.order(url("https", path), proxy=proxy("opening")), "images.test", "nobody trusted signed", "cafile")
    here.origin.asked(path, 0)


@case("a Squid that opens TLS vouches for no origin that it cannot trust itself")
def opened_untrusted(here):
    for port in ("unknown", "wrong_name"):
        here.refused(here.order(url(port, "/opened-bad/image.raw"), by="opened", proxy=proxy("opening")), "HTTP status 503")
    here.origin.asked("/opened-bad/image.raw", 0)


@case("a cut in a tunnel that is opened: the rest is asked for by Range, and comes out of the cache")
def opened_cut(here):
    path = "/opened-cut/image.raw"
    address = url("https", path)
    here.deployed(here.order(address, by="opened", proxy=proxy("opening")))
    relay = here.chaos(PORTS["opening"], cut=0.3, seed=2)
    try:
        here.deployed(here.order(address, by="opened", proxy=f"http://127.0.0.1:{relay.port}"))
    finally:
        relay.terminate()
        lines = relay.communicate()[0].splitlines()
    assert len(lines) > 1, f"nothing was cut: {lines}"
    here.origin.asked(path, 1)
    results = [result for result in here.squid.results(path, 1 + len(lines)) if result.endswith(" GET")]
    assert any("/206" in result for result in results) and all("HIT" in result for result in results[1:]), results


@case("a Squid that is itself reached by https://, and wants a login: an http image is a hit, an https one comes by CONNECT in its TLS")
def secure_squid(here):
    through = proxy("squid_secure", LOGIN)
    path = "/secure-squid/image.raw"
    for _ in range(2):
        here.deployed(here.order(url("http", path), proxy=through))
    (seen,) = here.origin.asked(path, 1)
    assert seen["via"] and not seen["proxy"], seen
    results = here.squid.results(path, 2)
    assert "MISS" in results[0] and "HIT" in results[1], results
    path = "/secure-squid-tls/image.raw"
    here.deployed(here.order(url("https", path), proxy=through))
    (seen,) = here.origin.asked(path, 1)
    assert seen["protocol"] == "TLSv1.3" and not seen["via"], seen


@case("a Squid that is itself reached by https:// and opens the https inside: every hop is TLS, and the second is a hit")
def secure_opened(here):
    path = "/secure-opened/image.raw"
    kept(here, here.squid, url("https", path), path, by="both", proxy=proxy("secure_opening"))


@case("a Traffic Server that is itself reached by https://: an https image comes by CONNECT in its TLS")
def secure_trafficserver(here):
    path = "/secure-ats/image.raw"
    here.deployed(here.order(url("https", path), proxy=proxy("trafficserver_front")))
    (seen,) = here.origin.asked(path, 1)
    assert seen["protocol"] == "TLSv1.3" and not seen["via"], seen
    assert here.trafficserver.results(f" CONNECT images.test:{PORTS['https']}", 1), "no CONNECT in its log"


@case("an https:// proxy is judged by cafile as a server is, before it sees a login or a URL; what it is not is told")
def secure_judged(here):
    place = f"cache.test:{PORTS['squid_secure']}"
    for port in ("http", "https"):
        address = url(port, "/secure-unknown/image.raw")
        here.refused(here.order(address, by="stranger", proxy=proxy("squid_secure", LOGIN)),
                     f"the proxy {place}", "nobody trusted signed", "cafile")
        here.refused(here.order(address, proxy=proxy("squid_secure")), "407", "user and password")
        here.refused(here.order(address, proxy=f"https://127.0.0.1:{PORTS['squid']}"),
                     f"the proxy 127.0.0.1:{PORTS['squid']}", "does not speak TLS")
    here.origin.asked("/secure-unknown/image.raw", 0)
