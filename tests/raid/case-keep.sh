# A volume to be spared, the one beside it, and one elsewhere: kept, wiped, deleted, and made again around what was kept.
KEEP=',"skip_block_devices":[{"volume_name":"data"}]'
name() { for array in /sys/block/md*; do mdadm --detail "/dev/${array##*/}" | grep -q "Name : $1\b" && echo "${array##*/}"; done; }
step create_configuration keep-create "$(node uefi "$(two 5)")"
data=$(name data) root=$(name root)
idle
chroot /host /usr/sbin/mkfs.vfat -n KEPT "/dev/$data" >/dev/null 2>&1
chroot /host /usr/sbin/mkfs.vfat -n GONE "/dev/$root" >/dev/null 2>&1
dd if=/dev/$data bs=1M count=64 iflag=direct 2>/dev/null | md5sum | say keep-before
step erase_devices_metadata keep-metadata "$(node uefi '{}' "$KEEP")"
step delete_configuration keep-delete "$(node uefi '{}' "$KEEP")"
for name in data root; do echo "$name: $(name $name) $(dd if=/dev/$(name $name) bs=512 count=1 2>/dev/null | strings | tr '\n' ' ')"; done | say keep-there
chroot /host /usr/sbin/blkid -p /dev/$(name data) /dev/$(name root) 2>&1 | say keep-blkid
step create_configuration keep-again "$(node uefi "$(two 5)" "$KEEP")"
stop >/dev/null
step delete_configuration keep-later "$(node uefi '{}' "$KEEP")"
dd if=/dev/$(name data) bs=1M count=64 iflag=direct 2>/dev/null | md5sum | say keep-after
/ironlet --root-disk --node "$(node uefi '{}' "$KEEP")" 2>/dev/null | say keep-root
step delete_configuration keep-end "$(node uefi '{}')"
bare | say keep-bare
