"""Somebody with the token who is broken or hangs up, and bodies that mean harm: seats, memory and time stay bounded."""

import contextlib
import http.client
import json
import socket
import time

from attack import attack
from conductor import Calls
from ironic import TOKEN
from table import Row

MEMORY = 24
PAGE = f"/v1/commands/?agent_token={TOKEN}"


def send(besieged, data, wait=None):
    """Sends bytes; the status of the reply if one is waited for, else hangs up at once."""
    with socket.create_connection(("127.0.0.1", besieged.port), timeout=20) as stream:
        try:
            stream.sendall(data)
        except OSError:
            pass    # it may have had enough already
        if wait:
            try:
                words = stream.recv(4096).split(b" ")
                return int(words[1]) if len(words) > 1 else None
            except OSError:
                return None
        return None


def post(body, query="", length=None):
    head = f"POST {PAGE}{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


@attack
def hang_ups(field):
    """In a command that runs: every one of them takes a seat until it is seen that it has gone."""
    besieged = field.besieged("hang-ups")
    count = field.scale(300, 3000)
    # Nobody answers at that port, and the agent tries again for longer than this takes.
    info = {"id": "x", "urls": ["http://127.0.0.1:9/x"], "os_hash_algo": "sha256", "os_hash_value": "0" * 64,
            "disk_format": "raw", "stream_raw_images": True}
    conductor = besieged.conductor()
    entry = conductor.call("POST", "", {"name": "standby.prepare_image", "params": {"image_info": info}}, "wait=false")
    page = f"/v1/commands/{entry['id']}?wait=true&agent_token={TOKEN}"
    waits = f"GET {page} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    slowest = 0
    failures = []
    with besieged.measure() as taken:
        for number in range(count):
            send(besieged, waits)
            if number % 20 == 0:
                began = time.monotonic()
                try:
                    conductor.commands()
                except (OSError, http.client.HTTPException) as failure:
                    failures.append(str(failure))
                slowest = max(slowest, time.monotonic() - began)
    calls = -(-count // 20)
    yield Row("hang up in a wait=true", f"{count} clients", f"{calls - len(failures)} of {calls} calls",
              f"<= {slowest:.2f} s, +{taken.memory:.0f} MiB, {taken.threads} threads", f"1 s, {MEMORY} MiB, 160 threads",
              not failures and slowest <= 1 and taken.memory <= MEMORY and taken.threads <= 160)
    besieged.stop()


@attack
def unread_results(field):
    besieged = field.besieged("unread")
    count = field.scale(20, 200)
    body = json.dumps({"name": "log.collect_system_logs", "params": {}}).encode()
    with besieged.measure() as taken:
        for _ in range(count):
            send(besieged, post(body, "&wait=true"))
        # They have the token, all of them: of those who hang up before they have a seat some are gone, and whoever comes behind them may be
        # asked to come again.
        deadline = time.monotonic() + 20
        commands = []
        while len(commands) < count and time.monotonic() < deadline:
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                commands = besieged.conductor().commands()
    size = len(json.dumps(commands))
    yield Row("results nobody reads", f"{len(commands)} of {count} system logs", f"a list of {size >> 10} KiB",
              f"+{taken.memory:.0f} MiB", f"2 KiB each, {MEMORY} MiB", len(commands) >= count // 2 and size <= 2048 * count and taken.memory <= MEMORY)
    besieged.stop()


# (what, body, statuses that are an answer)
BOMBS = (
    ("8 MiB of [", b"[" * (8 << 20), (400,)),
    ("deep objects", b'{"a":' * (1 << 20), (400,)),
    ("two million values", b'{"name":"a.b","params":{"a":[' + b"0," * 2000000 + b"0]}}", (400,)),
    ("a million names", b'{"name":"a.b","params":{' + b",".join(b'"%d":0' % n for n in range(1000000)) + b"}}", (400,)),
    ("a name of 8 MiB", b'{"name":"a.b","params":{"' + b"n" * (8 << 20) + b'":0}}', (400,)),
    ("escapes", b'{"name":"a.b","params":{"a":"' + b"\\ud83d\\ude00" * 500000 + b'"}}', (400, 404)),
    ("numbers", b'{"name":"a.b","params":{"a":' + b"9" * (4 << 20) + b"}}", (400, 404)),
    ("no UTF-8", b'{"name":"a.b","params":{"a":"' + b"\xff" * (8 << 20) + b'"}}', (400,)),
)
BOMB_SECONDS, BOMB_MEMORY = 5, 72


@attack
def json_bombs(field):
    besieged = field.besieged("bombs")
    besieged.conductor().commands()
    statuses, slowest, wrong = [], 0, []
    with besieged.measure() as taken:
        for what, body, fitting in BOMBS * field.scale(1, 5):
            began = time.monotonic()
            status = send(besieged, post(body), wait=True)
            slowest = max(slowest, time.monotonic() - began)
            statuses.append(status)
            if status not in fitting:
                wrong.append(f"{what}: {status}")
    good = not wrong and slowest <= BOMB_SECONDS and taken.memory <= BOMB_MEMORY and besieged.lives()
    yield Row("JSON bombs with the token", f"{len(statuses)} bodies", f"{len(statuses) - len(wrong)} refused",
              f"<= {slowest:.1f} s, +{taken.memory:.0f} MiB", f"{BOMB_SECONDS} s, {BOMB_MEMORY} MiB{'; ' if wrong else ''}{', '.join(wrong)}", good)


@attack
def dribbling_bodies(field):
    """With the token, so that their seats are their own: a few are enough. None outlives what the floor allows."""
    besieged = field.besieged("dribble")
    conductor = besieged.conductor()
    streams = []
    for _ in range(40):
        stream = socket.create_connection(("127.0.0.1", besieged.port))
        stream.sendall(post(b"{", length=100000))
        streams.append(stream)
    began = time.monotonic()
    most = 14
    closed = set()
    with Calls(conductor, 0.2) as calls:
        while len(closed) < len(streams) and time.monotonic() - began < most + 6:
            for stream in streams:
                try:
                    stream.sendall(b" ")
                    stream.setblocking(False)
                    if stream.recv(1, socket.MSG_PEEK) is not None:
                        closed.add(stream)
                except BlockingIOError:
                    pass
                except OSError:
                    closed.add(stream)
                finally:
                    stream.setblocking(True)
            time.sleep(0.2)
    seconds = time.monotonic() - began
    yield Row("bodies with the token, a byte in 0.2 s", f"{len(streams)} bodies", f"{len(closed)} ended, {calls.answered} of {len(calls.times)} calls",
              f"after {seconds:.0f} s; calls <= {calls.slowest:.2f} s", f"{most} s; 1 s",
              len(closed) == len(streams) and seconds <= most and calls.answered == len(calls.times) and calls.slowest <= 1)
