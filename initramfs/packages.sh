#!/usr/bin/env bash
# Debian's packages by packages.table: fetched, held against their digests and unpacked below target/, never installed. Sourced after
# host.sh by those who want one; `packages.sh newest` prints the table's lines as Debian has them today, for a change of the table.

packages_table=${packages_table:-$top/initramfs/packages.table}
packages_home=$top/target/tools/packages

# rows NAME ARCH — print "SHA256 PATH" of the table's packages of that name
rows() {
    awk -v name="$1" -v arch="$2" '$1 == name && ($2 == arch || $2 == "any") { print $3, $4 }' "$packages_table"
}

# setting WORD — print what follows WORD in the table, a line each
setting() { sed -n "s/^$1  *//p" "$packages_table"; }

# debian_arch ARCH — Debian's word for an architecture
debian_arch() {
    case $1 in
    aarch64) echo arm64 ;;
    any | x86_64) echo amd64 ;;
    *) fail "no architecture of Debian's is known for $1" ;;
    esac
}

# package SHA256 PATH ARCH — print the directory that the package is unpacked in; its file `complete` names the package that was taken
package() {
    local sha256=$1 path=$2 file dir staging taken mirror archive stamp
    file=${path##*/}
    dir=$packages_home/${file%.deb}
    mkdir -p "$packages_home"
    # Two builds at once must not unpack into one another's directory. The lock is the directory above: root and others share it.
    exec 9<"$packages_home"
    flock 9
    if ! grep -qsxF "$sha256" "$dir/asked"; then
        staging=$(mktemp -d "$packages_home/unpacking.XXXXXX")
        mirror=$(setting mirror)
        read -r archive stamp < <(setting archive)
        if fetch_file "$mirror/$path" "$sha256" "$staging/$file" ||
            fetch_file "$archive/${path%%/*}/$stamp/${path#*/}" "$sha256" "$staging/$file"; then
            taken=$file
        else
            say "$file is neither at $mirror nor at $archive any more, or cannot be reached there"
            taken=$(newest "$file" "$3") || fail "nothing in Debian's suites can take its place, if they could be reached. A kernel of your own: --kernel, --modules"
            read -r sha256 path <<<"$taken"
            taken=${path##*/}
            # The same file of another digest is no newer one: somebody changed it, or the table is wrong.
            [ "$taken" != "$file" ] || fail "$mirror has $file with the SHA-256 $sha256, packages.table says $1: nothing is taken for it"
            fetch_file "$mirror/$path" "$sha256" "$staging/$taken" || fail "$mirror/$path cannot be fetched"
        fi
        mkdir "$staging/root"
        dpkg-deb --fsys-tarfile "$staging/$taken" | tar -x -C "$staging/root" --no-same-owner
        # Since Debian 13 the kernel's modules and firmware are below /usr.
        [ -e "$staging/root/lib" ] || [ ! -d "$staging/root/usr/lib" ] || ln -s usr/lib "$staging/root/lib"
        # The package leaves modules.dep to be made when it is installed.
        [ ! -d "$staging/root/lib/modules" ] || /sbin/depmod -b "$staging/root" "$(ls "$staging/root/lib/modules")"
        echo "$taken" >"$staging/root/complete"
        echo "$1" >"$staging/root/asked"
        rm -rf "$dir"
        mv "$staging/root" "$dir"
        rm -rf "$staging"
    fi
    exec 9>&-
    taken=$(<"$dir/complete")
    [ "$taken" = "$file" ] || say "WARNING: $taken stands for $file, which Debian's mirror no longer has: this is not the build that the commit names. To make it one again, put what 'initramfs/packages.sh newest' prints into packages.table"
    echo "$dir"
}

# newest FILE ARCH — print "SHA256 PATH" of the newest package in the suites that may stand for FILE: of that name, or a kernel image of
# the same series and flavour
newest() {
    local arch pattern name=${1%%_*} home suite part components prefix
    arch=$(debian_arch "$2")
    # linux-image-6.12.118+deb13-cloud-amd64: the series is 6.12, the flavour what follows deb13.
    pattern=$(sed -E 's/^(linux-image-[0-9]+\.[0-9]+)\.[0-9]+\+deb[0-9]+(-.*)$/\1.N+debN\2/; s/[.+]/[&]/g; s/\[\.\]N\[\+\]debN/[.][0-9]+[+]deb[0-9]+/' <<<"$name")
    home=$packages_home/lists-$arch
    while read -r suite part components; do
        apt_lists "$home-$suite" "$arch" "deb [arch=$arch] $(setting mirror)/$part $suite $components" >&2 || return
        prefix=$part/
        packages_of "$home-$suite" "$arch" | awk -v pattern="^$pattern\$" -v prefix="$prefix" '$1 ~ pattern { print $2, $3, prefix $4 }'
    done < <(setting suite) | sort -k 1,1V | awk 'END { if (NR == 0) exit 1; print $2, $3 }'
}

# renewed — the table's lines of packages with the newest in their places
renewed() {
    local name arch sha256 path found
    while read -r name arch sha256 path; do
        found=$(newest "${path##*/}" "$arch") || fail "nothing found for $path"
        printf '%-8s %-7s %s\n' "$name" "$arch" "$found"
    done < <(grep -E '^[a-z]+ +(x86_64|aarch64|any) ' "$packages_table")
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    shopt -s inherit_errexit
    . "$(dirname "${BASH_SOURCE[0]}")/host.sh"
    [ "$*" = newest ] || fail "packages.sh newest"
    packages_table=$top/initramfs/packages.table packages_home=$top/target/tools/packages
    renewed
fi
