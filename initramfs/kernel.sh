# Where the kernel and its modules come from. Sourced after host.sh, by build.sh and by the scripts that make test images.
# Debian's package is fetched and unpacked, never installed; a user's own kernel is taken as it is.

# image_behind PACKAGE — the image package the metapackage depends on today; fails when apt's lists do not know it
image_behind() {
    depends "$1" | grep -m 1 '^linux-image-[0-9]'
}

# debian_kernel PACKAGE [ARCH] — print the directory that holds PACKAGE's unpacked boot/ and lib/modules/VERSION/
# PACKAGE is a metapackage (linux-image-cloud-amd64); the image it depends on today is cached until target/ is emptied.
debian_kernel() {
    local package=$1 dir real staging
    dir=$top/target/tools/kernel/$package
    other_architecture "${2:-x86_64}" "$top/target/tools/apt"
    mkdir -p "$(dirname "$dir")"
    # Two builds at once must not unpack into one another's directory. The lock is the directory above: root and others share it.
    exec 9<"$(dirname "$dir")"
    flock 9
    if [ ! -e "$dir/complete" ]; then
        staging=$(mktemp -d "$dir.XXXXXX")
        # Lists may be absent, or name a version the mirror has replaced.
        real=$(image_behind "$package") && download "$real" "$staging" || {
            other_lists || apt_get update
            real=$(image_behind "$package") || fail "apt knows no kernel behind $package"
            download "$real" "$staging" || fail "$real cannot be downloaded"
        }
        dpkg-deb -x "$staging"/*.deb "$staging/root"
        # The package leaves modules.dep to be made when it is installed.
        /sbin/depmod -b "$staging/root" "$(ls "$staging/root/lib/modules")"
        basename "$staging"/*.deb >"$staging/root/complete"
        rm -rf "$dir"
        mv "$staging/root" "$dir"
        rm -rf "$staging"
    fi
    exec 9>&-
    echo "$dir"
}
