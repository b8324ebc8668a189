"""Pauses between requests. Upper bounds leave room for a loaded machine; lower bounds leave almost none."""

from checks.enrol import heartbeats, lookups
from situation import NODE

# The machine may be busy: what should take N seconds may take so much longer before it is seen.
LATE = 3.0
EARLY = 0.15


def exchange(record, case):
    return next(reply for reply in record["exchanges"] if reply["id"] == case)


def gaps(requests):
    return [later["t"] - earlier["t"] for earlier, later in zip(requests, requests[1:])]


def answered_after(record, case, event, nth):
    moment = [each["t"] for each in record["events"] if each["what"] == event][nth - 1]
    reply = exchange(record, case)
    assert reply["sent"] < moment < reply["answered"], f"{case} was answered {moment - reply['answered']:.1f} s early"
    assert reply["body"]["command_status"] != "RUNNING", f"{case}: still RUNNING after its end"


def answered_within(record, case, seconds):
    reply = exchange(record, case)
    took = reply["answered"] - reply["sent"]
    assert took < seconds, f"{case} took {took:.1f} s"


def first_heartbeat(record):
    gap = heartbeats(record)[0]["t"] - lookups(record)[-1]["t"]
    assert gap < 15, f"the first heartbeat came {gap:.1f} s after the lookup"


def intervals(record, timeout):
    """After a success: 0.3 to 0.6 of the timeout, and always less than it."""
    for gap in gaps(heartbeats(record)):
        assert 0.3 * timeout - EARLY <= gap <= 0.6 * timeout + LATE, f"{gap:.2f} s with a timeout of {timeout}"
        assert gap < timeout, f"{gap:.2f} s with a timeout of {timeout}"


def intervals_vary(record, timeout):
    found = gaps(heartbeats(record))
    assert len(found) >= 8, "too few heartbeats to tell"
    assert max(found) - min(found) > 0.05 * timeout, f"intervals hardly vary: {found}"


def retry_pauses(record):
    """After anything but 202: 5 to 10 s."""
    beats = heartbeats(record)
    failed = [(beat["reply"], gap) for beat, gap in zip(beats, gaps(beats)) if beat["reply"] != 202]
    assert len(failed) >= 4, f"only {len(failed)} failures were seen"
    for reply, gap in failed:
        assert 5 - EARLY <= gap <= 10 + LATE, f"{gap:.2f} s after {reply}"


def forced_heartbeat(record):
    """A command ended: the next heartbeat comes at once, but 5 s after the one before it; 300 s is the timeout."""
    beats = heartbeats(record)
    assert len(beats) >= 3, f"only {len(beats)} heartbeats"
    for gap in gaps(beats):
        assert gap >= 5 - EARLY, f"{gap:.2f} s after the one before"
    ended = exchange(record, "by-id-wait")["answered"]
    due = max(ended, beats[0]["t"] + 5)
    # Upstream looks every 5 s; "promptly" is the same for both.
    assert beats[1]["t"] - due < 5 + LATE, f"{beats[1]['t'] - due:.2f} s after it was due"


def lookup_pauses(record):
    """The n-th pause is random between 1 and 2^(n-1) seconds."""
    found = gaps(lookups(record))
    assert len(found) >= 4, f"only {len(found)} pauses"
    for number, gap in enumerate(found):
        longest = max(1, min(60, 2 ** number))
        assert 1 - EARLY <= gap <= longest + LATE, f"pause {number + 1} took {gap:.2f} s"


def conflict_pauses(record, *least):
    found = gaps(lookups(record))
    assert len(found) >= len(least), f"only {len(found)} pauses"
    for number, (gap, low) in enumerate(zip(found, least)):
        back_off = max(1, 2 ** number)
        assert low <= gap <= low + back_off + LATE, f"pause {number + 1} took {gap:.2f} s, not {low} and a back-off"


def second_lookup_names_node(record):
    for lookup in lookups(record)[1:]:
        assert dict(lookup["query"]).get("node_uuid") == NODE, lookup["query"]
    assert len(lookups(record)) > 1
