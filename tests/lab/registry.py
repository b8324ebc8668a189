"""A container registry, Debian's, by TLS and with a login; its blobs are another server's to give, to which it redirects."""

import base64
import crypt
import hashlib
import json
import ssl
import urllib.error
import urllib.request
import warnings

import network
from daemon import Daemon

PORT = 5000
HOST = f"{network.ADDRESS}:{PORT}"
USER, PASSWORD = "lab", "pull it"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"

CONF = """
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {root}}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
auth:
  htpasswd: {{realm: lab, path: {directory}/htpasswd}}
http:
  addr: {host}
  secret: none
  tls: {{certificate: {directory}/nginx.crt, key: {directory}/nginx.key}}
middleware:
  storage:
    - name: redirect
      options: {{baseurl: "{elsewhere}"}}
"""


class Registry:
    def __init__(self, directory, web):
        root = directory / "registry"
        root.mkdir()
        # Where the redirects lead: the same files, from another server.
        (web.root / "docker").symlink_to(root / "docker")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (directory / "htpasswd").write_text(f"{USER}:{crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=32))}\n")
        conf = directory / "registry.yml"
        conf.write_text(CONF.format(root=root, directory=directory, host=HOST, elsewhere=network.WEB_TLS))
        self._daemon = Daemon("docker-registry", ["/usr/bin/docker-registry", "serve", str(conf)], directory / "registry.log")
        self._trust = ssl._create_unverified_context()

    def start(self):
        self._daemon.start().wait_port(network.ADDRESS, PORT)
        return self

    def push(self, name, content, disktype, media_type):
        """An image of one layer under `name`:latest, as `oras push` leaves them behind an index; its reference."""
        layer = {"mediaType": media_type, **self._blob(name, content)}
        config = {"mediaType": "application/vnd.oci.empty.v1+json", **self._blob(name, b"{}")}
        manifest = self._manifest(name, MANIFEST, {"config": config, "layers": [layer]})
        described = {"mediaType": MANIFEST, **manifest, "platform": {"architecture": "amd64", "os": "linux"}, "annotations": {"disktype": disktype}}
        self._manifest(name, INDEX, {"manifests": [described]}, tag="latest")
        return f"oci://{HOST}/{name}:latest"

    def _blob(self, name, content):
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = self._ask("POST", f"/v2/{name}/blobs/uploads/").headers["Location"].removeprefix(f"https://{HOST}")
        self._ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", content, "application/octet-stream")
        return {"digest": digest, "size": len(content)}

    def _manifest(self, name, media_type, fields, tag=None):
        content = json.dumps({"schemaVersion": 2, "mediaType": media_type, **fields}).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._ask("PUT", f"/v2/{name}/manifests/{tag or digest}", content, media_type)
        return {"digest": digest, "size": len(content)}

    def _ask(self, method, path, body=None, media_type=None):
        headers = {"Authorization": LOGIN, **({"Content-Type": media_type} if media_type else {})}
        request = urllib.request.Request(f"https://{HOST}{path}", method=method, data=body, headers=headers)
        try:
            return urllib.request.urlopen(request, context=self._trust, timeout=60)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:500]}") from None
