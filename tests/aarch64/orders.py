"""Orders to an agent in a machine, as Ironic gives them: a command, its reply."""

import hashlib
import http.client
import json
import ssl

from ironic import TOKEN
from place import PORTS


class Agent:
    """In a machine with the card `network` and the kernel parameter ipa-api-url=`api`; `image` is what it is to write."""

    def __init__(self, url, image):
        self.port = PORTS["agents"]
        self.api = f"http://10.0.2.2:{PORTS['ironic']}"
        # The agent tells Ironic its own port.
        self.network = ["-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-:{self.port}", "-device", "virtio-net-pci,netdev=net,romfile="]
        self.api += f" ipa-listen-port={self.port} ipa-advertise-port={self.port}"
        self.image = {"id": "image", "urls": [url], "disk_format": "raw", "os_hash_algo": "sha256", "stream_raw_images": True,
                      "os_hash_value": hashlib.sha256(image.read_bytes()).hexdigest()}

    def succeeds(self, name, **params):
        """Its result, once it has ended; whoever asks is told why if it failed."""
        status, told = self._order("?wait=true&", name, params)
        assert status == 200 and told["command_status"] == "SUCCEEDED", f"{name}: {status} {told}"
        return told["command_result"]

    def ends(self, name):
        """Takes what ends the agent, too."""
        status, told = self._order("?", name, {})
        assert status == 200, f"{name}: {status} {told}"

    def _order(self, query, name, params):
        # Its certificate is one it made itself.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=200, context=context)
        try:
            connection.request("POST", f"/v1/commands/{query}agent_token={TOKEN}", json.dumps({"name": name, "params": params}))
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()
