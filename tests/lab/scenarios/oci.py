"""Images from a container registry with a login, plain and packed: its blobs come from another server, which never hears of the login, and no log does."""

import os
import subprocess

import image
import network
import registry
from stand import Stand
from verdict import require


def run(directory):
    # nginx's certificate is its own.
    # Ironic trusts nobody's certificate here, and what this machine trusts would go before that.
    conf = "\n[oci]\nverify_ca = False\n"
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    stand = Stand(directory, conf=conf, kernel_append_params="%default% ipa-insecure=1")
    served = registry.Registry(directory, stand.web).start()
    plain, packed = image.noise("oci-plain", 48), image.noise("oci-packed", 64, zeros=(8, 40))
    zstd = subprocess.run(["zstd", "-q", "-c", str(packed)], check=True, stdout=subprocess.PIPE).stdout

    references = [
        ("oci-plain", plain, served.push("lab/plain", plain.read_bytes(), "raw", "application/octet-stream")),
        ("oci-packed", packed, served.push("lab/packed", zstd, "raw", "application/zstd")),
    ]
    for name, source, reference in references:
        again = source is packed
        if again:
            stand.disk.spoil()
        ordered = stand.order({"image_source": reference, "image_pull_secret": f"{registry.USER}:{registry.PASSWORD}"}, again)
        stand.deployed(source, name, ordered)
        print(f"  {reference}: active, byte for byte", flush=True)

    secret = registry.LOGIN.split()[1]
    gets = stand.web.requests("web", "GET", "/docker/registry/v2/blobs/")
    require(len(gets) == 2, f"the agent was to be redirected for two blobs, and asked for {[get['path'] for get in gets]}")
    shown = [get["login"] for get in gets if get["login"]]
    require(not shown, f"the login went on to {network.WEB_TLS}: {len(shown)} times")
    texts = [("console", (directory / "console.log").read_text()), *stand.ironic.collected()]
    told = [name for name, text in texts if secret in text or registry.PASSWORD in text]
    require(not told, f"the login stands in {told}")
    print("  the server of the blobs was asked twice, without the login; no log has it")
