"""IPA's own streaming code, alone: one raw image onto one device, flushed; prints what it took as JSON.

Runs in the venv that holds ironic-python-agent; imports nothing of this project.
"""

import json
import os
import sys
import time

from ironic_python_agent import config
from ironic_python_agent.extensions import standby


def main(url, sha256, device):
    # Its pause after a failure costs no bytes and no CPU.
    config.CONF.set_override("image_download_connection_retry_interval", 0)
    # What comes after the download, and wants a bare machine.
    standby.disk_utils.fix_gpt_partition = lambda *_, **__: None
    standby.disk_utils.block_uuid = lambda *_: None
    extension = standby.StandbyExtension()
    extension.partition_uuids = {}
    info = {"id": "image", "urls": [url], "os_hash_algo": "sha256", "os_hash_value": sha256, "disk_format": "raw"}
    started, spent = time.monotonic(), time.process_time()
    finished = True
    try:
        extension._stream_raw_image_onto_device(info, device)
    except standby.errors.ImageDownloadError as error:
        print(error, file=sys.stderr)
        finished = False
    with open(device, "rb+") as disk:
        os.fsync(disk.fileno())
    print(json.dumps({"wall": time.monotonic() - started, "cpu": time.process_time() - spent}))
    return 0 if finished else 3


sys.exit(main(*sys.argv[1:]))
