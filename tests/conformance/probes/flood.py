"""Many connections, slow connections, and one very large request."""

import json
import socket
import threading
import time

from probes import raw
from situation import TOKEN

STATUS = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"


def hang_ups(life, count):
    """Opens and drops connections at every stage, then asks for the status."""
    for number in range(count):
        stream = raw.connect(life)
        stream.sendall(STATUS[:number % len(STATUS)])
        stream.close()
    return raw.request(life, STATUS)


def slow_heads(life, count, seconds):
    """`count` peers send one byte of a head now and then. Others must be served, and all of them dropped in time."""
    closed = []

    def dawdle(number):
        try:
            with raw.connect(life, timeout=seconds) as stream:
                stream.settimeout(2)
                deadline = time.monotonic() + seconds
                for byte in b"GET /v1/status HTTP/1.1\r\nX: " + b"a" * 10000:
                    if number % 4:          # a quarter sends nothing at all after the handshake
                        stream.sendall(bytes([byte]))
                    try:
                        if not stream.recv(100):
                            closed.append(number)
                            return
                    except (socket.timeout, TimeoutError):
                        pass
                    if time.monotonic() > deadline:
                        return
        except OSError:
            closed.append(number)

    threads = [threading.Thread(target=dawdle, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    served = True
    for _ in range(5):
        began = time.monotonic()
        try:
            served = served and raw.request(life, STATUS)["status"] == 200
        except OSError:
            served = False
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(1)
    for thread in threads:
        thread.join(seconds + 10)
    return dict(served_meanwhile=served, slowest=slowest, all_closed=len(closed) == count, closed=len(closed))


def big_step(life, mebibytes):
    """A step whose arguments carry a config drive three times; its name is the very last field of the body.

    Streamed from small pieces, so that only the agent holds it.
    """
    filler = b"QUJD" * (256 * 1024 // 4)
    third = mebibytes * 1024 * 1024 // 3
    pieces = third // len(filler)
    node = b'{"uuid": "5f0d6a4e-2f1b-4f57-9d1c-0c9f3c1b7a10", "properties": {}, "driver_internal_info": {}, '
    opening = b'{"name": "deploy.execute_deploy_step", "params": {"ports": [], "node": ' + node + \
        b'"instance_info": {"configdrive": "'
    between = (b'"}}, "step": {"interface": "deploy", "args": {"configdrive": "', b'", "image_info": {"configdrive": "')
    closing = b'"}}, "step": "named_at_the_very_end"}}}'
    length = len(opening) + sum(map(len, between)) + len(closing) + 3 * pieces * len(filler)
    head = (f"POST /v1/commands/?wait=true&agent_token={TOKEN} HTTP/1.1\r\nHost: x\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n").encode()
    began = time.monotonic()
    with raw.connect(life, timeout=120) as stream:
        stream.sendall(head + opening)
        for separator in (*between, closing):
            for _ in range(pieces):
                stream.sendall(filler)
            stream.sendall(separator)
        received = b""
        while not raw.complete(received):
            piece = stream.recv(65536)
            if not piece:
                break
            received += piece
    status, body = raw.parsed(received)
    try:
        reply = json.loads(body)
    except ValueError:
        reply = {}
    error = reply.get("command_error") or {}
    return dict(status=status, command_status=reply.get("command_status"), body=body[:300].decode("utf-8", "replace"),
                names_last_field="named_at_the_very_end" in str(error.get("details", "")),
                peak_mib=life.agent.peak_kib() / 1024, seconds=time.monotonic() - began)
