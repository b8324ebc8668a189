#!/usr/bin/env bash
# public.sh TARGET FOLDER — put what the test suites of xz, zstd, libarchive and util-linux hold for TARGET into FOLDER: files that others
# found worth keeping. They come with Debian's source packages, fetched once into target/tools; who has no network goes without them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../initramfs/host.sh"
cd "$top"

target=$1 folder=$2

# Of the release whose sources have most of them. What is kept of a file: a fuzzer's inputs have to be short.
release=trixie
longest=$((128 << 10))

# files PACKAGE PATTERN… — print the folder that holds these files of the package's source, unpacked
files() {
    local package=$1 dir=$top/target/tools/$1 archive
    shift
    mkdir -p "$dir"
    # Another target may want them at the same time.
    exec 9<"$dir"
    flock 9
    archive=$(source_archive "$release" "$package" "$dir") || return
    rm -rf "$dir/suite.draft"
    if [ ! -d "$dir/suite" ]; then
        mkdir "$dir/suite.draft"
        tar -xf "$archive" -C "$dir/suite.draft" --strip-components=1 --wildcards "$@" || return
        mv "$dir/suite.draft" "$dir/suite"
    fi
    echo "$dir/suite"
}

# libarchive PATTERN FOLDER — its test files of that name, which are kept as text, decoded and unpacked if they are .Z
libarchive() {
    local suite file name
    suite=$(files libarchive '*/libarchive/test/*.uu') || return
    for file in "$suite"/libarchive/test/$1.uu; do
        name=${file##*/test_}
        name=${name%.uu}
        perl -ne 'print unpack("u", $_) if $on && !/^end/; $on ||= /^begin \d/' "$file" >"$2/$name"
        [[ $name != *.Z ]] || { gzip -dc <"$2/$name" >"$2/${name%.Z}" && rm "$2/$name"; }
    done
}

# util_linux PATTERN FOLDER — blkid's images of that name, unpacked
util_linux() {
    local suite file
    suite=$(files util-linux '*/tests/ts/blkid/images-*/*') || return
    for file in "$suite"/tests/ts/blkid/images-*/$1.img.xz; do
        # What it is cut to is enough for whoever looks at the start.
        xz -dc "$file" | head -c "${3:-$longest}" >"$2/$(basename "$file" .img.xz)" || true
    done
}

# taken SIGN FILE… — those that are not too long into the folder, behind SIGN as printf takes it
taken() {
    local file
    for file in "${@:2}"; do
        [ "$(stat -c %s "$file")" -gt "$longest" ] || { printf "$1" && cat "$file"; } >"$folder/public-${file##*/}"
    done
}

# cut FILE… — their starts into the folder
cut_to() {
    local file
    for file; do head -c "$longest" "$file" >"$folder/public-${file##*/}"; done
}

put() {
    local suite
    case $target in
    packing)
        suite=$(files xz-utils '*/tests/files/*') || return
        taken '\2' "$suite"/tests/files/*.xz
        suite=$(files libzstd '*/tests/golden-*') || return
        taken '\1' "$suite"/tests/golden-decompression*/*.zst
        libarchive '*tar*' "$scratch" && libarchive '*.t[gbx]z' "$scratch" || return
        taken '\4' "$scratch"/*.tbz
        taken '\6' "$scratch"/*gz
        taken '\3' "$scratch"/*.txz "$scratch"/*.zst
        rm "$scratch"/*.{t?z,gz,zst,lzo,lz4,lr?,gr?}
        taken '\5' "$scratch"/*
        ;;
    tar_member)
        libarchive '*tar' "$scratch" && libarchive '*tar.Z' "$scratch" && libarchive '*pax*.Z' "$scratch" || return
        cut_to "$scratch"/*
        ;;
    iso)
        libarchive '*.iso.Z' "$scratch" && util_linux 'iso*' "$scratch" && util_linux 'udf*iso*' "$scratch" || return
        cut_to "$scratch"/*
        ;;
    fat)
        util_linux '*fat*' "$scratch" || return
        cut_to "$scratch"/*
        ;;
    virtual_media)
        util_linux '*fat*' "$scratch" || return
        longest=$((96 << 10))
        cut_to "$scratch"/*
        for suite in "$folder"/public-*; do { printf '\0'; cat "$suite"; } >"$scratch/one" && mv "$scratch/one" "$suite"; done
        rm -f "$scratch"/*
        util_linux 'iso*' "$scratch" || return
        # What lies before its descriptors is nothing, and is put back.
        for suite in "$scratch"/*; do { printf '\1'; head -c $((32768 + longest)) "$suite" | tail -c +32769; } >"$folder/public-${suite##*/}"; done
        ;;
    gpt | mbr | lenient_partition_tables)
        util_linux '*' "$scratch" || return
        rm -f "$scratch"/{udf,fat32,iso}*
        for suite in "$scratch"/*; do
            # A table's end is that of the last sector with anything in it.
            { [ "$target" != gpt ] || printf '\0\0\0\0\0\0\0\1'; head -c 65536 "$suite"; } >"$folder/public-${suite##*/}"
        done
        ;;
    md_superblock)
        util_linux mdraid "$scratch" $((64 << 20)) || return
        # A device of 10 MiB, and what lies where 0.90 is.
        { printf '\0\0\x0a\0'; dd if="$scratch/mdraid" bs=64K skip=159 count=1 status=none; } >"$folder/public-mdraid"
        ;;
    file_system | format_inspector)
        util_linux '*' "$scratch" 33792 || return
        cut_to "$scratch"/*
        ;;
    esac
}

mkdir -p "$folder"
scratch=$(mktemp -d target/fuzz.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
put || say "skipped: files of others' test suites for $target, which Debian's archive has, cannot be fetched"
