"""Takes out of a record what no two agents share: ids, times, versions, tokens, certificates, archives."""

import re

import certificate
from situation import NODE, PRESHARED, TOKEN, WRONG

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.S)
FIXED = {NODE: "<node>", "00000000-0000-0000-0000-000000000000": "<unknown>"}
# By key: the value is this, whatever it is, as long as it has the type.
BY_KEY = {"started_at": (float, "<time>"), "agent_version": (str, "<version>"), "system_logs": (str, "<archive>")}
# Headers whose value is part of the protocol; the rest is transport.
ASKED = ("accept", "content-type", "x-openstack-ironic-api-version", "x-openstack-request-id")


class Names:
    """Ids of one life, named in the order they first appear, so that the same id keeps its name."""

    def __init__(self):
        self.known = dict(FIXED)

    def of(self, found):
        text = found.group(0)
        return self.known.setdefault(text, f"<id {len(self.known) - len(FIXED) + 1}>")


def value(item, names, key=None, path=""):
    if key in BY_KEY and isinstance(item, BY_KEY[key][0]):
        return BY_KEY[key][1]
    if key == "version" and path == "/v1/status":
        return "<version>" if isinstance(item, str) else item
    if isinstance(item, dict):
        return {name: value(each, names, name, path) for name, each in item.items()}
    if isinstance(item, list):
        return [value(each, names, None, path) for each in item]
    if isinstance(item, str):
        for token, name in ((TOKEN, "<token>"), (PRESHARED, "<pre-shared>"), (WRONG, "<wrong>")):
            item = item.replace(token, name)
        return UUID.sub(names.of, PEM.sub("<certificate>", item))
    return item


def exchanges(record):
    """{case: reply} of a record, in the order of the replies."""
    names = Names()
    found = {}
    for reply in record["exchanges"]:
        path = reply["path"].replace("/status", "/v1/status").replace("/v1/v1", "/v1")
        kept = {key: reply[key] for key in ("status", "headers", "body", "failure") if key in reply}
        found[reply["id"]] = value(kept, names, None, path)
    return found


def asked(record):
    """The first request of each kind to Ironic, named as if they were cases; later ones are for checks."""
    found = {}
    for request in record["ironic"]:
        case = f"asks-{request['kind']}"
        if request["kind"] not in ("root", "inspection", "lookup", "heartbeat") or case in found:
            continue
        query = [[name, ",".join(sorted(item.split(","))) if name == "addresses" else item]
                 for name, item in request["query"]]
        body = inspected(request["body"]) if request["kind"] == "inspection" else request["body"]
        kept = dict(method=request["method"], path=request["path"], query=query, body=body,
                    headers={name: request["headers"][name] for name in ASKED if name in request["headers"]})
        found[case] = value(kept, Names())
    return found


def inspected(body):
    """Of an inspection's data what a tree of files and a host's tools can agree on; the lab compares all of it on a machine."""
    inventory = body.get("inventory", {})
    return dict(keys=sorted(body), error=body.get("error"), boot_interface=body.get("boot_interface"),
                collectors=body.get("configuration", {}).get("collectors"), inventory=sorted(set(inventory) - {"bmc_mac"}),
                addresses=sorted(card["mac_address"] for card in inventory.get("interfaces", [])), boot=inventory.get("boot"))


def announced(record):
    """The certificate of the first heartbeat as if it were a case; its dates are for checks."""
    for request in record["ironic"]:
        if request["kind"] == "heartbeat" and request["body"].get("agent_verify_ca"):
            facts = certificate.facts(request["body"]["agent_verify_ca"])
            return {"certificate": {name: facts[name] for name in facts if not name.endswith("_seconds")}}
    return {"certificate": None}
