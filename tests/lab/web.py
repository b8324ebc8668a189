"""nginx: images and boot files for the machine, and the witness of who asked whom for what.

It stands before Ironic's API and before the BMC as well, so that one JSON line per request tells when the first heartbeat
came and which resets the BMC was asked for; and before a Swift, which speaks no TLS itself.
"""

import json
import subprocess
import time

import network
import swift
from daemon import Daemon
from verdict import Failed

API_BEHIND, BMC, BMC_BEHIND = 6386, 8000, 8001

CONF = """
daemon off; master_process off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx-error.log crit;
events {{ worker_connections 4096; }}
http {{
  map $witness $told {{ bmc $request_body; default ""; }} # a heartbeat's body holds the token
  log_format witness escape=json '{{"start":$msec,"took":$request_time,"to":"$witness","method":"$request_method","from":"$remote_addr",'
    '"path":"$uri","range":"$http_range","status":$status,"sent":$body_bytes_sent,"done":"$request_completion","body":"$told",'
    '"agent":"$http_user_agent","login":"$http_authorization"}}';
  access_log {directory}/witness.json witness;
  client_body_temp_path {directory}/nginx-body; proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-f; uwsgi_temp_path {directory}/nginx-u; scgi_temp_path {directory}/nginx-s;
  client_max_body_size 0; client_body_buffer_size 1m; sendfile on; default_type application/octet-stream;
  proxy_read_timeout 300;{http}
  ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {directory}/nginx.crt; ssl_certificate_key {directory}/nginx.key;
  server {{ listen {address}:8080; listen [{address6}]:8080; listen {aside}:8080; listen {address}:8443 ssl; set $witness web; root {directory}/http;
    location /images/ {{ limit_rate {rate}; }}{server} }}
  server {{ listen {address}:8444 ssl; set $witness swift; location / {{ proxy_pass http://{address}:{swift}; proxy_max_temp_file_size 0; }} }}
  server {{ listen {address}:6385; listen [{address6}]:6385; set $witness api; location /v1/heartbeat/ {{ default_type application/json; if (-f {directory}/refuse) {{ return 400 '{{"error_message": {{"faultstring": "Invalid or missing agent token received."}}}}'; }} proxy_pass http://127.0.0.1:{api}; proxy_set_header Host $http_host; }} location / {{ proxy_pass http://127.0.0.1:{api}; proxy_set_header Host $http_host; }} }}
  server {{ listen 127.0.0.1:{bmc}; set $witness bmc; location / {{ proxy_pass http://127.0.0.1:{bmc_behind}; proxy_set_header Host $http_host; }} }}
}}
"""


class Web:
    def __init__(self, directory, image_rate, http="", server=""):
        """`image_rate` in bytes per second slows the downloads of images, 0 does not; `http` and `server` are nginx's words for more."""
        self.root, self.log = directory / "http", directory / "witness.json"
        self.images = self.root / "images"
        self.images.mkdir(parents=True)
        self.certificate = directory / "nginx.crt"
        _certificate(directory)
        conf = directory / "nginx.conf"
        conf.write_text(CONF.format(
            directory=directory, address=network.ADDRESS, address6=network.ADDRESS6, aside=network.ASIDE, rate=image_rate, swift=swift.PORT, http=http, server=server, api=API_BEHIND, bmc=BMC, bmc_behind=BMC_BEHIND
        ))
        self.daemon = Daemon("nginx", ["/usr/sbin/nginx", "-c", str(conf), "-e", f"{directory}/nginx-error.log"], directory / "nginx.log")

    def start(self):
        self.daemon.start().wait_port(network.ADDRESS, 8080)
        return self

    def refuse_next_heartbeat(self, seconds):
        """Ironic says once that it does not know that agent."""
        order, asked = self.log.parent / "refuse", time.time()
        order.touch()
        request = self.wait_request("api", "POST", "/v1/heartbeat/", seconds, after=asked)
        order.unlink()
        if request["status"] != 400:
            raise Failed(f"the heartbeat was answered with {request['status']}")

    def requests(self, to, method, path, after=0.0):
        """Finished requests in their order; `start` and `end` are host times."""
        found = []
        for line in self.log.read_text().splitlines():
            request = json.loads(line)
            request["end"] = request["start"]
            request["start"] -= request["took"]
            if (request["to"], request["method"]) == (to, method) and path in request["path"] and request["start"] >= after:
                found.append(request)
        return found

    def wait_request(self, to, method, path, seconds, after=0.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.requests(to, method, path, after):
                return found[0]
            time.sleep(0.5)
        raise Failed(f"nobody asked {to} for {method} …{path} within {seconds} s")


def _certificate(directory):
    """One that nobody vouches for. Squid 5 knows an address by the common name only, everybody else by the other name."""
    subprocess.run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={network.ADDRESS}",
        "-addext", f"subjectAltName=IP:{network.ADDRESS}", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(directory / "nginx.key"), "-out", str(directory / "nginx.crt"),
    ], check=True, stderr=subprocess.DEVNULL)
