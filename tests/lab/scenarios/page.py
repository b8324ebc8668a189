"""A browser looks at a machine that has no Ironic: what failed and what to try, then the image on its way, on a phone and on a desktop."""

import re
import time
import urllib.error
import urllib.request

import browser
import emulator
import image
import network
import standalone
from verdict import Failed, require

URL = f"http://{network.MACHINE_ADDRESS}:9999/"
# The image takes longer than the browser, which shares two processors with the machine.
RATE = 2 * 1024 * 1024


def prepare():
    browser.prepare()


def run(directory):
    source = image.noise("standalone", 64, zeros=(24, 32))
    stand = standalone.Standalone(directory, source, parameters="ipa-image-download-connection-retries=0", image_rate=RATE)
    # It is not there at first.
    served = stand.images / source.name
    served.unlink()
    other = directory / "other.raw"
    with open(other, "wb") as file:
        file.truncate(8 << 20)
    machine, on = stand.power_on([
        "-drive", f"if=none,id=disk,format=raw,file={stand.disk.path}",
        "-drive", f"if=none,id=other,format=raw,file={other}", "-device", f"nvme,drive=other,serial=<b>it's&amp",
    ])
    stand.console.expect(r"the deploy failed \(attempt 1\)", 120, since=on.number)
    failed = browser.document(directory, URL)
    told = browser.words(failed)
    for text in ("What failed", "HTTP status 404", "What to try", "Is the URL right", "/dev/vda", "chosen", "named by ironlet.disk", "/dev/nvme0n1", network.MACHINE_ADDRESS, network.MACHINE_MAC):
        require(text in told, f"the page of a failed deploy does not say {text!r}: {told}")
    require("<b>it" not in failed and "it's" in told, f"the serial number of a disk is not shown as it is: {told}")
    require("<script" not in failed and "src=" not in failed and "://" not in re.sub(r"http://[0-9.:]+/images/", "", told), f"the page has something from elsewhere: {failed}")
    browser.picture(directory, URL, "failed-phone")
    browser.picture(directory, URL, "failed-desktop", browser.DESKTOP, dark=True)
    for path, accept, status in (("", "*/*", 404), ("v1/status", "text/html", 404), ("v1/commands/", "*/*", 404), ("metrics", "*/*", 404)):
        require(asked(path, accept) == status, f"/{path} is answered {asked(path, accept)} to who accepts {accept}, not {status}")
    served.symlink_to(source)
    stand.console.expect(r"writing: [1-9].* MiB of 64 MiB", 120, since=on.number)
    # Two looks, some seconds apart, see it move.
    first, second = (percent(directory) for _ in range(2))
    require(0 < first < second <= 100, f"the bar stands at {first} %, then at {second} %")
    browser.picture(directory, URL, "writing-phone")
    browser.picture(directory, URL, "writing-desktop", browser.DESKTOP)
    stand.console.expect(standalone.SUCCESS, 120, since=on.number)
    stand.console.expect(r"reboot: Power down", 60, since=on.number)
    machine.process.wait()
    require(stand.disk.holds(source), "the disk has not got the image")
    print(f"  seen: failed with its reason, then at {first} % and {second} %; pictures: {', '.join(sorted(file.name for file in directory.glob('*.png')))}")


def percent(directory):
    document = browser.document(directory, URL)
    bar = re.search(r"width: ?(\d+)%", document)
    if not bar:
        raise Failed(f"there is no bar: {browser.words(document)}")
    require(f"{bar[1]} %" in browser.words(document) and "MiB/s" in browser.words(document), f"bar and words differ: {browser.words(document)}")
    time.sleep(1)
    return int(bar[1])


def asked(path, accept):
    try:
        with urllib.request.urlopen(urllib.request.Request(URL + path, headers={"Accept": accept}), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
