"""The README's page for Ironic, word for word: its commands by the command line client, its lines in ironic.conf, from a new node to the deployed disk."""

import os
import subprocess

import disk
import image
import ironic
import network
import place
import readme
from stand import Stand
from verdict import require

# The page's words for what is elsewhere here.
SERVER = "http://10.0.0.1"


def run(directory):
    blocks = readme.page("With Ironic")
    conf = blocks["ini"].replace(SERVER, network.WEB)
    stand = Stand(directory, available=False, conf=conf)
    for name, file in (("ironlet.kernel", place.KERNEL), ("ironlet.initramfs", place.RAMDISK)):
        (stand.web.root / name).symlink_to(file)
    source = image.bootable("by-the-readme", 96)
    (stand.web.root / "disk.raw").symlink_to(source)
    script = blocks["sh"].replace(SERVER, network.WEB).replace("9f86d0…", disk.digest(source))
    since = stand.console.mark()
    environment = {
        **os.environ, "PATH": f"{place.CLIENT_VENV}/bin:{os.environ['PATH']}", "OS_AUTH_TYPE": "none", "OS_ENDPOINT": ironic.API, "no_proxy": "*", "HOME": str(directory),
    }
    done = subprocess.run(["bash", "-euxc", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400)
    (directory / "commands.log").write_text(done.stdout)
    require(done.returncode == 0, f"a command of the page fails:\n{done.stdout[-2000:]}")
    require(stand.node.read()["provision_state"] == "active", "the node is not active")
    stand.console.expect(image.up("by-the-readme"), 180, since=since)
    require(stand.disk.holds(source), "the disk does not hold the image")
    asked = [request["path"] for request in stand.web.requests("web", "GET", "/")]
    require("/ironlet.kernel" in asked and "/ironlet.initramfs" in asked, f"what booted was not what the page names: {asked}")
    print(f"  {script.count('baremetal ')} commands, the last of them back when the node was active; the disk boots")
