"""Clients that ask for another handshake on a connection that has one, as TLS 1.2 would let them, over and over: each costs the server more than them."""

import subprocess

from attack import attack
from conductor import Calls
from attacks.floods import CALLS, MEMORY, PATIENCE, SLOWEST
from table import Row

CLIENTS = 20


@attack
def renegotiation(field):
    besieged = field.besieged("again", tls=True)
    besieged.conductor().commands()
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{besieged.port}", "-tls1_2"]
    clients = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(CLIENTS)]
    with besieged.measure() as taken, Calls(besieged.conductor()) as calls:
        for client in clients:
            # The word of s_client's for it.
            client.stdin.write("R\n" * 10)
            client.stdin.flush()
        calls.go_on(field.scale(1.2, 20), CALLS, PATIENCE)
        said = [end(client) for client in clients]
    began = sum("RENEGOTIATING" in text for text in said)
    # What openssl says of each handshake that comes to its end.
    done = sum(text.split("RENEGOTIATING", 1)[-1].count("verify return") for text in said)
    slowest = SLOWEST[True]
    good = began == CLIENTS and not done and calls.answered == len(calls.times) >= CALLS and calls.slowest <= slowest and taken.memory <= MEMORY and besieged.lives()
    yield Row(f"{CLIENTS} that want another handshake", f"{began} asked, {done} got one", f"{calls.answered} of {len(calls.times)} calls",
              f"<= {calls.slowest:.2f} s, +{taken.memory:.0f} MiB, {taken.cpu_spent / taken.seconds:.2f} CPU", f"{slowest:.0f} s, {MEMORY} MiB", good)
    besieged.stop()


def end(client):
    """What it said; s_client waits for its server or for the end of its input."""
    try:
        return client.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired:
        client.kill()
        return client.communicate()[0]
