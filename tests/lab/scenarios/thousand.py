"""A thousand agents and one Ironic on two cores: all enrol, none is lost or late in ten minutes, and an Ironic that was away does not get them all at once."""

import json
import os
import subprocess
import time
from collections import Counter, defaultdict

import ironic
import network
import web
from herd_of_agents import Herd
from verdict import Failed, require

# By hand: it takes a quarter of an hour, and tells figures.
BY_HAND = True
ALONE = True

AGENTS = int(os.environ.get("LAB_AGENTS", "1000"))
MINUTES = float(os.environ.get("LAB_MINUTES", "10"))
# How many machines are switched on a second. Of 40 a second, and none of Ironic's settings changed, its pool of 285 threads is once full, and from then
# on it answers 503 to every heartbeat until it is started again: it counts threads that are idle, and makes none of them end.
PACE = float(os.environ.get("LAB_PACE", "6"))
# [conductor] workers_pool_size, if not as Ironic has it.
WORKERS = os.environ.get("LAB_WORKERS")
# Seconds that Ironic is away, from its last answer on.
AWAY = float(os.environ.get("LAB_AWAY", "20"))
# As Ironic has it unless told: [api] ramdisk_heartbeat_timeout.
TIMEOUT = 300
RSS = 4096

CONF = """
[DEFAULT]
enabled_hardware_types = manual-management
enabled_management_interfaces = noop
enabled_power_interfaces = fake
debug = false

[deploy]
fast_track = true
"""


def run(directory):
    network.start(directory)
    witness = web.Web(directory, 0).start()
    # Its database is not to wait for a disk that others use.
    (directory / "ironic").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory / "ironic"], check=True)
    more = f"\n[conductor]\nworkers_pool_size = {WORKERS}\n" if WORKERS else ""
    server = ironic.Ironic(directory, witness.root, CONF + more).start().ready(driver="manual-management")
    herd = Herd(directory, AGENTS)
    began = time.monotonic()
    herd.enrol(server)
    took = time.monotonic() - began
    print(f"  {AGENTS} nodes and ports made in {took:.0f} s: {2 * AGENTS / took:.0f} calls of Ironic's API a second", flush=True)

    began, start = time.monotonic(), time.time()
    herd.start(PACE)
    print(f"  {AGENTS} agents started in {time.monotonic() - began:.0f} s", flush=True)
    heard = wait_all(witness, herd, 600)
    last = max(min(times) for times in heard.values())
    print(f"  all heard {last - start:.0f} s after the first was started", flush=True)

    # From then on every agent is to be heard, whatever happens to Ironic.
    span = MINUTES * 60
    before, then = herd.cpu(), time.time()
    time.sleep(span * 0.4)
    herd.require_alive()
    largest = herd.show_memory()
    used = herd.cpu() - before
    print(f"  at rest: {used / (time.time() - then):.3f} s of processor time a second for all agents", flush=True)
    away = time.time()
    server.stop()
    time.sleep(max(0, away + AWAY - time.time()))
    server.start().ready(driver="manual-management")
    back = time.time()
    print(f"  Ironic was away for {back - away:.0f} s", flush=True)
    while time.time() < then + span:
        time.sleep(1)
    herd.require_alive()
    judge(witness, herd, server, then, time.time(), away, back)
    require(largest <= RSS, f"an agent at rest has {largest} KiB, more than {RSS}")


def beats(witness):
    """Times of the heartbeats taken, by node, and of all others."""
    taken, missed = defaultdict(list), []
    for line in witness.log.read_text().splitlines():
        request = json.loads(line)
        if request["to"] == "api" and request["method"] == "POST" and "/v1/heartbeat/" in request["path"]:
            if request["status"] == 202:
                taken[request["path"].rsplit("/", 1)[1]].append(request["start"])
            else:
                missed.append((request["start"], request["status"]))
    return taken, missed


def wait_all(witness, herd, seconds):
    deadline = time.monotonic() + seconds
    while True:
        taken, _ = beats(witness)
        missing = [agent for agent in herd.agents if agent.uuid not in taken]
        if not missing:
            return taken
        herd.require_alive()
        if time.monotonic() > deadline:
            raise Failed(f"{len(missing)} agents were not heard in {seconds} s; one of them says: {missing[0].log()[-600:]}")
        time.sleep(2)


def judge(witness, herd, server, begin, end, away, back):
    taken, missed = beats(witness)
    gaps, late = [], []
    for agent in herd.agents:
        times = [at for at in taken[agent.uuid]] + [end]
        gap = max(b - a for a, b in zip(times, times[1:]))
        gaps.append(gap)
        late += [agent] if gap > TIMEOUT else []
    all_times = sorted(at for times in taken.values() for at in times)
    undisturbed = [at for at in all_times if begin <= at < away]
    after = [at for at in all_times if back <= at <= end]
    mean = len(after) / (end - back)
    seconds = Counter(int(at - back) for at in after)
    started = Counter(int(at) for at in all_times if at < begin)
    print(f"  heartbeats taken: {len(all_times)}; before the restart {len(undisturbed) / (away - begin):.1f} a second, "
          f"largest second {max(Counter(int(at) for at in undisturbed).values(), default=0)}")
    print(f"  while they enrolled: largest second {max(started.values(), default=0)}")
    statuses = Counter(status for _, status in missed)
    print(f"  not taken: {dict(statuses)}; longest an agent was not heard: {max(gaps):.0f} s of {TIMEOUT}")
    largest = max(seconds.values())
    print(f"  after the restart: mean {mean:.1f} a second, largest second {largest}, {largest / mean:.1f} times the mean; "
          f"the first ten: {[seconds[second] for second in range(10)]}")
    require(not late, f"{len(late)} of {len(herd.agents)} agents were late; one of them says: {late[0].log()[-600:] if late else ''}")
    # Ironic's own word: what it would call an agent that is gone.
    known = server.call("GET", f"/v1/nodes?fields=uuid,driver_internal_info&limit={len(herd.agents)}")["nodes"]
    stamps = {node["uuid"]: node["driver_internal_info"].get("agent_last_heartbeat") for node in known}
    require(all(stamps.get(agent.uuid) for agent in herd.agents), "Ironic has no heartbeat of some node")
    oldest = min(stamps[agent.uuid] for agent in herd.agents)
    print(f"  Ironic's oldest last heartbeat: {oldest} (now {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())})", flush=True)
    require(largest <= 3 * mean, f"the largest second after the restart has {largest} heartbeats, more than 3 times the mean of {mean:.1f}")
