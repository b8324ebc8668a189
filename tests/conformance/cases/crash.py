"""The agent's process is killed and started again on the same /run (pid 1 does that in the ramdisk).

Ironlet only: upstream starts empty, which the conductor reads as "freshly booted".
"""

from cases.api import LIST, named
from cases.busy import IMAGE
from checks import certificates, commands, enrol
from situation import IRONLET, Api, Await, Check, Process, Send, Situation, Tell, found, ipa

SITUATIONS = (
    Situation(
        "crash", "killed in the middle of a command; the token was given at the first lookup only", ipa(),
        apis=(Api(lookups=(found(), found(agent_token="******"))),), agents=(IRONLET,),
        steps=(named("before", "standby.get_partition_uuids", {}, query=(("wait", "true"),), status=200),
               Tell("hold-lookups"),
               named("start", "standby.prepare_image", IMAGE, query=(("wait", "false"),), status=200),
               Send("running", "GET", LIST + "{start}", status=200),
               Await("lookup", 2),
               Process("kill"), Tell("release-lookups"), Process("start"),
               Await("heartbeat", 2, within=30),
               Send("list", "GET", LIST, status=200),
               Send("by-id", "GET", LIST + "{start}", status=200),
               named("after", "standby.get_partition_uuids", {}, query=(("wait", "true"),), status=200)),
        checks=(Check("interrupted-is-failed", commands.status_is, ("by-id", "FAILED")),
                Check("none-succeeded", commands.no_older_success, ("list",)),
                Check("errors-well-formed", commands.errors_well_formed),
                Check("same-callback", enrol.callbacks_alike),
                Check("same-certificate", certificates.alike))),
    Situation(
        "crash-idle", "killed with nothing running: nothing of the previous process shows as done", ipa(),
        apis=(Api(lookups=(found(), found(agent_token="******"))),), agents=(IRONLET,),
        steps=(named("before", "standby.get_partition_uuids", {}, query=(("wait", "true"),), status=200),
               Process("kill"), Process("start"),
               Await("heartbeat", 2, within=30),
               Send("list", "GET", LIST, status=200)),
        checks=(Check("none-succeeded", commands.no_older_success, ("list",)),
                Check("same-callback", enrol.callbacks_alike),
                Check("same-certificate", certificates.alike))),
)
