"""Requests that two readers could understand in two ways: what is hidden in one must never be a request of its own."""

import random
import re
import socket

from attack import attack
from ironic import TOKEN
from table import Row

HIDDEN = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
FRAMINGS = (
    "Content-Length: {length}", "Content-Length: 0", "Content-Length: +{length}", "Content-Length: {length}, {length}",
    "Content-Length:\t{length}", "Content-Length : {length}", "Content-Length: 0x{length:x}", "Content-Length: {length} ",
    "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked", "Transfer-Encoding: identity", "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: \"chunked\"", "Transfer-Encoding:\x0bchunked", "Transfer-Encoding : chunked", " Transfer-Encoding: chunked",
    "Transfer-Encoding: xchunked", "Transfer-Encoding\x00: chunked", "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked",
    "Transfer_Encoding: chunked", "Expect: 100-continue", "Connection: Content-Length", "Connection: keep-alive, Transfer-Encoding",
)
LINES = ("POST {page} HTTP/1.1", "POST {page} HTTP/1.0", "GET /v1/status HTTP/1.1", "GET /v1/status HTTP/1.0", "HEAD / HTTP/1.1",
         "POST  {page} HTTP/1.1", "POST {page} HTTP/1.1 ", "POST\t{page}\tHTTP/1.1", "PUT {page} HTTP/1.1", "POST {page} HTTP/1.10")
SIZES = ("0\r\n\r\n", "0\n\n", "00000000000000000\r\n\r\n", "0;x\r\n\r\n", "-0\r\n\r\n", "0 \r\n\r\n", "0x0\r\n\r\n", "1\r\nZ\r\n0\r\n\r\n", "2\r\nZ\r\n0\r\n\r\n")


@attack
def smuggled(field):
    besieged = field.besieged("smuggling")
    count = field.scale(150, 3000)
    dice = random.Random(field.seed)
    broken, refused, hidden_body = [], 0, 0
    for _ in range(count):
        body = (dice.choice(SIZES) if dice.random() < 0.7 else "") + HIDDEN
        line = dice.choice(LINES).format(page=f"/v1/commands/?agent_token={TOKEN}")
        framings = [dice.choice(FRAMINGS).format(length=len(body)) for _ in range(dice.choice((0, 1, 1, 2, 3)))]
        request = "\r\n".join([line, "Host: x", *framings]) + "\r\n\r\n" + body
        follows = strictly(line, framings, body)
        statuses = [int(status) for status in re.findall(r"HTTP/1\.1 (\d{3}) ", talk(besieged, request)) if status != "100"]
        if follows is None:
            # In doubt there is one answer, which says so, and nothing after it.
            refused += 1
            good = len(statuses) <= 1 and all(status >= 400 for status in statuses)
        else:
            hidden_body += not follows
            good = len(statuses) <= (2 if follows else 1)
        if not good:
            broken.append(f"{request!r}: {statuses}")
    # Who hangs up while strangers queue gets no answer: this one stays on the line until it has its two.
    seen = talk(besieged, HIDDEN + HIDDEN.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), hangs_up=False).count("HTTP/1.1 404")
    yield Row("smuggled requests", f"{count} (seed {field.seed})", f"{count - len(broken)} answered as they had to be",
              f"{refused} in doubt, {hidden_body} hidden", f"0 hidden ones served, {seen} of 2 in the open" + (f"; {broken[0]}" if broken else ""),
              not broken and seen == 2 and besieged.lives())


def strictly(line, framings, body):
    """Whether the hidden request follows the first one, as RFC 9112 has it; none where anything is in doubt."""
    version = re.fullmatch(r"[A-Z]+ \S+ HTTP/1\.([01])", line)
    fields = [re.fullmatch(r"([!-9;-~]+):[ \t]*([ -~\t]*?)[ \t]*", framing) for framing in framings]
    if not version or not all(fields):
        return None
    named = [(field[1].lower(), field[2]) for field in fields]
    lengths = [value for name, value in named if name == "content-length"]
    codings = [value for name, value in named if name == "transfer-encoding"]
    if len(lengths) + len(codings) > 1 or any(not value.isdigit() for value in lengths):
        return None
    if codings:
        if codings[0].lower() != "chunked" or version[1] == "0":
            return None
        chunks = re.match(r"(?:1\r\nZ\r\n)?0+(?:;x)?\r\n\r\n", body)
        return bool(chunks) and body[chunks.end():] == HIDDEN
    return body[int(lengths[0]) if lengths else 0:].endswith(HIDDEN)


def talk(besieged, request, hangs_up=True):
    with socket.create_connection(("127.0.0.1", besieged.port), timeout=5) as stream:
        told = b""
        try:
            stream.sendall(request.encode("latin-1"))
            if hangs_up:
                stream.shutdown(socket.SHUT_WR)
            while piece := stream.recv(65536):
                told += piece
        except OSError:
            pass
        return told.decode("latin-1")

