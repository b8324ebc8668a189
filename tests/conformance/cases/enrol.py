"""Version discovery and lookup: every reply Ironic can give, and the pauses between tries."""

from cases.api import LIST
from checks import enrol, timing
from probes import handshake
from situation import (ABSENT, Api, Await, Check, IRONLET, NODE, Probe, Reply, Send, Situation, found, ipa,
                       lookup_config)

NOT_FOUND = Reply(404, {"error_message": {"faultstring": "Node could not be found.", "faultcode": "Client"}})
LOCKED = Reply(409, {"error_message": '{"faultstring": "Node is locked by host x", "faultcode": "Client"}'})

SITUATIONS = (
    Situation(
        "enrols", "a lookup that takes five tries", ipa(),
        apis=(Api(lookups=(NOT_FOUND, Reply(500, b"<html>no</html>"), Reply(200, b"{not json"),
                           Reply(200, {"node": {}}), found())),),
        steps=(Send("list", "GET", LIST, status=200),),
        checks=(Check("growing-pauses", timing.lookup_pauses),
                Check("addresses", enrol.addresses),
                Check("same-every-time", enrol.lookups_alike),
                Check("versions", enrol.api_versions, ("1.62", "1.68")),
                Check("heartbeat-at-once", timing.first_heartbeat),
                Check("listening-before", enrol.listening_before_heartbeat))),
    Situation(
        "locked", "the node is locked three times", ipa(),
        apis=(Api(lookups=(LOCKED, LOCKED, LOCKED, found())),),
        checks=(Check("conflict-pauses", timing.conflict_pauses, (5, 10, 30)),), seconds=180),
    Situation(
        "dropped", "the API hangs up on lookups, then answers", ipa(),
        apis=(Api(lookups=(Reply(drop=True), Reply(drop=True), found())),),
        checks=(Check("same-every-time", enrol.lookups_alike),)),
    Situation(
        "gives-up", "nobody knows this machine", ipa(lookup_timeout=6), serves=False,
        apis=(Api(lookups=(NOT_FOUND,)),),
        steps=(Await("exit", within=60),),
        checks=(Check("exit-status", enrol.exits_with_failure),
                Check("kept-trying", enrol.at_least, ("lookup", 3)),
                Check("no-heartbeat", enrol.none_of, ("heartbeat",)))),
    Situation(
        "undiscovered", "the version document fails once: 1.31 for that call, asked again for the next", ipa(),
        apis=(Api(version=(None, "1.115")),),
        steps=(Send("list", "GET", LIST, status=200),),
        checks=(Check("versions", enrol.api_versions, ("1.31", "1.68")),)),
    Situation(
        "surplus", "keys nobody knows, secrets masked, options of another version", ipa(),
        apis=(Api(lookups=(found(
            dict(driver_internal_info={"REDACTED": "REDACTED"}, links=ABSENT, unheard_of={"a": [1]}),
            agent_containers={"runner": "no such runner", "unheard_of": True},
            unheard_of={"deep": [{"er": None}]}, another="text", tls_min_version=ABSENT, agent_token_required=ABSENT,
            permitted_image_formats=ABSENT, metrics=ABSENT, metrics_statsd=ABSENT, agent_skip_bmc_detect=True),)),),
        steps=(Send("list", "GET", LIST, status=200),
               Probe("tls-1.2", handshake.verified, ("1.2",), (("ok", True),)))),
    Situation(
        "bare", "a node with nothing but its UUID (upstream dies of it)", ipa(), agents=(IRONLET,),
        apis=(Api(lookups=(Reply(200, {"node": {"uuid": NODE}, "config": {
            "heartbeat_timeout": 300, "agent_token": lookup_config()["agent_token"]}}),)),),
        steps=(Send("list", "GET", LIST, status=200),)),
    Situation(
        "ancient-reply", "heartbeat_timeout beside the node, from before `config`", ipa(),
        apis=(Api(lookups=(Reply(200, {"node": {"uuid": NODE, "properties": {}, "instance_info": {}},
                                       "heartbeat_timeout": 300}),)),),
        steps=(Send("list", "GET", LIST, status=401),)),
)
