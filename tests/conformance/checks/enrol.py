"""What the agent asked of Ironic."""

from situation import MACS


def of_kind(record, kind):
    return [request for request in record["ironic"] if request["kind"] == kind]


def heartbeats(record):
    found = of_kind(record, "heartbeat")
    assert found, "no heartbeat came"
    return found


def lookups(record):
    found = of_kind(record, "lookup")
    assert found, "no lookup came"
    return found


def none_of(record, *kinds):
    for kind in kinds:
        assert not of_kind(record, kind), f"{kind}: {of_kind(record, kind)!r}"


def at_least(record, kind, count):
    assert len(of_kind(record, kind)) >= count, f"only {len(of_kind(record, kind))} of {kind}"


def alive_at_end(record):
    assert record["alive"], f"the process ended with {record['exit']}"


def stays_or_ends_for_good(record):
    """Status 0 tells pid 1 that this agent must not be started again; the machine stays up around it."""
    assert record["alive"] or record["exit"] == 0, f"exit status {record['exit']}: it would be started again"


def exits_with_failure(record):
    assert not record["alive"], "the process is still there"
    assert record["exit"] not in (0, None), f"exit status {record['exit']}"


def heartbeat_token(record, token):
    for beat in heartbeats(record):
        assert beat["body"].get("agent_token") == token, f"agent_token is {beat['body'].get('agent_token')!r}"


def header_everywhere(record, name, value):
    """On every lookup and heartbeat."""
    for request in lookups(record) + heartbeats(record):
        assert request["headers"].get(name) == value, f"{request['kind']}: {name} is {request['headers'].get(name)!r}"


def callback_url(record, url):
    for beat in heartbeats(record):
        assert beat["body"]["callback_url"] == url, beat["body"]["callback_url"]


def callbacks_alike(record):
    found = {beat["body"]["callback_url"] for beat in heartbeats(record)}
    assert len(heartbeats(record)) > 1, "too few heartbeats to tell"
    assert len(found) == 1, f"callback_url changed: {found}"


def addresses(record):
    """Both MACs, comma-joined in one parameter."""
    for lookup in lookups(record):
        query = dict(lookup["query"])
        assert sorted(query["addresses"].split(",")) == sorted(MACS), query["addresses"]


def lookups_alike(record):
    found = [(lookup["path"], lookup["query"]) for lookup in lookups(record)]
    assert len(found) > 1, "too few lookups to tell"
    assert all(each == found[0] for each in found), f"lookups differ: {found}"


def api_versions(record, lookup, heartbeat):
    """The version header of every lookup and of every heartbeat."""
    for kind, want in (("lookup", lookup), ("heartbeat", heartbeat)):
        for request in of_kind(record, kind):
            found = request["headers"].get("x-openstack-ironic-api-version")
            assert found == want, f"{kind} was sent as {found}"
    assert lookups(record) and heartbeats(record)


def listening_before_heartbeat(record):
    assert heartbeats(record)[0]["listening"], "the first heartbeat came before the port was open"


def prefers_working(record, name):
    """Once `name` answered, lookups and heartbeats start there, not at a URL known dead."""
    told = next(event["t"] for event in record["events"] if event["what"] == "down")
    before = [request for request in record["ironic"] if request["t"] < told]
    first = next(request["t"] for request in before if request["api"] == name and request["kind"] != "refused")
    strays = [request["path"] for request in before if request["t"] > first and request["api"] != name
              and request["path"] != "/"]
    assert not strays, f"a dead URL was tried again first: {strays}"
    assert any(request["kind"] == "lookup" and request["api"] == name for request in before)


def api_of(record, kind, index, name):
    found = [request for request in of_kind(record, kind)][index]["api"]
    assert found == name, f"{kind} {index} went to {found}"
