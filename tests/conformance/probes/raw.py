"""Bytes on a socket: requests that no HTTP library would send."""

import json
import socket
import ssl
import time
from urllib.parse import urlsplit

from situation import MACHINE_V4, TOKEN


def connect(life, timeout=15):
    """A connection to the agent, over TLS when it announced a certificate."""
    url = urlsplit(life.base)
    plain = socket.create_connection((url.hostname, url.port), timeout=timeout)
    if not life.anchor:
        return plain
    context = ssl.create_default_context(cafile=life.anchor)
    return context.wrap_socket(plain, server_hostname=url.hostname)


def request(life, data):
    """Sends the bytes and reads one reply. `faulty` is true when an error reply is no JSON fault.

    A connection closed without a reply has status None and is not faulty: there is no body to be wrong.
    """
    began = time.monotonic()
    received = b""
    with connect(life) as stream:
        try:
            stream.sendall(data)
        except OSError:
            pass                # it may answer and close before it has read everything
        try:
            while not complete(received):
                piece = stream.recv(65536)
                if not piece:
                    break
                received += piece
        except socket.timeout:
            return dict(status=None, faulty=False, hung=True, seconds=time.monotonic() - began)
        except OSError:
            pass
    status, body = parsed(received)
    return dict(status=status, body=body[:300].decode("utf-8", "replace"), faulty=faulty(status, body),
                seconds=time.monotonic() - began)


def skip_interim(data):
    while data.startswith(b"HTTP/1.1 100") and b"\r\n\r\n" in data:
        data = data.split(b"\r\n\r\n", 1)[1]
    return data


def complete(data):
    head, split, body = skip_interim(data).partition(b"\r\n\r\n")
    if not split:
        return False
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return False


def parsed(data):
    head, _, body = skip_interim(data).partition(b"\r\n\r\n")
    words = head.split(b"\r\n")[0].split(b" ")
    return (int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") else None), body


def faulty(status, body):
    if status is None or status < 400:
        return False
    try:
        return not isinstance(json.loads(body)["faultstring"], str)
    except (ValueError, KeyError, TypeError):
        return True


def plain(life, data):
    """Bytes without TLS on a port that speaks TLS: nothing of the API may come back."""
    url = urlsplit(life.base)
    with socket.create_connection((url.hostname, url.port), timeout=20) as stream:
        try:
            stream.sendall(data)
            answer = stream.recv(4096)
        except OSError:
            answer = b""
    return dict(served=b"HTTP/1.1 200" in answer)


def post_and_hang_up(life, path, body):
    """Sends a whole command and closes before the reply: what a conductor's timeout looks like."""
    data = json.dumps(body).encode()
    head = f"POST {path}?agent_token={TOKEN}&wait=false HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
    stream = connect(life)
    stream.sendall(head.encode() + data)
    stream.close()
    return dict(sent=True)


def refuses(life, seconds):
    """Whether anything accepts connections on the agent's port during so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection((MACHINE_V4, 9999), timeout=1).close()
            return dict(served=True)
        except OSError:
            time.sleep(0.5)
    return dict(served=False)
