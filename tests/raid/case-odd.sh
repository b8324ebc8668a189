# Members with sectors of 4096 bytes beside others, disks of very different sizes, and one that vanishes at any moment of a creation.
set -- $ODD
large=/dev/$1 big=$2
for level in 0 5; do
    CONFIG="{\"logical_disks\":[{\"controller\":\"software\",\"raid_level\":\"1\",\"size_gb\":1,\"volume_name\":\"root\"},{\"controller\":\"software\",\"raid_level\":\"$level\",\"size_gb\":\"MAX\",\"volume_name\":\"data\",\"physical_disks\":[{\"name\":\"/dev/vda\"},{\"name\":\"$large\"},{\"name\":\"/dev/$big\"}]}]}"
    CONFIG=$(echo "$CONFIG" | sed "s|\"volume_name\":\"root\"|&,\"physical_disks\":[{\"name\":\"/dev/vda\"},{\"name\":\"$large\"}]|")
    step create_configuration "odd-create-$level" "$(node uefi "$CONFIG")"
    for array in md0 md1; do mdadm --detail /dev/$array; done | say "odd-detail-$level"
    chroot /host /usr/sbin/sgdisk -v "$large" 2>&1 | say "odd-table-$level"
    size=$(($(cat /sys/block/md1/size) / 2048))
    for at in 0 100 $((size - 4)); do dd if=/dev/urandom of=/dev/md1 bs=1M seek=$at count=4 oflag=direct 2>/dev/null; done
    for at in 0 100 $((size - 4)); do dd if=/dev/md1 bs=1M skip=$at count=4 iflag=direct 2>/dev/null; done | md5sum | say "odd-written-$level"
    idle
    stop >/dev/null
    mdadm --assemble --scan | say "odd-assemble-$level"
    for array in /sys/block/md*; do
        case $(mdadm --detail "/dev/${array##*/}") in *:data* | *" data"*)
            for at in 0 100 $((size - 4)); do dd if="/dev/${array##*/}" bs=1M skip=$at count=4 iflag=direct 2>/dev/null; done | md5sum
            mdadm --detail "/dev/${array##*/}" ;;
        esac
    done | say "odd-read-$level"
    echo "$size" | say "odd-size-$level"
    # What mdadm makes of the same partitions.
    stop >/dev/null
    mdadm --create /dev/md9 --run --force --metadata=1.2 --level=$level --raid-devices=3 /dev/vda2 "${large}2" "/dev/${big}1" >/dev/null
    echo $(($(cat /sys/block/md9/size) / 2048)) | say "odd-mdadm-$level"
    stop >/dev/null
    step delete_configuration "odd-delete-$level" '{}'
    { bare; ls "/dev/$big"?*; } 2>/dev/null | say "odd-bare-$level"
done
writes() { set -- $(cat /sys/block/vda/stat); echo "$5"; }
# After the first write to the other disk.
for delay in 0 0.05 0.1 0.15 0.2 0.3 0.4 0.5 0.7 1.0; do
    disk=$(ls /sys/block | grep '^sd' | head -n 1)
    CONFIG="{\"logical_disks\":[{\"controller\":\"software\",\"raid_level\":\"1\",\"size_gb\":\"MAX\",\"volume_name\":\"root\",\"physical_disks\":[{\"name\":\"/dev/vda\"},{\"name\":\"/dev/$disk\"}]}]}"
    before=$(writes)
    { for _ in $(seq 500); do [ "$(writes)" = "$before" ] || break; sleep 0.01; done; sleep $delay; echo 1 >"/sys/block/$disk/device/delete"; } &
    step create_configuration "odd-gone-$delay" "$(node uefi "$CONFIG")"
    wait
    { mdadm --examine /dev/vda1 | grep -v 'No md superblock\|No such file'; ls /dev/vda?* /sys/block/md*; } 2>/dev/null | say "odd-gone-left-$delay"
    for host in /sys/class/scsi_host/host*; do echo '- - -' >"$host/scan"; done
    for _ in 1 2 3 4 5 6 7 8 9 10; do ls /sys/block | grep -q '^sd' && break; sleep 0.5; done
    step delete_configuration "odd-gone-delete-$delay" '{}'
    { bare; ls /dev/sd?[0-9]; } 2>/dev/null | say "odd-gone-bare-$delay"
done
