"""The node as Ironic knows it: enrolled, moved from state to state, watched until it is where it should be."""

import time

import ironic
import machine
import network
import web
from verdict import Failed

BROKEN = ("error", "enroll", "deploy failed", "clean failed", "inspect failed", "rescue failed", "unrescue failed", "service failed")


class Node:
    def __init__(self, ironic, directory, properties, **driver_info):
        self.ironic = ironic
        self.uuid = None
        # (host time, provision state, deploy step) whenever one of them changed
        self.history = []
        self._record = open(directory / "states.log", "a", buffering=1)
        self._properties = {"cpu_arch": "x86_64", **properties}
        self.driver_info = {
            "redfish_address": f"http://127.0.0.1:{web.BMC}",
            "redfish_system_id": f"/redfish/v1/Systems/{machine.UUID}",
            "redfish_username": "lab", "redfish_password": "lab",
            **driver_info,
        }

    def enrol(self):
        """enrol → manageable."""
        node = self.ironic.call("POST", "/v1/nodes", {
            "driver": "redfish", "name": "metal", "driver_info": self.driver_info,
            "properties": self._properties,
        })
        self.uuid = node["uuid"]
        self.add_port()
        self.provision("manage")
        self.wait("manageable", 60)
        return self

    def add_port(self):
        self.ironic.call("POST", "/v1/ports", {"node_uuid": self.uuid, "address": network.MACHINE_MAC, "pxe_enabled": True})

    def provide(self, clean=False):
        """manageable → available, by way of automated cleaning or not."""
        self.patch(("/automated_clean", clean))
        self.provision("provide")
        self.wait("available", 180 if clean else 60)
        return self

    def deploy(self, url, checksum, disk_format, again=False, configdrive=None, steps=(), **info):
        """`checksum` is a SHA-256 digest or the URL of a checksum file; `again` rebuilds an active node; `steps` are further ones; `info` is of the instance."""
        self._assign(url, checksum, disk_format, info)
        self.provision("rebuild" if again else "active", **({"configdrive": configdrive} if configdrive else {}), **({"deploy_steps": list(steps)} if steps else {}))

    def adopt(self, url, checksum, disk_format):
        """manageable → active, with an instance that was deployed without Ironic."""
        self._assign(url, checksum, disk_format, {})
        self.provision("adopt")
        self.wait("active", 60)

    def _assign(self, url, checksum, disk_format, info):
        digest = {"image_os_hash_algo": "sha256", "image_os_hash_value": checksum}
        self.patch(
            ("/instance_info", {
                "image_source": url, "image_disk_format": disk_format, "image_type": "whole-disk",
                **({"image_checksum": checksum} if "://" in checksum else digest), **info,
            }),
        )

    def inspect(self, seconds):
        """manageable → manageable; the data of this inspection: `inventory` and `plugin_data`."""
        self.provision("inspect")
        self.wait("inspect wait", 60)
        self.wait("manageable", seconds)
        return self.ironic.call("GET", f"/v1/nodes/{self.uuid}/inventory")

    def ports(self):
        """Every field of the node's ports, by MAC address."""
        ports = self.ironic.call("GET", f"/v1/ports?node={self.uuid}&detail=True")["ports"]
        return {port["address"]: port for port in ports}

    def patch(self, *values):
        self.ironic.call("PATCH", f"/v1/nodes/{self.uuid}", [
            {"op": "add", "path": path, "value": value} for path, value in values
        ])

    def provision(self, target, version=ironic.VERSION, **more):
        self.ironic.call("PUT", f"/v1/nodes/{self.uuid}/states/provision", {"target": target, **more}, version)

    def read(self):
        node = self.ironic.call("GET", f"/v1/nodes/{self.uuid}")
        step = (node.get("deploy_step") or {}).get("step", "-")
        state = (node["provision_state"], step)
        if not self.history or self.history[-1][1:] != state:
            self.history.append((time.time(), *state))
            self._record.write(f"{time.strftime('%H:%M:%S')} {state[0]} ({step}) {node['last_error'] or ''}\n")
        return node

    def wait(self, state, seconds, step=None, hopeless=True):
        """The node once it is in `state` (and at `step`); Failed at once in a state that leads nowhere else, if there is one."""
        deadline = time.monotonic() + seconds
        while True:
            node = self.read()
            here, at = self.history[-1][1:]
            if here == state and step in (None, at):
                return node
            if hopeless and here in BROKEN and (here != "enroll" or node["last_error"]):
                raise Failed(f"node is '{here}' instead of '{state}': {node['last_error']}")
            if time.monotonic() > deadline:
                raise Failed(f"node is '{here}' ({at}) after {seconds} s instead of '{state}' ({step or 'any step'})")
            time.sleep(1)
