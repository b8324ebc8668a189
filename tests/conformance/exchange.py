"""One request to the agent and its reply, recorded; the client is `requests`, as in Ironic."""

import json
import time

import requests
from urllib3.util import connection

from situation import ABSENT

# urllib3 tries `::1` once, when imported; the network namespace has no address yet at that time.
connection.HAS_IPV6 = True
# Redirects carry a page for people; its text is nobody's interface.
PAGE = "<page>"
HEADERS = ("content-type", "allow", "location")


def exchange(base, anchor, send, path):
    """Sends it; a failed exchange is recorded by the kind of failure, not raised."""
    query = list(send.query)
    if send.token is not None:
        query.append(("agent_token", send.token))
    data = send.data
    headers = dict(send.headers)
    if send.json is not ABSENT:
        data = json.dumps(send.json).encode()
        headers.setdefault("Content-Type", "application/json")
    if send.chunked:
        data = iter([data[:7], data[7:]])
    began = time.monotonic()
    try:
        reply = requests.request(send.method, base + path, params=query, data=data, headers=headers,
                                 verify=anchor if anchor else True, timeout=60, allow_redirects=False)
        outcome = dict(status=reply.status_code, headers=kept(reply), body=body(reply))
    except requests.RequestException as failure:
        outcome = dict(failure=type(failure).__name__, text=str(failure))
    return dict(id=send.id, sent=began, answered=time.monotonic(), method=send.method, path=path, **outcome)


def kept(reply):
    """The headers that are protocol; `Allow` is a set, so its order says nothing."""
    found = {name: reply.headers[name] for name in HEADERS if name in reply.headers}
    if "allow" in found:
        found["allow"] = ", ".join(sorted(found["allow"].replace(" ", "").split(",")))
    return found


def body(reply):
    if 300 <= reply.status_code < 400:
        return PAGE
    if not reply.content:
        return None
    try:
        return reply.json()
    except ValueError:
        return reply.text
