"""A named volume outlives cleaning, deletion and creation; a deploy step makes other arrays and deploys onto one; in service the tenant's array is kept and another one made."""

import base64
import json
import re
import subprocess

import arrays
import image
import place
from stand import Drive, Stand
from verdict import require

# It takes as long as three others.
BY_HAND = True
NAME, MIB, GIB = "kept", 1 << 20, 1 << 10
NAMES = ("one", "two", "three", "four")
DRIVES = [Drive(name, "virtio", mib, 1 << 20) for name, mib in zip(NAMES, (7 * GIB, 7 * GIB, 5 * GIB, 5 * GIB))]
DELETE, CREATE, ERASE = ({"interface": interface, "step": step} for interface, step in (
    ("raid", "delete_configuration"), ("raid", "create_configuration"), ("deploy", "erase_devices_metadata")))
# In an array's data: what a file system begins with, and what a tenant may have there.
XFS, PATTERN = b"XFSB", b"a tenant's bytes".ljust(4096, b".")
FAR = 64 * MIB


def volume(name, size, root, *disks):
    named = [{"name": f"/dev/vd{'abcd'[NAMES.index(disk)]}"} for disk in disks]
    return {"controller": "software", "raid_level": "1", "size_gb": size, "volume_name": name, "is_root_volume": root, "physical_disks": named}


SHARED = {"logical_disks": [volume("root", 5, True, "one", "two"), volume("data", "MAX", False, "one", "two")]}
APART = {"logical_disks": [volume("root", "MAX", True, "one", "two"), volume("data", 4, False, "three", "four")]}
SERVED = {"logical_disks": [APART["logical_disks"][0], volume("scratch", 4, False, "three", "four")]}


def prepare():
    arrays.prepare()


def run(directory):
    source = image.bootable(NAME, 160, "uefi")
    stand = Stand(directory, drives=DRIVES, uefi=True, available=False, fast_track=True)
    stand.node.patch(("/raid_interface", "agent"))
    clean(stand, ERASE, CREATE, want=SHARED)
    made = arrays.arrays(stand.disks)
    require({name: own[1:] for name, own in made.items()} == {name: ("raid1", ["one", "two"]) for name in ("root", "data")}, f"mdadm finds {made}")
    for name, at in (("root", 0), ("data", FAR)):
        put(stand, name, at, XFS if name == "root" else PATTERN)

    skip(stand, {"volume_name": "data"})
    clean(stand, ERASE, DELETE, CREATE)
    kept = arrays.arrays(stand.disks)
    require(kept == made, f"mdadm finds {kept}, and before {made}")
    require(all(found == PATTERN for found in content(stand, "data", FAR, len(PATTERN))), "what was to be kept is not what it was")
    require(not any(found == XFS for found in content(stand, "root", 0, len(XFS))), "what shares its disks was not emptied")
    print("  cleaned, deleted and created again: 'data' is what it was, 'root' was emptied, both have their UUIDs", flush=True)

    skip(stand)
    # An agent that has just been heard of would be looked for where the deployed system runs.
    stand.node.patch(("/driver_info/fast_track", False))
    stand.node.provide()
    since = stand.console.mark()
    stand.deploy(source, steps=[{"interface": "raid", "step": "apply_configuration", "priority": 95, "args": {"raid_config": APART}}])
    stand.node.wait("active", 600)
    written = stand.console.expect(r"root disk: /dev/md\d+ .*is_root_volume true", 5, since=since)
    stand.console.expect(image.up(NAME), 400, since=written.number)
    deployed = arrays.arrays(stand.disks)
    want = {"root": ["one", "two"], "data": ["three", "four"], "esp": ["one", "two"]}
    require({name: own[2] for name, own in deployed.items()} == want, f"mdadm finds {deployed}")
    require(not {own[0] for own in deployed.values()} & {own[0] for own in made.values()}, "an array of before is still there")
    require(stand.node.read()["raid_config"]["logical_disks"] == APART["logical_disks"], "Ironic keeps another configuration")
    print(f"  deployed onto arrays of its own step: {written.text[:150]}", flush=True)

    since = stand.console.mark()
    step = {"interface": "raid", "step": "apply_configuration", "args": {"raid_config": SERVED}}
    files = [{"path": "/etc/lab/note", "content": base64.b64encode(b"from a service").decode()}]
    stand.node.provision("service", service_steps=[{"interface": "deploy", "step": "inject_files", "args": {"files": files}}, step])
    stand.node.wait("service wait", 120)
    client = order(stand, directory, step)
    failed = stand.node.wait("service failed", 240)["last_error"]
    stand.console.expect("service.execute_service_step succeeded", 5, since=since)
    require(arrays.arrays(stand.disks) == deployed, "a step that failed changed something")
    # Ironic 39 sends what it is asked for in service as a step of a deploy, of which there is none.
    print(f"  what its RAID interface sends in service fails: …{failed[-120:]}", flush=True)
    skip(stand, {"volume_name": "/dev/md/root"})
    result = answer(client)
    require(result["command_status"] == "SUCCEEDED" and result["command_result"]["service_result"] == SERVED, f"the agent answers {result}")
    after = arrays.arrays(stand.disks)
    require({name: own[2] for name, own in after.items()} == {"root": ["one", "two"], "scratch": ["three", "four"], "esp": ["one", "two"]}, f"mdadm finds {after}")
    require((after["root"], after["esp"]) == (deployed["root"], deployed["esp"]), "the tenant's array is another one")
    print("  sent by Ironic's own client: 'scratch' is in place of 'data'", flush=True)
    # A step that failed put it there.
    stand.node.ironic.call("DELETE", f"/v1/nodes/{stand.node.uuid}/maintenance")
    stand.node.provision("abort")
    stand.node.wait("active", 240)
    stand.console.expect(image.up(NAME), 400, since=since)
    print("  aborted: the tenant's system is up again", flush=True)


def clean(stand, *steps, want=None):
    if want is not None:
        stand.node.ironic.call("PUT", f"/v1/nodes/{stand.node.uuid}/states/raid", want)
    stand.node.provision("clean", clean_steps=list(steps))
    stand.node.wait("clean wait", 120)
    stand.node.wait("manageable", 300)


def skip(stand, *entries):
    stand.node.patch(("/properties/skip_block_devices", list(entries)))


def places(stand, name, at):
    """Where byte `at` of the mirror of that name lies on each of its disks."""
    for drive in stand.disks.values():
        for member in arrays.members(drive):
            if member.name == name:
                yield drive.path, member.start + int(re.search(r"Data Offset : (\d+) sectors", member.told)[1]) * 512 + at


def put(stand, name, at, bytes_):
    for path, place_ in places(stand, name, at):
        with open(path, "r+b") as file:
            file.seek(place_)
            file.write(bytes_)


def content(stand, name, at, length):
    for path, place_ in places(stand, name, at):
        with open(path, "rb") as file:
            file.seek(place_)
            yield file.read(length)


# Ironic's own client, by its own records of the node: the command that its RAID interface should send in service. The records lose the
# agent's address and secret when a service fails, and the agent stays.
CLIENT = """
import copy, json, sys, time
from ironic.common import context, service
conf, uuid, step = sys.argv[1:]
service.prepare_command(["lab", "--config-file", conf, "--log-file", conf + ".client.log"])
from ironic import objects
from ironic.drivers.modules import agent_client
def read():
    return objects.Node.get_by_uuid(context.get_admin_context(), uuid)
known = {}
while not ("agent_url" in known and "agent_secret_token" in known):
    time.sleep(0.5)
    known = copy.deepcopy(read().driver_internal_info)
if "agent_verify_ca" in known:
    known["agent_verify_ca"], authority = conf + ".agent.crt", open(known["agent_verify_ca"]).read()
    open(known["agent_verify_ca"], "w").write(authority)
sys.stdin.readline()
node = read()
node.driver_internal_info = known
ports = objects.Port.list_by_node_id(context.get_admin_context(), node.id)
client = agent_client.AgentClient()
client.execute_service_step(json.loads(step), node, ports)
while (last := client.get_commands_status(node)[-1])["command_status"] == "RUNNING":
    time.sleep(1)
print(json.dumps(last))
"""


def order(stand, directory, step):
    """That client, which waits for a line to go on."""
    command = [place.VENV / "bin" / "python", "-c", CLIENT, directory / "ironic.conf", stand.node.uuid, json.dumps(step)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(client):
    """What the agent made of it, once it is told to go on."""
    out, err = client.communicate("\n", timeout=180)
    require(client.returncode == 0, f"Ironic's client ended with {client.returncode}: {err[-1500:]}")
    return json.loads(out.splitlines()[-1])
