"""No Ironic; the order of the README: a seed of documents that nginx has: Debian's cloud-init reads the drive that was made of them, and the disk boots."""

import re

import cloud_init
import console
import disk
import emulator
import image
import judge
import network
import readme
import web
from verdict import require

DOCUMENTS = {
    "user-data": "#cloud-config\nhostname: rack3\nusers:\n  - name: admin\n",
    "network-config": "version: 2\nethernets:\n  eth0:\n    dhcp4: true\n",
}
SIZES = [95, 64]

prepare = cloud_init.prepare


def run(directory):
    source = image.bootable("seed", 96)
    network.start(directory)
    network.tap(emulator.TAP)
    server = web.Web(directory, image_rate=0).start()
    (server.images / "disk.raw").symlink_to(source)
    seed = server.root / "seed"
    seed.mkdir()
    for name, text in DOCUMENTS.items():
        (seed / name).write_text(text)
    orders = server.root / "orders"
    orders.mkdir()
    example = readme.page("Orders")["json"].replace("http://10.0.0.1:8080", network.WEB).replace("9f86d0…", disk.digest(source)).replace("/disk.raw", "/images/disk.raw")
    (orders / "default.json").write_text(example)
    told = console.Console(emulator.CONSOLE, directory / "console.log")
    path = directory / "disk.raw"
    with open(path, "wb") as file:
        file.truncate(5 << 30)
    drive = ["-blockdev", f"driver=raw,node-name=disk,discard=unmap,file.driver=file,file.filename={path}"]
    machine = emulator.Emulator(directory, f"ironlet.order={network.WEB}/orders/{{mac}}.json", drive)
    on = told.opened(20)
    told.expect(r"order: .*/orders/default.json", 120, since=on.number)
    told.expect(r"reboot: Restarting system", 180, since=on.number)
    told.closed(30, since=on.number)
    machine.process.wait()
    parts = judge.partitions(path)
    require([part.size >> 20 for part in parts] == SIZES, f"partitions are {parts}")
    found = cloud_init.found("nocloud", path, parts[-1], directory)
    require(found["user"] == DOCUMENTS["user-data"], f"cloud-init's user data are {found['user']}")
    require(re.fullmatch("[0-9a-f-]{36}|[0-9a-f:]{17}", found["instance"]), f"the instance is {found['instance']}")
    require(found["network"]["ethernets"]["eth0"]["dhcp4"] is True, f"the network is {found['network']}")
    mark = told.mark()
    machine = emulator.Emulator(directory, "", drive, booted=["-boot", "c", "-device", "virtio-blk-pci,drive=disk"], cards=())
    told.expect(image.up("seed"), 180, since=mark)
    machine.kill()
    print(f"  cloud-init: {found['source']}, instance {found['instance']}; then booted", flush=True)
