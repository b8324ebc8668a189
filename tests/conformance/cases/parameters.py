"""The kernel command line and the configuration files."""

from cases.api import LIST
from checks import certificates, enrol
from situation import (IRONIC_V4, MACHINE_V4, OTHER_PORT, PORT, PRESHARED, WRONG, Api, Await, Check, Send, Situation,
                       Tell, ipa)

SITUATIONS = (
    Situation(
        "parsing", "duplicates, words without a value, keys nobody knows, upper case",
        "quiet ipa-agent-token ipa-agent-token=" + WRONG + " " + ipa(agent_token=PRESHARED, frobnicate="1", x_y="=a=b")
        + " IPA-AGENT-TOKEN=" + WRONG + " = =x ipa-debug=1 root=/dev/ram0 --",
        stock=dict(agent_token="******"),
        steps=(Send("list", "GET", LIST, token=PRESHARED, status=200),
               Send("list-first", "GET", LIST, token=WRONG, status=401)),
        checks=(Check("last-wins", enrol.heartbeat_token, (PRESHARED,)),)),
    Situation(
        "advertise", "another port, and an address given", ipa(
            advertise_host=MACHINE_V4, advertise_port=9998, listen_port=9998),
        steps=(Send("status", "GET", "/v1/status", token=None, status=200),),
        checks=(Check("callback", enrol.callback_url, (f"https://{MACHINE_V4}:9998",)),
                Check("address", certificates.address, (MACHINE_V4,)))),
    Situation(
        "failover", "two of three API URLs are dead; later the living one changes",
        ipa(api_url=f"http://{IRONIC_V4}:6399,http://{IRONIC_V4}:{PORT}/,http://{IRONIC_V4}:{OTHER_PORT}"),
        apis=(Api("a", down=True), Api("b", port=OTHER_PORT)), stock=dict(heartbeat_timeout=10),
        steps=(Tell("down", "b"), Tell("up", "a"), Await("heartbeat", 2, within=30)),
        checks=(Check("next-used-and-preferred", enrol.prefers_working, ("b",)),
                Check("changes-over", enrol.api_of, ("heartbeat", 1, "a")))),
    Situation(
        "insecure", "an HTTPS Ironic with a certificate nobody signed", ipa(
            api_url=f"https://{IRONIC_V4}:{PORT}", insecure="1"),
        apis=(Api(tls=True),),
        steps=(Send("list", "GET", LIST, status=200),)),
    Situation(
        "distrust", "the same without ipa-insecure: the agent says nothing to it and gives up", ipa(
            api_url=f"https://{IRONIC_V4}:{PORT}", lookup_timeout=5),
        apis=(Api(tls=True),), serves=False,
        steps=(Await("exit", within=60),),
        checks=(Check("nothing-said", enrol.none_of, ("root", "lookup", "heartbeat")),
                Check("exit-status", enrol.exits_with_failure))),
    Situation(
        "cafile", "the same with its certificate in a configuration file, as virtual media bring it", ipa(
            api_url=f"https://{IRONIC_V4}:{PORT}"),
        apis=(Api(tls=True),),
        files=(("etc/ironic-python-agent.d/ironic-tls.conf",
                "[DEFAULT]\ncafile={etc}/ironic-python-agent/ironic.crt\n"),),
        steps=(Send("list", "GET", LIST, status=200),)),
)
