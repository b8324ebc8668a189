"""sushy-tools' Redfish emulator as a BMC that gives a HttpBootUri to the firmware: DHCP offers it to who boots by HTTP. sushy-tools' own way is
to put what is there into a CD drive. Takes the emulator's words; HTTP_BOOT_OPTIONS names dnsmasq's file, HTTP_BOOT_PID who reads it again."""

import os
import signal

import flask
from sushy_tools.emulator.main import app, main


@app.before_request
def http_boot():
    boot = (flask.request.get_json(silent=True) or {}).get("Boot", {}) if flask.request.method == "PATCH" else {}
    if boot.get("BootSourceOverrideTarget") != "UefiHttp" or not boot.get("HttpBootUri"):
        return None
    with open(os.environ["HTTP_BOOT_OPTIONS"], "w") as file:
        file.write(f"tag:http,option:bootfile-name,{boot['HttpBootUri']}\n")
    os.kill(int(os.environ["HTTP_BOOT_PID"]), signal.SIGHUP)
    app.systems.set_boot_device(flask.request.view_args["identity"], "Pxe")
    return "", 204


main()
