# What other makers' arrays leave behind, members that are away, partitions, and configurations that are none.
# mdadm makes Intel's only on disks whose serial numbers SCSI tells.
size=$(cat /sys/block/vda/size)
printf 'Intel Raid ISM Cfg Sig. 1.1.00' | dd of=/dev/vda bs=512 seek=$((size - 2)) conv=notrunc 2>/dev/null
sync
chroot /host "$MDADM" --create /dev/md127 --run --force --metadata=ddf --raid-devices=2 /dev/vdc /dev/vdd 2>&1 | say ddf-made
stop >/dev/null
for device in /dev/vd?; do chroot /host /usr/sbin/wipefs -n $device; done 2>&1 | say left-before
step delete_configuration left-delete '{}'
for device in /dev/vd?; do chroot /host /usr/sbin/wipefs -n $device; done 2>&1 | say left-after

step create_configuration away-create "$(node uefi "$(two 6)")"
idle
stop >/dev/null
mdadm --zero-superblock /dev/vda1 /dev/vda2 >/dev/null
step delete_configuration away-kept "$(node uefi '{}' ',"skip_block_devices":[{"name":"/dev/vdb"}]')"
say away-mdstat </proc/mdstat
step create_configuration away-again "$(node uefi "$(two 1)")"
step delete_configuration away-delete '{}'
# The disk whose superblocks are gone is no member any more; that it once was one nobody can tell.
step erase_devices_metadata away-erase '{}'
bare | say away-bare

echo 'label: gpt
size=100M' | chroot /host /usr/sbin/sfdisk -q /dev/vdb >/dev/null 2>&1
step create_configuration parts-create "$(node uefi "$(two 1)")"
step erase_devices_metadata parts-erase '{}'
step create_configuration wrong-config "$(node bios '{"logical_disks":[{"controller":"software","raid_level":"5","size_gb":"MAX","volume_name":"a"},{"controller":"ilo","raid_level":"7","size_gb":"MAX","volume_name":"a"}]}')"
step create_configuration wrong-size "$(node bios '{"logical_disks":[{"controller":"software","raid_level":"1","size_gb":100}]}')"
bare | say wrong-bare
