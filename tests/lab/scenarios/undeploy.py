"""An active node deleted: cleaned on its way to available, nothing of the instance is left, on the disk or in Ironic."""

import image
import signature
from stand import Stand
from verdict import require


def run(directory):
    stand = Stand(directory, available=False)
    former = image.noise("former", 48)
    stand.adopt(former)
    require(stand.disk.holds(former) and signature.found(stand.disk.path), "there is nothing on the disk to be cleaned")
    stand.node.patch(("/automated_clean", True))
    stand.node.provision("deleted")
    node = stand.node.wait("available", 180)
    went = [state for _, state, _ in stand.node.history]
    require("clean wait" in went, f"no agent cleaned: the node went through {went}")
    signature.require_bare(stand.disk.path)
    require(not node["instance_info"], f"the node still has {node['instance_info']}")
    print(f"  {' → '.join(dict.fromkeys(went))}; nothing is found on the disk")
