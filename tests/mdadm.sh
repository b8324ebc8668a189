#!/usr/bin/env bash
# mdadm of Debian's, which judges arrays: unpacked and not installed, as it would start to watch over this machine's own arrays.
#   tests/mdadm.sh    target/tools/mdadm/sbin/mdadm is there afterwards
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../initramfs/host.sh"

dir=$top/target/tools/mdadm
mkdir -p "$(dirname "$dir")"
# Two tests at once must not unpack into one another's directory.
exec 9<"$(dirname "$dir")"
flock 9
if [ ! -x "$dir/sbin/mdadm" ]; then
    staging=$(mktemp -d "$dir.XXXXXX")
    trap 'rm -rf "$staging"' EXIT
    unpack mdadm "$staging"
    rm -rf "$dir"
    mv "$staging/root" "$dir"
fi
