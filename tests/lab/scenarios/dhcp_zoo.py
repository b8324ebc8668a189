"""One machine with a card for each of twenty odd DHCP servers: all have an address in the end, and the console told why there was none before."""

import signal
import socket
import subprocess
import sys
import time

import console
import dhcp_zoo
import emulator
import network
import place
from daemon import Daemon
from verdict import require


def run(directory):
    cards = []
    _ip("link", "add", network.BRIDGE, "type", "bridge", "stp_state", "0")
    _ip("link", "set", network.BRIDGE, "up")
    for number in dhcp_zoo.ANIMALS:
        _ip("address", "add", f"10.77.{number}.1/24", "dev", network.BRIDGE)
        cards.append((network.tap(f"zoo{number}"), f"02:00:00:00:01:{number:02x}"))
    script = place.LAB / "dhcp_zoo.py"
    zoo = Daemon("dhcp-zoo", [sys.executable, str(script), network.BRIDGE, "--refuse"], directory / "dhcp-zoo.log").start()
    zoo.wait_for(lambda: "the zoo is open" in zoo.log.read_text(), "answer", 10)
    screen = console.Console(emulator.CONSOLE, directory / "console.log")
    # Nobody listens there: the agent keeps looking for its Ironic.
    machine = emulator.Emulator(directory, "ipa-api-url=http://10.77.1.1:6385", cards=cards)

    told = screen.expect(r"\(02:00:00:00:01:01\): (DHCP: try \d+, (\d+ answers|an answer) came and .*)", 90)
    screen.expect(r"check: the settings and the log of the DHCP server", 5, since=told.number)
    require(not screen.find("check: the VLAN"), "the console sends people to the switch, though answers came")
    print(f"  when nothing of use was offered: {told.match[1]}", flush=True)
    zoo.process.send_signal(signal.SIGUSR1)
    for number, (odd, prefix) in dhcp_zoo.ANIMALS.items():
        line = screen.expect(rf"10\.77\.{number}\.9/{prefix} from (the|a) DHCP server", 120, since=told.number)
        require(_is_up(f"10.77.{number}.9"), f"nobody has the address of {odd.__name__}")
        print(f"  {number:2} {odd.__name__}: {line.match[0]}", flush=True)
    # Its lease may be the last one granted.
    deadline = time.monotonic() + 5 * dhcp_zoo.SHORT
    while len(renewed := _renewed(zoo)) < 3 and time.monotonic() < deadline:
        time.sleep(0.5)
    late = [line for line in renewed if float(line.split()[3]) >= dhcp_zoo.SHORT]
    require(len(renewed) >= 3 and not late, f"a lease of {dhcp_zoo.SHORT} s was to be renewed in time, but: {renewed}")
    machine.kill()
    print(f"  {len(dhcp_zoo.ANIMALS)} odd servers, an address of each; one lease was renewed {len(renewed)} times, each in time")


def _renewed(zoo):
    return [line for line in zoo.log.read_text().splitlines() if line.startswith("13 short_lease: REQUEST, ")]


def _is_up(address):
    """Somebody refuses a connection there, or takes it."""
    try:
        socket.create_connection((address, 9), timeout=10).close()
    except ConnectionRefusedError:
        pass
    except OSError:
        return False
    return True


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
