# The rescue part of an initramfs: a shell, an SSH server and the libraries of both, from Debian's packages. Sourced by build.sh after
# kernel.sh and pack.sh. The agent starts none of it before Ironic asks for a rescue, or `sshkey=` names who may come in.

# rescue_library NAME FOLDER… — print the path of a library in Debian's packages unpacked in these folders
rescue_library() {
    local name=$1 found
    shift
    for found in "${@/%//usr/lib/*/$name}" "${@/%//usr/lib64/$name}" "${@/%//usr/lib/$name}"; do
        found=$(compgen -G "$found") || continue
        echo "$found"
        return
    done
    fail "no package of the rescue part has $name"
}

# rescue_needs FILE FOLDER… — print the libraries that a program needs, and those that these need, a path each
rescue_needs() {
    local waiting=("$1") known=' ' name path
    shift
    while [ ${#waiting[@]} -gt 0 ]; do
        path=${waiting[0]}
        waiting=("${waiting[@]:1}")
        for name in $(readelf -dW "$path" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
            [[ $known != *" $name "* ]] || continue
            known+="$name "
            path=$(rescue_library "$name" "$@")
            echo "$path"
            waiting+=("$path")
        done
    done
}

# rescue_folder PACKAGE FOLDER… — print which of the folders that package is in
rescue_folder() {
    local name=$1 folder
    shift
    for folder; do
        [[ $(<"$folder/complete") != ${name}_* ]] || echo "$folder"
    done
}

# rescue_part ARCH LICENCES OUT — pack it; what the licences say goes into the folder LICENCES
rescue_part() {
    local arch=$1 licences=$2 out=$3 tree row dir folders=() busybox dropbear loader path
    while read -r row; do
        dir=$(package $row "$arch")
        folders+=("$dir")
    done < <(rows rescue "$arch")
    [ ${#folders[@]} -gt 0 ] || fail "packages.table has nothing for a rescue on $arch"
    busybox=$(compgen -G "$(rescue_folder busybox-static "${folders[@]}")/usr/bin/busybox")
    dropbear=$(compgen -G "$(rescue_folder dropbear-bin "${folders[@]}")/usr/sbin/dropbear")
    loader=$(readelf -lW "$dropbear" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
    tree=$(mktemp -d)
    chmod 755 "$tree"
    mkdir -p "$tree"/{bin,sbin,lib,usr/sbin,etc/dropbear,root/.ssh} "$tree/$(dirname "$loader")"
    install -m 755 "$busybox" "$tree/bin/busybox"
    # Its shell knows all its programs without links; these are for those who look for them by their paths.
    ln -s busybox "$tree/bin/sh"
    ln -s busybox "$tree/bin/login"
    ln -s ../bin/busybox "$tree/sbin/modprobe"
    install -m 755 "$dropbear" "$tree/usr/sbin/dropbear"
    install -m 755 "$(rescue_library "${loader##*/}" "${folders[@]}")" "$tree$loader"
    rescue_needs "$dropbear" "${folders[@]}" | while read -r path; do
        # The loader knows itself.
        [ "${path##*/}" = "${loader##*/}" ] || install -m 644 "$path" "$tree/lib/${path##*/}"
    done
    find "$tree" -type d -exec chmod 755 {} +
    chmod 700 "$tree"/root{,/.ssh} "$tree/etc/dropbear"
    rm -rf "$licences"
    mkdir -p "$licences"
    for dir in "${folders[@]}"; do
        cp -L "$dir"/usr/share/doc/*/copyright "$licences/$(sed -E 's/_.*//' "$dir/complete").copyright"
        sed -E 's/^([^_]+)_([^_]+)_.*/Debian, \1 \2/' "$dir/complete" >>"$licences/PACKAGES"
    done
    chmod -R u=rwX,go=rX "$licences"
    mkdir -p "$(dirname "$out")"
    archive "$tree" "$modules_stamp" "$out" --lzma2=preset=9e,dict=8MiB
    rm -rf "$tree"
}
