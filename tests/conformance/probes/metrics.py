"""GET /metrics, read by the strict parser that Prometheus' own client library has for OpenMetrics."""

import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def parsed(life):
    """What the parser made of it; it raises what is not OpenMetrics."""
    reply = requests.get(life.base + "/metrics", verify=life.anchor or True, timeout=30)
    families = {family.name: family for family in text_string_to_metric_families(reply.text)}
    commands = {(sample.labels["command"], sample.labels["status"]): sample.value
                for sample in families["ironlet_commands"].samples}

    def value(name):
        return families[name].samples[0].value

    return dict(type=reply.headers["content-type"], families=sorted(families),
                succeeded=commands.get(("standby.get_partition_uuids", "SUCCEEDED")),
                failed=commands.get(("clean.execute_clean_step", "FAILED")),
                uptime=value("ironlet_machine_uptime_seconds") > 0,
                memory=value("ironlet_memory_available_bytes") > 0,
                received="ironlet_network_received_bytes" in families)
