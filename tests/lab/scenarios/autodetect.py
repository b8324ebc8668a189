"""Ironic 39's own default of deploy interfaces, nothing said: `autodetect` takes `direct`, and the machine is deployed."""

import image
from stand import Stand
from verdict import require

# What ironic.conf has if nobody says anything.
CONF = """
[DEFAULT]
enabled_deploy_interfaces = autodetect,direct,ramdisk,bootc
"""


def run(directory):
    source = image.noise("autodetect", 48)
    stand = Stand(directory, conf=CONF)
    before = stand.node.read()["deploy_interface"]
    require(before == "autodetect", f"the node's deploy interface is {before} by default")
    ordered = stand.deploy(source)
    stand.deployed(source, "autodetect", ordered)
    print(f"  the node's deploy interface was {before}, and is {stand.node.read()['deploy_interface']} once it is active")
