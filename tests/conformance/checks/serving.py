"""Replies as the conductor reads them."""


def refusals_are_faults(record):
    """Every status ≥ 400 has a body with a string `faultstring` and the faultcode of its hundred."""
    for reply in record["exchanges"]:
        if reply.get("status", 0) < 400 or reply["method"] == "HEAD":
            continue
        body = reply["body"]
        assert isinstance(body, dict), f"{reply['id']}: not a JSON object: {body!r}"
        assert isinstance(body.get("faultstring"), str), f"{reply['id']}: faultstring is {body.get('faultstring')!r}"
        want = "Server" if reply["status"] >= 500 else "Client"
        assert body.get("faultcode") == want, f"{reply['id']}: faultcode is {body.get('faultcode')!r}, not {want}"
