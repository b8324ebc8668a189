"""An active node in service: Ironic takes the agent's steps; one that fails says why and writes nothing; the abort after it gives the tenant's system back."""

import image
from stand import Stand
from verdict import require

# As a step of service it has no arguments that an operator could give.
STEPS = [{"interface": "deploy", "step": "write_image"}]


def run(directory):
    source = image.noise("served", 48)
    stand = Stand(directory, available=False)
    stand.adopt(source)

    since = stand.console.mark()
    stand.node.provision("service", service_steps=STEPS)
    stand.node.wait("service wait", 60)
    failed = stand.node.wait("service failed", 180)
    require("Image is missing 'id' field" in failed["last_error"], f"the step's reason is not Ironic's: {failed['last_error']}")
    require(stand.disk.holds(source), "the disk was written to")
    for command in ("service.get_service_steps succeeded", "service.execute_service_step failed"):
        stand.console.expect(command, 5, since=since)
    print(f"  a step failed: {failed['last_error'][:110]}", flush=True)

    stand.node.provision("abort")
    stand.node.wait("active", 180)
    stand.console.expect(image.up("served"), 240, since=since)
    print("  aborted: active, and the disk boots")
