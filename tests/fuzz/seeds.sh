#!/usr/bin/env bash
# seeds.sh TARGET FOLDER — put small inputs a fuzzer would take long to find into FOLDER, for targets that have some.
set -euo pipefail
target=$1 folder=$2

# at OFFSET SIGN — zeros with SIGN (as printf takes it) at OFFSET
at() {
    head -c "$1" /dev/zero
    # shellcheck disable=SC2059
    printf "$2"
}

case $target in
packing)
    mkdir -p "$folder"
    plain() { printf 'again and again %.0s' {1..200}; head -c 3000 "$0"; }
    { printf '\0'; plain | gzip; } >"$folder/gzip"
    { printf '\0'; plain | gzip -1; plain | gzip -9; head -c 512 /dev/zero; } >"$folder/gzip-members"
    { printf '\1'; plain | zstd -q; } >"$folder/zstd"
    { printf '\1'; printf '\x50\x2a\x4d\x18\x02\0\0\0ab'; plain | zstd -q -19; plain | zstd -q --no-check; } >"$folder/zstd-frames"
    { printf '\2'; plain | xz; } >"$folder/xz"
    { printf '\2'; plain | xz --check=sha256 --block-size=1000; plain | xz -0 --check=crc32 --x86 --delta --lzma2; } >"$folder/xz-streams"
    ;;
load_option)
    mkdir -p "$folder"
    # What OVMF wrote, without the attributes that efivarfs puts before it.
    sed -n 's/.*\/Boot\([0-9A-F]*\)-.* hex ......../\1 /p' tests/fixtures/machines/ovmf.tree |
        while read -r number digits; do
            printf '%b' "$(sed 's/../\\x&/g' <<<"$digits")" >"$folder/$number"
        done
    ;;
inspect)
    mkdir -p "$folder"
    at 0 'QFI\xfb' >"$folder/qcow2"
    at 0 'QED\0' >"$folder/qed"
    at 0 conectix >"$folder/vhd"
    at 0 vhdxfile >"$folder/vhdx"
    at 0 KDMV >"$folder/vmdk"
    at 0 '# Disk DescriptorFile\ncreateType="monolithicFlat"\n' >"$folder/vmdk-text"
    at 64 '\x7f\x10\xda\xbe' >"$folder/vdi"
    at 0 'LUKS\xba\xbe' >"$folder/luks"
    at 510 '\x55\xaa' >"$folder/table"
    at 32769 CD001 >"$folder/iso"
    ;;
esac
