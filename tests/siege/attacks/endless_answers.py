"""Answers that never end, of whoever the agent asks: every wait has an end, the agent lives on, and a flood costs no more than a dribble."""

import re
from concurrent.futures import ThreadPoolExecutor

from attack import attack
from image import Image
from liar import HEAD, SPEECHES, TUNNEL, Liar, Speech
from place import PORTS
from table import Row

# What others take of the machine, in seconds.
NOISE = 6
CPU, MEMORY = 1.5, 40
# ipa-http-request-timeout=1: a second to connect, three for the head, four for the body.
CALL = 8
# The answer to a lookup has the token, which is told once: it is waited for four times as long.
LONGEST = {"lookup": 4 * CALL}
API = "ipa-http-request-timeout=1 ipa-lookup-interval=1"
# ipa-image-download-max-duration, once the disks are known to have settled.
DOWNLOAD = 4
IMAGE = f"ipa-image-download-max-duration={DOWNLOAD} ipa-image-download-connection-timeout=30"
AT_ONCE = 14


def ways():
    """A dribble and a flood of each kind."""
    return [(name, floods) for name in SPEECHES for floods in (False, True)]


@attack
def ironic(field):
    for call, path in field.scale([("lookup", "/v1/lookup"), ("heartbeat", "/v1/heartbeat")],
                                  [("version", "/"), ("lookup", "/v1/lookup"), ("heartbeat", "/v1/heartbeat")]):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = list(pool.map(lambda way: lied_to(field, path, *way), ways()))
        yield row(f"Ironic's answer to the {call} never ends", told, LONGEST.get(call, CALL))


def lied_to(field, path, name, floods, speech=None):
    """An agent whose first call of this kind gets such an answer; it enrols all the same, and takes orders."""
    speech = speech or SPEECHES[name]
    tls = field.work / "tls"
    liar = Liar(speech, floods, path, PORTS["ironic"], (tls / "good.crt", tls / "good.key") if speech.unasked else None)
    api = f"{'https' if speech.unasked else 'http'}://127.0.0.1:{liar.port}"
    what = name if not speech.more else f"{name}, {'flood' if floods else 'dribble'}"
    try:
        besieged = field.besieged("lied-to", conf=f"cafile = {tls}/authority.crt", more=API, api=api, patience=60)
        besieged.conductor().commands()
        found = what, liar.longest(), besieged.cpu(), besieged.status("VmHWM") / 1024, ""
        besieged.stop()
        return found
    except (OSError, AssertionError) as error:
        return what, liar.longest(), 0, 0, str(error)
    finally:
        liar.stop()


def filled(start, piece, end=b""):
    """As much JSON as is read of Ironic: 8 MiB."""
    body = start + piece * (((8 << 20) - len(start) - len(end)) // len(piece)) + end
    return Speech(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


BOMBS = {
    "[": filled(b"", b"["),
    "objects in objects": filled(b"", b'{"a":'),
    "objects": filled(b"[", b'{"a":0},', b"0]"),
    "lists": filled(b"[", b"[0],", b"0]"),
    "numbers of 100 digits": filled(b"[", b"9" * 100 + b",", b"0]"),
    "digits": filled(b"", b"9"),
    "texts": filled(b"[", b'"' + b"x" * 100 + b'",', b"0]"),
    "short texts": filled(b"[", b'"x",', b"0]"),
    "names": filled(b'{"a":0', b',"nnnnnnnn":0', b"}"),
    "escapes": filled(b'"', b"\\ud83d\\ude00", b'"'),
    "no UTF-8": filled(b'"', b"\xff", b'"'),
    "an error in an error": filled(b'{"error_message": "', b"[", b'"}'),
}
BOMB_MEMORY, BOMB_CPU = 40, 3


@attack
def ironic_bombs(field):
    """As the answer to each kind of call; those that are no JSON of Ironic's are as good as none."""
    for call, path in field.scale([("lookup", "/v1/lookup")],
                                  [("version", "/"), ("lookup", "/v1/lookup"), ("heartbeat", "/v1/heartbeat")]):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = list(pool.map(lambda bomb: lied_to(field, path, bomb, False, BOMBS[bomb]), BOMBS))
        yield row(f"Ironic's answer to the {call} is 8 MiB of JSON", told, LONGEST.get(call, CALL), BOMB_CPU, BOMB_MEMORY)


@attack
def images(field):
    image = Image(field.work / "endless.raw")
    # The body of an image has no end before that of the disk.
    kinds = [(name, floods, "") for name, floods in ways() if (name, floods) != ("body", True)]
    kinds += [("CONNECT", floods, "http") for floods in (False, True)] + [("TLS record", floods, "https") for floods in (False, True)]
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda kind: downloaded(field, image, *kind), kinds))
    yield row("an image server's or proxy's answer never ends", told, DOWNLOAD)


def downloaded(field, image, name, floods, proxy):
    speech = SPEECHES.get(name, TUNNEL)
    liar = Liar(speech, floods, always=True)
    besieged = field.besieged("downloading", more=IMAGE)
    what = f"{name}{' of a proxy' if proxy else ''}, {'flood' if floods else 'dribble'}"
    place = "127.0.0.1:9" if proxy else f"127.0.0.1:{liar.port}"
    url = f"{'https' if proxy or speech.unasked else 'http'}://{place}/image.raw"
    try:
        with besieged.measure() as taken:
            outcome = besieged.agent.order(url, image, f"{proxy}://127.0.0.1:{liar.port}" if proxy else None)
        wrong = ""
        if outcome.succeeded or outcome.disk.boots():
            wrong = "taken"
        elif not re.search(r"ImageDownloadError|ImageWriteError", outcome.details):
            wrong = outcome.details[:80]
        besieged.conductor().commands()
        return what, liar.longest(), taken.cpu_spent, besieged.status("VmHWM") / 1024, wrong
    except OSError as error:
        return what, liar.longest(), 0, 0, str(error)
    finally:
        besieged.stop()
        liar.stop()


def row(what, told, seconds, most_cpu=CPU, most_memory=MEMORY):
    """`told` holds (kind, how long it was listened to, seconds of the processor, MiB, what is wrong)."""
    wrong = [f"{kind}: {why or (lasted, cpu, memory)}" for kind, lasted, cpu, memory, why in told
             if why or lasted is None or lasted > seconds + NOISE or cpu > most_cpu or memory > most_memory]
    longest = max((lasted or 0, kind) for kind, lasted, *_ in told)
    return Row(what, f"{len(told)} agents", f"{len(told) - len(wrong)} in time, and served on",
               f"<= {longest[0]:.1f} s, {max(one[2] for one in told):.2f} CPU s, {max(one[3] for one in told):.0f} MiB",
               f"{seconds} + {NOISE} s, {most_cpu} CPU s, {most_memory} MiB" + (f"; {'; '.join(wrong[:4])}" if wrong else ""), not wrong)
