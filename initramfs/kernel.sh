# Where the kernel and its modules come from. Sourced after host.sh, by build.sh and by the scripts that make test images.
# Debian's package is fetched and unpacked, never installed; a user's own kernel is taken as it is.
. "$top/initramfs/packages.sh"

# debian_kernel KIND [ARCH] — print the directory that holds an unpacked boot/ and lib/modules/VERSION/ of Debian's signed kernel
# KIND is cloud (virtual machines, small) or generic (all hardware), as in the `kernel` line of a profile; x86_64 unless told.
debian_kernel() {
    local arch=${2:-x86_64} row
    row=$(rows "$1" "$arch")
    [ -n "$row" ] || fail "packages.table has no kernel $1 for $arch"
    package $row "$arch"
}
