"""No Ironic; orders over plain HTTP by `ironlet.order-key`: unsigned, by another key, older than the last, half of an update: none is taken, and the disk stays as it was; nor is an image that `ironlet.image-key` did not sign; then the right ones."""

import json
import subprocess

import console
import disk
import emulator
import image
import network
import web
from verdict import require

# What the machine says of each, before the right one.
WRONG = r"reading the signature .*\.minisig: it is signed by key", "ironlet.image-key asks for the image's signature", "is not signed", "verifying .*: it is signed by key [0-9A-F]{16}, and [0-9A-F]{16} is asked for", "the signature is of the right key and of another file", "serial: 3 is older than 7"


def run(directory):
    source = image.noise("signed", 16)
    network.start(directory)
    network.tap(emulator.TAP)
    server = web.Web(directory, image_rate=0).start()
    (server.images / source.name).symlink_to(source)
    told = console.Console(emulator.CONSOLE, directory / "console.log")
    target = disk.Disk(directory / "disk.raw", 24 << 20)
    order, beside = server.root / "order.json", server.root / "order.json.minisig"
    for name in ("own", "other"):
        minisign("-G", "-W", "-p", directory / f"{name}.pub", "-s", directory / f"{name}.key")
    key = (directory / "own.pub").read_text().splitlines()[-1]

    def put(serial, signer, *more, checksum=None):
        """An order of that serial, signed by Debian's minisign; the signature is there first. Where no checksum is given the image has a signature."""
        draft = directory / "order.json"
        draft.write_text(json.dumps({
            "image_source": f"{network.WEB}/images/{source.name}", **({"image_checksum": checksum} if checksum else {"image_signature": "1"}),
            "image_disk_format": "raw", "root_device": {"name": "/dev/vda"}, "serial": serial, "then": "poweroff",
        }))
        beside.unlink(missing_ok=True)
        if signer:
            minisign("-S", *more, "-s", directory / f"{signer}.key", "-x", beside, "-m", draft)
        order.write_bytes(draft.read_bytes())

    def sign_image(signer):
        minisign("-S", "-H", "-t", "release 7", "-s", directory / f"{signer}.key", "-x", server.images / f"{source.name}.minisig", "-m", source)

    sign_image("other")
    put(7, "own")
    emulated = emulator.Emulator(
        directory, f"ironlet.order={network.WEB}/order.json ironlet.order-key={key} ironlet.order-serial=7 ironlet.image-key={key}", emulator.thin(target.path, zeroes=True)
    )
    on = told.opened(20)
    for words, then in zip(WRONG, (
        lambda: put(7, "own", checksum=f"sha256:{disk.digest(source)}"),
        lambda: (sign_image("own"), put(7, None)),
        lambda: put(7, "other"),
        lambda: (put(7, "own"), order.write_text(order.read_text() + " ")),
        lambda: put(3, "own", "-l"),
        lambda: put(8, "own"),
    )):
        told.expect(words, 120, since=on.number)
        require(target.untouched(), f"the disk was written to before: {words}")
        then()
    told.expect(r"order: .*/order.json, serial 8", 60, since=on.number)
    told.expect(r"the signature by [0-9A-F]{16} \(release 7\) verified", 120, since=on.number)
    told.expect(r"image: .* on /dev/vda in [0-9.]+ s", 120, since=on.number)
    told.closed(60, since=on.number)
    emulated.process.wait()
    require(target.holds(source), "the disk does not begin with the image")
    print(f"  refused: {'; '.join(WRONG)}; then taken, signed by {key[:12]}…", flush=True)


def minisign(*arguments):
    subprocess.run(["minisign", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
