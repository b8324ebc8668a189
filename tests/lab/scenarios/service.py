"""An active node in service: held with the agent running and let go again; a step that fails says why, and the abort after it gives the tenant's system back."""

import image
from stand import Stand
from verdict import require


def run(directory):
    source = image.noise("served", 48)
    stand = Stand(directory, available=False)
    stand.adopt(source)

    since = stand.console.mark()
    stand.node.provision("service", service_steps=[{"interface": "power", "step": "hold"}])
    stand.node.wait("service hold", 180)
    stand.console.expect(r"Ironic has heard the first heartbeat", 5, since=since)
    stand.node.provision("unhold")
    stand.node.wait("active", 120)
    stand.console.expect(image.up("served"), 180, since=since)
    print("  service: held by Ironic, let go, active; the disk boots", flush=True)

    since = stand.console.mark()
    stand.node.provision("service", service_steps=[{"interface": "deploy", "step": "write_image"}])
    failed = stand.node.wait("service failed", 180)
    require("Image is missing 'id' field" in failed["last_error"], f"the step's reason is not Ironic's: {failed['last_error']}")
    require(stand.disk.holds(source), "the disk was written to")
    steps = [step["step"] for steps in [failed["driver_internal_info"].get("agent_cached_service_steps") or {}] for kind in steps.values() if isinstance(kind, list) for step in kind]
    require("write_image" in steps, f"Ironic did not take the agent's list of service steps: {steps}")
    print(f"  a step failed: {failed['last_error'][:110]}", flush=True)
    stand.node.provision("abort")
    stand.node.wait("active", 180)
    print("  aborted: active")
