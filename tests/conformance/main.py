"""Runs the situations, each life in namespaces of its own, and tells what differs and what is denied.

Exit status 0: no difference outside accepted.toml, no check denied, COVERAGE.md and FEATURES.md true.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import agents
import compare
import coverage
import features
from cases import SITUATIONS
from situation import BOTH, IRONLET, Probe, Send, UPSTREAM

HERE = Path(__file__).parent
OUT = agents.TOP / "target/conformance"
# Lives mostly sleep, but every upstream start keeps a core for seconds.
TOGETHER = 5
NAMESPACES = ("--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")


def live(job):
    """One life; a record even when the life itself could not be staged."""
    name, agent = job
    directory = OUT / name / agent
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    began = time.monotonic()
    line = ["unshare", *NAMESPACES, sys.executable, "-B", str(HERE / "life.py"), name, agent, str(directory)]
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=SITUATIONS[name].seconds)
    except subprocess.TimeoutExpired:
        process.kill()          # the process ids of its namespace go with it
        said, _ = process.communicate()
        said += f"\nstopped after {SITUATIONS[name].seconds} s"
    written = directory / "record.json"
    if written.exists():
        record = json.loads(written.read_text())
    else:
        record = dict(situation=name, agent=agent, exchanges=[], probes=[], events=[], ironic=[], log="",
                      alive=False, exit=None, stuck=f"no record: {said[-2000:]}")
    record["seconds"] = time.monotonic() - began
    return job, record


def met(answer, expect):
    """Whether a probe's answer has every expected value; (operator, bound) pairs compare."""
    for key, want in expect.items():
        found = answer.get(key)
        if isinstance(want, list) and want[0] == "<":
            if found is None or not found < want[1]:
                return False
        elif found != want:
            return False
    return True


class Report:
    """What failed, test by test, and what ran."""

    def __init__(self):
        self.failed = {}
        self.ran = set()

    def passed(self, test):
        self.ran.add(test)

    def fail(self, test, why):
        self.ran.add(test)
        self.failed.setdefault(test, []).append(why)

    def one(self, situation, agent, record):
        """Statuses, probes and checks of one life."""
        where = f"{situation.name}/"
        if record["stuck"]:
            self.fail(where + "life", f"{agent}: {record['stuck'].strip()}")
        else:
            self.passed(where + "life")
        statuses = {step.id: step.status for step in situation.steps if isinstance(step, Send)}
        for reply in record["exchanges"]:
            self.passed(where + reply["id"])
            want = statuses[reply["id"]]
            if want is not None and reply.get("status") != want:
                shown = {key: reply[key] for key in ("status", "body", "failure", "text") if key in reply}
                self.fail(where + reply["id"], f"{agent}: not {want}: {str(shown)[:600]}")
        for probe in record["probes"]:
            self.passed(where + probe["id"])
            if not met(probe["answer"], probe["expect"]):
                self.fail(where + probe["id"], f"{agent}: expected {probe['expect']}, found {str(probe['answer'])[:600]}")
        for check in situation.checks:
            if agent not in check.agents:
                continue
            self.passed(where + check.id)
            try:
                check.check(record, *check.args)
            except AssertionError as denied:
                self.fail(where + check.id, f"{agent}: {denied}")
            except Exception as broken:     # a record too short for the check: denied as well
                self.fail(where + check.id, f"{agent}: {type(broken).__name__}: {broken}")

    def pair(self, situation, upstream, ironlet, accepted):
        """Differences between two lives."""
        for test, found in compare.differences(upstream, ironlet, situation).items():
            self.passed(test)
            for field, left, right in found:
                if not accepted.meets(test, field, left, right):
                    self.fail(test, f"{field}\n      upstream: {compare.text(left)[:700]}\n"
                                    f"      ironlet:  {compare.text(right)[:700]}")


def known_tests():
    """Every id the tables can produce."""
    known = set()
    for situation in SITUATIONS.values():
        names = [step.id for step in situation.steps if isinstance(step, (Send, Probe))]
        names += [check.id for check in situation.checks] + ["life"]
        if situation.compare_requests:
            names += ["asks-root", "asks-inspection", "asks-lookup", "asks-heartbeat"]
        if situation.compare_certificate:
            names += ["certificate"]
        known |= {f"{situation.name}/{name}" for name in names}
    return known


def arguments():
    parser = argparse.ArgumentParser(description="The same requests to upstream and to ironlet.")
    parser.add_argument("--only", action="append", default=[], metavar="SITUATION[/CASE]")
    parser.add_argument("--agent", choices=BOTH, help="run one agent only")
    parser.add_argument("--list", action="store_true", help="print every test and leave")
    return parser.parse_args()


def main():
    chosen = arguments()
    if chosen.list:
        print("\n".join(sorted(known_tests())))
        return 0
    unknown = [only for only in chosen.only if only.split("/")[0] not in SITUATIONS]
    if unknown:
        sys.exit(f"no such situation: {', '.join(unknown)}; there are {', '.join(SITUATIONS)}")
    names = list(dict.fromkeys(only.split("/")[0] for only in chosen.only)) or list(SITUATIONS)
    run = [chosen.agent] if chosen.agent else list(BOTH)
    if IRONLET in run and not agents.ironlet_binary():
        sys.exit("no ironlet: build it first, or name it in IRONLET")
    jobs = [(name, agent) for name in names for agent in run if agent in SITUATIONS[name].agents]
    jobs.sort(key=lambda job: -SITUATIONS[job[0]].seconds)
    began = time.monotonic()
    with ThreadPoolExecutor(TOGETHER) as pool:
        records = dict(pool.map(live, jobs))

    report, accepted = Report(), compare.Accepted()
    for (name, agent), record in records.items():
        report.one(SITUATIONS[name], agent, record)
    for name in names:
        if (name, UPSTREAM) in records and (name, IRONLET) in records:
            report.pair(SITUATIONS[name], records[name, UPSTREAM], records[name, IRONLET], accepted)
    whole = not chosen.only and not chosen.agent
    if not chosen.agent:
        for entry in accepted.stale(known_tests(), names):
            report.fail(entry["case"], f"accepted difference no longer occurs: {entry['field']}: {entry['why']}")
    for problem in coverage.problems(known_tests(), report.ran) if whole else ():
        report.fail("COVERAGE.md", problem)
    asked = records.get(("features", IRONLET))
    if asked and not asked["stuck"]:
        report.passed("FEATURES.md")
        # Of a part of the situations only that much is known: which of all tests there are.
        for problem in features.problems(known_tests(), report.ran if whole else known_tests(), asked):
            report.fail("FEATURES.md", problem)

    wanted = [only for only in chosen.only if "/" in only]
    for test, reasons in sorted(report.failed.items()):
        if not wanted or test in wanted:
            print(f"FAIL {test}")
            for reason in reasons:
                print(f"    {reason}")
    slowest = max(records.items(), key=lambda item: item[1]["seconds"])
    print(f"{len(report.ran) - len(report.failed.keys() & report.ran)} of {len(report.ran)} tests held in {len(records)} lives, "
          f"{sum(entry['met'] for entry in accepted.entries)} accepted differences, "
          f"{time.monotonic() - began:.0f} s (longest: {'/'.join(slowest[0])}, {slowest[1]['seconds']:.0f} s)")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
