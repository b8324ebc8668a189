# Arrays that mdadm made, of every metadata version: put together and not written; then deleted.
ends() { for device in /dev/vda /dev/vdb; do dd if=$device bs=1M count=8 iflag=direct; dd if=$device bs=1M skip=1016 iflag=direct; done 2>/dev/null | md5sum; }
for version in 0.90 1.0 1.1 1.2; do
    mdadm --create /dev/md5 --run --force --metadata=$version --level=1 --name=host:old --raid-devices=2 --size=900M /dev/vda /dev/vdb | say "made-$version"
    idle
    chroot /host /usr/sbin/mkfs.vfat -n LEFT /dev/md5 >/dev/null 2>&1
    sync
    mdadm --wait-clean /dev/md5
    stop >/dev/null
    ends | say "before-$version"
    step erase_devices "kept-$version" '{"properties":{"skip_block_devices":[{"name":"/dev/vda"},{"name":"/dev/vdb"},{"name":"/dev/vdc"},{"name":"/dev/vdd"}]}}'
    say "mdstat-$version" </proc/mdstat
    for array in /sys/block/md*; do cat "$array/md/array_state"; done | say "state-$version"
    ends | say "after-$version"
    step delete_configuration "delete-$version" '{}'
    bare | say "bare-$version"
done
