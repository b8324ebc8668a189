"""A caching proxy by HTTPS on both sides, before a real Swift: deployed and rebuilt through it by Ironic's own temporary URL, and once more from its front."""

import hashlib
import json
import subprocess

import authority
import disk
import image
import network
import place
import proxy
import swift
from stand import Stand
from verdict import require

KEY = "the account's key"
UUID = "2f6d5a3e-8a55-4a5a-9c0e-6a3b51c8d7f0"
CONTAINER = "glance"
GLANCE = f"{network.WEB}/glance"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

# Where Ironic finds Glance and Swift; it signs by itself, and the same URL as long as that is good.
CONF = f"""
[DEFAULT]
webserver_verify_ca = {{certificate}}
[glance]
auth_type = none
endpoint_override = {GLANCE}/
swift_account = {swift.ACCOUNT.rsplit('/', 1)[1]}
swift_container = {CONTAINER}
swift_endpoint_url = {network.SWIFT_TLS}
swift_temp_url_key = {KEY}
swift_temp_url_cache_enabled = True
[swift]
auth_type = none
endpoint_override = {network.SWIFT_TLS}{swift.ACCOUNT}
"""


def run(directory):
    source = image.noise("https-cache", 32)
    folder = authority.make(directory)
    certificate = directory / "nginx.crt"
    cloud = swift.Swift(directory).start()
    stand = Stand(
        directory, conf=CONF.format(certificate=certificate), image_download_source="swift", image_https_proxy=proxy.OPENING_URL,
        deploy_kernel=f"{network.WEB}/dist/kernel", deploy_ramdisk=f"{network.WEB}/dist/believing",
    )
    squid = proxy.Proxy(directory, folder, certificate).start()
    authority.ramdisk(folder, stand.web.root / "dist" / "believing")
    glance(stand.web.root, source)
    cloud.ready().set_key(KEY)
    path = cloud.upload(source, CONTAINER, UUID)
    squid.ready()

    for again in (False, True):
        if again:
            stand.disk.spoil()
        ordered = stand.deploy(source, url=UUID, again=again)
        stand.deployed(source, "https-cache", ordered)
    require_kept(squid, network.MACHINE_ADDRESS, ["TCP_MISS GET", "TCP_MEM_HIT GET"])
    tunnels = [request.url for request in squid.requests("") if request.method == "CONNECT"]
    require(set(tunnels) == {network.SWIFT_TLS.removeprefix("https://")}, f"the machine was to ask for tunnels to Swift only, but did for {tunnels}")
    [url] = {request.url for request in squid.requests(UUID)}
    require(url.startswith(f"{network.SWIFT_TLS}{path}?") and "temp_url_sig=" in url, f"this is no temporary URL: {url}")
    require("temp_url_sig" not in stand.console.log_path.read_text(), "console.log holds the URL's query")
    print("  deployed and rebuilt by one temporary URL of Ironic's, through a Squid that opens TLS", flush=True)

    front(directory, folder, source, url.replace(network.SWIFT_TLS, proxy.FRONT_URL))
    require_kept(squid, network.ADDRESS, ["TCP_MEM_HIT GET"])
    gets = stand.web.requests("swift", "GET", path)
    require(len(gets) == 1, f"Swift was to be asked for the image once, but was {len(gets)} times: {gets}")
    print("  the same from its front; Squid: " + ", ".join(f"{r.result} {r.method}" for r in squid.requests("")) + "; Swift served the image once")


def glance(root, source):
    """What Glance says of itself and of the image, as far as Ironic reads it: https://docs.openstack.org/api-ref/image/v2/#show-image."""
    versions = {"versions": [{"id": "v2.15", "status": "CURRENT", "links": [{"rel": "self", "href": f"{GLANCE}/v2/"}]}]}
    with open(source, "rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
        file.seek(0)
        better = hashlib.file_digest(file, "sha512").hexdigest()
    # Ironic 39 hands on the MD5 alone: of the other it looks for os_hash_algo and os_hash_value, which openstacksdk calls by other names.
    told = {
        "id": UUID, "name": source.name, "status": "active", "visibility": "public", "disk_format": "raw", "container_format": "bare",
        "size": source.stat().st_size, "checksum": md5, "os_hash_algo": "sha512", "os_hash_value": better, "tags": [],
    }
    folder = root / "glance/v2/images"
    folder.mkdir(parents=True)
    (root / "glance/index.html").write_text(json.dumps(versions))
    (folder / UUID).write_text(json.dumps(told))


def require_kept(squid, client, wanted):
    got = [f"{request.result} {request.method}" for request in squid.requests(UUID, client)]
    require(got == wanted, f"Squid was to tell of {client} {wanted}, but told {got}")


def front(directory, folder, source, url):
    """ironlet by itself, writing to a file: who trusts the cache's authority gets the image, and nobody else."""
    target, wanted = directory / "file.raw", disk.digest(source)

    def write():
        with open(target, "wb") as file:
            file.truncate(source.stat().st_size)
        return subprocess.run(
            [place.IRONLET, "--write-image", url, "--checksum", f"sha256:{wanted}", "--disk", target, "--allow-disk", target],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )

    done = write()
    require(done.returncode != 0 and "nobody trusted signed" in done.stdout, f"the front's certificate was to be refused: {done.stdout}")
    # This machine's authorities, for the time of the cell.
    subprocess.run(["mount", "--bind", folder / "ca.crt", BUNDLE], check=True)
    done = write()
    require(done.returncode == 0 and disk.digest(target) == wanted, f"not written from the cache's front: {done.stdout}")
