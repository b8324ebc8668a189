# Where the kernel and its modules come from. Sourced by build.sh and by the scripts that make test images.
# Debian's package is fetched and unpacked, never installed; a user's own kernel is taken as it is.

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# image_behind PACKAGE — the image package the metapackage depends on today; fails when apt's lists do not know it
image_behind() {
    apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | grep .
}

# download PACKAGE DIR — the .deb into DIR; root needs no sandbox user, who could not write there
download() {
    (cd "$2" && apt-get -o APT::Sandbox::User=root download -q "$1" >&2)
}

# debian_kernel PACKAGE — print the directory that holds PACKAGE's unpacked boot/ and lib/modules/VERSION/
# PACKAGE is a metapackage (linux-image-cloud-amd64); the image it depends on today is cached until target/ is emptied.
debian_kernel() {
    local package=$1 dir real staging
    dir=$(pwd)/target/tools/kernel/$package
    mkdir -p "$(dirname "$dir")"
    # Two builds at once must not unpack into one another's directory.
    exec 9>"$dir.lock"
    flock 9
    if [ ! -e "$dir/complete" ]; then
        staging=$(mktemp -d "$dir.XXXXXX")
        # Lists may be absent, or name a version the mirror has replaced.
        real=$(image_behind "$package") && download "$real" "$staging" || {
            as_root apt-get update -q >&2
            real=$(image_behind "$package") || fail "apt knows no kernel behind $package"
            download "$real" "$staging" || fail "$real cannot be downloaded"
        }
        dpkg-deb -x "$staging"/*.deb "$staging/root"
        # The package leaves modules.dep to be made when it is installed.
        /sbin/depmod -b "$staging/root" "$(ls "$staging/root/lib/modules")"
        echo "$real" >"$staging/root/complete"
        rm -rf "$dir"
        mv "$staging/root" "$dir"
        rm -rf "$staging"
    fi
    exec 9>&-
    echo "$dir"
}
