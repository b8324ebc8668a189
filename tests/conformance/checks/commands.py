"""Command objects and the list of them."""

import base64
import gzip
import io
import re
import tarfile

KEYS = {"id", "command_name", "command_status", "command_error", "command_result"}


def objects(record):
    """(exchange id, command object) of every reply that holds one or a list of them."""
    for reply in record["exchanges"]:
        body = reply.get("body")
        if reply.get("status") != 200 or not isinstance(body, dict):
            continue
        for command in body["commands"] if is_list(reply) else [body] if "command_name" in body else []:
            yield reply["id"], command


def some(record):
    found = list(objects(record))
    assert found, "the record holds no command object at all"
    return found


def lists(record):
    return [reply for reply in record["exchanges"] if is_list(reply)]


def is_list(reply):
    """A list of commands; the version document has a key of the same name."""
    return reply.get("status") == 200 and reply["path"].endswith("/commands/") and isinstance(reply["body"], dict) \
        and "commands" in reply["body"]


def five_keys(record):
    for case, command in some(record):
        assert set(command) == KEYS, f"{case}: keys are {sorted(command)}"


def bare_names(record):
    for case, command in some(record):
        assert "." not in command["command_name"], f"{case}: command_name is {command['command_name']!r}"


def errors_well_formed(record):
    """SUCCEEDED and RUNNING have no error; the others have one the conductor can read, never a TypeError."""
    for case, command in some(record):
        error, status = command["command_error"], command["command_status"]
        if status in ("SUCCEEDED", "RUNNING"):
            assert error is None, f"{case}: {status} with an error: {error!r}"
            continue
        assert status in ("FAILED", "CLEAN_VERSION_MISMATCH"), f"{case}: status is {status!r}"
        assert isinstance(error, dict), f"{case}: command_error is {error!r}"
        for key, kind in (("type", str), ("code", int), ("message", str), ("details", str)):
            assert isinstance(error.get(key), kind), f"{case}: command_error.{key} is {error.get(key)!r}"
        assert error["type"] != "TypeError", f"{case}: a TypeError reads as an old agent"


def list_in_start_order(record):
    """Every list begins with the list before it: nothing is dropped or moved."""
    seen = []
    assert lists(record), "the record holds no list"
    for reply in lists(record):
        ids = [command["id"] for command in reply["body"]["commands"]]
        assert ids[:len(seen)] == seen, f"{reply['id']}: {seen} became {ids}"
        seen = ids
    started = [reply["body"]["id"] for reply in sorted(record["exchanges"], key=lambda reply: reply["sent"])
               if reply["method"] == "POST" and reply.get("status") == 200]
    known = [identity for identity in seen if identity in started]
    assert known == started, f"started {started}, listed {seen}"


def nothing_unasked(record, unanswered=0):
    """The last list holds what was posted, no more; `unanswered` posts had their replies lost."""
    posted = sum(reply["method"] == "POST" and reply.get("status") == 200 for reply in record["exchanges"])
    listed = len(lists(record)[-1]["body"]["commands"])
    assert listed == posted + unanswered, f"{listed} listed, {posted} posted and {unanswered} unanswered"


def list_always_answers(record):
    asked = [reply for reply in record["exchanges"] if reply["id"].startswith("list-")]
    assert asked, "no list was asked for"
    for reply in asked:
        assert reply.get("status") == 200, f"{reply['id']}: {reply.get('status')} {reply.get('body')!r}"


def status_is(record, case, status):
    reply = next(reply for reply in record["exchanges"] if reply["id"] == case)
    found = (reply.get("body") or {}).get("command_status")
    assert found == status, f"{case}: {found!r}, not {status}: {reply.get('body')!r}"


def details_name(record, case, argument):
    """The command failed, and its error says which argument was wrong."""
    reply = next(reply for reply in record["exchanges"] if reply["id"] == case)
    body = reply["body"]
    assert body.get("command_status") == "FAILED", f"{case}: {body!r}"
    details = body["command_error"]["details"]
    assert re.search(rf"\b{argument}\b", details), f"{case}: {argument} is not in {details!r}"


def no_older_success(record, case):
    """No command posted before the process was started again is listed as SUCCEEDED."""
    restarted = max(event["t"] for event in record["events"] if event["what"] == "start")
    older = {reply["body"]["id"] for reply in record["exchanges"]
             if reply["method"] == "POST" and reply.get("status") == 200 and reply["sent"] < restarted}
    assert older, "no command was posted before the restart"
    reply = next(reply for reply in record["exchanges"] if reply["id"] == case)
    assert reply.get("status") == 200, f"{case}: {reply!r}"
    for command in reply["body"]["commands"]:
        assert not (command["id"] in older and command["command_status"] == "SUCCEEDED"), f"{case}: {command!r}"


def archive(record):
    """The members of the collected log archive, as {name: bytes}."""
    reply = next(reply for reply in record["exchanges"] if reply["id"] == "logs")
    data = gzip.decompress(base64.b64decode(reply["body"]["command_result"]["system_logs"], validate=True))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers() if member.isfile()}


def log_archive(record):
    assert archive(record), "the archive is empty"
