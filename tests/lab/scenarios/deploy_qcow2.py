"""A compressed qcow2 image, which Ironic passes on as it is; decoded while it streams, the disk boots; a page and reports tell of it."""

import ssl
import urllib.request

import collector
import image
import network
from stand import Stand
from verdict import require


def run(directory):
    source = image.qcow2(image.bootable("stream", 256))
    stand = Stand(directory, kernel_append_params=f"%default% ironlet.page=1 ironlet.report={collector.URL}")
    taker = collector.Collector(directory)
    stand.deploy(source)
    stand.node.wait("wait call-back", 120)
    on = stand.console.opened(60)
    stand.console.expect(r"agent: serving https://", 120, since=on.number)
    request = urllib.request.Request(f"https://{network.MACHINE_ADDRESS}:9999/", headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=30, context=ssl._create_unverified_context()) as answer:
        require(stand.node.uuid in answer.read().decode(), "the page does not say which node this is")
    stand.node.wait("active", 600)
    stand.console.expect(image.up("stream"), 180, since=on.number)
    last = taker.reports[-1][1]
    require(last["phase"] == "done" and last["receipt"]["bytes"] == 256 << 20, f"the last report is {last}")
    require(last["machine"]["uuid"] and stand.node.uuid in last["node"] and "verified" in last["log"], f"the last report is {last}")
    print(f"  {len(taker.reports)} reports came, the last with the whole log")
    print(f"  {source.stat().st_size >> 20} MiB fetched for a disk of 256 MiB; then booted from disk")
