"""How long a deploy took, from outside the machine: console stamps, the web server's witness, Ironic's log."""

import json

# Upstream's agent 13.0.0 on the same kind of stand (2 cores, no KVM, UEFI), a 512 MiB raw image.
IPA = {"first_heartbeat": "55-73 s", "image": "22-30 s", "step": "36-46 s", "whole": "178-234 s"}


class Timing:
    def __init__(self, scenario, directory):
        self.scenario, self.file, self.figures = scenario, directory / "timing.json", {}

    def deploy(self, stand, ordered, on, booted, image):
        """`on` is the console line of the power-on into the ramdisk, `booted` that of the deployed system."""
        kernel = stand.console.kernel_start(on.number, booted.number)
        heartbeat = stand.web.requests("api", "POST", "/v1/heartbeat/", ordered)[0]
        fetch = stand.web.requests("web", "GET", f"/images/{image.name}", ordered)[-1]
        steps = stand.ironic.steps()
        self.figures = {
            "image_mib": image.stat().st_size >> 20,
            "first_heartbeat": round(heartbeat["end"] - kernel, 1),
            "image": round(fetch["took"], 1),
            "step": round(steps["prepare_instance_boot"] - steps["write_image"], 1),
            "whole": round(booted.time - ordered, 1),
        }
        return self

    def show(self):
        self.file.write_text(json.dumps({"scenario": self.scenario, "ironlet": self.figures, "ipa": IPA}, indent=1) + "\n")
        f = self.figures
        print(
            f"timing {self.scenario}: kernel start to first heartbeat {f['first_heartbeat']} s (IPA {IPA['first_heartbeat']}); "
            f"{f['image_mib']} MiB image fetched and written {f['image']} s (IPA {IPA['image']} for 512 MiB); "
            f"write_image step {f['step']} s (IPA {IPA['step']}); order to booted system {f['whole']} s (IPA {IPA['whole']})",
            flush=True,
        )
