#!/usr/bin/env bash
# The one door, for people and for CI: builds ironlet, shows it at work and tests it. Installs what a command lacks on Debian 12,
# as root or with sudo. The parts live where they belong: initramfs/*.sh, tests/*/run.
set -euo pipefail
shopt -s inherit_errexit
. "$(dirname "${BASH_SOURCE[0]}")/initramfs/host.sh"
cd "$top"
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
# Whatever else is built on this machine is built elsewhere, and nobody here reads what is typed.
export CARGO_TARGET_DIR=$top/target
exec </dev/null

usage() {
    cat <<'TABLE'
./build.sh [options]            build dist/ironlet, dist/ironlet.kernel, dist/ironlet.initramfs and dist/SHA256SUMS
    --profile vm|server|board   which modules, kernel and firmware (initramfs/*.modules); vm unless told
    --arch x86_64|aarch64       what for; x86_64 unless told
    --out DIR                   where to; dist unless told
    --kernel FILE --modules DIR your own kernel and its /lib/modules/VERSION (it needs CONFIG_RD_XZ)
    --modules-list FILE         further modules, listed as in initramfs/*.modules
    --firmware DIR              look there for the firmware the modules name, before Debian's packages
    --without-firmware          pack none
    --rescue                    with what a rescue needs: a shell, an SSH server, file systems (initramfs/rescue.modules)
./build.sh release [options]    what is published, of every profile and architecture: artefacts, SHA256SUMS, bills of materials,
                                notices, manual page
    --profile NAME --arch NAME  of that one alone
    --out DIR                   where to; dist/release unless told
./build.sh media [options]      boot media of what is in dist/: ironlet.iso, .img (USB), .efi (UKI), .ipxe, .tar.gz, each with its .sha256
    --out DIR                   of what is there instead, into it
    --arch x86_64|aarch64       for which processors
    --conf FILE --cafile FILE --order FILE  their ironlet.conf, ca.pem and order.json; those of a UKI are part of it
    --cmdline TEXT              the UKI's command line where its loader gives none
    --sign KEY CERT             sign the UKI for Secure Boot, PEM
./build.sh demo [SIZE_MIB]      boot a VM over the network, deploy a real image, boot the deployed disk, print what took how long
./build.sh check                formatting, lints, licences and sources of the crates, unit tests, the house's layers
./build.sh test                 everything CI runs
./build.sh lab [SCENARIO…]      scenarios against a real Ironic
./build.sh conformance          the same requests to IPA and to ironlet, replies compared
./build.sh contract             Ironic's own code reads a command that runs, and its receipt
./build.sh identity             disks of each of QEMU's kinds, as IPA and as ironlet describe them
./build.sh hardware [CASE…]     machines whose hardware does not work: what their consoles say
./build.sh aarch64 [CASE…]      the same for Arm's processors: deploys, a boot entry, what it tells of the machine
./build.sh media-test [--all] [CASE…]  machines started by each medium; two of them unless told
./build.sh zoo [NAME…]           each of QEMU's network cards, disk controllers and card readers deploys an image once, as a table
./build.sh components [PART…]   real web servers and proxies around the binary
./build.sh siege [--short] [ATTACK…]  clients, images and drives that mean no good against the binary, as a table
./build.sh bench [OPTIONS]      figures beside their limits and peers; --only SECTION, --rounds N, --json FILE
./build.sh fuzz TARGET SECONDS  one fuzz target; --all HOURS divides these among all of them
TABLE
}

# unknown WORD — say last, where it is read, which word it was
unknown() {
    usage >&2
    say "'$1' is not known here: see above"
    exit 2
}

# option NAMES WORD [VALUE] — fail unless WORD is one of NAMES and a value follows
option() {
    [[ " $1 " == *" $2 "* ]] || unknown "$2"
    [ $# -ge 3 ] || fail "$2 needs a value"
}

# known_profile NAME, known_arch NAME — fail unless there is one of that name
known_profile() { [[ $1 != */* && -f initramfs/$1.modules ]] || fail "no profile '$1': one of $(profiles | xargs)"; }
known_arch() { [[ $1 == @(x86_64|aarch64) ]] || fail "no architecture '$1': x86_64 or aarch64"; }

. initramfs/kernel.sh
. initramfs/modules.sh
. initramfs/pack.sh
. initramfs/firmware.sh
. initramfs/rescue.sh
. initramfs/release.sh
. initramfs/media.sh
. tests/parts.sh

# What a machine without Rust gets: the same compiler gives the same bytes, and its lints are those the sources were held to.
toolchain=1.95.0

# What each command needs from Debian, in groups; conformance, components and lab add what only they use.
packages() {
    case $1 in
    rust) echo gcc libc6-dev musl-tools binutils ca-certificates ;;
    cross) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross ;;
    build) echo cpio kmod xz-utils zstd ca-certificates python3 ;;
    release) echo python3 mandoc musl-dev ca-certificates ;;
    image) echo cpio kmod e2fsprogs fdisk grub-common grub-pc-bin busybox-static openssl ;;
    media) echo grub-common grub-pc-bin grub-efi-amd64-signed shim-signed systemd-boot-efi binutils xorriso mtools fdisk sbsigntool ;;
    machine) echo qemu-system-x86 ipxe-qemu iproute2 python3 ;;
    rust_tests) echo tgt rsyslog rsyslog-gnutls dmidecode dnsmasq-base lldpd radvd isc-dhcp-server avahi-daemon dbus python3 efibootmgr iproute2 util-linux qemu-utils openssl fdisk gdisk dosfstools bmap-tools minisign mtools genisoimage xorriso gzip zstd xz-utils bzip2 lbzip2 libarchive-tools tar parted "${file_systems[@]}" ;;
    fuzz) echo g++ dosfstools mtools genisoimage fdisk openssl bzip2 xz-utils zstd perl-base qemu-utils ;;
    curl) echo curl ;;
    crates) echo python3 ;;
    esac
}

# What makes the signatures that erasing has to find.
file_systems=(
    e2fsprogs xfsprogs btrfs-progs f2fs-tools nilfs-tools ntfs-3g exfatprogs udftools reiserfsprogs jfsutils gfs2-utils ocfs2-tools
    bcache-tools lvm2 cryptsetup-bin parted
)

# need GROUP… — install the packages of these groups that are not there; asks nobody when all are
need() {
    local group wanted=()
    for group; do
        wanted+=($(packages "$group"))
    done
    install_lacking "${wanted[@]}"
}

# rust_will_do — is there a Rust that Cargo.toml is content with? Debian 12's own is not.
rust_will_do() {
    local least found
    least=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    command -v cargo >/dev/null && found=$(rustc --version | cut -d' ' -f2) && printf '%s\n' "$least" "$found" | sort -CV
}

# The toolchain: cargo by rustup, and the standard libraries for musl, of ARCH too if told.
need_rust() {
    local arch
    need rust
    [ "${1:-x86_64}" = x86_64 ] || need cross
    if ! rust_will_do; then
        need curl
        say "installing the Rust toolchain by rustup"
        mkdir -p target/tools
        curl --proto '=https' --tlsv1.2 -sSf -o target/tools/rustup-init \
            https://static.rust-lang.org/rustup/dist/x86_64-unknown-linux-gnu/rustup-init ||
            fail "rustup cannot be fetched. Where a proxy is in between, set https_proxy, or SSL_CERT_FILE to its authority; a cargo in PATH of Rust $toolchain with the target x86_64-unknown-linux-musl will do as well"
        chmod +x target/tools/rustup-init
        # Beside Debian's own Rust, if that is there.
        RUSTUP_INIT_SKIP_PATH_CHECK=yes target/tools/rustup-init -y -q --profile minimal --default-toolchain "$toolchain" >&2
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
        rust_will_do || fail "$(command -v cargo) is still older than Cargo.toml asks for"
    fi
    for arch in x86_64 "${1:-x86_64}"; do
        [ -d "$(rustc --print sysroot)/lib/rustlib/$arch-unknown-linux-musl" ] || rustup target add "$arch-unknown-linux-musl"
    done
}

# binary [ARCH [DIR]] — DIR/ironlet (dist), the same whoever builds it wherever: paths are cut, the C in ring and zstd is built by musl's own
# compiler wrapper, or for another machine by Debian's cross compiler, of which it takes no library.
binary() {
    local arch=${1:-x86_64} out=${2:-dist} home=${CARGO_HOME:-$HOME/.cargo} target cuts flags lld
    target=$arch-unknown-linux-musl
    cuts="'-ffile-prefix-map=$PWD=/ironlet' '-ffile-prefix-map=$home=/cargo'"
    flags=(
        "--remap-path-prefix=$PWD=/ironlet"
        "--remap-path-prefix=$home=/cargo"
        "--remap-path-prefix=$(rustc --print sysroot)=/rust"
    )
    if [ "$arch" = x86_64 ]; then
        # Rust's own linker for its --icf: functions that came out alike are there once, a hundredth of the binary.
        lld=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld
        [ -x "$lld/ld.lld" ] || fail "this Rust comes without its linker ($lld/ld.lld): rustup's does"
        flags+=(-Clink-arg=-fuse-ld=lld "-Clink-arg=-B$lld" -Clink-arg=-Wl,--icf=all,-O2)
        flags+=(-Clink-arg=-Wl,-T,initramfs/unwound.ld)
        flags+=(-Clink-arg=-Wl,-z,pack-relative-relocs) # a static file relocates itself; in this form the list is a kilobyte
    else
        flags+=(-Clink-arg=-Tinitramfs/unwound.ld -Clink-arg=--icf=all -Clink-arg=-O2) # the same without a driver before it
    fi
    # Of zstd's unpackers of each kind, the one that is good everywhere: the others are faster by a tenth, and larger than all the rest of it.
    cuts+=" -DDYNAMIC_BMI2=0 -DHUF_FORCE_DECOMPRESS_X1=1 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT=1"
    # The C in ring is built anew whenever that stamp changes, and has no use for it.
    SOURCE_DATE_EPOCH=0 CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") CC_SHELL_ESCAPED_FLAGS=yes \
        CC_x86_64_unknown_linux_musl=musl-gcc CFLAGS_x86_64_unknown_linux_musl=$cuts \
        CC_aarch64_unknown_linux_musl=aarch64-linux-gnu-gcc CFLAGS_aarch64_unknown_linux_musl=$cuts \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld \
        cargo build --release --locked --bin ironlet --target "$target"
    mkdir -p "$out"
    install -m 755 "target/$target/release/ironlet" "$out/ironlet"
    stamp_commit "$out/ironlet"
    # A static file asks for no loader and no library.
    if readelf -lW "$out/ironlet" | grep -q INTERP || readelf -dW "$out/ironlet" | grep -q NEEDED; then
        fail "$out/ironlet is not static"
    fi
}

build() {
    local profile=vm arch=x86_64 out=dist kernel='' modules='' firmware='' without_firmware='' rescue='' lists list dir parts
    lists=()
    while [ $# -gt 0 ]; do
        case $1 in
        --without-firmware) without_firmware=yes; shift; continue ;;
        --rescue) rescue=yes lists+=(initramfs/rescue.modules); shift; continue ;;
        esac
        option '--profile --arch --out --kernel --modules --modules-list --firmware' "$@"
        case $1 in
        --profile) profile=$2 ;;
        --arch) arch=$2 ;;
        --out) out=${2%/} ;;
        --kernel) kernel=$2 ;;
        --modules) modules=${2%/} ;;
        --modules-list) lists+=("$2") ;;
        --firmware) [ -d "$2" ] && firmware=$(realpath -e "$2") || fail "there is no folder of firmware $2" ;;
        esac
        shift 2
    done
    known_profile "$profile"
    known_arch "$arch"
    lists=("initramfs/$profile.modules" "${lists[@]}")
    for list in "${lists[@]}"; do [ -f "$list" ] || fail "there is no list of modules $list"; done
    [ "${kernel:+set}" = "${modules:+set}" ] || fail "--kernel and --modules belong together"
    [ -z "$modules" ] || [ -f "$modules/modules.dep" ] || fail "$modules holds no modules.dep"
    need_rust "$arch"
    need build
    SOURCE_DATE_EPOCH=$(source_date)
    export SOURCE_DATE_EPOCH
    binary "$arch" "$out"
    if [ -z "$kernel" ]; then
        dir=$(debian_kernel "$(profile_kernel "initramfs/$profile.modules")" "$arch")
        kernel=$(echo "$dir"/boot/vmlinuz-*)
        modules=$(echo "$dir"/lib/modules/*)
    fi
    parts=target/initramfs
    [ "$arch" = x86_64 ] || parts+=/$arch
    userland_part "$out/ironlet" "$parts/userland.cpio.xz" "$arch"
    modules_part "${lists[@]}" "$modules" "$parts/modules.cpio.xz"
    if [ -z "$without_firmware" ]; then
        firmware_part "$modules" "$firmware" "$out/firmware-licences" "$parts/firmware.cpio.xz" "${lists[@]}"
    else
        rm -rf "$out/firmware-licences"
        : >"$parts/firmware.cpio.xz"
    fi
    if [ -n "$rescue" ]; then
        rescue_part "$arch" "$out/rescue-licences" "$parts/rescue.cpio.xz"
    else
        rm -rf "$out/rescue-licences"
        : >"$parts/rescue.cpio.xz"
    fi
    # The modules come last: of them the agent knows whether all were unpacked.
    joined "$out/ironlet.initramfs" "$parts"/{userland,firmware,rescue,modules}.cpio.xz
    install -m 644 "$kernel" "$out/ironlet.kernel"
    (cd "$out" && sha256sum ironlet ironlet.initramfs ironlet.kernel >SHA256SUMS)
    sizes "$profile" "$out" "$parts" || say "over the limit"
}

release() {
    local out=dist/release profiles archs=(x86_64 aarch64) profile arch packages_of_release=()
    mapfile -t profiles < <(profiles)
    while [ $# -gt 0 ]; do
        option '--profile --arch --out' "$@"
        case $1 in
        --profile) profiles=("$2") ;;
        --arch) archs=("$2") ;;
        --out) out=${2%/} ;;
        esac
        shift 2
    done
    for profile in "${profiles[@]}"; do known_profile "$profile"; done
    for arch in "${archs[@]}"; do known_arch "$arch"; done
    need release
    changelog_entry "$(version)" >/dev/null || fail "README.md has no changelog entry for $(version)"
    SOURCE_DATE_EPOCH=$(source_date) IRONLET_COMMIT=$(commit)
    export SOURCE_DATE_EPOCH IRONLET_COMMIT
    case $IRONLET_COMMIT in
    '') say "outside git: no commit has these bytes, and their date is a fixed day" ;;
    *+) say "files were changed since the commit: nobody else can make these bytes" ;;
    esac
    # Only what an earlier run left goes: a folder of that name may be anybody's.
    [ "$out" = dist/release ] || [ -z "$(ls -A "$out" 2>/dev/null)" ] || [ -f "$out/THIRD-PARTY-NOTICES.txt" ] ||
        fail "$out holds what is no release: --out wants a new folder, an empty one, or an earlier release"
    rm -rf "$out"
    mkdir -p "$out"
    for arch in "${archs[@]}"; do
        for profile in "${profiles[@]}"; do
            release_of "$profile" "$arch" "$out"
        done
    done
    release_texts "$out" "${archs[@]}"
    sums "$out"
    say "$out holds $(find "$out" -type f | wc -l) files of ironlet $(version), commit $IRONLET_COMMIT"
}

media() {
    local out=dist arch=x86_64 conf='' ca='' order='' cmdline='' key='' cert=''
    while [ $# -gt 0 ]; do
        option '--out --conf --arch --cafile --order --cmdline --sign' "$@"
        case $1 in
        --out) out=${2%/} ;;
        --conf) conf=$2 ;;
        --arch) arch=$2 ;;
        --cafile) ca=$2 ;;
        --order) order=$2 ;;
        --cmdline) cmdline=$2 ;;
        --sign)
            [ $# -ge 3 ] || fail "--sign needs a key and a certificate"
            key=$2 cert=$3
            shift
            ;;
        esac
        shift 2
    done
    known_arch "$arch"
    need media
    [ "$arch" = x86_64 ] || need cross
    SOURCE_DATE_EPOCH=$(source_date)
    export SOURCE_DATE_EPOCH
    media_of "$arch" "$out" "$conf" "$ca" "$order" "${cmdline:-$(media_cmdline "$arch")}" "$key" "$cert"
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
    # Whoever changes a parser has its fuzz target to change, too. libFuzzer is not made for that.
    CUSTOM_LIBFUZZER_PATH=$PWD/tests/fuzz/Cargo.toml cargo check --locked --manifest-path tests/fuzz/Cargo.toml --target-dir target
    need crates
    python3 -B initramfs/release/supply_chain.py >/dev/null
    cargo test --locked --lib --bins --test layers --test scripts
}

lab() {
    need rust build image machine
    build
    tests/lab/run "$@"
}

conformance() {
    need rust build machine
    build
    IRONLET=$top/dist/ironlet tests/conformance/run "$@"
}

contract() {
    need rust build machine
    build
    IRONLET=$top/dist/ironlet tests/contract/run "$@"
}

identity() {
    need rust build machine
    build
    tests/identity/run "$@"
}

hardware() {
    need rust build machine
    build
    tests/hardware/run "$@"
}

aarch64() {
    need rust build
    build --arch aarch64 --out target/aarch64
    media --arch aarch64 --out target/aarch64
    tests/aarch64/run "$@"
}

media-test() {
    need rust build media machine
    build
    tests/media/run "$@"
}

zoo() {
    need rust build machine
    build
    tests/zoo/run "$@"
}

components() {
    need_rust
    binary
    IRONLET=$top/dist/ironlet tests/components/run "$@"
}

siege() {
    need_rust
    binary
    IRONLET=$top/dist/ironlet tests/siege/run "$@"
}

bench() {
    need rust build image machine
    build
    tests/bench/run "$@"
}

# cargo-fuzz wants a sanitizer, which rustc keeps for nightlies; the stable one has it too when told so.
fuzz() {
    local targets target status=0
    targets=$(cd tests/fuzz/fuzz_targets && echo *.rs | sed 's/\.rs//g')
    [ $# -eq 2 ] && [[ $2 =~ ^[1-9][0-9]*$ ]] || fail "fuzz TARGET SECONDS or --all HOURS; targets: $targets"
    [[ $1 == --all || " $targets " == *" $1 "* ]] || fail "no fuzz target '$1': one of $targets"
    need fuzz
    need_rust
    [ -x target/tools/bin/cargo-fuzz ] || cargo install -q cargo-fuzz --locked --root target/tools
    if [ "$1" != --all ]; then
        fuzz_one "$1" "$2"
        return
    fi
    set -- $targets "$2"
    # One that finds something is no reason to leave the others out.
    for target in $targets; do
        fuzz_one "$target" $((${!#} * 3600 / ($# - 1))) || { status=1; say "$target found something: see above"; }
    done
    return "$status"
}

# fuzz_one TARGET SECONDS
fuzz_one() {
    tests/fuzz/seeds.sh "$1" "tests/fuzz/corpus/$1"
    tests/fuzz/public.sh "$1" "tests/fuzz/corpus/$1"
    PATH=$PWD/target/tools/bin:$PATH RUSTC_BOOTSTRAP=1 \
        cargo fuzz run --fuzz-dir tests/fuzz "$1" -- "-max_total_time=$2" -rss_limit_mb=512
}

# apart — the tests cover /run and /dev for what they start, and a clone in there as well
apart() {
    [[ $top/ != @(/dev|/run|/proc|/sys)/* ]] || fail "the tests hide $top from what they start: put the clone elsewhere"
}

main() {
    case ${1:-} in
    test | lab | conformance | contract | components | siege) apart ;;
    esac
    case ${1:-} in
    '' | --profile | --arch | --out | --kernel | --modules | --modules-list | --firmware | --without-firmware | --rescue) build "$@" ;;
    release | media | demo | check | lab | conformance | contract | identity | hardware | aarch64 | media-test | zoo | components | siege | bench | fuzz) "$@" ;;
    test) all_parts ;;
    -h | --help | help) usage ;;
    *) unknown "$1" ;;
    esac
}

# Read to its end before anything is run: a pull or a save in the meantime is for the next run.
main "$@"; exit
