"""Fifty agents and one server, no Ironic: through one Squid the origin sends one image, also to who is cut off in the middle; a server that is busy is left alone for as long as it says; `rate` is kept."""

import collections
import json
import time

import disk
import herd
import image
import network
import proxy
import readme
import web
from verdict import require

MIB = 1 << 20
COUNT, CUT = 50, 12
SIZE = 16 * MIB
# So that all are there before the first has all of it.
ORIGIN_RATE = 4 * MIB
AT_ONCE, LEAVE_ALONE = 6, 8
RATE = 3 * MIB
# The README's, and what of it is this lab's own.
SQUID = {"dst 10.0.0.1": f"dst {network.ADDRESS}", "10.0.0.1:3128": f"{network.ADDRESS}:{proxy.PORT}", r"10\.0\.0\.1": network.ADDRESS.replace(".", r"\."), "8 GB": "256 MB"}
HTTP = f"""
  limit_conn_zone $server_addr zone=seats:1m; limit_req_zone $server_addr zone=asks:1m rate=40r/s; limit_conn_status 503; limit_req_status 503;
"""
# RFC 9110 has two forms for how long to stay away; `busy` has the one, `asked` the other.
SERVER = f"""
    location /busy/ {{ alias DIRECTORY/http/images/; limit_conn seats {AT_ONCE}; limit_rate {16 * MIB}; error_page 503 @busy; }}
    location @busy {{ internal; add_header Retry-After {LEAVE_ALONE} always; return 503; }}
    location /asked/ {{ alias DIRECTORY/http/orders/; limit_req zone=asks burst=20 nodelay; error_page 503 @asked; }}
    location @asked {{ internal; add_header Retry-After {LEAVE_ALONE} always; return 503; }}
    location /reports/ {{ return 204; }}
"""


def run(directory):
    source = image.noise("herd", SIZE // MIB)
    network.start(directory, dhcp=False)
    server = web.Web(directory, ORIGIN_RATE, HTTP, SERVER.replace("DIRECTORY", str(directory))).start()
    (server.images / source.name).symlink_to(source)
    cache = readme.page("A lab in ten minutes")["squid"]
    for old, new in SQUID.items():
        require(old in cache, f"the README's squid.conf has no {old}")
        cache = cache.replace(old, new)
    squid = proxy.Proxy(directory, cache=cache).start().ready()
    machines = herd.Herd(directory, COUNT)
    orders = server.root / "orders"
    orders.mkdir()

    def write(name, place, **more):
        order = {"image_source": f"{network.WEB}/{place}/{source.name}", "image_os_hash_algo": "sha256", "image_os_hash_value": disk.digest(source), "then": "wait"}
        (orders / f"{name}.json").write_text(json.dumps(order | more))

    through_squid(machines, server, squid, source, write)
    busy(machines, server, source, write)
    machines.remove()


def through_squid(machines, server, squid, source, write):
    by_squid = {"image_http_proxy": proxy.URL}
    write("default", "images", **by_squid)
    for member in machines.members[::2]:
        write(member.mac, "images", **by_squid, **{"for": {"mac": member.mac}})
    machines.start(f"ironlet.order={network.WEB}/orders/{{mac}}.json ironlet.report={network.WEB}/reports/{{mac}}")
    started = time.monotonic()
    while not server.requests("web", "GET", "/orders/default.json"):
        time.sleep(0.1)
    # In the middle of the image, for all of them.
    while min(member.received() for member in machines.members) < SIZE // 8:
        require(time.monotonic() - started < 60, "the image does not come")
        time.sleep(0.05)
    cut = sum(member.cut(proxy.PORT) for member in machines.members[:CUT])
    machines.wait(120)
    took = time.monotonic() - started
    wrong = [member.name for member in machines.members if not member.holds(source)]
    require(not wrong, f"the disks of {wrong} do not begin with the image")
    asked = server.requests("web", "GET", f"/images/{source.name}")
    sent = sum(request["sent"] for request in asked) / source.stat().st_size
    ways = collections.Counter(request.result for request in squid.requests(source.name, client=None))
    resumed = sum("asking" in member.told() for member in machines.members)
    # Each is known to the collector by its own card, and nobody by another name.
    told = {request["path"] for request in server.requests("web", "POST", "/reports/")}
    require(told == {f"/reports/{member.mac}" for member in machines.members}, f"reports came at {sorted(told)}")
    own = sum(f"order: {network.WEB}/orders/{member.mac}.json" in member.told() for member in machines.members)
    require(own == len(machines.members[::2]), f"{own} took the order that is theirs alone")
    print(f"  through Squid: {COUNT} agents deployed in {took:.1f} s, each disk compared; origin asked {len(asked)} times, sent {sent:.3f} images; {cut} connections cut in mid-image, {resumed} agents went on; Squid: {dict(ways)}", flush=True)
    require(cut == CUT and resumed >= CUT, f"{cut} connections were cut, and {resumed} agents went on")
    require(sent <= 1.02, f"the origin sent {sent:.3f} images")
    machines.stop()


def busy(machines, server, source, write):
    """No cache: the server has seats for a few, and says when to come again. One of them is held to a rate meanwhile, from a server of its own."""
    for member in machines.members[::2]:
        (server.root / "orders" / f"{member.mac}.json").unlink()
    write("default", "busy")
    slow = machines.members[0]
    write(slow.mac, "images", rate="3M")
    began = time.time()
    machines.start(f"ironlet.order={network.WEB}/asked/{{mac}}.json")
    started = time.monotonic()
    speeds = speed(slow)
    machines.wait(120)
    took = time.monotonic() - started
    wrong = [member.name for member in machines.members if not member.holds(source)]
    require(not wrong, f"the disks of {wrong} do not begin with the image")
    for what, path in (("orders", "/asked/"), ("images", f"/busy/{source.name}")):
        asked = server.requests("web", "GET", path, after=began)
        by_machine = collections.defaultdict(list)
        for request in sorted(asked, key=lambda request: request["start"]):
            by_machine[request["from"]].append(request)
        away = [after["start"] - before["end"] for own in by_machine.values() for before, after in zip(own, own[1:]) if before["status"] == 503]
        refused = sum(request["status"] == 503 for request in asked)
        require(refused and away, f"{what}: the server was never busy")
        require(min(away) >= LEAVE_ALONE - 0.01, f"{what}: one came again after {min(away):.2f} s")
        # nginx notes whole milliseconds, so a herd that comes together would show.
        spread = max(away) - min(away)
        require(spread > 0.5, f"{what}: they all came again together, within {spread:.2f} s")
        print(f"  busy with {what}: 503 and Retry-After: {LEAVE_ALONE} {refused} times for {len(by_machine)} machines, who came again after {min(away):.2f} to {max(away):.2f} s", flush=True)
    average, peak = speeds
    print(f"  without a cache, {AT_ONCE} at a time: all {COUNT} deployed in {took:.1f} s; rate=3M: {average / MIB:.2f} MiB/s, at the most {peak / MIB:.2f} in half a second", flush=True)
    require(0.85 * RATE < average <= 1.05 * RATE, f"rate=3M brought {average / MIB:.2f} MiB/s")
    require(peak <= 1.35 * RATE, f"rate=3M let {peak / MIB:.2f} MiB/s through")
    machines.stop()


def speed(member):
    """Bytes a second that came to it, on the average while the image came, and in the fastest half second; headers of packets are in it."""
    samples, first = [], member.received()
    deadline = time.monotonic() + 60
    while not member.is_done() and time.monotonic() < deadline:
        samples.append((time.monotonic(), member.received()))
        time.sleep(0.05)
    # From where the image began to where it ended.
    moving = [(at, count) for at, count in samples if first + MIB < count < samples[-1][1] - MIB]
    require(len(moving) > 20, f"{member.name} was seen at {len(samples)} moments")
    average = (moving[-1][1] - moving[0][1]) / (moving[-1][0] - moving[0][0])
    windows = [(later[1] - at[1]) / (later[0] - at[0]) for at, later in zip(moving, moving[10:])]
    return average, max(windows)
