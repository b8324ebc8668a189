"""Heartbeats: intervals, failures, and what never changes in them."""

from checks import certificates, enrol, timing
from situation import Api, Await, Check, Reply, Situation, ipa

FAULT = {"error_message": {"faultstring": "Node is locked", "faultcode": "Client"}}

SITUATIONS = (
    Situation(
        "jitter", "a short timeout, many heartbeats", ipa(), stock=dict(heartbeat_timeout=6),
        steps=(Await("heartbeat", 10, within=60),),
        checks=(Check("intervals", timing.intervals, (6,)),
                Check("vary", timing.intervals_vary, (6,)),
                Check("same-callback", enrol.callbacks_alike),
                Check("same-certificate", certificates.alike))),
    Situation(
        "failing", "heartbeats that fail in every way are tried again in 5 to 10 s", ipa(),
        stock=dict(heartbeat_timeout=6),
        apis=(Api(heartbeats=(Reply(409, FAULT), Reply(500, b"no"), Reply(drop=True), Reply(200, {}), Reply(202))),),
        steps=(Await("heartbeat", 6, within=80),),
        checks=(Check("retry-pauses", timing.retry_pauses),
                Check("same-callback", enrol.callbacks_alike),
                Check("same-certificate", certificates.alike))),
)
