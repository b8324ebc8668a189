"""No Ironic; an order at the most specific place that has one: UEFI, five tricks in the serial number, hints, metadata erased, a config drive made of JSON; booted by the new entry."""

import json
import re
from urllib.parse import unquote

import cloud_init
import console
import disk
import emulator
import firmware
import image
import judge
import network
import web
from verdict import require

MIB, GIB = 1 << 20, 1 << 30
NAME, ESP_MIB, IMAGE_MIB = "entry", 35, 160
# What firmware may say, and what of it is asked for.
SERIAL, ASKED = "../../..;%2e%2e/A B", "_._.._..%3B_2e_2e_A%20B"
USER_DATA = "#cloud-config\nusers: [default]\n"

prepare = cloud_init.prepare


def run(directory):
    source = image.bootable(NAME, IMAGE_MIB, "uefi")
    network.start(directory)
    network.tap(emulator.TAP)
    server = web.Web(directory, image_rate=0).start()
    (server.images / source.name).symlink_to(source)
    told = console.Console(emulator.CONSOLE, directory / "console.log")
    order = {
        "image_source": f"{network.WEB}/images/{source.name}",
        "image_os_hash_algo": "sha256",
        "image_os_hash_value": disk.digest(source),
        "image_disk_format": "raw",
        "root_device": {"serial": "LAB-SYSTEM"},
        "skip_block_devices": [{"serial": "LAB-DATA"}],
        "erase": "metadata",
        "configdrive": {"meta_data": {"hostname": "driven"}, "user_data": USER_DATA},
        "for": {"mac": network.MACHINE_MAC},
        "verify": "readback",
        "then": "reboot",
        "serial": 7,
    }
    orders, mine = server.root / "orders", network.MACHINE_MAC.replace(":", "-")
    for folder in ("default", unquote(ASKED)):
        (orders / folder).mkdir(parents=True)
    # Whoever reads this one has passed by the right one.
    (orders / "default" / "default.json").write_text('{"image_source": "file:///nothing"}')
    (orders / unquote(ASKED) / f"{mine}.json").write_text(json.dumps(order))
    variables = firmware.fresh(directory / "vars.fd")
    drives = []
    for name, serial in (("data", "LAB-DATA"), ("old", "LAB-OLD"), ("system", "LAB-SYSTEM")):
        path = directory / f"{name}.raw"
        with open(path, "wb") as file:
            file.truncate(4200 * MIB if name == "data" else 5 * GIB)
        judge.said("mke2fs", "-q", "-F", path, "16M")
        drives += ["-drive", f"if=none,id={name},format=raw,file={path},cache=unsafe", "-device", f"virtio-blk-pci,drive={name},serial={serial}"]
    spared = directory / "data.raw"
    before = spared.stat().st_mtime_ns
    flash = [
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={firmware.CODE}",
        "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
    ]
    kernel = emulator.direct(f"ironlet.order={network.WEB}/orders/{{serial}}/{{mac}}.json")
    machine = emulator.Emulator(directory, "", drives, booted=[*flash, *kernel, "-smbios", f"type=1,serial={SERIAL}"])
    on = told.opened(20)
    taken = told.expect(rf"order: {re.escape(network.WEB)}/orders/{re.escape(ASKED)}/{mine}.json, serial 7", 120, since=on.number)
    chosen = told.expect(r"root disk: /dev/vdc .*", 30, since=on.number)
    told.expect(r"image: .* on /dev/vdc in [0-9.]+ s", 180, since=on.number)
    told.expect(r"/dev/vdc read back", 10, since=on.number)
    told.expect(r"reboot: Restarting system", 60, since=on.number)
    told.closed(30, since=on.number)
    machine.process.wait()
    require(spared.stat().st_mtime_ns == before, "the disk to be skipped was written to")
    require(not judge.probed(directory / "old.raw", 0), "the metadata of the disk beside are still there")
    entry = firmware.boot_order(variables)[0]
    require(entry.title == f"lab {NAME}" and entry.partition == 1, f"the first boot entry is {entry}")
    parts = judge.partitions(directory / "system.raw")
    require([part.size // MIB for part in parts] == [ESP_MIB, IMAGE_MIB - ESP_MIB - 2, 64], f"partitions are {parts}")
    require(parts[-1].found.get("LABEL", "").lower() == "config-2", f"the last partition is {parts[-1].found}")
    drive = judge.copied(directory / "system.raw", parts[-1], directory / "drive.img")
    judge.said("fsck.vfat", "-n", drive)
    seed = cloud_init.found("config-2", directory / "system.raw", parts[-1], directory)
    require(seed["meta"]["local-hostname"] == "driven" and seed["user"] == USER_DATA, f"cloud-init finds {seed}")
    mark = told.mark()
    system = ["-drive", f"if=none,id=system,format=raw,file={directory}/system.raw,cache=unsafe", "-device", "virtio-blk-pci,drive=system,serial=LAB-SYSTEM"]
    machine = emulator.Emulator(directory, "", system, booted=flash, cards=())
    told.expect(image.up(NAME), 180, since=mark)
    machine.kill()
    first = server.requests("web", "GET", "/images/")[0]["start"] - server.requests("web", "GET", f"/{mine}.json")[0]["end"]
    print(f"  {taken.match.group(0)}; {chosen.match.group(0)}; from order to image {first:.2f} s; booted by {entry.title}", flush=True)
