"""Where ironlet's choice is meant to differ from upstream's, and why.

What is meant is worked out from upstream's own answers and from what udev made in the machine; an answer that is anything else differs."""

CLEANING = "cleaning knows every spelling of a serial number and a WWN that a deploy knows; upstream's erases what its deploy spares"
LACKING = "what a disk lacks reads 'none' in skip entries, so that a deploy spares what cleaning spares; upstream's deploy does not"
LINKS = "every link below by-path counts; upstream knows the one that it happened to read last"
CABLE = "both drives on a cable have the cable's old name; udev gives the link to one of them"
NEWER = "lsblk says virtio and mmc from 2.39 on, and nothing before"
UNLIKE = "a serial number is unlike another if every spelling of it is; upstream takes one of them for enough"
BREAKS = "upstream breaks over an operator for numbers on a serial number"


def matches(expression, value):
    """As far as the cases need it: equal, or with a part."""
    expression, value = str(expression).strip().lower(), value.lower()
    return expression[4:].strip() in value if expression.startswith("<in>") else expression == value


def by_path(expression, inventory):
    """The disks that have such a link, and those that share the old name of their cable."""
    linked, shared = set(), set()
    for disk in inventory:
        if any(matches(expression, link) for link in disk["links"]):
            linked.add(disk["name"])
        cables = [link.rpartition(".")[0] for link in disk["links"] if "-ata-" in link.rpartition(".")[0]]
        if any(matches(expression, cable) for cable in cables):
            shared.add(disk["name"])
    return linked, shared - linked


def meant(case, lists):
    """Reason → disks that it adds to those of upstream's deploy; of root device hints, then of skip entries."""
    hint = case["hint"]
    deploy, cleaning = ({name for name in case[which] if name.startswith("/dev/")} for which in ("spared", "cleaning"))
    hints, skip = {}, {CLEANING: deploy - cleaning, LACKING: cleaning - deploy}
    if "by_path" in hint and "size" not in hint or str(hint.get("size")) == ">= 4":
        hints[LINKS], hints[CABLE] = by_path(hint.get("by_path", ""), lists["inventory"])
    if hint.get("tran") in ("virtio", "mmc"):
        begins = {"virtio": "/dev/vd", "mmc": "/dev/mmcblk"}[hint["tran"]]
        hints[NEWER] = {disk["name"] for disk in lists["inventory"] if disk["name"].startswith(begins)}
    return hints, {**hints, **skip}


def unlike(hint, lists):
    """The disks that are what a hint says they must not be."""
    named = {name: value[3:].strip().lower() for name, value in hint.items() if name in ("serial", "wwn") and str(value).startswith("s!=")}
    return {disk["name"] for disk in lists["deploy"] for name, value in named.items() if value in [str(own).lower() for own in disk[name]]}


def why(case, what, ours, lists):
    """The reason that upstream's answer to `what` is not `ours`; none if there is no good one."""
    sizes = {disk["name"]: disk["size"] for disk in lists["inventory"]}
    deploy = {name for name in case["spared"] if name.startswith("/dev/")}
    hints, skip = meant(case, lists)
    added = hints if what == "root" else skip
    not_these = unlike(case["hint"], lists)
    fit = deploy.union(*added.values()) - not_these
    if what == "root":
        expected = next((name for name in sizes if name in fit), "none")
    elif what == "rest":
        expected = min((name for name in sizes if name not in fit), key=lambda name: (sizes[name], name), default="none")
    else:
        expected = sorted(fit)
    if ours != expected:
        return None
    theirs = {name for name in case["cleaning"] if name.startswith("/dev/")} if what == "cleaning" else deploy
    reasons = [BREAKS] if any(str(answer).startswith("breaks") for answer in (case[what], *case["cleaning"])) else []
    reasons += [reason for reason, disks in added.items() if disks - theirs] + ([UNLIKE] if not_these & theirs else [])
    return "; ".join(reasons) or None
