"""Peers that mean harm or are broken: ironlet alone, since upstream has few limits to compare."""

from cases.api import LIST, PARTITIONS
from checks import secrets
from probes import flood, raw
from situation import IRONLET, TOKEN, WRONG, Check, Probe, Send, Situation, ipa

ONLY = dict(agents=(IRONLET,))
AUTHORISED = f"{LIST}?agent_token={TOKEN}".encode()
FAULT = (("faulty", False),)


def post(body, path=AUTHORISED, extra=b""):
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s" % (path, extra, len(body), body)


def get(extra):
    return b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + extra + b"\r\n"


STEPS = (
    Probe("deep-nesting", raw.request, (post(b'{"name": "a.b", "params": ' + b'{"a":' * 50000 + b"1" + b"}" * 50001),),
          FAULT + (("status", 400),), **ONLY),
    Probe("deep-arrays", raw.request, (post(b"[" * 1000000),), FAULT + (("status", 400),), **ONLY),
    Probe("nul-in-body", raw.request, (post(b'{"name": "a\x00b", "params": {}}'),), FAULT + (("status", 400),), **ONLY),
    Probe("duplicate-keys", raw.request, (post(b'{"name": "x", "name": "y", "params": {}}'),),
          FAULT + (("status", 400),), **ONLY),
    Probe("lone-surrogate", raw.request, (post(b'{"name": "\\ud800.b", "params": {}}'),), FAULT, **ONLY),
    Probe("huge-number", raw.request, (post(b'{"name": "a.b", "params": {"n": 1e999999}}'),), FAULT, **ONLY),
    Probe("big-head", raw.request, (get(b"X-Filler: " + b"a" * 65536 + b"\r\n"),), FAULT + (("status", 431),), **ONLY),
    Probe("many-headers", raw.request, (get(b"".join(b"X-%d: y\r\n" % n for n in range(5000))),),
          FAULT + (("status", 431),), **ONLY),
    Probe("long-url", raw.request, (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",), FAULT, **ONLY),
    Probe("bad-request-line", raw.request, (b"\x00\x01\x02\r\n\r\n",), FAULT, **ONLY),
    Probe("negative-length", raw.request,
          (b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n" % AUTHORISED,), FAULT + (("status", 400),),
          **ONLY),
    Probe("two-lengths", raw.request,
          (b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\n{}   " % AUTHORISED,),
          FAULT + (("status", 400),), **ONLY),
    Probe("length-and-chunked", raw.request,
          (b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
           % AUTHORISED,), FAULT + (("status", 400),), **ONLY),
    Probe("bad-chunk", raw.request,
          (b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" % AUTHORISED,),
          FAULT, **ONLY),
    Probe("terabyte-announced", raw.request,
          (b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n" % AUTHORISED,),
          FAULT + (("status", 413), ("seconds", ("<", 5))), **ONLY),
    Probe("token-before-body", raw.request,
          (b"POST %s?agent_token=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n"
           % (LIST.encode(), WRONG.encode()),), FAULT + (("status", 401), ("seconds", ("<", 5))), **ONLY),
    Probe("expect-continue", raw.request, (post(b'{"name": "noext", "params": {}}', extra=b"Expect: 100-continue\r\n"),),
          (("faulty", False), ("status", 400)), **ONLY),
    Probe("garbage-for-tls", raw.plain, (b"\xff" * 4096,), (("served", False),), **ONLY),
    Probe("http-for-tls", raw.plain, (b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n",), (("served", False),), **ONLY),
    Probe("hangs-up-early", flood.hang_ups, (50,), (("status", 200),), **ONLY),
    Send("status-after", "GET", "/v1/status", token=None, status=200),
    Send("list-empty-after", "GET", LIST, status=200),
)

SITUATIONS = (
    Situation("abuse", "requests nobody sane sends; the agent answers with a fault and lives", ipa(), steps=STEPS,
              checks=(Check("no-token-in-log", secrets.absent_from_log),), **ONLY),
    Situation(
        "slow", "peers that open connections and say little", ipa(), **ONLY,
        steps=(Probe("slow-heads", flood.slow_heads, (40, 45),
                     (("served_meanwhile", True), ("all_closed", True)), **ONLY),
               Send("status-after", "GET", "/v1/status", token=None, status=200))),
    Situation(
        "big-body", "a config drive three times over in one request", ipa(), **ONLY, seconds=180,
        steps=(Probe("200-mib", flood.big_step, (200,),
                     (("status", 200), ("command_status", "FAILED"), ("names_last_field", True),
                      ("peak_mib", ("<", 400))), **ONLY),
               Send("run-after", "POST", LIST, json=PARTITIONS, status=200),
               Send("list-after", "GET", LIST, status=200))),
)
