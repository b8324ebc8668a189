"""ironlet alone: one image from the web server onto one device."""

import measure
from place import DIST, Broken, same


class Ironlet:
    def __init__(self, port, prefix=(), scheme="http", path="", algorithm="sha256"):
        """`prefix` comes before the command."""
        self.port, self.prefix, self.scheme, self.path, self.algorithm = port, prefix, scheme, path, algorithm

    def url(self, image):
        # place.nginx serves HTTPS one port further.
        host = f"127.0.0.1:{self.port + (self.scheme == 'https')}"
        return f"{self.scheme}://{host}/{self.path}{image.path.name}"

    def write(self, image, device):
        argv = [DIST / "ironlet", "--write-image", self.url(image), "--checksum", f"{self.algorithm}:{image.digest(self.algorithm)}"]
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
