"""A machine without a BMC that is reset by hand, refused, inspected anew, locked down, and whose Ironic restarts: it comes back each time."""

import image
from lonely_machine import LonelyStand
from verdict import require

# By hand: it takes as long as heartbeats have it.
BY_HAND = True

# Heartbeats every 9 to 18 s.
CONF = """
[DEFAULT]
enabled_power_interfaces = fake,agent
default_power_interface = fake

[api]
ramdisk_heartbeat_timeout = 30
"""

HEARD = "Ironic has heard the first heartbeat"
ASKING = "asking on until Ironic has forgotten that token"


def run(directory):
    stand = LonelyStand(directory, conf=CONF)
    console, node = stand.console, stand.node
    stand.manage()
    stand.call_on()

    since = console.mark()
    stand.machine.reset()
    console.expect(ASKING, 60, since=since)
    stand.power("rebooting")
    console.expect(HEARD, 90, since=since)
    print("  reset by hand while it waited: heard again once Ironic was told to reboot the node", flush=True)

    since = console.mark()
    stand.web.refuse_next_heartbeat(30)
    console.expect("did not take the heartbeat: HTTP status 400", 10, since=since)
    console.expect("hears the heartbeats again", 60, since=since)
    require(not console.find("starting afresh", since=since), "one refusal was enough for it to begin again")
    print("  refused once: nothing else happened", flush=True)

    since = console.mark()
    stand.ironic.stop()
    console.expect("did not take the heartbeat", 60, since=since)
    since = console.mark()
    stand.ironic.start().ready(driver="manual-management")
    console.expect("hears the heartbeats again", 60, since=since)
    before = stand.ironic.call("GET", f"/v1/nodes/{node.uuid}")["inspection_finished_at"]
    since = console.mark()
    node.inspect(180)
    console.expect("does not know this agent any more: starting afresh", 1, since=since)
    console.expect(HEARD, 60, since=since)
    after = stand.ironic.call("GET", f"/v1/nodes/{node.uuid}")["inspection_finished_at"]
    require(after and after != before, f"it was inspected at {before}, and then at {after}")
    require(not console.find("-- the machine is on --", since=since), "it was started again")
    print("  Ironic restarted; inspected anew by the same machine without a restart", flush=True)

    since = console.mark()
    node.provision("clean", clean_steps=[{"interface": "deploy", "step": "erase_devices"}])
    console.expect("clean step erase_devices starts", 60, since=since)
    stand.machine.reset()
    console.expect(ASKING, 90, since=since)
    node.provision("abort")
    node.wait("clean failed", 60, hopeless=False)
    node.patch(("/maintenance", False))
    node.provision("manage")
    node.wait("manageable", 60)
    console.expect(HEARD, 120, since=since)
    node.provide(clean=True)
    print("  reset by hand in mid-clean: after the abort the node is cleaned", flush=True)

    since, visits, source = console.mark(), stand.machine.visits, image.noise("lonely-again", 32)
    node.patch(("/disable_power_off", True))
    stand.order(source)
    node.wait("active", 240)
    stand.booted("lonely-again", since)
    require(console.find("system.lockdown", since=since) and stand.machine.visits == visits, "it was not locked down, or somebody had to go there")
    node.provision("deleted")
    node.wait("clean wait", 60)
    stand.machine.reset()
    node.wait("available", 180)
    node.patch(("/disable_power_off", False))
    print("  locked down at the end of a deploy (`disable_power_off`): restarted into its disk; deleted", flush=True)

    # What the README says of it. An Ironic that can do it fails here, and the README has to be told.
    node.patch(("/power_interface", "agent"))
    source = image.noise("lonely", 48)
    stand.order(source)
    failed = node.wait("deploy failed", 180, hopeless=False)
    require("Agent driver requires agent_url in driver_internal_info" in failed["last_error"], f"the deploy failed for another reason: {failed['last_error']}")
    require(stand.disk.holds(source), "the disk does not hold the image")
    print("  Ironic's own power interface for such nodes: the image is on the disk, the deploy failed all the same")
