"""Ironic's place for inspections: takes whatever is posted."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NODE = "00000000-0000-4000-8000-000000000000"


@contextmanager
def receiver(address, port, reached=None):
    """The kernel parameters for an inspection that comes here, by the address that the machine reaches us at, and the list that it goes to."""
    posted = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(json.dumps({"uuid": NODE}).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer((address, port), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        callback = f"http://{reached or address}:{port}/v1/continue_inspection"
        yield f"ipa-inspection-callback-url={callback} ipa-inspection-collectors=default ipa-disk-wait-attempts=1", posted
        server.shutdown()
