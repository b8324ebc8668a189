"""Chromium without a window: what a page shows, as text and as pictures."""

import os
import re
import shutil
import subprocess

import place
from verdict import require

PROGRAM = "/usr/bin/chromium-headless-shell"
PHONE, DESKTOP = (360, 780), (1280, 900)


def prepare():
    """Debian's, 100 MB of packages, a quarter of a minute; installed when it is lacking."""
    if not os.path.exists(PROGRAM):
        subprocess.run([place.HOST, "install_lacking", "chromium-headless-shell"], check=True)


def document(directory, url):
    """The page's elements as the browser understood them; nothing in it may have been refused or gone wrong."""
    return _run(directory, url, "--dump-dom")


def picture(directory, url, name, size=PHONE, dark=False):
    """A PNG of that many pixels, with bright or dark colours as a person may prefer."""
    width, height = size
    file = directory / f"{name}.png"
    _run(directory, url, f"--window-size={width},{height}", "--hide-scrollbars", f"--screenshot={file}", *(["--blink-settings=preferredColorScheme=0"] if dark else []))
    head = file.read_bytes()[:24]
    require(head[:8] == b"\x89PNG\r\n\x1a\n" and head[16:] == width.to_bytes(4, "big") + height.to_bytes(4, "big"), f"{file} is no picture of {size}")
    return file


def words(document):
    """What a person reads: the text between the tags."""
    body = re.sub(r"<style>.*?</style>", "", document, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def _run(directory, url, *wishes):
    profile = directory / "browser"
    done = subprocess.run(
        [PROGRAM, "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}", "--virtual-time-budget=500", *wishes, url],
        capture_output=True, text=True, timeout=120,
    )
    shutil.rmtree(profile, ignore_errors=True)
    require(done.returncode == 0, f"Chromium could not show {url}: {done.stderr[-500:]}")
    complaints = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    require(not complaints, f"the page made Chromium complain: {complaints}")
    return done.stdout
