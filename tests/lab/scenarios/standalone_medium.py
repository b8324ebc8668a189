"""Standalone mode started from a disk that is the smallest: the image goes to the blank one, by BIOS and by UEFI; the log says why."""

import console
import disk
import emulator
import firmware
import image
import network
import web
from verdict import require

MIB, GIB = 1 << 20, 1 << 30
STICK, OWN = 4200, 5 * GIB


def run(directory):
    source = image.noise("standalone", 64, zeros=(24, 32))
    network.start(directory)
    network.tap(emulator.TAP)
    server = web.Web(directory, image_rate=0).start()
    (server.images / source.name).symlink_to(source)
    told = console.Console(emulator.CONSOLE, directory / "console.log")
    order = f"ironlet.image={network.WEB}/images/{source.name} ironlet.checksum=sha256:{disk.digest(source)} ironlet.then=poweroff"
    stick = image.stick(directory / "stick.raw", STICK, order)
    before = disk.digest(stick)
    variables = firmware.fresh(directory / "vars.fd")
    flash = [
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={firmware.CODE}",
        "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
    ]
    for name, start in (("UEFI", flash), ("BIOS", ["-boot", "c"])):
        own = directory / f"own-{name}.raw"
        with open(own, "wb") as file:
            file.truncate(OWN)
        drives = [
            "-drive", f"if=none,id=stick,format=raw,file={stick}", "-device", "virtio-blk-pci,drive=stick,bootindex=1",
            "-drive", f"if=none,id=own,format=raw,file={own}", "-device", "nvme,drive=own,serial=OWN",
        ]
        mark = told.mark()
        machine = emulator.Emulator(directory, "", drives, booted=start)
        on = told.opened(20, since=mark)
        chosen = told.expect(r"root disk: /dev/nvme0n1 .*", 300, since=on.number).match.group(0)
        why = "/dev/vda (4.1 GiB) is what this machine was started from"
        require(why in chosen, f"the log does not say why /dev/vda was not taken: {chosen}")
        told.expect(r"image: .* on /dev/nvme0n1 in [0-9.]+ s", 180, since=on.number)
        told.expect(r"reboot: Power down", 60, since=on.number)
        told.closed(30, since=on.number)
        machine.process.wait()
        require(disk.digest(stick) == before, "the disk it was started from is not what it was")
        with open(own, "rb") as file:
            require(file.read(source.stat().st_size) == source.read_bytes(), "the blank disk does not begin with the image")
        print(f"  {name}: {chosen}", flush=True)
