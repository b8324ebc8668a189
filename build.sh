#!/usr/bin/env bash
# The one door, for people and for CI: builds ironlet, shows it at work and tests it. Installs what a command lacks on Debian 12,
# as root or with sudo. The parts live where they belong: initramfs/*.sh, tests/*/run.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")"
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin:${CARGO_HOME:-$HOME/.cargo}/bin

usage() {
    cat <<'TABLE'
./build.sh [options]            build dist/ironlet, dist/ironlet.kernel, dist/ironlet.initramfs and dist/SHA256SUMS
    --profile vm|lab            which modules and kernel (initramfs/*.modules); vm unless told
    --kernel FILE --modules DIR your own kernel and its /lib/modules/VERSION (it needs CONFIG_RD_XZ)
./build.sh demo [SIZE_MIB]      boot a VM over the network, deploy a real image, boot the deployed disk, print what took how long
./build.sh check                formatting, lints, unit tests, the house's layers
./build.sh test                 everything CI runs
./build.sh lab [SCENARIO…]      scenarios against a real Ironic
./build.sh conformance          the same requests to IPA and to ironlet, replies compared
./build.sh contract             Ironic's own code reads a command that runs, and its receipt
./build.sh identity             disks of each of QEMU's kinds, as IPA and as ironlet describe them
./build.sh components [PART…]   real web servers and proxies around the binary
./build.sh bench [OPTIONS]      figures beside their limits and peers; --only SECTION, --rounds N
./build.sh fuzz TARGET SECONDS  one fuzz target
TABLE
}

say() { echo "build.sh: $*" >&2; }
fail() { say "$*"; exit 1; }

. initramfs/kernel.sh
. initramfs/modules.sh
. initramfs/pack.sh
. tests/parts.sh

target=x86_64-unknown-linux-musl
# What a machine without Rust gets: the same compiler gives the same bytes, and its lints are those the sources were held to.
toolchain=1.95.0

# What each command needs from Debian, in groups; conformance, components and lab add what only they use.
packages() {
    case $1 in
    rust) echo gcc libc6-dev musl-tools binutils ca-certificates ;;
    build) echo cpio kmod xz-utils zstd ca-certificates ;;
    image) echo cpio kmod e2fsprogs fdisk grub-common grub-pc-bin busybox-static openssl ;;
    machine) echo qemu-system-x86 ipxe-qemu iproute2 python3 ;;
    rust_tests) echo dnsmasq-base python3 efibootmgr iproute2 util-linux qemu-utils openssl fdisk gdisk dosfstools mtools genisoimage xorriso gzip zstd xz-utils parted "${file_systems[@]}" ;;
    fuzz) echo g++ dosfstools mtools genisoimage ;;
    curl) echo curl ;;
    esac
}

# What makes the signatures that erasing has to find.
file_systems=(
    e2fsprogs xfsprogs btrfs-progs f2fs-tools nilfs-tools ntfs-3g exfatprogs udftools reiserfsprogs jfsutils gfs2-utils ocfs2-tools
    bcache-tools lvm2 cryptsetup-bin parted
)

# need GROUP… — install the packages of these groups that are not there; asks nobody when all are
need() {
    local group package lacking=()
    for group; do
        for package in $(packages "$group"); do
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || lacking+=("$package")
        done
    done
    [ ${#lacking[@]} -gt 0 ] || return 0
    say "installing ${lacking[*]}"
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${lacking[@]}" >&2
}

# The toolchain: cargo by rustup, and the standard library for musl.
need_rust() {
    need rust
    if ! command -v cargo >/dev/null; then
        need curl
        say "installing the Rust toolchain by rustup"
        mkdir -p target/tools
        curl --proto '=https' --tlsv1.2 -sSf -o target/tools/rustup-init \
            https://static.rust-lang.org/rustup/dist/x86_64-unknown-linux-gnu/rustup-init
        chmod +x target/tools/rustup-init
        target/tools/rustup-init -y -q --profile minimal --default-toolchain "$toolchain" >&2
    fi
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target"
}

# The binary, the same whoever builds it wherever: paths are cut, the C in ring is built by musl's own compiler wrapper.
binary() {
    local home=${CARGO_HOME:-$HOME/.cargo} flags
    flags=(
        "--remap-path-prefix=$PWD=/ironlet"
        "--remap-path-prefix=$home=/cargo"
        "--remap-path-prefix=$(rustc --print sysroot)=/rust"
        -Clink-arg=-Wl,-T,initramfs/unwound.ld
        -Clink-arg=-Wl,-z,pack-relative-relocs # a static file relocates itself; in this form the list is a kilobyte
    )
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") \
        CC_x86_64_unknown_linux_musl=musl-gcc \
        CFLAGS_x86_64_unknown_linux_musl="-ffile-prefix-map=$PWD=/ironlet -ffile-prefix-map=$home=/cargo" \
        cargo build --release --locked --bin ironlet --target "$target" --target-dir target
    mkdir -p dist
    cp "target/$target/release/ironlet" dist/ironlet
    # A static file asks for no loader and no library.
    if readelf -lW dist/ironlet | grep -q INTERP || readelf -dW dist/ironlet | grep -q NEEDED; then
        fail "dist/ironlet is not static"
    fi
}

# Stamps in the initramfs: the last commit's time, so that a commit has one initramfs. Outside git, a fixed day.
source_date() {
    echo "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1700000000)}"
}

build() {
    local profile=vm kernel='' modules='' dir
    while [ $# -gt 0 ]; do
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
        --profile) profile=$2 ;;
        --kernel) kernel=$2 ;;
        --modules) modules=${2%/} ;;
        *) usage >&2; exit 2 ;;
        esac
        shift 2
    done
    [ -f "initramfs/$profile.modules" ] || fail "no profile $profile in initramfs/"
    [ "${kernel:+set}" = "${modules:+set}" ] || fail "--kernel and --modules belong together"
    [ -z "$modules" ] || [ -f "$modules/modules.dep" ] || fail "$modules holds no modules.dep"
    need_rust
    need build
    SOURCE_DATE_EPOCH=$(source_date)
    export SOURCE_DATE_EPOCH
    binary
    if [ -z "$kernel" ]; then
        dir=$(debian_kernel "$(profile_kernel "initramfs/$profile.modules")")
        kernel=$(echo "$dir"/boot/vmlinuz-*)
        modules=$(echo "$dir"/lib/modules/*)
    fi
    userland_part dist/ironlet target/initramfs/userland.cpio.xz
    modules_part "initramfs/$profile.modules" "$modules" target/initramfs/modules.cpio.xz
    # The kernel unpacks archives laid end to end; apart, each can be weighed. One not compressed begins at a multiple of four.
    { null_device; cat target/initramfs/userland.cpio.xz target/initramfs/modules.cpio.xz; } >dist/ironlet.initramfs
    install -m 644 "$kernel" dist/ironlet.kernel
    (cd dist && sha256sum ironlet ironlet.initramfs ironlet.kernel >SHA256SUMS)
    sizes "$profile" || say "over the limit"
}

demo() {
    need rust build image machine
    build
    tests/demo/run "$@"
}

check() {
    need_rust
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo test --locked --lib --bins --test layers
}

lab() {
    need rust build image machine
    build
    tests/lab/run "$@"
}

conformance() {
    need rust build machine
    build
    IRONLET=$PWD/dist/ironlet tests/conformance/run "$@"
}

contract() {
    need rust build machine
    build
    IRONLET=$PWD/dist/ironlet tests/contract/run "$@"
}

identity() {
    need rust build machine
    build
    tests/identity/run "$@"
}

components() {
    need_rust
    binary
    IRONLET=$PWD/dist/ironlet tests/components/run "$@"
}

bench() {
    need rust build image machine
    build
    tests/bench/run "$@"
}

# cargo-fuzz wants a sanitizer, which rustc keeps for nightlies; the stable one has it too when told so.
fuzz() {
    [ $# -eq 2 ] || fail "fuzz TARGET SECONDS; targets: $(cd tests/fuzz/fuzz_targets && echo *.rs | sed 's/\.rs//g')"
    need fuzz
    need_rust
    tests/fuzz/seeds.sh "$1" "tests/fuzz/corpus/$1"
    [ -x target/tools/bin/cargo-fuzz ] || cargo install -q cargo-fuzz --locked --root target/tools
    PATH=$PWD/target/tools/bin:$PATH RUSTC_BOOTSTRAP=1 \
        cargo fuzz run --fuzz-dir tests/fuzz "$1" -- "-max_total_time=$2" -rss_limit_mb=512
}

case ${1:-} in
'' | --profile | --kernel | --modules) build "$@" ;;
demo | check | lab | conformance | contract | identity | components | bench | fuzz) "$@" ;;
test) all_parts ;;
-h | --help | help) usage ;;
*) usage >&2; exit 2 ;;
esac
