"""Two deploys through Squid, the second one a cache hit; checksum files through a tunnel and past the proxy."""

import disk
import image
import network
import proxy
from stand import Stand
from verdict import require


def run(directory):
    source = image.noise("proxy", 64)
    squid = proxy.Proxy(directory).start()
    stand = Stand(
        directory, image_http_proxy=proxy.URL, image_https_proxy=proxy.URL, image_no_proxy=f"example.org,{network.ASIDE}",
        # nginx's certificate is its own.
        kernel_append_params="%default% ipa-insecure=1",
    )
    squid.ready()
    sums = stand.web.images / "SHA256SUMS"
    sums.write_text(f"{'0' * 64}  another.raw\n{disk.digest(source)} *{source.name}\n")

    ordered = stand.deploy(source, f"{network.WEB_TLS}/images/{sums.name}")
    stand.deployed(source, "proxy", ordered)
    print("  deployed through Squid, checksum file by https through Squid", flush=True)
    require_asked(squid, source.name, ["TCP_MISS GET"])
    require_asked(squid, network.WEB_TLS.removeprefix("https://"), ["TCP_TUNNEL CONNECT"])

    stand.disk.spoil()
    ordered = stand.deploy(source, f"{network.WEB_ASIDE}/images/{sums.name}", again=True)
    stand.deployed(source, "proxy", ordered)
    print("  rebuilt, checksum file past Squid", flush=True)
    require_asked(squid, source.name, ["TCP_MISS GET", "TCP_MEM_HIT GET"])
    require_asked(squid, network.ASIDE, [])

    gets = [request["from"] for request in stand.web.requests("web", "GET", f"/images/{source.name}")]
    require(gets == [network.ADDRESS], f"nginx was to be asked for the image once, by Squid, but was by {gets}")
    gets = [request["from"] for request in stand.web.requests("web", "GET", f"/images/{sums.name}")]
    wanted = [network.ADDRESS, network.MACHINE_ADDRESS]
    require(gets == wanted, f"nginx was to be asked for the checksum file by {wanted}, but was by {gets}")
    print("  Squid: " + ", ".join(f"{r.result} {r.method}" for r in squid.requests("")) + "; nginx served the image once")


def require_asked(squid, text, wanted):
    asked = [f"{request.result} {request.method}" for request in squid.requests(text)]
    require(asked == wanted, f"Squid was to be asked {wanted} for …{text}, but was {asked}")
