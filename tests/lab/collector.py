"""Takes reports, as a script of twenty lines does: Python's own HTTP server and JSON."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import network
from verdict import Failed

PORT = 8090
URL = f"http://{network.ADDRESS}:{PORT}/reports"


class Collector:
    """Answers 503 `busy` times, then takes everything: `reports` are pairs of the host's time and what was told."""

    def __init__(self, directory, busy=0):
        self.reports, self.refused = [], 0
        log = open(directory / "reports.json", "a", buffering=1, encoding="utf-8")
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.refused < busy:
                    collector.refused += 1
                    self.send_response(503)
                    self.send_header("Retry-After", "1")
                    self.end_headers()
                    return
                report = json.loads(body)
                collector.reports.append((time.time(), report))
                log.write(json.dumps(report) + "\n")
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer((network.ADDRESS, PORT), Handler)
        threading.Thread(target=server.serve_forever, name="reports", daemon=True).start()

    def wait(self, what, wanted, seconds):
        """The first report that is as wanted."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := [report for _, report in list(self.reports) if wanted(report)]:
                return found[0]
            time.sleep(0.2)
        raise Failed(f"no report {what} within {seconds} s")
