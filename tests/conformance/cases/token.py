"""Tokens: none, pre-shared, already given away, and the fatal case."""

from cases.api import LIST, named
from checks import enrol, secrets
from probes import links, raw
from situation import IRONLET, PRESHARED, TOKEN, UPSTREAM, WRONG, Await, Check, Probe, Send, Situation, ipa

SITUATIONS = (
    Situation(
        "tokenless", "no token is known: nothing that needs one is served", ipa(), stock=dict(agent_token=None),
        steps=(Send("status", "GET", "/v1/status", token=None, status=200),
               Send("list", "GET", LIST, status=401),
               Send("list-no-token", "GET", LIST, token=None, status=401),
               Send("list-empty-token", "GET", LIST, token="", status=401),
               Send("list-none-token", "GET", LIST, token="None", status=401),
               Send("list-null-token", "GET", LIST, token="null", status=401),
               named("post", "standby.get_partition_uuids", {}, status=401))),
    Situation(
        "short-token", "a token too short to be one is not adopted", ipa(), stock=dict(agent_token="short"),
        steps=(Send("list", "GET", LIST, token="short", status=401),)),
    Situation(
        "preshared", "the token came on the command line; Ironic masks its own", ipa(
            agent_token=PRESHARED, global_request_id="req-2b1d7f0e-6a44-4f0b-8f3e-0a9d4f3c2b1a"),
        stock=dict(agent_token="******"),
        steps=(Send("list", "GET", LIST, token=PRESHARED, status=200),
               Send("list-mask", "GET", LIST, token="******", status=401),
               Send("list-other", "GET", LIST, token=TOKEN, status=401)),
        checks=(Check("heartbeat-token", enrol.heartbeat_token, (PRESHARED,)),
                Check("request-id", enrol.header_everywhere,
                      ("x-openstack-request-id", "req-2b1d7f0e-6a44-4f0b-8f3e-0a9d4f3c2b1a")),
                Check("no-token-in-log", secrets.absent_from_log, agents=(IRONLET,)))),
    Situation(
        "replaced", "Ironic gives a new token although one came on the command line", ipa(agent_token=PRESHARED),
        steps=(Send("list", "GET", LIST, token=TOKEN, status=200),
               Send("list-replaced", "GET", LIST, token=PRESHARED, status=401),
               Send("list-wrong", "GET", LIST, token=WRONG, status=401)),
        checks=(Check("heartbeat-token", enrol.heartbeat_token, (TOKEN,)),)),
    Situation(
        "fatal", "Ironic gave the token to somebody else", ipa(), serves=False, ramdisk=True,
        stock=dict(agent_token="******"),
        steps=(Await("lookup", 1, within=60),
               Probe("nics-down", links.down, (15,), (("down", True),), agents=(IRONLET,)),
               Probe("not-served", raw.refuses, (4,), (("served", False),))),
        checks=(Check("no-heartbeat", enrol.none_of, ("heartbeat",)),
                Check("stays", enrol.alive_at_end, agents=(UPSTREAM,)),
                Check("never-again", enrol.stays_or_ends_for_good, agents=(IRONLET,)))),
    Situation(
        "lockdown", "Ironic cuts the agent off", ipa(), ramdisk=True,
        steps=(named("lockdown", "system.lockdown", {}, query=(("wait", "false"),), status=200),
               Probe("nics-down", links.down, (20,), (("down", True),)),
               Probe("not-served", raw.refuses, (2,), (("served", False),))),
        checks=(Check("stays", enrol.stays_or_ends_for_good),)),
)
