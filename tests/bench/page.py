"""page: what the page and reports cost a deploy, and a thousand requests a second for the page meanwhile"""

import contextlib
import re
import shutil
import signal
import statistics
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import images
from place import DIST, MIB, WORK, Broken, free_port, loop_device, nginx, own

ROOT, LOG = WORK / "page-root", WORK / "page.log"
DONE = re.compile(r"image: \S+ \S+ on \S+ in ([0-9.]+) s")
# As fast as a network of 1 Gbit/s, which is what machines wait for.
NETWORK = 118_000_000
ASKS = 1000
# So slow that what a deploy takes of a processor is little, and what comes on top can be told from it.
SLOWLY = " ironlet.rate=32M"
SECONDS = 90


def run(limits, options):
    mib = options.mib // 2
    image = images.noise(mib)
    _machine()
    with nginx(NETWORK) as port, loop_device("page", image.size + 64 * MIB) as device, reports() as (place, posted):
        def deploy(path, *, page, asked=0, more=""):
            listen = free_port()
            words = f"ironlet.image=http://127.0.0.1:{port}{path}/{image.path.name} ironlet.checksum=sha256:{image.sha256} ironlet.disk={device} ironlet.then=wait ipa-listen-port={listen} "
            words += f"ironlet.page=1 ironlet.report={place}" if page else "ironlet.page=0"
            return _deploy(words + more, device, listen if page else None, asked)

        ways = {
            "alone": lambda: deploy("", page=False),
            "page and reports": lambda: deploy("", page=True),
            "alone, slowly": lambda: deploy("", page=False, more=SLOWLY),
            "page and reports, slowly": lambda: deploy("", page=True, more=SLOWLY),
            "alone, network": lambda: deploy("/slow", page=False),
            "asked, network": lambda: deploy("/slow", page=True, asked=ASKS),
            "asked": lambda: deploy("", page=True, asked=ASKS),
        }
        rounds = {name: [] for name in ways}
        order = list(ways)
        for _ in range(options.rounds):
            for name in order:
                rounds[name].append(ways[name]())
            order = order[1:] + order[:1]
    limits.table(("", "MiB/s", "RSS MiB", "pages/s"), [
        (name, mib / statistics.median(cost[0] for cost in costs), max(cost[1] for cost in costs), statistics.median(cost[2] / cost[0] for cost in costs)) for name, costs in rounds.items()
    ])
    if not posted:
        raise Broken("no report came")

    def against(name, other):
        return statistics.median(one[0] / two[0] for one, two in zip(rounds[name], rounds[other]))

    def peak(name):
        return max(cost[1] for cost in rounds[name])

    def own_cost(name, other):
        return statistics.median((one[3] - two[3]) / one[0] for one, two in zip(rounds[name], rounds[other]))

    # A deploy that uses all of a processor loses as much of its speed. Its time alone tells nothing here: it differs by more from one time to the next.
    limits.most("of a processor that a page that is looked at and reports take", own_cost("page and reports, slowly", "alone, slowly"), 0.02)
    limits.inform("time of a deploy with them / without", against("page and reports", "alone"))
    # Whoever asks is on this machine too: what that costs is in these two.
    limits.inform(f"with {ASKS} requests a second, by a network of 1 Gbit/s / alone", against("asked, network", "alone, network"))
    limits.inform(f"with {ASKS} requests a second, as fast as these processors / alone", against("asked", "alone"))
    limits.inform("of a processor that the agent itself takes for them", own_cost("asked, network", "alone, network"))
    limits.most("peak resident memory under them - that of one alone", peak("asked, network") - peak("alone, network"), 8, "MiB")


def _machine():
    """As files: four cards and eight disks, so that there is something to show."""
    shutil.rmtree(ROOT, ignore_errors=True)
    files = {"proc/mounts": "", "proc/cmdline": "", "proc/sys/kernel/hostname": "(none)"}
    for number in range(4):
        files |= {f"sys/class/net/eth{number}/address": f"52:54:00:00:00:0{number}", f"sys/class/net/eth{number}/type": "1", f"sys/class/net/eth{number}/device/vendor": "0x1af4"}
    for number in range(8):
        files |= {f"sys/block/sd{chr(97 + number)}/{name}": text for name, text in {"size": str(10 << 21), "removable": "0", "ro": "0", "queue/rotational": "0", "device/model": "DISK"}.items()}
    for path, text in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text + "\n")


@contextlib.contextmanager
def reports():
    """A server that takes reports: its URL, and how many came."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/reports", posted
    finally:
        server.shutdown()


def _deploy(words, device, port, asked):
    """Seconds that the image took, the process' peak in MiB, pages that httperf got, and seconds of processor time. Nobody asks: a browser, every two seconds."""
    with open(LOG, "wb") as log:
        agent = subprocess.Popen(own([DIST / "ironlet", "--agent", "--root", ROOT, "--allow-disk", device, "--cmdline", words]), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    browser, served = None, 0
    try:
        deadline = time.monotonic() + SECONDS
        while not (done := DONE.search(LOG.read_text(errors="replace"))):
            if agent.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"the agent does not deploy, see {LOG}")
            if port and browser is None and "a browser sees this machine" in LOG.read_text(errors="replace"):
                browser = _ask(port, asked)
            time.sleep(0.02)
        with open(f"/proc/{agent.pid}/status", encoding="ascii") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
        # clock_getcpuclockid(3): of the whole process, to the nanosecond where proc(5) has ticks.
        cpu = time.clock_gettime(~agent.pid << 3 | 2)
    finally:
        if browser:
            # httperf tells how it went when it is interrupted.
            browser.send_signal(signal.SIGINT if asked else signal.SIGTERM)
            told = browser.communicate()[0]
            served = int((re.search(r" replies ([0-9]+) ", told) or [0, 0])[1])
        agent.kill()
        agent.wait()
    return float(done[1]), peak, served, cpu


def _ask(port, rate):
    if not rate:
        look = f"while :; do curl -sf -H 'Accept: text/html' -o {WORK}/page.html http://127.0.0.1:{port}/; sleep 2; done"
        return subprocess.Popen(own(["bash", "-c", look]), stdout=subprocess.PIPE, text=True)
    # Another machine's processor, as far as one is left for it.
    argv = ["nice", "-n", "19", "httperf", "--hog", "--server", "127.0.0.1", "--port", port, "--uri", "/", "--add-header", "Accept: text/html\\n", "--rate", rate, "--num-conns", rate * SECONDS, "--timeout", 5]
    return subprocess.Popen(own(argv), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
