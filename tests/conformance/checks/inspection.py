"""What the agent posted for inspection, and what came of it."""

import base64
import gzip

from checks.enrol import lookups, of_kind


def posted(record):
    found = of_kind(record, "inspection")
    assert found, "nothing was posted"
    return found


def posts(record, count):
    assert len(posted(record)) == count, f"{len(posted(record))} posts"


def before_lookup(record):
    assert posted(record)[0]["t"] < lookups(record)[0]["t"], "the lookup came first"


def uuid_in_lookup(record, uuid):
    for lookup in lookups(record):
        assert dict(lookup["query"]).get("node_uuid") == uuid, lookup["query"]


def error_is(record, error):
    for post in posted(record):
        assert "error" in post["body"], "there is no error"
        assert post["body"]["error"] == error, f"error is {post['body']['error']!r}"


def error_names(record, text):
    for post in posted(record):
        assert text in post["body"]["error"], f"error is {post['body']['error']!r}"


def fits_ironic(record):
    """What the callback's schema asks for, and the smallest body limit."""
    for post in posted(record):
        inventory = post["body"]["inventory"]
        assert inventory["interfaces"], "no interfaces"
        assert all(isinstance(card["mac_address"], str) for card in inventory["interfaces"]), "a card without an address"
        for key in ("bmc_address", "bmc_v6address"):
            assert inventory.get(key) is None or isinstance(inventory[key], str), f"{key} is {inventory[key]!r}"
        assert int(post["headers"]["content-length"]) < 16 << 20, "more than Ironic reads"


def logs_are_an_archive(record):
    for post in posted(record):
        assert gzip.decompress(base64.b64decode(post["body"]["logs"], validate=True)), "the archive is empty"


def pauses(record, *least):
    times = [post["t"] for post in posted(record)]
    found = [later - earlier for earlier, later in zip(times, times[1:])]
    assert len(found) == len(least), f"{len(found)} pauses: {found}"
    for pause, wanted in zip(found, least):
        # The agent's own work between two attempts comes on top.
        assert wanted - 0.1 <= pause < wanted + 4, f"{found}, not {least}"
