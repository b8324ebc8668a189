"""Files put into the image's file systems by a deploy, then by a service of the active node; the disk is read afterwards, and boots."""

import base64

import image
import judge
import network
from stand import Stand
from verdict import require

# It takes as long as four others; tests/inject_files.rs has the file systems.
BY_HAND = True
NAME, ESP, ROOT = "injected", 0, 1


def run(directory):
    source = image.bootable(NAME, 160, "uefi")
    stand = Stand(directory, uefi=True, properties={"inject_files": [{"path": "/etc/lab/of-the-node", "content": packed("the node's own")}]})
    served = stand.web.root / "files" / stand.node.uuid
    served.parent.mkdir()
    served.write_bytes(b"from a server\n" * 100_000)
    stand.deploy(source, steps=[step([
        {"path": "/etc/lab/secret", "content": packed("inline"), "mode": 0o600, "dirmode": 0o750, "owner": 12, "group": 34},
        {"path": "/srv/fetched", "content": f"{network.WEB}/files/{{node[uuid]}}"},
        {"path": "/EFI/lab/note.txt", "content": packed("on vfat")},
        {"path": "/top", "partition": "LABEL=" + label(source, directory), "content": packed("in the root directory")},
        {"path": "/srv/noise", "deleted": True},
    ])])
    stand.node.wait("wait call-back", 120)
    stand.node.wait("active", 300)
    stand.console.expect(image.up(NAME), 180)
    with root(stand) as device:
        judge.said("e2fsck", "-f", "-n", device)
        require(cat(device, "/etc/lab/of-the-node") == "the node's own", "the file of the node's properties is not there")
        require(cat(device, "/etc/lab/secret") == "inline", "the inline file is another one")
        told = judge.said("debugfs", "-R", "stat /etc/lab/secret", device)
        require("Mode:  0600" in told and "User:    12   Group:    34" in told, f"the inline file is {told}")
        require("Mode:  0755" in judge.said("debugfs", "-R", "stat /etc/lab", device), "a folder of the first file has another mode")
        require(cat(device, "/srv/fetched") == served.read_text(), "the fetched file is another one")
        require(cat(device, "/top") == "in the root directory", "the file in the root directory is not there")
        names = judge.said("debugfs", "-R", "ls -p /srv", device)
        require("noise" not in names and ".ironlet" not in names, f"/srv has {names}")
    esp = judge.partitions(stand.disk.path)[ESP]
    require(judge.said("mtype", "-i", f"{stand.disk.path}@@{esp.start}", "::/EFI/lab/note.txt") == "on vfat", "the file on the ESP is not there")
    print("  deployed: files on ext4 and vfat, by debugfs, mtools and e2fsck; it boots", flush=True)

    serve(stand, [{"path": "/etc/lab/secret", "content": packed("changed")}, {"path": "/top", "partition": 2, "deleted": True}])
    stand.node.wait("active", 240)
    with root(stand) as device:
        judge.said("e2fsck", "-f", "-n", device)
        require(cat(device, "/etc/lab/secret") == "changed", "the file is not the changed one")
        told = judge.said("debugfs", "-R", "stat /etc/lab/secret", device)
        require("Mode:  0600" in told and "User:    12   Group:    34" in told, f"the changed file is {told}")
        require("top" not in judge.said("debugfs", "-R", "ls -p /", device), "the file to go is still there")
    print("  serviced: one file changed, one gone", flush=True)

    before = stand.disk.digest()
    serve(stand, [{"path": "/usr/x", "content": ""}, {"path": "/boot/grub", "content": ""}, {"path": "/etc/new/good", "content": ""}])
    error = stand.node.wait("service failed", 180)["last_error"]
    require("/usr/x" in error and "/boot/grub on partition" in error and "no file was touched" in error, f"it failed for another reason: {error}")
    require(stand.disk.digest() == before, "something was written")
    print(f"  two faults: {error[:200]}…", flush=True)


def step(files):
    return {"interface": "deploy", "step": "inject_files", "priority": 75, "args": {"files": files}}


def serve(stand, files):
    own = {key: value for key, value in step(files).items() if key != "priority"}
    stand.node.provision("service", service_steps=[own])
    stand.node.wait("service wait", 120)


def packed(text):
    return base64.b64encode(text.encode()).decode()


def root(stand):
    part = judge.partitions(stand.disk.path)[ROOT]
    return judge.device(stand.disk.path, part.start, part.size)


def label(source, directory):
    return judge.partitions(source)[ROOT].found["LABEL"]


def cat(device, path):
    return judge.said("debugfs", "-R", f"cat {path}", device)
