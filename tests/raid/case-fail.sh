# One member's disk fails one write of a creation: an error that names it, and nothing half made on either disk. QEMU fails it, for good.
mirror() { echo "{\"logical_disks\":[{\"controller\":\"software\",\"raid_level\":\"1\",\"size_gb\":1,\"volume_name\":\"root\",\"physical_disks\":[{\"name\":\"/dev/vda\"},{\"name\":\"$1\"}]},{\"controller\":\"software\",\"raid_level\":\"1\",\"size_gb\":\"MAX\",\"volume_name\":\"data\",\"physical_disks\":[{\"name\":\"/dev/vda\"},{\"name\":\"$1\"}]}]}"; }
for bad in $BAD; do
    step create_configuration "fail-$bad" "$(node uefi "$(mirror "/dev/$bad")")"
    { for device in /dev/vda /dev/$bad; do chroot /host /usr/sbin/wipefs -n $device; mdadm --examine "$device" | grep -v 'No md superblock'; done; ls /dev/vda?* /dev/$bad?* /sys/block/md*; } 2>/dev/null | say "fail-left-$bad"
done
step create_configuration fail-good "$(node uefi "$(mirror /dev/vdb)")"
step delete_configuration fail-delete '{}'
bare | say fail-bare
