# Every level beside a mirror, made by ironlet; mdadm examines, stops, assembles and checks; deleted by ironlet.
for level in 0 1 1+0 5 6; do
    step create_configuration "create-$level" "$(node uefi "$(two "$level")")"
    say "mdstat-$level" </proc/mdstat
    for array in md0 md1; do mdadm --detail /dev/$array | say "detail-$level-$array"; done
    mdadm --examine /dev/vda1 | say "examine-$level"
    mdadm --examine-bitmap /dev/vda1 | say "bitmap-$level"
    chroot /host /usr/sbin/sgdisk -v -p /dev/vda 2>&1 | say "table-$level"
    dd if=/dev/urandom of=/dev/md1 bs=1M seek=100 count=4 oflag=direct 2>/dev/null
    dd if=/dev/md1 bs=1M skip=100 count=4 iflag=direct 2>/dev/null | md5sum | say "written-$level"
    stop >/dev/null
    mdadm --assemble --scan | say "assemble-$level"
    for array in /sys/block/md*; do mdadm --detail "/dev/${array##*/}"; done | say "again-$level"
    for array in /sys/block/md*; do
        case $(mdadm --detail "/dev/${array##*/}") in *:data* | *" data"*) dd if="/dev/${array##*/}" bs=1M skip=100 count=4 iflag=direct 2>/dev/null | md5sum ;; esac
    done | say "read-$level"
    step delete_configuration "delete-$level" "$(node uefi '{}')"
    bare | say "bare-$level"
done
