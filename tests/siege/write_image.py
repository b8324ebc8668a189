"""`ironlet --write-image`, as a process that has to end."""

import subprocess

import agent


def written(url, image, disk, seconds):
    """Whether it wrote the image; none if it did not end in time."""
    words = [agent.IRONLET, "--write-image", url, "--checksum", f"sha256:{image.sha256}", "--disk", disk.path, "--allow-disk", disk.path]
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds).returncode == 0
    except subprocess.TimeoutExpired:
        return None
