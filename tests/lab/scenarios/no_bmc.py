"""A machine without a BMC: it enrols itself, is cleaned and deployed, and boots what it was given; rebuilt and cleaned again after a restart of the tenant's."""

import image
from lonely_machine import LonelyStand
from verdict import require

LONG = True

def run(directory):
    stand = LonelyStand(directory)
    node = stand.node
    found = stand.ironic.call("GET", f"/v1/nodes/{node.uuid}/inventory")
    require(found["inventory"]["disks"][0]["serial"] == "LAB-DISK", f"its disks are {found['inventory']['disks']}")
    stand.manage()
    stand.call_on()
    node.provide(clean=True)
    require(not stand.disk.tables(), "cleaning left a table")
    print("  enrolled and inspected by itself, cleaned", flush=True)

    since, source = stand.console.mark(), image.noise("lonely", 48)
    stand.order(source)
    node.wait("active", 240)
    stand.booted("lonely", since)
    require(stand.disk.holds(source), "the disk does not hold the image")
    require(stand.machine.visits == 1, "somebody had to go there")
    print("  deployed; it restarted into its disk by itself", flush=True)

    since, other = stand.console.mark(), image.noise("lonely-again", 32)
    stand.order(other, again=True)
    node.wait("wait call-back", 60)
    stand.machine.reset()
    node.wait("active", 240)
    stand.booted("lonely-again", since)
    require(stand.disk.holds(other), "the disk does not hold the second image")
    print("  rebuilt after one restart of the tenant's", flush=True)

    node.provision("deleted")
    node.wait("clean wait", 60)
    stand.machine.reset()
    node.wait("available", 180)
    require(not stand.disk.tables(), "cleaning left a table")
    print("  deleted and cleaned after one more")
