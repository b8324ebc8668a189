# Debian's kernel for all hardware and a ramdisk of the server profile, for machines of tests: dist/ keeps the profile it was built for.
# Sourced after host.sh.
. initramfs/kernel.sh
. initramfs/modules.sh
. initramfs/pack.sh

# server_ramdisk BINARY DIR INITRAMFS KERNEL — make both in DIR, under these names; without firmware
server_ramdisk() {
    local kernel
    kernel=$(debian_kernel generic)
    mkdir -p "$2"
    export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
    userland_part "$1" "$2/userland.cpio.xz"
    modules_part initramfs/server.modules "$(echo "$kernel"/lib/modules/*)" "$2/modules.cpio.xz"
    joined "$2/$3" "$2"/{userland,modules}.cpio.xz
    install -m 644 "$(echo "$kernel"/boot/vmlinuz-*)" "$2/$4"
}
