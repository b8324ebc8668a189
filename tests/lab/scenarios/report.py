"""A machine without an Ironic tells a server how it goes, from its first address to its receipt, and goes only when that has the log."""

import collector
import disk
import emulator
import image
import network
import standalone
from verdict import require

RATE = 4 * 1024 * 1024


def run(directory):
    source = image.noise("standalone", 64, zeros=(24, 32))
    stand = standalone.Standalone(directory, source, parameters=f"ironlet.report={collector.URL}?key=sesame", image_rate=RATE)
    taker = collector.Collector(directory, busy=2)
    machine, on = stand.power_on(["-drive", f"if=none,id=disk,format=raw,file={stand.disk.path}"])
    stand.console.expect(standalone.SUCCESS, 180, since=on.number)
    last = taker.wait("with the log", lambda report: report["log"], 30)
    off = stand.console.expect(r"reboot: Power down", 60, since=on.number)
    machine.process.wait()
    reports = [report for _, report in taker.reports]
    numbers = [report["sequence"] for report in reports]
    require(numbers == sorted(set(numbers)) and numbers[0] == 3, f"two were refused, then came {numbers}")
    require(last is reports[-1] and last["phase"] == "done", f"the last report is {last}")
    require(last["receipt"]["bytes"] == source.stat().st_size and last["disk"] == "/dev/vda", f"the receipt is {last['receipt']}")
    require("verified" in last["log"] and "sesame" not in str(reports), "the log is not the whole log, or tells a secret")
    told = last["machine"]
    require(told["macs"] == [network.MACHINE_MAC] and told["addresses"][0] == network.MACHINE_ADDRESS, f"the machine is {told}")
    require(told["product"] and told["memory"] > 0, f"the machine is {told}")
    moved = [report["progress"]["bytes"] for report in reports if report["phase"] == "working" and report["progress"] and report["progress"]["stage"] == "writing"]
    require(len(moved) > 1 and moved == sorted(moved) and moved[-1] > 0, f"the work was told at {moved} bytes")
    waited = off.time - taker.reports[-1][0]
    require(0 <= waited < 5, f"the machine went {waited:.1f} s after its last report")
    require(stand.disk.holds(source), "the disk has not got the image")
    print(f"  {len(reports)} reports ({', '.join(report['phase'] for report in reports)}), off {waited:.1f} s after the last one; its log has {len(last['log'])} bytes")
