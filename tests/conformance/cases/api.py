"""The HTTP surface: routes, methods, refusals and their bodies, one request after another."""

from checks import commands, secrets, serving
from probes import handshake, raw
from situation import BOTH, IRONLET, WRONG, Check, Probe, Send, Situation, ipa

LIST = "/v1/commands/"
UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"
PARTITIONS = {"name": "standby.get_partition_uuids", "params": {}}
STEP = {"node": {"uuid": "5f0d6a4e-2f1b-4f57-9d1c-0c9f3c1b7a10", "instance_info": {}, "properties": {},
                 "driver_internal_info": {}}, "ports": []}


def named(id, name, params, **options):
    return Send(id, "POST", LIST, json={"name": name, "params": params}, **options)


def image(id, info, **options):
    """`prepare_image` whose image_info the validator must refuse, before anything is touched."""
    return named(id, "standby.prepare_image", {"image_info": info}, status=400, **options)


DOCUMENTS = (
    Send("root", "GET", "/", token=None, status=200),
    Send("root-token-ignored", "GET", "/", token=WRONG, status=200),
    Send("version", "GET", "/v1/", token=None, status=200),
    Send("version-unslashed", "GET", "/v1", token=None, status=308),
    Send("status", "GET", "/v1/status", token=None, status=200),
    Send("status-unversioned", "GET", "/status", token=None, status=200),
    Send("status-slash", "GET", "/v1/status/", token=None, status=404),
    Send("status-head", "HEAD", "/v1/status", token=None, status=200),
    Send("status-query", "GET", "/v1/status", token=None, query=(("a", "b"), ("a", "c")), status=200),
    Send("root-head", "HEAD", "/", token=None, status=200),
)

LISTS = (
    Send("list-empty", "GET", LIST, status=200),
    Send("list-unversioned", "GET", "/commands/", status=200),
    Send("list-no-token", "GET", LIST, token=None, status=401),
    Send("list-empty-token", "GET", LIST, token="", status=401),
    Send("list-wrong-token", "GET", LIST, token=WRONG, status=401),
    Send("list-long-token", "GET", LIST, token=WRONG * 50, status=401),
    Send("list-token-prefix", "GET", LIST, token=WRONG[:10], status=401),
    Send("list-token-in-header", "GET", LIST, token=None, headers=(("X-Auth-Token", WRONG),), status=401),
    Send("list-head", "HEAD", LIST, status=200),
    Send("list-head-no-token", "HEAD", LIST, token=None, status=401),
    Send("list-unslashed", "GET", "/v1/commands", token=WRONG, query=(("wait", "true"),), status=308),
    Send("list-unversioned-unslashed", "GET", "/commands", token=WRONG, status=308),
    Send("post-unslashed", "POST", "/v1/commands", json=PARTITIONS, query=(("wait", "true"),), status=308),
    Send("unknown-id", "GET", LIST + UNKNOWN_ID, status=404),
    Send("unknown-id-no-token", "GET", LIST + UNKNOWN_ID, token=None, status=401),
    Send("unknown-id-not-uuid", "GET", LIST + "nope", status=404),
    Send("unknown-id-slash", "GET", LIST + UNKNOWN_ID + "/", status=404),
)

ROUTES = (
    Send("unknown-path", "GET", "/nonexistent", token=None, status=404),
    Send("unknown-version", "GET", "/v2/status", token=None, status=404),
    Send("unknown-case", "GET", "/V1/status", token=None, status=404),
    Send("unknown-post", "POST", "/nonexistent", token=None, json={}, status=404),
    Send("inner-double-slash", "GET", "/v1//status", token=None, status=308),
    Send("list-put", "PUT", LIST, status=405),
    Send("list-delete", "DELETE", LIST, token=None, status=405),
    Send("status-post", "POST", "/v1/status", token=None, json={}, status=405),
    Send("root-post", "POST", "/", token=None, json={}, status=405),
    Send("id-post", "POST", LIST + UNKNOWN_ID, json={}, status=405),
    Send("version-options", "OPTIONS", "/v1/", token=None, status=405),
)

BODIES = (
    Send("post-no-token", "POST", LIST, token=None, json=PARTITIONS, status=401),
    Send("post-wrong-token", "POST", LIST, token=WRONG, json=PARTITIONS, status=401),
    Send("post-empty", "POST", LIST, headers=(("Content-Type", "application/json"),), status=400),
    Send("post-not-json", "POST", LIST, data=b"not json", status=400),
    Send("post-cut-json", "POST", LIST, data=b'{"name": "standby.get_partition_uuids", "par', status=400),
    Send("post-bad-utf8", "POST", LIST, data=b'{"name": "\xff\xfe", "params": {}}', status=400),
    Send("post-array", "POST", LIST, json=[1, 2], status=400),
    Send("post-string", "POST", LIST, json="standby", status=400),
    Send("post-no-name", "POST", LIST, json={"params": {}}, status=400),
    Send("post-no-params", "POST", LIST, json={"name": "standby.get_partition_uuids"}, status=400),
    Send("post-params-array", "POST", LIST, json={"name": "standby.get_partition_uuids", "params": []}, status=400),
    Send("post-params-null", "POST", LIST, json={"name": "standby.get_partition_uuids", "params": None}, status=400),
    Send("post-params-text", "POST", LIST, json={"name": "standby.get_partition_uuids", "params": "{}"}, status=400),
    named("post-dotless", "noext", {}, status=400),
    named("post-empty-name", "", {}, status=400),
    named("post-unknown-extension", "nosuch.thing", {}, status=404),
    named("post-unknown-command", "standby.nosuch", {}, status=400),
    named("post-two-dots", "standby.get_partition_uuids.x", {}, status=400),
    Send("list-still-empty", "GET", LIST, status=200),
)

IMAGES = (
    image("image-empty", {}),
    image("image-no-urls", {"id": "x"}),
    image("image-urls-text", {"id": "x", "urls": "http://192.0.2.1/x"}),
    image("image-urls-empty", {"id": "x", "urls": []}),
    image("image-no-checksum", {"id": "x", "urls": ["http://192.0.2.1/x"]}),
    image("image-checksum-number", {"id": "x", "urls": ["http://192.0.2.1/x"], "checksum": 5}),
    image("image-checksum-empty", {"id": "x", "urls": ["http://192.0.2.1/x"], "checksum": ""}),
    image("image-hash-no-value", {"id": "x", "urls": ["http://192.0.2.1/x"], "os_hash_algo": "sha256"}),
    image("image-hash-no-algo", {"id": "x", "urls": ["http://192.0.2.1/x"], "os_hash_value": "00"}),
    image("image-hash-number", {"id": "x", "urls": ["http://192.0.2.1/x"], "os_hash_algo": 5, "os_hash_value": "00"}),
)

RUNS = (
    named("run", "standby.get_partition_uuids", {}, query=(("wait", "true"),), status=200),
    named("run-wait-false", "standby.get_partition_uuids", {}, query=(("wait", "false"),), status=200),
    named("run-wait-word", "standby.get_partition_uuids", {}, query=(("wait", "TRUE"),), status=200),
    Send("run-unversioned", "POST", "/commands/", json=PARTITIONS, status=200),
    Send("run-text-plain", "POST", LIST, data=b'{"name": "standby.get_partition_uuids", "params": {}}',
         headers=(("Content-Type", "text/plain"),), status=200),
    Send("run-extra-key", "POST", LIST, json=dict(PARTITIONS, extra=1), status=200),
    Send("run-chunked", "POST", LIST, data=b'{"name": "standby.get_partition_uuids", "params": {}}', chunked=True,
         status=200),
    Send("by-id", "GET", LIST + "{run}", query=(("wait", "true"),), status=200),
    Send("by-id-unversioned", "GET", "/commands/{run}", status=200),
    Send("by-id-no-token", "GET", LIST + "{run}", token=None, status=401),
    named("node-info", "poll.set_node_info", {"node_info": {}}, status=400),
    named("flow-dotless", "flow.start_flow", {"flow": [{"noext": {}}]}, status=400),
    named("flow-unknown-command", "flow.start_flow", {"flow": [{"standby.get_partition_uuids": {}}, {"standby.nosuch": {}}]}, status=400),
    named("flow-empty", "flow.start_flow", {"flow": []}, query=(("wait", "true"),), status=200),
    named("flow", "flow.start_flow", {"flow": [{"standby.get_partition_uuids": {}}, {"poll.get_hardware_info": {}}]},
          query=(("wait", "true"),), status=200),
    named("flow-fails", "flow.start_flow",
          {"flow": [{"deploy.execute_deploy_step": dict(STEP, step={"step": "no_such_step"})}, {"standby.run_image": {"no": "such"}}]},
          query=(("wait", "true"),), status=200),
    named("step-bootc", "deploy.execute_deploy_step", dict(STEP, step={"step": "generic_container_step", "interface": "deploy"}),
          query=(("wait", "true"),), status=200),
    named("service-unknown", "service.execute_service_step", dict(STEP, step={"step": "no_such_step", "interface": "deploy"}),
          query=(("wait", "true"),), status=200),
    named("service-version", "service.execute_service_step",
          dict(STEP, step={"step": "no_such_step", "interface": "deploy"}, service_version={"generic_hardware_manager": "0.9"}),
          query=(("wait", "true"),), status=200),
    named("step-version", "deploy.execute_deploy_step",
          dict(STEP, step={"step": "no_such_step", "interface": "deploy"},
               deploy_version={"generic_hardware_manager": "0.9"}), query=(("wait", "true"),), status=200),
    named("step-unknown", "deploy.execute_deploy_step",
          dict(STEP, step={"step": "no_such_step", "interface": "deploy"}), query=(("wait", "true"),), status=200),
    named("step-clean-unknown", "clean.execute_clean_step",
          dict(STEP, step={"step": "no_such_step", "interface": "deploy"}), query=(("wait", "true"),), status=200),
    named("step-nameless", "deploy.execute_deploy_step", dict(STEP, step={"interface": "deploy"}),
          query=(("wait", "true"),), status=200),
    named("step-missing-argument", "deploy.execute_deploy_step", {"step": {"step": "no_such_step"}},
          query=(("wait", "true"),), status=200),
    named("bootloader-extra-argument", "image.install_bootloader", {"root_uuid": "x", "bogus": 1},
          query=(("wait", "true"),), status=200),
    named("bootloader-missing-argument", "image.install_bootloader", {}, query=(("wait", "true"),), status=200),
    named("logs", "log.collect_system_logs", {}, query=(("wait", "true"),), status=200),
    Send("list-all", "GET", LIST, status=200),
)

# Upstream breaks on these for good (the list is 500 ever after), so they have a life of their own.
POISON = (
    named("sync-extra-argument", "standby.get_partition_uuids", {"bogus": 1}, query=(("wait", "true"),)),
    Send("list-after-extra", "GET", LIST),
    named("sync-missing-argument", "deploy.get_deploy_steps", {}, query=(("wait", "true"),)),
    Send("list-after-missing", "GET", LIST),
    Send("post-name-number", "POST", LIST, json={"name": 5, "params": {}}),
    Send("post-number", "POST", LIST, json=5),
    Send("post-null", "POST", LIST, data=b"null"),
    named("image-info-text", "standby.prepare_image", {"image_info": "x"}, status=400),
    named("image-info-null", "standby.prepare_image", {"image_info": None}, status=400),
    Send("list-last", "GET", LIST),
)

# Arguments of a wrong type: asynchronous commands, so upstream survives them, but says what Python said.
WRONG_TYPES = (
    named("step-text", "deploy.execute_deploy_step", dict(STEP, step="no_such_step"), query=(("wait", "true"),),
          status=200),
    named("step-null", "deploy.execute_deploy_step", dict(STEP, step=None), query=(("wait", "true"),), status=200),
    named("step-name-number", "deploy.execute_deploy_step", dict(STEP, step={"step": 5}), query=(("wait", "true"),),
          status=200),
    named("step-args-text", "deploy.execute_deploy_step", dict(STEP, step={"step": "no_such_step", "args": "x"}),
          query=(("wait", "true"),), status=200),
    named("node-text", "deploy.execute_deploy_step", dict(STEP, node="x", step={"step": "no_such_step"}),
          query=(("wait", "true"),), status=200),
    named("root-uuid-array", "image.install_bootloader", {"root_uuid": [1]}, query=(("wait", "true"),), status=200),
    Send("list", "GET", LIST, status=200),
)

SITUATIONS = (
    Situation(
        "api", "the HTTP surface, in the state an agent is in after its first heartbeat", ipa(),
        steps=(
            DOCUMENTS + LISTS + ROUTES + BODIES + IMAGES
            + (Probe("leading-double-slash", raw.request, (b"GET //v1/status HTTP/1.1\r\nHost: x\r\n\r\n",),
                     (("faulty", False),), agents=(IRONLET,)),
               Probe("tls-1.3", handshake.verified, ("1.3",), (("ok", True), ("version", "TLSv1.3"))),
               Probe("tls-1.2-refused", handshake.verified, ("1.2",), (("ok", False),)),
               Probe("openssl-verifies", handshake.openssl, (), (("verified", True),)))
            + RUNS),
        checks=(
            Check("refusals-are-faults", serving.refusals_are_faults),
            Check("five-keys", commands.five_keys),
            Check("bare-names", commands.bare_names),
            Check("list-in-start-order", commands.list_in_start_order),
            Check("errors-well-formed", commands.errors_well_formed),
            Check("nothing-unasked", commands.nothing_unasked),
            Check("log-archive", commands.log_archive),
            Check("no-token-in-log", secrets.absent_from_log, agents=(IRONLET,)),
            Check("no-token-in-archive", secrets.absent_from_archive, agents=(IRONLET,)),
        ),
        agents=BOTH),
    Situation(
        "poison", "requests that break upstream for the rest of its life", ipa(), steps=POISON,
        checks=(Check("list-always-answers", commands.list_always_answers, agents=(IRONLET,)),
                Check("errors-well-formed", commands.errors_well_formed, agents=(IRONLET,)),
                Check("refusals-are-faults", serving.refusals_are_faults)),
        compare_requests=False),
    Situation(
        "wrong-types", "arguments of a type nobody expects: an error that names the argument", ipa(),
        steps=WRONG_TYPES, compare_requests=False,
        checks=(Check("errors-well-formed", commands.errors_well_formed),
                Check("step-named", commands.details_name, ("step-text", "step"), agents=(IRONLET,)),
                Check("null-step-named", commands.details_name, ("step-null", "step"), agents=(IRONLET,)),
                Check("step-name-named", commands.details_name, ("step-name-number", "step"), agents=(IRONLET,)),
                Check("args-named", commands.details_name, ("step-args-text", "args"), agents=(IRONLET,)),
                Check("node-named", commands.details_name, ("node-text", "node"), agents=(IRONLET,)),
                Check("root-uuid-named", commands.details_name, ("root-uuid-array", "root_uuid"),
                      agents=(IRONLET,)))),
)
