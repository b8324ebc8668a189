# Packing the initramfs: a userland part and a modules part, each its own compressed archive. Sourced by build.sh.
#
# xz because it is the smallest the kernel unpacks; which of gzip, zstd and xz is taken makes no difference to the time until
# /init runs that could be told from noise (QEMU without KVM, 5 MiB unpacked), as the kernel unpacks beside its other start-up work.

# source_date — print the stamp of what is packed: the last commit's time, so that a commit has one initramfs. Outside git, a fixed day.
source_date() {
    # Told where the repository is, git looks for no other one around us, and does not mind whose it is.
    echo "${SOURCE_DATE_EPOCH:-$(git --git-dir="$top/.git" log -1 --no-show-signature --format=%ct 2>/dev/null || echo 1700000000)}"
}

# commit — print which commit is built: 16 digits, and + if something was changed since; nothing outside git
commit() {
    local repository=(git --git-dir="$top/.git" --work-tree="$top")
    # Files' dates alone are no change.
    echo "${IRONLET_COMMIT-$("${repository[@]}" describe --always --exclude='*' --abbrev=16 --dirty=+ 2>/dev/null || true)}"
}

# stamp_commit BINARY — write the commit where src/version.rs has room for it
stamp_commit() {
    local mark=ironlet-built-from: places
    mapfile -t places < <(LC_ALL=C grep -abo "$mark {32}" -E "$1" | cut -d : -f 1)
    [ ${#places[@]} = 1 ] || fail "$1 has ${#places[@]} places for a commit"
    printf '%-32.32s' "$(commit)" | dd of="$1" bs=1 seek=$((places[0] + ${#mark})) conv=notrunc status=none
}

# archive TREE STAMP OUT XZ_FILTER… — pack TREE: names sorted, owner root, one time stamp, so that equal trees give equal bytes.
# What lies higher comes first: the lists of the modules before the modules, so that an archive cut short says what is missing.
archive() {
    local tree=$1 stamp=$2 out=$3
    shift 3
    find "$tree" -exec touch -hd "@$stamp" {} +
    # The kernel's xz knows no check but CRC32 (Documentation/staging/xz.rst). It allocates the whole dictionary: 8 MiB lose
    # next to nothing here, where xz -9's 64 MiB would cost a small machine its boot.
    (cd "$tree" && find . -mindepth 1 -printf '%d %p\n' | sort -k 1,1n -k 2 | cut -d ' ' -f 2- | cpio --quiet -o -H newc --reproducible --owner=+0:+0) |
        xz -T1 --check=crc32 "$@" >"$out"
}

# Debian's own bundle of CA certificates, without what this machine's owner added to it, and without what only takes up room
ca_bundle() {
    cat /usr/share/ca-certificates/mozilla/*.crt | python3 -B initramfs/authorities.py
}

# null_device — an archive of /dev and /dev/null alone, written out by hand because making a device takes root. On a machine without a
# working console the kernel starts /init with no open files, and Rust's start-up code aborts then if there is no /dev/null to
# open instead: the kernel panics. Fields after the magic (Documentation/driver-api/early-userspace/buffer-format.rst): inode,
# mode, uid, gid, links, time, size, device, device of the node, length of the name, checksum.
null_device() {
    local zero=00000000
    printf '%s' 070701 00000002 000041ed $zero $zero 00000002 $zero $zero $zero $zero $zero $zero 00000004 $zero
    printf 'dev\0\0\0'
    printf '%s' 070701 00000001 000021b6 $zero $zero 00000001 $zero $zero $zero $zero 00000001 00000003 00000009 $zero
    printf 'dev/null\0\0'
    printf '%s' 070701 $zero $zero $zero $zero 00000001 $zero $zero $zero $zero $zero $zero 0000000b $zero
    printf 'TRAILER!!!\0\0\0\0'
}

# joined OUT PART… — one initramfs of archives: the kernel unpacks what is laid end to end, and apart each can be weighed. The one that is not
# compressed begins at a multiple of four.
joined() {
    local out=$1
    shift
    { null_device; cat "$@"; } >"$out"
}

# userland_part BINARY OUT [ARCH] — everything that is not the kernel's: the binary, the CA bundle
userland_part() {
    local tree filter=()
    # A kernel knows the filter of its own processor; of Arm's, 6.1 knows none.
    [ "${3:-x86_64}" != x86_64 ] || filter=(--x86)
    tree=$(mktemp -d)
    chmod 755 "$tree"
    mkdir -p "$tree"/{dev,proc,sys,run,tmp,etc/ssl/certs}
    install -m 755 "$1" "$tree/init"
    ca_bundle >"$tree/etc/ssl/certs/ca-certificates.crt"
    mkdir -p "$(dirname "$2")"
    # Instructions of a processor lie at no multiple of anything: what a position's last bits say is of no use to the compressor.
    archive "$tree" "$SOURCE_DATE_EPOCH" "$2" "${filter[@]}" --lzma2=preset=9e,dict=8MiB,lc=4,pb=0
    rm -rf "$tree"
}

# The modules' stamp says nothing about this project's commits, so that they are packed anew only when they change.
modules_stamp=1700000000

# modules_part PROFILE_FILE… MODULES_DIR OUT — the modules of a profile, and of lists beside it, for the architecture in $arch (x86_64 unless
# set); kept until the lists, the kernel or these scripts change
modules_part() {
    local lists=("${@:1:$#-2}") modules=${*: -2:1} out=${*: -1} for=${arch:-x86_64} key kept tree
    # Names, sizes and dates stand for the module files: reading a hundred MiB at each build would be no gain.
    key=$({ listed "$for" "${lists[@]}"; cat "$modules/modules.dep" initramfs/modules.sh initramfs/pack.sh; find "$modules/kernel" -printf '%p %s %T@\n' | sort; } |
        sha256sum | head -c 16)
    kept=target/initramfs/modules-$key.cpio.xz
    if [ ! -e "$kept" ]; then
        tree=$(mktemp -d)
        module_tree "$for" "$modules" "$tree" "${lists[@]}"
        find "$tree" -type d -exec chmod 755 {} +
        find "$tree" -type f -exec chmod 644 {} +
        mkdir -p target/initramfs
        archive "$tree" "$modules_stamp" "$kept.part" --lzma2=preset=9e,dict=8MiB,lc=4,pb=2
        mv "$kept.part" "$kept"
        rm -rf "$tree"
    fi
    cp "$kept" "$out"
}

# Of the rescue part.
rescue_limit=$((5 << 19))

# sizes PROFILE [DIR [PARTS]] — what was built in DIR beside its limits; fails when one is passed
sizes() {
    local over=0 out=${2:-dist} parts=${3:-target/initramfs} what file limit bytes most=-
    case $1 in
    vm) most=$((3 << 20)) ;;
    server) most=$((14 << 20)) ;;
    board) most=$((7 << 20)) ;;
    esac
    # What is added for a rescue has limits of its own: this part, and the file systems' modules.
    [ "$most" = - ] || [ ! -s "$parts/rescue.cpio.xz" ] || most=$((most + rescue_limit + (2 << 20)))
    printf '\n%-34s %12s %12s\n' what bytes limit
    while IFS=: read -r limit what file; do
        bytes=$(stat -c %s "$file")
        printf '%-34s %12d %12s' "$what" "$bytes" "$limit"
        if [ "$limit" != - ] && [ "$bytes" -gt "$limit" ]; then
            printf '  OVER'
            over=1
        fi
        echo
    done <<EOF
$((4 << 20)):binary:$out/ironlet
$(((9 << 20) / 5)):userland part of the initramfs:$parts/userland.cpio.xz
-:modules part of the initramfs:$parts/modules.cpio.xz
-:firmware part of the initramfs:$parts/firmware.cpio.xz
$rescue_limit:rescue part of the initramfs:$parts/rescue.cpio.xz
$most:initramfs ($1):$out/ironlet.initramfs
-:kernel:$out/ironlet.kernel
EOF
    return $over
}
