"""A tenant's machine rescued: an SSH login with Ironic's password at the address the tenant's network gives, the disk mounted; then unrescued, and the tenant's system is up again."""

import os
import socket
import subprocess
import time
from pathlib import Path

import image
import network
import place
from stand import Stand
from verdict import Failed, require

RAMDISK = place.TARGET / "rescue-ramdisk"
CONF = """
[DEFAULT]
enabled_rescue_interfaces = agent,no-rescue

[conductor]
rescue_kernel = {web}/rescue/ironlet.kernel
rescue_ramdisk = {web}/rescue/ironlet.initramfs
"""
PASSWORD = "correct horse; battery $taple"
# What the tenant's network gives the same card.
TENANT = "172.22.0.77"


def prepare():
    subprocess.run([place.ROOT / "build.sh", "--rescue", "--out", RAMDISK], check=True, stdout=subprocess.DEVNULL)


def run(directory):
    source = image.bootable("tenant", 96)
    key = Path(directory) / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab key", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    stand = Stand(directory, conf=CONF.format(web=network.WEB), kernel_append_params=f'%default% sshkey="{public}"')
    (stand.web.root / "rescue").symlink_to(RAMDISK)
    stand.node.patch(("/rescue_interface", "agent"))
    ordered = stand.deploy(source)
    stand.deployed(source, "tenant", ordered)
    require(stand.console.find("sshkey=: this ramdisk has no /bin/busybox"), "the ramdisk without the programs says nothing of sshkey=")

    since = stand.console.mark()
    stand.node.provision("rescue", rescue_password=PASSWORD)
    stand.node.wait("rescue wait", 120)
    require(login(directory, network.MACHINE_ADDRESS, "true").returncode != 0, "somebody could log in before Ironic said so")
    stand.node.wait("rescue", 300)
    told = time.time()
    stand.console.expect("'rescue' may log in by SSH", 60, since=since)
    require(not listens(network.MACHINE_ADDRESS, 9999), "the agent's API is still served")

    # What Neutron does now: the port is in the tenant's network, without the carrier being lost.
    stand.dhcp.stop()
    network.serve_dhcp(directory, TENANT)
    address = wait_for_login(directory, TENANT, 120)
    print(f"  rescued; the tenant's address is the machine's {time.time() - told:.0f} s later", flush=True)
    who = said(directory, address, "id -un; id -u; ls -ld /root/.ssh")
    require(who.splitlines()[:2] == ["root", "0"] or who.splitlines()[:2] == ["rescue", "0"], f"the login is {who!r}")
    found = said(directory, address, "mkdir /mnt && for d in /dev/sda?*; do mount -o ro $d /mnt 2>/dev/null && break; done; grep /mnt /proc/mounts; ls /mnt")
    said(directory, address, "modprobe xfs && grep -qw xfs /proc/filesystems")
    require("/mnt" in found, f"the tenant's file system was not mounted: {found!r}")
    require(login(directory, address, "true", "wrong").returncode != 0, "a wrong password lets in")
    require(login(directory, address, "true", PASSWORD, "root").returncode != 0, "root has a password")
    by_key = login(directory, address, "id -u", "", "root", key)
    require(by_key.stdout.strip() == "0", f"the key of sshkey= does not let in: {by_key.stderr}")
    quiet = stand.web.requests("api", "POST", "/v1/heartbeat/", told + 5)
    require(not quiet, f"{len(quiet)} heartbeats came after the rescue")
    terminal = subprocess.run(
        ["bash", "-c", f"(sleep 5; echo tty; sleep 3; echo exit) | ssh -tt -F none -i {key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null rescue@{address}"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60,
    ).stdout
    require("/dev/pts/0" in terminal, f"who logs in has no terminal: {terminal!r}")
    print(f"  logged in by ssh; mounted: {found.splitlines()[0]}", flush=True)
    for name, text in [("console", (directory / "console.log").read_text()), *stand.ironic.collected()]:
        require(PASSWORD not in text and "$5$" not in text and "$6$" not in text, f"{name} has the password or its hash")

    stand.console.type("\r")
    stand.console.expect("login:", 30, since=since)
    since = stand.console.mark()
    stand.node.provision("unrescue")
    stand.node.wait("active", 180)
    stand.console.expect(image.up("tenant"), 240, since=since)
    print("  unrescued: the tenant's system is up")


def listens(address, port):
    try:
        socket.create_connection((address, port), timeout=3).close()
        return True
    except OSError:
        return False


def login(directory, address, command, password=PASSWORD, user="rescue", key=None):
    """One login by OpenSSH, with that key, or by a password which it asks this program for."""
    asker = Path(directory) / "askpass"
    asker.write_text('#!/bin/sh\nprintf "%s\\n" "$LAB_PASSWORD"\n')
    asker.chmod(0o700)
    return subprocess.run(
        [
            "ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", *(["-i", str(key), "-o", "PasswordAuthentication=no"] if key else ["-o", "PubkeyAuthentication=no"]),
            "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=10", f"{user}@{address}", command,
        ],
        env={**os.environ, "SSH_ASKPASS": str(asker), "SSH_ASKPASS_REQUIRE": "force", "LAB_PASSWORD": password, "HOME": str(directory)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
    )


def said(directory, address, command):
    done = login(directory, address, command)
    require(done.returncode == 0, f"{command}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def wait_for_login(directory, address, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done = login(directory, address, "true")
        if done.returncode == 0:
            return address
        time.sleep(2)
    raise Failed(f"no login at {address} within {seconds} s: {done.stderr}")
