"""Clients without the token, many and greedy: does the conductor still get through, and what does the agent pay?"""

import contextlib
import ssl

from attack import attack
from conductor import Calls
from place import command
from table import Row

STATUS = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
GUESS = b"GET /v1/commands/?agent_token=guess HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b"POST /v1/commands/?agent_token=guess HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60000
LARGE = BODY.replace(b"60000", str(256 << 20).encode())
# Seconds, on a machine that has more to do. Under TLS a handshake waits behind those of others.
SLOWEST = {False: 2.0, True: 3.0}
# Fewer calls tell nothing; they are waited for as long.
CALLS, PATIENCE = 5, 20
MEMORY = 16
# 64 seats, as many threads on their way out, and what the agent has anyway.
THREADS = 160


def hello():
    """The first flight of a TLS handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def addresses(count, start=1):
    """So many of the loopback's own."""
    return [f"127.1.{number // 250}.{number % 250 + start}" for number in range(count)]


def neighbours(count):
    """So many of one IPv6 network."""
    return [f"fd00:1::{number:x}" for number in range(1, count + 1)]


def status(**more):
    return dict(payload=STATUS.hex(), **more)


# (what, attackers, TLS, does the conductor share the attackers' address?)
FLOODS = (
    ("100 that pipeline GET /v1/status and never read", status(count=100), False, False),
    ("the same from the conductor's own address", status(count=100), False, True),
    ("the same over 62 addresses", status(count=248, sources=addresses(62)), False, False),
    ("the same over 1000 addresses", status(count=1000, sources=addresses(1000)), False, False),
    ("300 that pipeline and read", status(count=300, reads=True), False, False),
    ("300 with guessed tokens", dict(count=300, payload=GUESS.hex(), reads=True), False, False),
    ("1000 stalled connections", dict(count=1000), False, False),
    ("300 heads, a byte in 0.2 s", status(count=300, every=0.2), False, False),
    ("300 bodies without the token, a byte in 0.2 s", dict(count=300, payload=BODY.hex(), every=0.2), False, False),
    ("bodies without the token, never reading", dict(count=300, payload=BODY.hex()), False, False),
    ("bodies of 256 MiB without the token", dict(count=100, payload=LARGE.hex()), False, False),
    ("connect, ask, hang up, as fast as it goes", status(count=200, once=True, reads=True, leaves=0), False, False),
    ("the same from the conductor's own address", status(count=200, once=True, reads=True, leaves=0), False, True),
    ("TLS: 300 silent", dict(count=300), True, False),
    ("TLS: 300 hellos, then silence", dict(count=300, once=True), True, False),
    ("TLS: hello and hang up, as fast as it goes", dict(count=200, once=True, leaves=0.01), True, False),
    ("TLS: noise", dict(count=300, payload=(b"\x16\x03\x01\x3f\xff" + b"\x01" * 16383).hex()), True, False),
    ("TLS: 1000 addresses, hellos and silence", dict(count=1000, once=True, sources=addresses(1000)), True, False),
)


# Before anybody has shown the token: the conductor's address is one of many. Where there are more addresses than seats,
# chance has a part in it; a conductor calls again at the next heartbeat.
FIRST_CONTACTS = (
    ("first contact: 300 silent of one address", dict(count=300), False, 1.0),
    ("first contact: 62 addresses that pipeline", status(count=248, sources=addresses(62)), False, 1.0),
    ("first contact: 1000 addresses that pipeline", status(count=1000, sources=addresses(1000)), False, 0.5),
    ("first contact: 1000 addresses of one IPv6 /64", status(count=1000, sources=neighbours(1000)), True, 1.0),
)
V6 = "fd00:2::1"


@attack
def floods(field):
    besieged = {tls: field.besieged("tls" if tls else "plain", tls=tls) for tls in (False, True)}
    for tls in besieged:
        # It shows its token before the siege begins, as it does when a node enrols.
        besieged[tls].conductor().commands()
        yield patiently(field, f"{'TLS: n' if tls else 'n'}obody attacks", dict(count=0), besieged[tls])
    for what, plan, tls, same in FLOODS:
        if tls and "payload" not in plan and plan.get("once"):
            plan = dict(plan, payload=hello().hex())
        if same:
            plan = dict(plan, sources=["127.0.0.1"])
        # Nothing tells them from the conductor before it has spoken, and on a busy machine its turn to speak may come late.
        yield patiently(field, what, plan, besieged[tls], answered=0.9 if same else 1.0)


@attack
def first_contacts(field):
    for what, plan, v6, answered in FIRST_CONTACTS:
        besieged = field.besieged("first", more="ipa-listen-host=::" if v6 else "")
        conductor = None
        if v6:
            for address in ("fd00:2::2/64", f"{V6}/64", *(f"{source}/64" for source in plan["sources"])):
                command("ip", "-6", "address", "add", address, "dev", "lo", "nodad")
            plan = dict(plan, target=V6)
            conductor = besieged.conductor(V6, "fd00:2::2")
        conductor = conductor or besieged.conductor()
        conductor.fresh = True
        yield patiently(field, what, plan, besieged, conductor, answered)
        besieged.stop()


def patiently(field, what, plan, besieged, conductor=None, answered=1.0):
    """One flood. What was only late is looked at twice: others may have the processor as well."""
    row = flood(field, what, plan, besieged, conductor, answered)
    return row if row.good else flood(field, f"{what} (again)", plan, besieged, conductor, answered)


def flood(field, what, plan, besieged, conductor, answered):
    """`answered` is the part of the conductor's calls that has to be."""
    seconds = field.scale(1.2, 20)
    conductor = conductor or besieged.conductor()
    with besieged.measure() as taken, field.attackers(besieged, **plan) as attackers, Calls(conductor) as calls:
        calls.go_on(seconds, CALLS, PATIENCE)
    count = len(calls.times)
    slowest = SLOWEST[besieged.authority is not None]
    good = (count >= CALLS and calls.answered >= answered * count and calls.slowest <= slowest and taken.memory <= MEMORY
            and taken.threads <= THREADS and besieged.lives())
    return Row(what, f"{attackers.did.get('connections', 0)} connections", f"{calls.answered} of {count} calls",
               f"<= {calls.slowest:.2f} s, +{taken.memory:.0f} MiB, {taken.cpu_spent / taken.seconds:.2f} CPU",
               f"{slowest:.0f} s, {MEMORY} MiB, {taken.threads} of {THREADS} threads"
               + (f"; {calls.failures[0][:90]}" if calls.failures else ""), good)
