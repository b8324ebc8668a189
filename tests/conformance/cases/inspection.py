"""Inspection: what is posted before the lookup, every answer the callback can give, and the agent that was only to inspect."""

from cases.api import LIST
from checks import enrol, inspection
from probes import address
from situation import (IRONIC_V4, IRONLET, MACS, NODE, OTHER_PORT, PORT, Api, Await, Check, Probe, Reply, Send,
                       Situation, ipa)

CALLBACK = f"http://{IRONIC_V4}:{PORT}/v1/continue_inspection"
GONE = f"http://{IRONIC_V4}:{OTHER_PORT}/v1/continue_inspection"
LOCKED = Reply(409, {"error_message": {"faultstring": "Node is locked by host x", "faultcode": "Client"}})
UNKNOWN = Reply(404, {"error_message": {"faultstring": "Node was not found", "faultcode": "Client"}})


def inspect(**parameters):
    """Nobody waits for addresses: ironlet looks at a tree, whose cards have none."""
    return ipa(inspection_dhcp_wait_timeout=0, **parameters)


SITUATIONS = (
    Situation(
        "inspects", "collectors and an API URL: posted below it, before the lookup, which has the UUID",
        inspect(inspection_collectors="default,logs", global_request_id="req-7") + f" BOOTIF=01-{MACS[0].replace(':', '-')}",
        steps=(Send("list", "GET", LIST, status=200),),
        checks=(Check("before-lookup", inspection.before_lookup),
                Check("uuid", inspection.uuid_in_lookup, (NODE,)),
                Check("no-error", inspection.error_is, (None,)),
                Check("accepted-data", inspection.fits_ironic),
                Check("logs", inspection.logs_are_an_archive))),
    Situation(
        "inspect-locked", "the node is locked, then the API fails, then it is taken",
        inspect(inspection_callback_url=CALLBACK),
        apis=(Api(inspections=(LOCKED, Reply(503, b"<html>no server</html>"), Reply(202, {"uuid": NODE}))),),
        checks=(Check("pauses", inspection.pauses, (5, 5)),
                Check("uuid", inspection.uuid_in_lookup, (NODE,)))),
    Situation(
        "inspect-refused", "nobody knows this machine: the lookup goes on without a UUID",
        inspect(inspection_callback_url=CALLBACK),
        apis=(Api(inspections=(UNKNOWN,)),),
        checks=(Check("once", inspection.posts, (1,)),
                Check("no-uuid", inspection.uuid_in_lookup, (None,)))),
    Situation(
        "inspect-gives-up", "always locked: five attempts, then the process ends and is started again",
        inspect(inspection_callback_url=CALLBACK), serves=False,
        apis=(Api(inspections=(LOCKED,)),),
        steps=(Await("exit", within=90),),
        checks=(Check("pauses", inspection.pauses, (5, 5, 6, 12)),
                Check("no-lookup", enrol.none_of, ("lookup",)),
                Check("exit-status", enrol.exits_with_failure))),
    Situation(
        "inspect-next-url", "of two callbacks the first refuses connections",
        inspect(inspection_callback_url=f"{GONE},{CALLBACK}"),
        checks=(Check("once", inspection.posts, (1,)),
                Check("uuid", inspection.uuid_in_lookup, (NODE,)))),
    Situation(
        "inspect-only", "a callback and no API URL: posted, then nothing but 401",
        inspect(api_url=None, inspection_callback_url=CALLBACK), serves=False,
        steps=(Await("inspection"),
               Probe("listens", address.without_heartbeat, (), (("ok", True),)),
               Send("list", "GET", LIST, status=401), Send("list-no-token", "GET", LIST, token=None, status=401)),
        checks=(Check("nobody-else", enrol.none_of, ("lookup", "heartbeat", "root")),
                Check("alive", enrol.alive_at_end))),
    Situation(
        "inspect-strange-collector", "one that nobody has: told in `error`, and no UUID for the lookup",
        inspect(inspection_collectors="default,no-such-collector"),
        checks=(Check("error", inspection.error_names, ("no-such-collector",)),
                Check("once", inspection.posts, (1,)),
                Check("no-uuid", inspection.uuid_in_lookup, (None,)))),
    Situation(
        "inspect-not-ironic", "a page with status 200 is not Ironic (upstream dies of it): the lookup goes on",
        inspect(inspection_callback_url=CALLBACK), agents=(IRONLET,),
        apis=(Api(inspections=(Reply(200, b"<html>Welcome</html>"),)),),
        checks=(Check("once", inspection.posts, (1,)),
                Check("no-uuid", inspection.uuid_in_lookup, (None,)))),
)
