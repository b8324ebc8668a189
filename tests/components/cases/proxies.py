from case import case
from place import PORTS
from world import PASSWORD, USER, proxy, url

LOGIN = f"{USER}:{PASSWORD.replace(':', '%3A').replace('@', '%40')}@"


def by_connect(here, cache, address, path):
    here.deployed(here.order(url("https", path), proxy=address))
    (seen,) = here.origin.asked(path, 1)
    assert seen["protocol"].startswith("TLS") and not seen["via"], seen
    assert cache.results(" CONNECT ", 1), "no CONNECT in its log"


@case("Squid: an https image comes by CONNECT, and the certificate is the origin's")
def connect_squid(here):
    by_connect(here, here.squid, proxy(), "/connect-squid/image.raw")
    here.refused(here.order(url("wrong_name", "/connect-squid/image.raw"), proxy=proxy()), "elsewhere.test")


@case("Traffic Server: an https image comes by CONNECT")
def connect_trafficserver(here):
    by_connect(here, here.trafficserver, proxy("trafficserver"), "/connect-ats/image.raw")


@case("a proxy that wants a login gets it, for http and for https, and the origin does not see it")
def login(here):
    for port in ("http", "https"):
        path = f"/login-{port}/image.raw"
        here.deployed(here.order(url(port, path), proxy=proxy("guarded", LOGIN)))
        (seen,) = here.origin.asked(path, 1)
        assert not seen["proxy"] and not seen["authorization"], seen


@case("a proxy that wants another login, or any, is told as that, once")
def no_login(here):
    for port in ("http", "https"):
        for user in ("", f"{USER}:wrong-{PASSWORD[-8:]}@"):
            outcome = here.order(url(port, "/no-login/image.raw"), proxy=proxy("guarded", user))
            here.refused(outcome, "407", "user and password")
            assert PASSWORD[-8:] not in outcome.details, outcome.details
    here.origin.asked("/no-login/image.raw", 0)


def ways(here, name, table):
    """Rows of no_proxy, host, direct or not; told by the Via that Squid adds."""
    for number, (no_proxy, host, direct) in enumerate(table):
        path = f"/{name}-{number}/image.raw"
        here.deployed(here.order(url("http", path, host=host), proxy=proxy(), no_proxy=no_proxy))
        (seen,) = here.origin.asked(path, 1)
        assert (not seen["via"]) == direct, f"no_proxy={no_proxy} for {host}: {seen}"


@case("no_proxy by host, suffix and port")
def exempt_names(here):
    ways(here, "names", [
        ("example.org, images.test", "images.test", True),
        (".test", "images.test", True),
        ("ages.test", "images.test", False),
        (f"images.test:{PORTS['http']}", "images.test", True),
        ("images.test:1", "images.test", False),
    ])


@case("no_proxy by address, block and IPv6 literal")
def exempt_addresses(here):
    ways(here, "addresses", [
        ("10.0.0.0/8,127.0.0.0/8", "127.0.0.1", True),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("::1", "[::1]", True),
        (f"[::1]:{PORTS['http']}", "[::1]", True),
        ("::/64", "[::1]", True),
        ("fd00::/8", "[::1]", False),
    ])


@case("no proxy for http means none, whatever there is for https")
def by_scheme(here):
    here.deployed(here.order(url("http", "/scheme/image.raw"), proxy={"https": proxy()}))
    (seen,) = here.origin.asked("/scheme/image.raw", 1)
    assert not seen["via"], seen


@case("a proxy that is not there, and one that does not reach the server, are told apart")
def unreachable(here):
    here.refused(here.order(url("http", "/x/image.raw"), proxy="http://127.0.0.1:9"), "no way to the proxy 127.0.0.1:9", "refuses")
    for port, host, word in (("http", "127.0.0.1:9", "HTTP status 503"), ("https", "127.0.0.1:9", "no tunnel to 127.0.0.1:9")):
        address = f"{port}://{host}/image.raw"
        here.refused(here.order(address, proxy=proxy()), word, "503")


@case("something that is no proxy is told as that")
def no_proxy_at_all(here):
    for scheme in ("http", "https"):
        here.refused(here.order(url("https", "/x/image.raw"), proxy=f"{scheme}://images.test:{PORTS['https']}"), "made no tunnel")
