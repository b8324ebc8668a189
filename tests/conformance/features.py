"""Holds FEATURES.md to upstream's own lists and to what the real binary offers.

A section for each kind; a row is `| names | here | held by, or why |`. Upstream is asked by `upstream_lists.py`, the binary in the
situation `features` (commands, steps, collectors) and by what its log says of a file with every option and of every parameter.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import coverage
from agents import ironlet_binary

HERE = Path(__file__).parent
DONE, DECISION = "done", "decision"
KINDS = ("command", "step", "collector", "manager", "parameter", "option")
PHASES = ("clean", "deploy", "service")
# Upstream's defaults that a file cannot have: a list or a word is wanted.
NO_DEFAULT = {"permitted_image_formats": "raw"}


def rows():
    """(kind, name, here, the last cell) of every name in the table."""
    kind = None
    for text in (HERE / "FEATURES.md").read_text().splitlines():
        if text.startswith("## "):
            kind = text[3:].strip()
        cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
        if text.startswith("| `") and kind in KINDS:
            for name in re.findall(r"`([^`]+)`", cells[0]):
                yield kind, name, cells[1], cells[2]


def named(kind, *states):
    """The names of one kind that stand at one of these words, or all."""
    return [name for of, name, here, _ in rows() if of == kind and (not states or here in states)]


def upstream():
    """What the installed ironic-python-agent says of itself."""
    asked = subprocess.run([sys.executable, "-B", HERE / "upstream_lists.py"], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, check=True)
    return json.loads(asked.stdout)


def said_of(words, key=None):
    """What the binary's log says when this is on its command line, or this `section.name = value` in a file."""
    with tempfile.TemporaryDirectory() as tree:
        folder = Path(tree, "etc/ironic-python-agent.d")
        folder.mkdir(parents=True)
        if key:
            (section, _, name), value = key[0].rpartition("."), key[1]
            Path(folder, "one.conf").write_text(f"[{section or 'DEFAULT'}]\n{name} = {value}\n")
        line = [ironlet_binary(), "--agent", "--root", tree, "--cmdline", words]
        # With nothing to do it says what it thinks of its parameters and ends.
        return subprocess.run(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=30).stderr.decode()


def offered(record):
    """{kind: {name: about}} of what the agent of this record offers; about steps as upstream_lists.py has it."""
    body = {reply["id"]: reply.get("body") or {} for reply in record["exchanges"]}
    unknown = ("Unknown command", "not found")
    commands = [name for name in named("command")
                if not any(word in str(body[f"command-{name}"].get("faultstring")) for word in unknown)]
    steps = {}
    for phase in PHASES:
        listed = body[f"list-{phase}"]["command_result"][f"{phase}_steps"]
        for step in (step for manager in listed.values() for step in manager):
            about = [step["priority"], bool(step.get("abortable"))]
            steps.setdefault(f"{step['interface']}.{step['step']}", {})[phase] = about
    [post] = [request for request in record["ironic"] if request["kind"] == "inspection"]
    error = post["body"]["error"] or ""
    collectors = [name for name in named("collector") if f"there is no collector '{name}'" not in error]
    return dict(command=dict.fromkeys(commands), step=steps, collector=dict.fromkeys(collectors))


def idle():
    """Both names of each parameter that the binary's help calls accepted and without effect."""
    text = subprocess.run([ironlet_binary(), "--help-parameters"], stdout=subprocess.PIPE, check=True).stdout.decode()
    blocks = re.split(r"\n(?=\S)", text)
    titles = [re.match(r"(\S+)(?: \(in files: (\S+)\))?", block).groups() for block in blocks if "but has no effect" in block]
    return {name for title in titles for name in title if name}


def understood(kind, defaults):
    """Which parameters or options the binary has: those it does not say are unknown or without effect."""
    without = ("nobody here knows", "no effect here")
    found, accepted = {}, idle()
    for name in named(kind):
        if name in accepted:
            continue
        if kind == "option":
            said = said_of("", (name, NO_DEFAULT.get(name, defaults.get(name, ""))))
        else:
            said = said_of(f"{name}=")
        if not any(word in said for word in without):
            found[name] = None
    return found


def problems(known, ran, record):
    """What is untrue of the table, after a run with the situation `features`."""
    lists, rust, seen = upstream(), coverage.rust_tests(), {}
    own = offered(record)
    own["parameter"] = understood("parameter", {})
    own["option"] = understood("option", lists["option"])
    for kind, name, here, cell in rows():
        tests = re.findall(r"`([^`]*[:/][^`]*)`", cell)
        if (kind, name) in seen:
            yield f"{kind} {name} is there twice"
        seen[kind, name] = here
        if name not in lists[kind]:
            yield f"{kind} {name}: upstream has none of this name"
        if here not in (DONE, DECISION):
            yield f"{kind} {name}: '{here}' is no word of this table"
        if here == DONE and not tests:
            yield f"{kind} {name}: done, and held by no test"
        if here == DECISION and not cell:
            yield f"{kind} {name}: a decision without a reason"
        yield from (f"{kind} {name}: {wrong}" for test in tests if (wrong := coverage.untrue(test, known, ran, rust)))
        if kind not in own:
            continue
        if here == DONE and name not in own[kind]:
            yield f"{kind} {name}: done, and the binary has it not"
        elif here != DONE and name in own[kind] and not (kind == "command" and tests):
            yield f"{kind} {name}: {here}, and the binary has it"
        elif kind == "step" and here == DONE and own[kind][name] != lists[kind][name]:
            yield f"step {name}: offered as {own[kind][name]}, by upstream as {lists[kind][name]}"
    for kind in KINDS:
        yield from (f"{kind} {name}: upstream has it, the table has not" for name in lists[kind] if (kind, name) not in seen)
    yield from (f"step {name}: upstream has none of this name" for name in own["step"] if ("step", name) not in seen)
    yield from declined(record)


def declined(record):
    """Steps that are none here by decision fail at once, and say why."""
    ended = {reply["id"]: reply for reply in record["exchanges"]}
    for name in named("step", DECISION):
        reply = ended[f"declined-{name}"]
        error = (reply["body"].get("command_error") or {}).get("details") or ""
        if reply["body"].get("command_status") != "FAILED" or reply["answered"] - reply["sent"] > 2:
            yield f"step {name}: not FAILED at once: {str(reply)[:300]}"
        if "Could not find method" not in error or "this build has no such" in error:
            yield f"step {name}: the reason is not told: {error}"
