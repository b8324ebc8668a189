"""Web server killed, connection reset, cable pulled, all in mid-body: the deploy succeeds, and no byte is sent twice for it."""

import time

import image
import network
from stand import Stand
from verdict import require

MIB = 1 << 20
# Between two cuts, so that each hits a download that moves.
APART = 8 * MIB
DEAD, PULLED = 3, 20
MOST = 1.1


def run(directory):
    source = image.noise("cut-network", 64)
    size = source.stat().st_size
    # Less patience than the cable is pulled for: the agent gives the connection up by itself, and asks again in vain.
    stand = Stand(directory, image_rate=4 * MIB, kernel_append_params="%default% ipa-image-download-connection-timeout=5")
    ordered = stand.deploy(source)
    stand.console.expect("Linux version", 120)
    booted = network.sent_to_machine()

    stand.disk.wait_written(APART, 120)
    stand.web.daemon.kill()
    time.sleep(DEAD)
    stand.web.start()
    print(f"  web server killed, back after {DEAD} s", flush=True)
    stand.disk.wait_written(APART, 60)
    network.reset(8080)
    print("  connection reset", flush=True)
    stand.disk.wait_written(APART, 60)
    stand.machine.pull_cable()
    time.sleep(PULLED)
    stand.machine.pull_cable(False)
    print(f"  cable pulled for {PULLED} s", flush=True)

    stand.console.expect("verified", 120)
    sent = network.sent_to_machine() - booted
    stand.deployed(source, "cut-network", ordered)
    requests = stand.web.requests("web", "GET", f"/images/{source.name}", after=ordered)
    told = [f"{request['range'] or 'whole'} {request['sent'] / MIB:.1f} MiB" for request in requests]
    # nginx has no word for the request it was killed in.
    require(len(requests) >= 3, f"three cuts, but nginx knows only of: {told}")
    require(all(request["range"] for request in requests), f"a request started over: {told}")
    for count, witness in ((sum(request["sent"] for request in requests), "nginx"), (sent, "the network")):
        require(count <= MOST * size, f"{witness} sent {count} bytes for an image of {size}: {told}")
    print(f"  nginx: {'; '.join(told)}; to the machine in all {sent / size:.3f} of the image's size")
