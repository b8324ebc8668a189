"""What the agent offers, asked for name by name; features.py reads the answers."""

import features
from cases.api import LIST, PARTITIONS, STEP, named
from probes import metrics
from situation import IRONLET, Probe, Send, Situation, ipa

# An argument that no command has: whoever knows the command refuses it, and nothing runs.
NOBODY = {"no_such_argument": 1}


def declined(name):
    """The step as the conductor would send it, in the first phase that upstream offers it in."""
    interface, _, step = name.partition(".")
    phase = "deploy" if step == "execute_bootc_install" else "clean"
    return named(f"declined-{name}", f"{phase}.execute_{phase}_step",
                 {**STEP, "step": {"interface": interface, "step": step, "args": {}}}, query=(("wait", "true"),))


SITUATIONS = (
    Situation(
        "features", "every command, step and collector of upstream's, asked for by name",
        ipa(inspection_collectors=",".join(features.named("collector")), inspection_dhcp_wait_timeout=0, lldp_timeout=1),
        agents=(IRONLET,), compare_requests=False,
        steps=(Send("metrics-off", "GET", "/metrics", token=None, status=404),
               *(named(f"command-{name}", name, NOBODY, query=(("wait", "true"),)) for name in features.named("command")),
               *(named(f"list-{phase}", f"{phase}.get_{phase}_steps", STEP) for phase in features.PHASES),
               *(declined(name) for name in features.named("step", features.DECISION)))),
    Situation(
        "metrics", "ironlet.metrics=1: what prometheus_client's strict parser reads after two commands",
        ipa() + " ironlet.metrics=1", agents=(IRONLET,), compare_requests=False,
        steps=(Send("run", "POST", LIST, json=PARTITIONS, status=200),
               named("unknown-step", "clean.execute_clean_step", {**STEP, "step": {"step": "no_such"}}, query=(("wait", "true"),)),
               Probe("parsed", metrics.parsed, (), (
                   ("type", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
                   ("succeeded", 1.0), ("failed", 1.0), ("uptime", True), ("memory", True), ("received", True))),
               Send("post", "POST", "/metrics", token=None, json={}, status=404))),
)
