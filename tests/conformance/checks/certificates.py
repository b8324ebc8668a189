"""The certificate announced in heartbeats."""

import certificate
from checks.enrol import heartbeats


def announced(record):
    return [beat["body"].get("agent_verify_ca") for beat in heartbeats(record)]


def facts(record):
    return certificate.facts(announced(record)[0])


def curve(record, name):
    found = facts(record)["curve"]
    assert found == name, f"the curve is {found}"


def address(record, want):
    found = facts(record)["addresses"]
    assert found == [want], f"the names are {found}"


def dates(record):
    found = facts(record)
    assert found["past_seconds"] >= 3590, f"not-before is only {found['past_seconds']} s ago"
    assert found["future_seconds"] > 7 * 86400, f"not-after is {found['future_seconds']} s away"


def shape(record):
    found = facts(record)
    assert found["self_signed"], "issuer and subject differ"


def alike(record):
    certificates = announced(record)
    assert len(certificates) > 1 and certificates[0], "too few heartbeats with a certificate to tell"
    assert len(set(certificates)) == 1, "the certificate changed during the run"


def none_sent(record):
    assert heartbeats(record), "no heartbeat came"
    for beat in heartbeats(record):
        assert "agent_verify_ca" not in beat["body"], "an old API was sent a certificate"
