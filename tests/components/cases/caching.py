from case import case
from world import SIGNATURE, proxy, url


def temporary(path, expires):
    return url("http", f"{path}?temp_url_sig={SIGNATURE}{expires}&temp_url_expires={expires}")


def through(here, cache, address, path):
    """Twice the same temporary URL, then one with another signature."""
    for expires, passages in ((1900000001, 2), (1900000002, 1)):
        for _ in range(passages):
            here.deployed(here.order(temporary(path, expires), proxy=address))
    asked = here.origin.asked(path, 2)
    assert [one["method"] for one in asked] == ["GET", "GET"], asked
    assert all(one["via"] for one in asked), "not through the cache"
    assert [one["path"][-10:] for one in asked] == ["1900000001", "1900000002"], asked
    results = cache.results(path, 3)
    kinds = ["HIT" if "HIT" in result else "MISS" if "MISS" in result else result for result in results]
    assert kinds == ["MISS", "HIT", "MISS"], results


@case("Squid: the second deploy of a temporary URL is a hit, the origin saw one GET; another signature is another object")
def squid(here):
    through(here, here.squid, proxy(), "/squid/image.raw")


@case("Traffic Server: the second deploy of a temporary URL is a hit, the origin saw one GET; another signature is another object")
def trafficserver(here):
    through(here, here.trafficserver, proxy("trafficserver"), "/ats/image.raw")


def accelerated(here, cache, path, address, **order):
    """Twice the same http URL of a cache whose origin speaks https."""
    for _ in range(2):
        here.deployed(here.order(address, **order))
    (seen,) = here.origin.asked(f"{path}image.raw", 1)
    assert seen["protocol"].startswith("TLS"), seen
    results = cache.results(path, 2)
    assert "MISS" in results[0] and "HIT" in results[1], results


@case("an HTTPS origin behind a Squid that is asked for http: the second is a hit")
def behind_squid(here):
    address = url("squid_plain_front", "/accelerated/image.raw?temp_url_sig=a", host="127.0.0.1")
    accelerated(here, here.squid, "/accelerated/", address)


@case("an HTTPS origin behind a Traffic Server that is asked for http: the second is a hit")
def behind_trafficserver(here):
    # It listens on 127.0.0.1 and goes by the name in the URL.
    address = url("trafficserver", "/mapped/image.raw?temp_url_sig=a", host="cache.test")
    accelerated(here, here.trafficserver, "/mapped/", address, proxy=proxy("trafficserver"))


@case("a cut between agent and cache: the rest is asked for by Range, and comes out of the cache")
def resumed(here):
    address = url("http", "/cut-cache/image.raw")
    here.deployed(here.order(address, proxy=proxy()))
    relay = here.chaos(here.squid.port, cut=0.3, seed=2)
    try:
        here.deployed(here.order(address, proxy=f"http://127.0.0.1:{relay.port}"))
    finally:
        relay.terminate()
        lines = relay.communicate()[0].splitlines()
    assert len(lines) > 1, f"nothing was cut: {lines}"
    here.origin.asked("/cut-cache/image.raw", 1)
    results = here.squid.results("/cut-cache/", 1 + len(lines))
    assert results[0].startswith("TCP_MISS/200") and any("/206" in result for result in results), results
    assert all("HIT" in result for result in results[1:]), results
