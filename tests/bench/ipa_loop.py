"""IPA's own streaming loop, alone: download, digest and write one raw image, then flush it.

Runs in the venv that holds ironic-python-agent; imports nothing of this project.
"""
import os
import sys

from ironic_python_agent import config  # noqa: F401  registers the options the loop reads
from ironic_python_agent.extensions import standby


def main(url, sha256, device):
    info = {'id': 'image', 'urls': [url], 'os_hash_algo': 'sha256', 'os_hash_value': sha256,
            'disk_format': 'raw', 'stream_raw_images': True}
    image = standby.ImageDownload(info)
    with open(device, 'wb+') as disk:
        for chunk in image:
            disk.write(chunk)
        disk.flush()
        os.fsync(disk.fileno())
    image.verify_image(device)


main(*sys.argv[1:])
