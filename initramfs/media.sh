# Boot media out of a kernel and an initramfs: an ISO, a USB image, a UKI, an iPXE script, and archives in the names that
# others' downloaders want. Sourced by build.sh. Equal input gives equal bytes.

media_files=$top/initramfs/media

# media_cmdline ARCH — where the loader gives a UKI none. The last console is /dev/console; firmware for Arm's processors names its serial
# port by itself.
media_cmdline() {
    # As ramfs, the ramdisk may take more than half of the memory that UEFI leaves.
    case $1 in
    x86_64) echo 'rootfstype=ramfs console=ttyS0,115200 console=tty0' ;;
    *) echo 'rootfstype=ramfs' ;;
    esac
}

# loader ARCH PATH — print where a file of Debian's boot loaders is: this machine's own are installed, others are fetched
loader() {
    local row dir
    if [ "$1" = x86_64 ]; then
        echo "/$2"
        return
    fi
    while read -r row; do
        dir=$(package $row "$1")
        if [ -e "$dir/$2" ]; then
            echo "$dir/$2"
            return
        fi
    done < <(rows loaders "$1")
    fail "none of Debian's boot loaders for $1 has $2"
}

# loader_packages ARCH — print the packages whose files are on the media: names of those installed, folders of those fetched
loader_packages() {
    local row
    if [ "$1" = x86_64 ]; then
        printf '%s\n' shim-signed grub-efi-amd64-signed grub-pc-bin systemd-boot-efi
    fi
    while read -r row; do
        package $row "$1"
    done < <(rows loaders "$1")
}

# What firmware calls its architecture, by the name Debian's compilers have for it.
efi_name() {
    case $1 in
    x86_64) echo x64 ;;
    aarch64) echo aa64 ;;
    *) fail "no media for $1" ;;
    esac
}

# is_kernel_of ARCH KERNEL — does its head for UEFI name that architecture? 0x3c has where that head is; a kernel may have none.
is_kernel_of() {
    local at machine
    [ "$(head -c 2 "$2")" = MZ ] || return 0
    at=$(od -An -t u4 -j 60 -N 4 "$2")
    machine=$(od -An -t x2 -j $((at + 4)) -N 2 "$2")
    case $1 in
    x86_64) [ $machine = 8664 ] ;;
    aarch64) [ $machine = aa64 ] ;;
    esac
}

# media_stamp FORMAT — the stamp of all that is made, as date writes it
media_stamp() { TZ=UTC date -d "@$SOURCE_DATE_EPOCH" "+$1"; }

# media_id KERNEL INITRAMFS — eight hex digits that the media of these two have in common, and no others
media_id() { cat "$1" "$2" | sha256sum | head -c 8; }

# media_guid ID — a GUID of them
media_guid() { sha256sum <<<"$1" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/'; }

# put_number FILE OFFSET HEX — the eight hex digits as a little-endian number
put_number() {
    local bytes=\\x${3:6:2}\\x${3:4:2}\\x${3:2:2}\\x${3:0:2}
    # shellcheck disable=SC2059
    printf "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# fat FILE SERIAL LABEL [OPTION…] — make a file system in FILE, which has its size
fat() {
    local file=$1 serial=$2 label=$3
    shift 3
    TZ=UTC mformat -i "$file" -v "$label" -N "$serial" "$@" ::
}

# fat_add FILE TREE — put all of TREE into it, in one order and with one date
fat_add() {
    local path
    find "$2" -mindepth 1 -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    (cd "$2" && find . -mindepth 1 -printf '%y %P\n' | sort -k 2) | while read -r kind path; do
        case $kind in
        d) TZ=UTC mmd -i "$1" "::/$path" ;;
        f) TZ=UTC mcopy -m -i "$1" "$2/$path" "::/$path" ;;
        esac
    done
}

# signed_loaders ARCH TREE — shim and GRUB as Debian signed them, where firmware looks for them. GRUB has its first commands from
# EFI/debian alone: that is in what is signed.
signed_loaders() {
    local name boot
    name=$(efi_name "$1") boot=$2/EFI/BOOT
    mkdir -p "$boot" "$2/EFI/debian"
    install -m 644 "$(loader "$1" "usr/lib/shim/shim$name.efi.signed")" "$boot/BOOT${name^^}.EFI"
    install -m 644 "$(loader "$1" "usr/lib/grub/$(grub_of "$1")-signed/grub$name.efi.signed")" "$boot/grub$name.efi"
}

# grub_of ARCH — GRUB's name of its UEFI platform
grub_of() {
    case $1 in
    x86_64) echo x86_64-efi ;;
    aarch64) echo arm64-efi ;;
    esac
}

# first_commands ID — what a GRUB does that knows nothing but the device it came from: the medium may be another (an ISO's
# EFI partition is not its file system), and others like it may be in the machine
first_commands() {
    cat <<CFG
if [ ! -f /boot/ironlet-$1 ]; then
    search --no-floppy --set=root --file /boot/ironlet-$1 --hint \$root
fi
set prefix=(\$root)/boot/grub
configfile \$prefix/grub.cfg
echo "ironlet: no /boot/grub/grub.cfg on (\$root). Was the whole medium copied?"
CFG
}

# bios_core FORMAT PREFIX ID OUT MODULE… — GRUB for a BIOS
bios_core() {
    local format=$1 prefix=$2 id=$3 out=$4 commands
    shift 4
    commands=$(mktemp)
    first_commands "$id" >"$commands"
    grub-mkimage -O "$format" -p "$prefix" -c "$commands" -o "$out" biosdisk part_msdos part_gpt search search_fs_file \
        normal configfile linux16 echo test minicmd reboot halt serial terminal ls cat all_video "$@"
    rm "$commands"
}

# persons_files TREE CONF CA ORDER — what a person may put on a medium, as far as it is given
persons_files() {
    [ -z "$2" ] || install -m 644 "$2" "$1/ironlet.conf"
    [ -z "$3" ] || install -m 644 "$3" "$1/ca.pem"
    [ -z "$4" ] || install -m 644 "$4" "$1/order.json"
}

# on_medium TREE KERNEL INITRAMFS CONF CA ORDER ID — what the ISO and the USB image have in common
on_medium() {
    mkdir -p "$1/boot/grub"
    install -m 644 "$2" "$1/boot/ironlet.kernel"
    install -m 644 "$3" "$1/boot/ironlet.initramfs"
    install -m 644 "$media_files/grub.cfg" "$1/boot/grub/grub.cfg"
    persons_files "$1" "${4:-$media_files/ironlet.conf}" "$5" "$6"
    echo "$7" >"$1/boot/ironlet-$7"
    conf_head >"$1/boot/conf.head"
    printf '\n==> ironlet: ca.pem <==\n   ' >"$1/boot/ca.head"
    printf '   \n==> ironlet: order.json <==\n' >"$1/boot/order.head"
}

# conf_head — the head of an archive's file ironlet.conf of 512 KiB; what the boot loader lays behind it is what is in it, and as an archive
# that ends too early is none that the kernel minds, it may be less. Fields as in null_device (pack.sh).
conf_head() {
    local zero=00000000
    printf '%s' 070701 00000003 000081a4 $zero $zero 00000001 $zero 00080000 $zero $zero $zero $zero 0000000d $zero
    printf 'ironlet.conf\0\0'
}

# media_iso ARCH KERNEL INITRAMFS CONF CA ORDER OUT — for CD drives, real or a BMC's, and for sticks; BIOS (x86-64 alone) and UEFI
media_iso() {
    local arch=$1 kernel=$2 initramfs=$3 conf=$4 ca=$5 order=$6 out=$7 id work tree esp bios=()
    id=$(media_id "$kernel" "$initramfs")
    work=$(mktemp -d) && tree=$work/tree esp=$work/esp
    on_medium "$tree" "$kernel" "$initramfs" "$conf" "$ca" "$order" "$id"
    signed_loaders "$arch" "$esp"
    first_commands "$id" >"$esp/EFI/debian/grub.cfg"
    # From a CD drive, some firmware tells GRUB of the whole disc, others of that image alone.
    mkdir -p "$tree/EFI/debian"
    cp "$esp/EFI/debian/grub.cfg" "$tree/EFI/debian/grub.cfg"
    # In whole tracks, with a fifth of a MiB to spare for tables and directories.
    truncate -s $((($(cat "$esp"/EFI/*/* | wc -c) + (1 << 18)) / 16384 * 16384)) "$tree/boot/grub/efi.img"
    fat "$tree/boot/grub/efi.img" "$id" IRONLET
    fat_add "$tree/boot/grub/efi.img" "$esp"
    if [ "$arch" = x86_64 ]; then
        bios_core i386-pc-eltorito /boot/grub "$id" "$tree/boot/grub/bios.img" iso9660
        bios=(-b boot/grub/bios.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info
            --grub2-mbr /usr/lib/grub/i386-pc/boot_hybrid.img --mbr-force-bootable)
    fi
    find "$tree" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    # Before what is large: a disc that is cut short gets as far as saying so.
    printf '1 %s\n' /EFI/debian/grub.cfg "/boot/ironlet-$id" >"$work/first"
    # By its own rules xorriso takes every date and number from SOURCE_DATE_EPOCH, and says so.
    xorriso -as mkisofs -quiet -R -uid 0 -gid 0 -J -V IRONLET -o "$out" -preparer ironlet \
        --gpt_disk_guid "$(media_guid "$id")" --modification-date="$(media_stamp %Y%m%d%H%M%S00)" -c boot/grub/boot.cat --sort-weight-list "$work/first" "${bios[@]}" \
        -eltorito-alt-boot --efi-boot boot/grub/efi.img -efi-boot-part --efi-boot-image --protective-msdos-label "$tree" 2>"$work/log" ||
        fail "xorriso: $(cat "$work/log")"
    # The number by which a BIOS tells the kernel what it started from, where nobody but a disk's boot record has one.
    put_number "$out" 440 "$id"
    rm -rf "$work"
}

# media_usb ARCH KERNEL INITRAMFS CONF CA ORDER OUT — one FAT partition that every system can write, with ironlet.conf in it
media_usb() {
    local arch=$1 kernel=$2 initramfs=$3 conf=$4 ca=$5 order=$6 out=$7 id work tree size start=2048
    id=$(media_id "$kernel" "$initramfs")
    work=$(mktemp -d) && tree=$work/tree
    on_medium "$tree" "$kernel" "$initramfs" "$conf" "$ca" "$order" "$id"
    signed_loaders "$arch" "$tree"
    first_commands "$id" >"$tree/EFI/debian/grub.cfg"
    # Room for another kernel, too. FAT32 begins at 65525 clusters, which with the smallest of them is 33 MiB.
    size=$(($(find "$tree" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum * 1.5 / 1048576) + 1 }')))
    size=$((size < 48 ? 48 : size))
    truncate -s $((size << 20)) "$work/fat"
    fat "$work/fat" "$id" IRONLET -F -c 1 -H $start
    fat_add "$work/fat" "$tree"
    rm -f "$out"
    truncate -s $((size + 1 << 20)) "$out"
    sfdisk -q "$out" <<<"label: dos
label-id: 0x$id
start=$start, type=c, bootable"
    dd if="$work/fat" of="$out" bs=1M seek=1 conv=notrunc,sparse status=none
    if [ "$arch" = x86_64 ]; then
        # As it ships, boot.img loads the core from sector 1 on.
        bios_core i386-pc '(,msdos1)/boot/grub' "$id" "$work/core" fat
        [ "$(stat -c %s "$work/core")" -le $(((start - 1) * 512)) ] || fail "GRUB's core is too large for the gap before the partition"
        dd if=/usr/lib/grub/i386-pc/boot.img of="$out" bs=440 count=1 conv=notrunc status=none
        dd if="$work/core" of="$out" bs=512 seek=1 conv=notrunc status=none
    fi
    rm -rf "$work"
}

# media_uki ARCH KERNEL INITRAMFS CONF CA ORDER CMDLINE OUT — all as one program for UEFI, behind systemd's stub. With CONF, CA or ORDER, no
# file beside it counts any more.
media_uki() {
    local arch=$1 kernel=$2 initramfs=$3 conf=$4 ca=$5 order=$6 cmdline=$7 out=$8 prefix='' stub work size start at=0 section file sections=()
    stub=$(loader "$arch" "usr/lib/systemd/boot/efi/linux$(efi_name "$arch").efi.stub")
    [ "$arch" = x86_64 ] || prefix=$arch-linux-gnu-
    work=$(mktemp -d)
    printf '%s\0' "$cmdline" >"$work/cmdline"
    if [ -n "$conf$ca$order" ]; then
        mkdir "$work/tree"
        persons_files "$work/tree" "$conf" "$ca" "$order"
        archive "$work/tree" "$SOURCE_DATE_EPOCH" "$work/persons" --lzma2=preset=6
        cat "$initramfs" "$work/persons" >"$work/initramfs"
        initramfs=$work/initramfs
    fi
    printf 'ID=ironlet\nNAME=ironlet\nPRETTY_NAME=ironlet\nVERSION_ID=%s\n' "$(media_id "$kernel" "$initramfs")" >"$work/osrel"
    # Behind what the stub has, each at a page of its own.
    while read -r size start; do
        ((0x$size + 0x$start <= at)) || at=$((0x$size + 0x$start))
    done < <("${prefix}objdump" -h "$stub" | awk '$1 ~ /^[0-9]+$/ { print $3, $4 }')
    for section in osrel cmdline initrd linux; do
        case $section in
        linux) file=$kernel ;;
        initrd) file=$initramfs ;;
        *) file=$work/$section ;;
        esac
        at=$(((at + 4095) / 4096 * 4096))
        sections+=(--add-section ".$section=$file" --change-section-vma ".$section=$at")
        at=$((at + $(stat -L -c %s "$file")))
    done
    "${prefix}objcopy" "${sections[@]}" "$stub" "$out"
    # objcopy writes the hour into the file, and a checksum over it that no firmware asks for.
    at=$(od -An -t u4 -j 60 -N 4 "$out")
    put_number "$out" $((at + 8)) "$(printf '%08x' "$SOURCE_DATE_EPOCH")"
    put_number "$out" $((at + 88)) 00000000
    rm -rf "$work"
}

# media_archive KERNEL INITRAMFS OUT NAME — both as NAME.kernel and NAME.initramfs in a tar.gz
media_archive() {
    local work
    work=$(mktemp -d)
    install -m 644 "$1" "$work/$4.kernel"
    install -m 644 "$2" "$work/$4.initramfs"
    tar -C "$work" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -c "$4.initramfs" "$4.kernel" |
        gzip -n -1 >"$3"
    rm -rf "$work"
}

# media_sign KEY CERT FILE — sign a program for UEFI
media_sign() {
    sbsign --key "$1" --cert "$2" --output "$3.signed" "$3" 2>&1 | { grep -v -e '^warning: data remaining' -e '^Signing Unsigned' >&2 || true; }
    mv "$3.signed" "$3"
}

# media_of ARCH DIR CONF CA ORDER CMDLINE KEY CERT — all media of DIR/ironlet.kernel and DIR/ironlet.initramfs, into DIR; empty for what is not given
media_of() {
    local arch=$1 dir=$2 conf=$3 ca=$4 order=$5 cmdline=$6 key=$7 cert=$8 file
    local kernel=$dir/ironlet.kernel initramfs=$dir/ironlet.initramfs
    for file in "$kernel" "$initramfs"; do
        [ -s "$file" ] || fail "$file is not there: ./build.sh makes it"
    done
    is_kernel_of "$arch" "$kernel" || fail "$kernel is no kernel for $arch: --arch tells which processors its media are for"
    for file in "$conf" "$ca" "$order" "$key" "$cert"; do
        [ -z "$file" ] || [ -f "$file" ] && [ -r "${file:-/}" ] || fail "$file is no file that can be read"
    done
    # The agent takes no larger one (src/config/parameter_file.rs), and the boot loader no three that are longer than the head says.
    [ -z "$conf" ] || [ "$(stat -L -c %s "$conf")" -le $((64 << 10)) ] || fail "$conf is larger than 64 KiB: is it the ironlet.conf that was meant?"
    [ -z "$ca" ] || [ "$(stat -L -c %s "$ca")" -le $((190 << 10)) ] || fail "$ca is larger than 190 KiB, more than a boot loader can hand over: leave authorities out"
    [ -z "$order" ] || [ "$(stat -L -c %s "$order")" -le $((250 << 10)) ] || fail "$order is larger than 250 KiB, more than a boot loader can hand over: name config drive and seed by URL"
    media_iso "$arch" "$kernel" "$initramfs" "$conf" "$ca" "$order" "$dir/ironlet.iso"
    media_usb "$arch" "$kernel" "$initramfs" "$conf" "$ca" "$order" "$dir/ironlet.img"
    media_uki "$arch" "$kernel" "$initramfs" "$conf" "$ca" "$order" "$cmdline" "$dir/ironlet.efi"
    [ -z "$key" ] || media_sign "$key" "$cert" "$dir/ironlet.efi"
    install -m 644 initramfs/boot.ipxe "$dir/ironlet.ipxe"
    media_archive "$kernel" "$initramfs" "$dir/ironlet.tar.gz" ironlet
    media_archive "$kernel" "$initramfs" "$dir/ironic-agent.tar.gz" ironic-agent
    for file in ironlet.{kernel,initramfs,iso,img,efi,ipxe,tar.gz} ironic-agent.tar.gz; do
        (cd "$dir" && sha256sum "$file" >"$file.sha256")
        printf '%-24s %10d\n' "$file" "$(stat -c %s "$dir/$file")"
    done
}
