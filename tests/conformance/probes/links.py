"""The machine's NICs, asked of the kernel from outside the agent."""

import time

import stage


def down(life, within):
    """Whether every NIC goes down within so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        up = stage.links_up()
        if not up:
            return dict(down=True)
        time.sleep(0.25)
    return dict(down=False, up=up)
