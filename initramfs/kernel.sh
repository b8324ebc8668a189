# Where the kernel and its modules come from. Sourced by build.sh and by the scripts that make test images.
# Debian's package is fetched and unpacked, never installed; a user's own kernel is taken as it is.

# unpacked_package NAME DIR — download Debian package NAME and unpack it into DIR
unpacked_package() {
    local name=$1 dir=$2 staging
    staging=$(mktemp -d "$dir.XXXXXX")
    (cd "$staging" && apt-get download -q "$name" >&2)
    dpkg-deb -x "$staging"/*.deb "$staging/root"
    rm -rf "$dir"
    mv "$staging/root" "$dir"
    rm -rf "$staging"
}

# debian_kernel PACKAGE — print the directory that holds PACKAGE's unpacked boot/ and lib/modules/VERSION/
# PACKAGE is a metapackage (linux-image-cloud-amd64); the image it depends on today is cached until target/ is emptied.
debian_kernel() {
    local package=$1 dir real
    dir=$(pwd)/target/tools/kernel/$package
    mkdir -p "$(dirname "$dir")"
    # Two builds at once must not unpack into one another's directory.
    exec 9>"$dir.lock"
    flock 9
    if [ ! -e "$dir/complete" ]; then
        real=$(LC_ALL=C apt-cache depends "$package" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
        [ -n "$real" ] || fail "apt knows no kernel behind $package: run apt-get update"
        unpacked_package "$real" "$dir"
        # The package leaves modules.dep to be made when it is installed.
        /sbin/depmod -b "$dir" "$(ls "$dir/lib/modules")"
        echo "$real" >"$dir/complete"
    fi
    exec 9>&-
    echo "$dir"
}
