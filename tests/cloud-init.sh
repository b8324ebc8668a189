#!/usr/bin/env bash
# Debian's cloud-init, unpacked and not installed: as a package it would take this machine's start into its hands. What it needs is installed.
#   tests/cloud-init.sh    target/tools/cloud-init is there afterwards, with usr/lib/python3/dist-packages/cloudinit in it
set -euo pipefail
shopt -s inherit_errexit
. "$(dirname "${BASH_SOURCE[0]}")/../initramfs/host.sh"

dir=$top/target/tools/cloud-init
mkdir -p "$(dirname "$dir")"
runs() { PYTHONPATH=$dir/usr/lib/python3/dist-packages /usr/bin/python3 -c 'import cloudinit.sources.DataSourceNoCloud' 2>/dev/null; }
exec 9<"$(dirname "$dir")"
flock 9
if ! runs; then
    staging=$(mktemp -d "$dir.XXXXXX")
    trap 'rm -rf "$staging"' EXIT
    unpack cloud-init "$staging"
    # Of what it depends on, what its sources of data import; the rest is for a machine that starts with it.
    install_lacking python3-configobj python3-jinja2 python3-jsonpatch python3-jsonschema python3-netifaces python3-oauthlib python3-requests python3-yaml 9<&-
    rm -rf "$dir"
    mv "$staging/root" "$dir"
    runs || fail "cloud-init of $dir does not run"
fi
