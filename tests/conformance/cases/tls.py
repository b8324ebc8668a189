"""Certificates, curves, minimum versions, plain HTTP for an old Ironic."""

from cases.api import LIST
from checks import certificates, enrol
from probes import handshake
from situation import (IRONIC_V6, IRONLET, MACHINE_V4, MACHINE_V6, PORT, UPSTREAM, Api, Check, Probe, Send, Situation,
                       ipa)

LISTED = (Send("list", "GET", LIST, status=200),)

SITUATIONS = (
    Situation(
        "p384", "the certificate nobody asked anything special of", ipa(), steps=LISTED, compare_certificate=True,
        checks=(Check("curve", certificates.curve, ("secp384r1",)),
                Check("address", certificates.address, (MACHINE_V4,)),
                Check("dates", certificates.dates),
                Check("shape", certificates.shape),
                Check("https", enrol.callback_url, (f"https://{MACHINE_V4}:9999",)))),
    Situation(
        "p256", "curve p256, and a conductor without a client certificate", ipa(tls_certificate_curve="p256"),
        steps=LISTED, compare_certificate=True,
        checks=(Check("curve", certificates.curve, ("secp256r1",)),
                Check("address", certificates.address, (MACHINE_V4,)))),
    Situation(
        "p521", "curve p521", ipa(tls_certificate_curve="p521"), steps=LISTED, compare_certificate=True,
        checks=(Check("curve", certificates.curve, ("secp521r1",), agents=(UPSTREAM,)),
                Check("curve-instead", certificates.curve, ("secp384r1",), agents=(IRONLET,)),
                Check("address", certificates.address, (MACHINE_V4,)))),
    Situation(
        "tls12", "a policy that still allows TLS 1.2", ipa(), stock=dict(tls_min_version="1.2"),
        steps=LISTED + (
            Probe("tls-1.2", handshake.verified, ("1.2",), (("ok", True), ("version", "TLSv1.2"))),
            Probe("tls-1.3", handshake.verified, ("1.3",), (("ok", True), ("version", "TLSv1.3"))))),
    Situation(
        "ipv6", "Ironic is reached over IPv6", ipa(api_url=f"http://[{IRONIC_V6}]:{PORT}"),
        apis=(Api(host=IRONIC_V6),), compare_certificate=True,
        steps=LISTED + (Probe("openssl-verifies", handshake.openssl, (), (("verified", True),)),),
        checks=(Check("callback", enrol.callback_url, (f"https://[{MACHINE_V6}]:9999",)),
                Check("address", certificates.address, (MACHINE_V6,)))),
    Situation(
        "old-api", "an Ironic from before agent_verify_ca: plain HTTP", ipa(), apis=(Api(version=("1.65",)),),
        steps=LISTED,
        checks=(Check("http", enrol.callback_url, (f"http://{MACHINE_V4}:9999",)),
                Check("no-certificate", certificates.none_sent),
                Check("versions", enrol.api_versions, ("1.62", "1.65")))),
    Situation(
        "older-api", "an Ironic from before tokens", ipa(), apis=(Api(version=("1.50",)),),
        checks=(Check("versions", enrol.api_versions, ("1.50", "1.50")),
                Check("no-certificate", certificates.none_sent))),
)
