"""Files that are put into an initramfs by appending an archive of them."""

import subprocess


def appended(tree, files):
    """The archive that puts `files` (path → bytes) into an initramfs it is appended to."""
    for path, content in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    return subprocess.run("find * | cpio -o -H newc --quiet | xz --check=crc32", shell=True, cwd=tree, capture_output=True, check=True).stdout
