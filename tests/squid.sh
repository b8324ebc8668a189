#!/usr/bin/env bash
# Debian's Squid with OpenSSL, which alone of its two can open TLS (squid-openssl). The packages exclude one another, so this one is
# unpacked beside whatever Squid the machine has, and only what it needs is installed.
#   tests/squid.sh    target/tools/squid is there afterwards, with usr/sbin/squid and usr/lib/squid in it
set -euo pipefail
shopt -s inherit_errexit
. "$(dirname "${BASH_SOURCE[0]}")/../initramfs/host.sh"

dir=$top/target/tools/squid
mkdir -p "$(dirname "$dir")"
# Two tests at once must not unpack into one another's directory. The lock is the directory above: root and others share it.
exec 9<"$(dirname "$dir")"
flock 9
# A kept target/ may have come to a machine without the libraries.
if ! "$dir/usr/sbin/squid" -v >/dev/null 2>&1; then
    staging=$(mktemp -d "$dir.XXXXXX")
    trap 'rm -rf "$staging"' EXIT
    unpack squid-openssl "$staging"
    apt_get satisfy -y --no-install-recommends "$(dpkg-deb -f "$staging"/*.deb Depends)" 9<&-
    rm -rf "$dir"
    mv "$staging/root" "$dir"
    "$dir/usr/sbin/squid" -v | grep -q with-openssl || fail "$dir/usr/sbin/squid does not run, or lacks OpenSSL"
fi
