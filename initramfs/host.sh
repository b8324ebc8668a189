#!/usr/bin/env bash
# The machine all this runs on: its root and its packages, and none of its owner's habits. Sourced by every script that runs there, and
# the one place that calls apt and sudo; `host.sh FUNCTION ARGUMENT…` is the same for programs that are no shell scripts.

umask 022 # servers that are somebody else have to read what we write
export LC_ALL=C PIP_USER=0
unset LANGUAGE CDPATH CPATH C_INCLUDE_PATH PYTHONPATH PYTHONHOME TAR_OPTIONS GZIP XZ_OPT XZ_DEFAULTS ZSTD_CLEVEL ZSTD_NBTHREADS
PATH=$PATH:/usr/sbin:/sbin # which an ordinary user's leaves out
: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
export PATH HOME

# By its real path: what looks for itself finds that one.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { echo "${0##*/}: $*" >&2; }
fail() { say "$*"; exit 1; }

# What compilers, QEMU and Python take for the end of a path is no part of one; blanks and the like are welcome.
case $top in
*[:,=\'\"\\\$\`[:cntrl:]]*) fail "no place to work in, for its path holds one of : , = ' \" \\ \$ \` or a control character: $top" ;;
esac

# What a command keeps of its caller's surroundings when sudo makes it root's.
kept=http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY,SSL_CERT_FILE,REQUESTS_CA_BUNDLE,TMPDIR,LC_ALL,SOURCE_DATE_EPOCH,IRONLET_COMMIT
kept+=,PIP_USER,PIP_CERT,PIP_CONFIG_FILE,PIP_INDEX_URL,PIP_EXTRA_INDEX_URL,PIP_FIND_LINKS,PIP_NO_INDEX,PIP_TRUSTED_HOST,PIP_DEFAULT_TIMEOUT
kept+=,IRONLET,LAB_KERNEL,LAB_RAMDISK,LAB_IRONLET,LAB_IRONIC,LAB_MEMORY,LAB_SEED

# as_root COMMAND… — run it as root
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo --preserve-env="$kept" -- "$@"
    else
        say "this takes root, and there is no sudo: $*"
        return 1
    fi
}

# as_root_here COMMAND… — the same; what it leaves in target/ is the caller's afterwards, who could not go on otherwise
as_root_here() {
    local status=0
    [ "$(id -u)" != 0 ] || { "$@"; return; }
    trap : INT # is the command's to obey; it takes its time to clean up
    as_root "$@" || status=$?
    trap - INT
    as_root find "$top/target" -xdev -user 0 -exec chown -h "$(id -u):$(id -g)" {} + || say "some of target/ is still root's"
    return "$status"
}

# lacking PACKAGE… — print those of them that are not installed
lacking() {
    local package there
    # It fails when it does not know one, and tells of the others all the same.
    there=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
    for package; do
        grep -qxF "installed $package" <<<"$there" || echo "$package"
    done
}

# install_lacking PACKAGE… — install those that are lacking, without starting a service of theirs; asks nobody when all are there
install_lacking() (
    wanted=$(lacking "$@")
    [ -n "$wanted" ] || exit 0
    # One of ours at a time on this machine, whatever clone it is from. A directory is a lock that needs no file.
    exec 8</var/lib/dpkg
    flock 8
    mapfile -t wanted < <(lacking "$@")
    [ ${#wanted[@]} -gt 0 ] || exit 0
    say "installing ${wanted[*]}"
    # A repository of somebody else's that is out of order is no reason to give up: installing will tell.
    apt_get update || say "apt's lists are what they were"
    no_services && apt_get install -y --no-install-recommends "${wanted[@]}" ||
        fail "could not be installed; as root: apt-get install --no-install-recommends ${wanted[*]}"
)

# no_services — until this shell ends, packages that apt_get installs start no service. Debian asks this program, and 101 is no
# (policy-rc.d(8)); what another apt installs meanwhile is none of our business.
no_services() {
    local policy=/usr/sbin/policy-rc.d sign='ironlet installs packages for its tests'
    # One without our sign is the machine's own rule; one with it was left behind by a run that was killed.
    [ ! -e $policy ] || grep -q "$sign" $policy || return 0
    trap "as_root rm -f $policy" EXIT
    printf '#!/bin/sh\n# %s\n[ -z "$IRONLET_INSTALLS" ] || exit 101\n' "$sign" | as_root tee $policy >/dev/null && as_root chmod 755 $policy
}

# apt_get ARGUMENT… — apt-get as root, patient with whoever else uses apt. By its option it waits for dpkg's locks; Debian 12's does not
# wait for those of its lists (update) and archives (install), and fails at once.
apt_get() (
    set -o pipefail
    patience=${IRONLET_APT_PATIENCE:-900} told=$(mktemp) began=$SECONDS
    trap 'rm -f "$told"' EXIT
    until as_root env DEBIAN_FRONTEND=noninteractive IRONLET_INSTALLS=yes \
        apt-get -q -o "DPkg::Lock::Timeout=$patience" -o Acquire::Retries=3 "$@" 2>&1 8<&- | tee "$told" >&2; do
        grep -q '^E: Unable to lock' "$told" && [ $((SECONDS - began)) -lt "$patience" ] || exit 1
        say "another apt is at work: waiting for it"
        sleep 5
    done
)

# depends PACKAGE — print what it depends on, as apt's lists have it; nothing when they do not know it
depends() { apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: //p'; }

# download PACKAGE DIR — the .deb into DIR; takes no root, and root needs no sandbox user, who could not write there
download() {
    (cd "$2" && apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=3 download "$1" >&2)
}

# unpack PACKAGE DIR — the .deb into DIR, and what is in it into DIR/root; nothing is installed
unpack() {
    # Lists may be absent, or name a version the mirror has replaced.
    download "$1" "$2" || {
        apt_get update
        download "$1" "$2" || fail "$1 cannot be downloaded"
    }
    dpkg-deb -x "$2"/*.deb "$2/root"
}

# fetch_file URL SHA256 FILE — the file there, if it has that digest
fetch_file() {
    /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::http::Timeout=30 download-file "$1" "$3" "SHA256:$2" >&2
}

# apt_apart DIR ARCH — print apt's options, a line each, for lists and sources of DIR's own; the machine's stay as they are
apt_apart() {
    printf '%s\n' -q -o "Dir::Etc::SourceList=$1/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$1/lists" -o "Dir::Cache=$1/cache" \
        -o Dir::State::Status=/dev/null -o "APT::Architecture=$2" -o "APT::Architectures=$2" -o Acquire::Languages=none -o APT::Sandbox::User=root -o Acquire::Retries=3
}

# apt_lists DIR ARCH SOURCE — fetch what Debian's lists say today of the source, a line as in sources.list, into DIR
apt_lists() {
    local options
    mkdir -p "$1"/lists/partial "$1"/cache/archives/partial
    echo "$3" >"$1/sources.list"
    mapfile -t options < <(apt_apart "$1" "$2")
    apt-get "${options[@]}" -o APT::Update::Error-Mode=any update >&2
}

# packages_of DIR ARCH — print "PACKAGE VERSION SHA256 PATH" of all packages of the lists in DIR
packages_of() {
    local options
    mapfile -t options < <(apt_apart "$1" "$2")
    apt-cache "${options[@]}" dumpavail | awk '
        { field[$1] = $2 }
        /^$/ { if ("Package:" in field) print field["Package:"], field["Version:"], field["SHA256:"], field["Filename:"]; split("", field) }'
}

# source_archive RELEASE PACKAGE DIR — print the path of the maker's own archive in Debian's source package, fetched into DIR unless it is
# there. apt's lists of that release are kept in DIR; the machine's own stay as they are.
source_archive() {
    local found=("$3/$2"_*.orig.tar.*) options
    if [ ! -e "${found[0]}" ]; then
        apt_lists "$3" amd64 "deb-src http://deb.debian.org/debian $1 main" || return
        mapfile -t options < <(apt_apart "$3" amd64)
        # A mirror may lack the part that is Debian's own, which nobody asked for.
        (cd "$3" && apt-get "${options[@]}" source --download-only "$2") >&2 || true
        found=("$3/$2"_*.orig.tar.*)
        [ -e "${found[0]}" ] || return
    fi
    echo "${found[0]}"
}

[ "${BASH_SOURCE[0]}" != "$0" ] || { set -euo pipefail && "$@"; }
