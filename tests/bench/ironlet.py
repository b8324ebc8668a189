"""ironlet alone: one image from the web server onto one device."""

import measure
from place import DIST, Broken, same


class Ironlet:
    def __init__(self, port, prefix=()):
        """`prefix` comes before the command."""
        self.port, self.prefix = port, prefix

    def url(self, image):
        return f"http://127.0.0.1:{self.port}/{image.path.name}"

    def write(self, image, device):
        argv = [DIST / "ironlet", "--write-image", self.url(image), "--checksum", f"sha256:{image.sha256}"]
        return measure.run([*self.prefix, *argv, "--disk", device, "--allow-disk", device])

    def write_and_compare(self, image, device):
        """The same, and every byte of the disk is looked at: nothing is quick that is not right."""
        cost = self.write(image, device)
        if not same(device, image.raw):
            raise Broken(f"{image.path.name}: what is on {device} is not the image")
        return cost

    def peer(self, image, device):
        """For rounds: compares after the first write, before another peer could have written the right bytes."""
        ways = iter([self.write_and_compare])
        return lambda: next(ways, self.write)(image, device)
