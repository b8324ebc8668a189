"""What is wrong first, named by `ironlet doctor` and by the agent itself on its console: broken links, DHCP, DNS, routes, proxies, TLS, clocks, APIs, images, orders, disks, by real servers."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time

import authority
import console
import emulator
import ironic
import network
import place
import web
from daemon import Daemon
from verdict import Failed, require

# Its last byte is the number of an animal of the zoo.
NUMBER = 18
MAC = f"02:00:00:00:01:{NUMBER:02x}"
# Without anybody behind it: a gateway, a DNS server.
NOBODY, FAR = "172.22.0.98", "203.0.113.5"
MONITOR = "/run/monitor"
SECRET = "hunter2"
# An order like any other, of a machine whose disk takes no writes.
LOCKED = {"locked": True}

# nginx once more: what is no Ironic, and certificates nobody should believe.
CONF = """
daemon off; master_process off; worker_processes 1; pid {directory}/odd.pid; error_log {directory}/odd-error.log crit;
events {{ worker_connections 64; }}
http {{
  access_log off; default_type text/html;
  client_body_temp_path {directory}/odd-body; proxy_temp_path {directory}/odd-proxy;
  fastcgi_temp_path {directory}/odd-f; uwsgi_temp_path {directory}/odd-u; scgi_temp_path {directory}/odd-s;
  server {{ listen {address}:6391; location / {{ return 200 "<html><form>Please log in</form></html>"; }} }}
  server {{ listen {address}:6392; location / {{ return 401; }} }}
  server {{ listen {address}:6393; location / {{ return 404; }} }}
  server {{ listen {address}:6394; location / {{ return 403; }} }}
  server {{ listen {address}:8446 ssl; ssl_certificate {authority}/cache.crt; ssl_certificate_key {authority}/cache.key; location / {{ return 444; }} }}
  server {{ listen {address}:8451 ssl; ssl_certificate {directory}/nginx.crt; ssl_certificate_key {directory}/nginx.key; location / {{ return 200; }} }}
  server {{ listen {address}:8452 ssl; ssl_certificate {authority}/old.crt; ssl_certificate_key {authority}/old.key; location / {{ return 200; }} }}
  server {{ listen {address}:8453 ssl; ssl_certificate {authority}/other.crt; ssl_certificate_key {authority}/other.key; location / {{ return 200; }} }}
}}
"""
# Certificates of the same authority, one out of date and one for another name, by the library that Ironic has with it.
CERTIFICATES = """
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
folder = sys.argv[1]
issuer = x509.load_pem_x509_certificate(open(f"{folder}/ca.crt", "rb").read())
signer = serialization.load_pem_private_key(open(f"{folder}/ca.key", "rb").read(), None)
day, now = datetime.timedelta(days=1), datetime.datetime.now(datetime.timezone.utc)
for name, host, begins, ends in (("old", "172.22.0.1", -30, -3), ("other", "192.0.2.1", -3, 30)):
    key = ec.generate_private_key(ec.SECP256R1())
    import ipaddress
    made = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])).issuer_name(issuer.subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number()).not_valid_before(now + begins * day).not_valid_after(now + ends * day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), False).sign(signer, hashes.SHA256()))
    open(f"{folder}/{name}.crt", "wb").write(made.public_bytes(serialization.Encoding.PEM))
    open(f"{folder}/{name}.key", "wb").write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
"""
# One door refuses everybody, the other whoever has no password that it knows; nobody has one.
SQUID = """
http_port {address}:3131 name=refuses
http_port {address}:3132 name=asks
unlinkd_program {squid}/usr/lib/squid/unlinkd
auth_param basic program {squid}/usr/lib/squid/basic_fake_auth
acl refused myportname refuses
acl known proxy_auth nobody
http_access deny refused
http_access deny !known
http_access allow all
visible_hostname lab
pid_filename none
pinger_enable off
cache_log {log}/cache.log
access_log none
cache deny all
"""


def run(directory):
    network.start(directory, names=True, dhcp=False)
    # A bridge without a port has no carrier.
    for words in (("link", "add", "port", "type", "veth", "peer", "name", "plug"), ("link", "set", "plug", "up"), ("link", "set", "port", "master", network.BRIDGE, "up"),
                  ("route", "add", "203.0.113.0/24", "via", NOBODY)):
        _ip(*words)
    server = web.Web(directory, image_rate=0).start()
    api = ironic.Ironic(directory, server.root).start()
    signed = authority.make(directory)
    subprocess.run([place.VENV / "bin/python", "-c", CERTIFICATES, signed], check=True)
    conf = directory / "odd.conf"
    conf.write_text(CONF.format(directory=directory, address=network.ADDRESS, authority=signed))
    Daemon("nginx", ["/usr/sbin/nginx", "-c", str(conf), "-e", f"{directory}/odd-error.log"], directory / "odd.log").start().wait_port(network.ADDRESS, 6391)
    names = Daemon("dnsmasq", ["/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--no-resolv", "--no-hosts", "--local=/lab.test/", f"--interface={network.BRIDGE}",
                               "--bind-interfaces", f"--host-record={network.NAME},{network.ADDRESS}"], directory / "names.log").start()
    squid = _squid(directory)
    network.tap(emulator.TAP)
    screen = console.Console(emulator.CONSOLE, directory / "console.log")
    started = time.monotonic()
    machine = _clock_and_disks(directory, signed)
    squid.wait_port(network.ADDRESS, 3132)
    count = _by_hand(directory, server, signed)
    _told(screen, "CLOCK", r"date is 2010-01-0\d, which cannot be right", "ipa-ntp-server", 90)
    require(screen.find(r"doctor: WRONG   disks .*no disk"), "a machine without disks is not told so")
    machine.kill()
    screen.closed(10)
    names.stop()
    api.ready()
    _by_itself(directory, screen)
    print(f"  {count + 8} set-ups, each named right at first, in {time.monotonic() - started:.0f} s", flush=True)


def _by_hand(directory, server, signed):
    """`ironlet doctor` in this network: what is wrong first, and what it says to try."""
    at = f"http://{network.ADDRESS}"
    (server.images / "disk.raw").write_bytes(bytes(1 << 20))
    image = {"image_source": f"{network.WEB}/images/disk.raw", "image_checksum": "sha256:" + "0" * 64}
    (server.images / "disk.img").write_bytes(b"KDMV" + bytes(1 << 20))
    (server.root / "SHA256SUMS").write_text(f"{'0' * 64}  other.raw\n")
    resolver = directory / "resolv.conf"
    right = resolver.read_text()

    def ordered(**more):
        (server.root / "order.json").write_text(json.dumps({**image, **more}))
        return f"ironlet.order={network.WEB}/order.json"

    cases = [
        ("dns", "cannot be resolved.*172.22.0.98", "DNS server", f"ipa-api-url=http://{network.NAME}:6385", f"nameserver {NOBODY}\n"),
        ("dns", "irnoic.lab.test.*no such name", "how the name is spelled", f"ipa-api-url=http://irnoic.lab.test:6385", right),
        ("route", "no way to 203.0.113.5:6385", "gateway", f"ipa-api-url=http://{FAR}:6385", right),
        ("tls", "nobody trusted signed", "cafile", f"ipa-api-url=https://{network.ADDRESS}:8451", right),
        ("tls", "expired on", "renew", f"ipa-api-url=https://{network.ADDRESS}:8452", right),
        ("tls", r"only: call the server|certificate is for", "a name in its certificate", f"ipa-api-url=https://{network.ADDRESS}:8453", right),
        ("tls", "does not speak TLS", "http instead of https", f"ipa-api-url=https://{network.ADDRESS}:6391", right),
        ("api", "HTTP status 200: .*log in", "wants a login", f"ipa-api-url={at}:6391", right),
        ("api", "HTTP status 401", "asks for no login", f"ipa-api-url={at}:6392", right),
        ("api", "HTTP status 404", "path of ipa-api-url", f"ipa-api-url={at}:6393", right),
        ("api", "refuses connections", "start the service", f"ipa-api-url={at}:6399", right),
        ("order", "no order for this machine yet", "where it is looked for", f"ironlet.order={network.WEB}/orders/{{mac}}.json", right),
        ("proxy", "HTTP status 403: the proxy", "let this machine go there", {"image_http_proxy": f"http://{network.ADDRESS}:3131"}, right),
        ("proxy", "407", "user and password", {"image_http_proxy": f"http://guest:{SECRET}@{network.ADDRESS}:3132"}, right),
        ("proxy", "refuses connections", "proxy runs", {"image_http_proxy": f"http://{network.ADDRESS}:3199"}, right),
        ("image", "HTTP status 404", "another machine", {"image_source": f"{network.WEB}/images/none.raw"}, right),
        ("image", "expired on", "temporary one anew", {"image_source": f"{at}:6394/image?temp_url_sig={SECRET}&temp_url_expires=1700000000"}, right),
        ("image", "looking into .*/SHA256SUMS: the checksum file does not name 'disk.raw', but other.raw", "make the checksum file anew",
         {"image_checksum": f"{network.WEB}/SHA256SUMS"}, right),
        ("image", "image_checksum: a sha256 checksum is 64 hexadecimal digits, not 'abc'", "correct these fields", {"image_checksum": "sha256:abc"}, right),
        ("image", "image_checksum: a checksum of 3 characters is none of", "correct these fields", {"image_checksum": "abc"}, right),
        ("image", "image_source: .*vmdk", "correct these fields", {"image_source": f"{network.WEB}/images/disk.vmdk"}, right),
        ("image", "the image is vmdk by its content", "qemu-img convert", {"image_source": f"{network.WEB}/images/disk.img"}, right),
        ("image", "image.*vmdk", "correct these fields", {"image_disk_format": "vmdk"}, right),
        ("parameters", "checksum: a sha256 checksum is 64 hexadecimal digits", "ironlet.checksum", f"ironlet.image={network.WEB}/images/disk.raw ironlet.checksum=sha256:abc", right),
        ("parameters", "vmdk", "ironlet.image", f"ironlet.image={network.WEB}/images/disk.vmdk ironlet.checksum=sha256:{'0' * 64}", right),
        ("parameters", "sets ironlet.cafile, which counts in files alone: write `cafile = ", "kernel command line", f"ironlet.cafile=/etc/ssl/own.crt ipa-api-url=https://{network.ADDRESS}:8446", right),
        ("dns", "nobody answers by mDNS: .*baremetal", "enable_mdns", "ipa-api-url=mdns", right),
        ("dns", "nobody answers by mDNS: ", "enable_mdns", "ipa-use-mdns=1", right),
        ("order", "root_devise: is no field", "correct what is said", {"root_devise": {"serial": "LAB"}}, right),
        ("disks", "serial", "root_device", {"root_device": {"serial": "NOBODYS"}}, right),
        ("disks", "no disk|read-only", "controller", {}, right),
        ("disks", "every disk is write-protected: /dev/vda .* is read-only", "take the write protection off", LOCKED, right),
        # Who is only to tell what it is made of needs none.
        (None, "", "", f"ipa-inspection-callback-url={at}:6391/", right),
        (None, "", "", {"description": "in order"}, right),
    ]
    for number, (step, why, remedy, what, resolv) in enumerate(cases):
        tree = _tree(directory / f"tree{number}", signed, with_disk=what if step in ("disks", None) and not isinstance(what, str) else step)
        if what is LOCKED:
            (tree / "sys/block/vda/ro").write_text("1")
        resolver.write_text(resolv)
        line = what if isinstance(what, str) else ordered(**{} if what is LOCKED else what)
        done = subprocess.run([place.IRONLET, "doctor", "--json", "--root", tree, "--cmdline", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        found = json.loads(done.stdout or "null")
        require(found and found["first"] == step and done.returncode == (1 if step else 0), f"{what}: the first wrong step is to be {step}, not: {done.stdout} {done.stderr}")
        require(SECRET not in done.stdout + done.stderr, f"{what}: a secret is shown: {done.stdout} {done.stderr}")
        if step:
            wrong = next(one for one in found["steps"] if one["state"] == "wrong")
            require(re.search(why, wrong["what"]), f"{what}: not /{why}/: {wrong}")
            require(remedy in wrong["try"], f"{what}: not '{remedy}': {wrong}")
            print(f"  {step}: {wrong['what'][:150]}", flush=True)
    resolver.write_text(right)
    return len(cases) - 2


def _tree(root, signed, with_disk):
    """A machine that is a directory: a disk or none, and the authority it believes."""
    conf = root / "etc/ironic-python-agent.d"
    conf.mkdir(parents=True)
    (conf / "own.conf").write_text("[DEFAULT]\ncafile = /etc/ssl/own.crt\n")
    (root / "etc/ssl").mkdir()
    shutil.copy(signed / "ca.crt", root / "etc/ssl/own.crt")
    (root / "proc").mkdir()
    (root / "proc/mounts").write_text("")
    if with_disk:
        (root / "sys/block/vda/queue").mkdir(parents=True)
        (root / "sys/block/vda/size").write_text(str(8 << 21))
        (root / "dev").mkdir()
        with open(root / "dev/vda", "wb") as file:
            file.truncate(8 << 30)
    return root


def _squid(directory):
    log = directory / "squid"
    log.mkdir()
    shutil.chown(log, "proxy", "proxy")
    conf = directory / "squid.conf"
    conf.write_text(SQUID.format(address=network.ADDRESS, squid=place.SQUID, log=log))
    # What it shares in memory goes by that name, and other cells have one as well.
    return Daemon("squid", [str(place.SQUID / "usr/sbin/squid"), "-n", "doctor", "-N", "-f", str(conf)], directory / "squid.log").start()


def _clock_and_disks(directory, signed):
    """A machine without disks whose hardware clock is in 2010, and a server by TLS that it believes, and that tells no date."""
    initrd = directory / "ironlet.initramfs"
    authority.ramdisk(signed, initrd)
    kernel = emulator.direct(f"ip={network.MACHINE_ADDRESS}::{network.ADDRESS}:24::eth0:off ipa-api-url=https://{network.ADDRESS}:8446 ironlet.doctor=3")
    kernel[kernel.index("-initrd") + 1] = str(initrd)
    return emulator.Emulator(directory, "", booted=[*kernel, "-rtc", "base=2010-01-02T03:04:05"])


def _by_itself(directory, screen):
    """One machine whose cable, DHCP and DNS are mended one after the other: its console names each as the first."""
    mark = screen.mark()
    kernel = emulator.direct(f"ipa-api-url=http://{network.NAME}:6385 ironlet.doctor=3")
    machine = emulator.Emulator(directory, "", booted=[*kernel, "-monitor", f"unix:{MONITOR},server=on,wait=off"], cards=((emulator.TAP, MAC),))
    screen.opened(20, since=mark)
    _monitor(f"set_link {emulator.TAP} off")
    _told(screen, "LINK", "no carrier", "the cable", 90, mark)
    _monitor(f"set_link {emulator.TAP} on")
    _told(screen, "DHCP", "no answer", "VLAN", 60, mark)
    _ip("address", "add", f"10.77.{NUMBER}.1/24", "dev", network.BRIDGE)
    zoo = Daemon("dhcp-zoo", [sys.executable, str(place.LAB / "dhcp_zoo.py"), network.BRIDGE, "--refuse"], directory / "dhcp-zoo.log").start()
    _told(screen, "DHCP", "of no use", "log of the DHCP server", 60, mark)
    zoo.kill()
    zoo = Daemon("dhcp-nak", [sys.executable, str(place.LAB / "dhcp_zoo.py"), network.BRIDGE, "--nak"], directory / "dhcp-nak.log").start()
    _told(screen, "DHCP", rf"the server 10\.77\.{NUMBER}\.1 refused 10\.77\.{NUMBER}\.9, which it had offered \(NAK, no address left\)", "addresses left", 90, mark)
    zoo.kill()
    dhcp = _dnsmasq(directory, "--port=0", NOBODY)
    _told(screen, "DNS", f"{network.NAME}' cannot be resolved: .*{NOBODY}", "DNS server", 60, mark)
    require(screen.find(r"doctor: fine    dhcp .*172\.22\.0\.6\d/24 on eth0", since=mark), "the address it has is not told")
    dhcp.stop()
    dhcp = _dnsmasq(directory, f"--host-record={network.NAME},{network.ADDRESS}", network.ADDRESS)
    for state in ("off", "on"):
        _monitor(f"set_link {emulator.TAP} {state}")
        time.sleep(1)
    _told(screen, "API", rf"does not know this machine \({MAC}\): HTTP status 404", "enrol", 60, mark)
    machine.kill()
    screen.closed(10, since=mark)
    told = (directory / "console.log").read_text()
    require("panicked" not in told, "something stopped")


def _dnsmasq(directory, names, server):
    return Daemon("dnsmasq", ["/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--no-resolv", "--no-hosts", names, "--no-ping",
                              f"--interface={network.BRIDGE}", "--bind-interfaces", "--dhcp-range=172.22.0.60,172.22.0.70,1h", f"--dhcp-option=6,{server}",
                              f"--dhcp-leasefile={directory}/leases"], directory / "dnsmasq.log").start()


def _told(screen, step, why, remedy, seconds, since=0):
    line = screen.expect(rf"doctor: >>> {step}: .*{why}", seconds, since=since)
    screen.expect(rf"doctor: >>> TRY: .*{remedy}", 10, since=line.number)
    print(f"  console: {line.text[:170]}", flush=True)


def _monitor(command):
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(10)
                line.connect(MONITOR)
                said = b""
                while not said.endswith(b"(qemu) "):
                    said += line.recv(4096)
                line.sendall(command.encode() + b"\n")
                time.sleep(0.2)
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise Failed(f"QEMU's monitor: {error}") from None
            time.sleep(0.1)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
