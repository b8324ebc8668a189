"""What starts a machine before any medium: SeaBIOS, or OVMF with variables of the machine's own."""

import shutil

OVMF = "/usr/share/OVMF"


def bios():
    # Debian's SeaBIOS asks for no key and looks where bootindex points.
    return ["-machine", "pc"]


def uefi(folder, name, variables="OVMF_VARS_4M.fd", code="OVMF_CODE_4M.fd"):
    """`variables`: of OVMF's, or a path of one's own."""
    own = folder / f"{name}.vars"
    shutil.copyfile(f"{OVMF}/{variables}" if "/" not in str(variables) else variables, own)
    return [
        "-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1",
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/{code}", "-drive", f"if=pflash,format=raw,unit=1,file={own}",
    ]


def secure(folder, name, variables="OVMF_VARS_4M.ms.fd"):
    """With Secure Boot on: Microsoft's keys unless told."""
    return uefi(folder, name, variables, "OVMF_CODE_4M.secboot.fd")
