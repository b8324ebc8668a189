"""A command that takes its time: RUNNING, the busy rule, `wait`, and the heartbeat after it.

`prepare_image` asks Ironic for the node again before it looks for a disk; the fake Ironic holds that
reply, so the command runs for as long as the table says and then fails for want of a disk.
"""

from cases.api import LIST, named
from checks import commands, timing
from probes import raw
from situation import Await, Check, Finish, Probe, Send, Situation, Tell, ipa

IMAGE = {"image_info": {"id": "x", "urls": ["http://192.0.2.1:1/none"], "os_hash_algo": "sha256",
                        "os_hash_value": "0" * 64, "disk_format": "raw", "stream_raw_images": True}}

STEPS = (
    Tell("hold-lookups"),
    named("start", "standby.prepare_image", IMAGE, query=(("wait", "false"),), status=200),
    Send("list-running", "GET", LIST, status=200),
    Await("lookup", 2),
    named("busy", "standby.get_partition_uuids", {}, status=409),
    named("busy-logs", "log.collect_system_logs", {}, query=(("wait", "true"),), status=409),
    named("busy-same", "standby.prepare_image", IMAGE, status=409),
    named("busy-unknown-extension", "nosuch.thing", {}, status=409),
    named("busy-dotless", "noext", {}, status=400),
    Send("busy-not-json", "POST", LIST, data=b"{", status=400),
    Send("busy-no-token", "POST", LIST, token=None, json={"name": "standby.sync", "params": {}}, status=401),
    Send("by-id-running", "GET", LIST + "{start}", status=200),
    Send("by-id-wait", "GET", LIST + "{start}", query=(("wait", "true"),), background=True, status=200),
    Send("list-while-waiting", "GET", LIST, status=200),
    Send("status-while-waiting", "GET", "/v1/status", token=None, status=200),
    Tell("release-lookups"),
    Finish("by-id-wait"),
    Send("list-ended", "GET", LIST, status=200),
    Await("heartbeat", 2, within=20),
    Tell("hold-lookups"),
    named("start-wait", "standby.prepare_image", IMAGE, query=(("wait", "true"),), background=True, status=200),
    Await("lookup", 3),
    Send("list-second-running", "GET", LIST, status=200),
    Tell("release-lookups"),
    Finish("start-wait"),
    Tell("hold-lookups"),
    Probe("reply-lost", raw.post_and_hang_up, (LIST, {"name": "standby.prepare_image", "params": IMAGE},),
          (("sent", True),)),
    Await("lookup", 4),
    Send("list-after-lost-reply", "GET", LIST, status=200),
    Tell("release-lookups"),
    Await("heartbeat", 3, within=30),
    Send("list-end", "GET", LIST, status=200),
)

SITUATIONS = (
    Situation(
        "busy", "one command at a time, and what others see meanwhile", ipa(), steps=STEPS,
        checks=(
            Check("wait-by-id-until-end", timing.answered_after, ("by-id-wait", "release-lookups", 1)),
            Check("wait-post-until-end", timing.answered_after, ("start-wait", "release-lookups", 2)),
            Check("list-not-held-up", timing.answered_within, ("list-while-waiting", 2.0)),
            Check("list-in-start-order", commands.list_in_start_order),
            Check("errors-well-formed", commands.errors_well_formed),
            Check("nothing-unasked", commands.nothing_unasked, (1,)),
            Check("prompt-heartbeat", timing.forced_heartbeat),
            Check("node-asked-again", timing.second_lookup_names_node),
        )),
    Situation(
        "long-step", "heartbeats go on while a command runs", ipa(),
        stock=dict(heartbeat_timeout=6),
        steps=(Tell("hold-lookups"),
               named("start", "standby.prepare_image", IMAGE, query=(("wait", "false"),), status=200),
               Await("lookup", 2),
               Await("heartbeat", 5, within=30),
               Send("still-running", "GET", LIST + "{start}", status=200),
               Tell("release-lookups"),
               Await("heartbeat", 6)),
        checks=(Check("runs-throughout", commands.status_is, ("still-running", "RUNNING")),)),
    Situation(
        "md5-refused", "Ironic forbids MD5", ipa(), stock=dict(agent_md5_checksum_enable=False),
        steps=(named("md5-only", "standby.prepare_image",
                     {"image_info": {"id": "x", "urls": ["http://192.0.2.1:1/none"], "checksum": "0" * 32}},
                     status=400),)),
)
