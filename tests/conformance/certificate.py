"""Certificates: one for a fake Ironic that serves HTTPS, and what a reader finds in the agent's."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def for_address(directory, address):
    """A self-signed pair of files valid for one address, made for this run only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fake ironic")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(key, hashes.SHA256()))
    certificate, private = directory / f"{address}.crt", directory / f"{address}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))
    return str(certificate), str(private)


def facts(pem):
    """What conformance.md asks about an agent certificate, as plain values."""
    found = x509.load_pem_x509_certificate(pem.encode())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    now = datetime.datetime.now(datetime.timezone.utc)
    return dict(
        curve=found.public_key().curve.name,
        addresses=[str(address) for address in names.value.get_values_for_type(x509.IPAddress)],
        self_signed=found.issuer == found.subject,
        past_seconds=(now - found.not_valid_before_utc).total_seconds(),
        future_seconds=(found.not_valid_after_utc - now).total_seconds(),
        signature=found.signature_hash_algorithm.name,
        extensions=sorted(extension.oid.dotted_string for extension in found.extensions),
    )
