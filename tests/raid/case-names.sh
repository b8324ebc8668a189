# An array by each of its names, on the skip list and as a hint; then arrays that cannot be put together, which are no disks to write.
ends() { for device in /dev/vda /dev/vdb; do dd if=$device bs=64k count=16 iflag=direct; dd if=$device bs=64k skip=17000 count=16 iflag=direct; done 2>/dev/null | md5sum; }
# The kernel has written to neither, and starts it anew the next time.
after() { stop >/dev/null; ends | say "$1"; }
mdadm --create /dev/md5 --run --force --level=1 --name=host:old --raid-devices=2 --size=64M --assume-clean /dev/vda /dev/vdb | say names-made
mdadm --wait-clean /dev/md5 >/dev/null
stop >/dev/null
ends | say names-before
for word in old host:old /dev/md/old /dev/md/host:old md127 /dev/md127; do
    tag=$(echo "$word" | tr -c 'a-z0-9\n' _)
    step delete_configuration "names-$tag" "{\"properties\":{\"skip_block_devices\":[{\"volume_name\":\"$word\"}]}}"
    after "names-after-$tag"
done
for word in /dev/md/old /dev/md/host:old md127 /dev/md127; do
    tag=$(echo "$word" | tr -c 'a-z0-9\n' _)
    step delete_configuration "names-by-$tag" "{\"properties\":{\"skip_block_devices\":[{\"name\":\"$word\"}]}}"
    after "names-by-after-$tag"
    /ironlet --root-disk --node "{\"properties\":{\"root_device\":{\"name\":\"$word\"}}}" 2>&1 | say "names-root-$tag"
    stop >/dev/null
done
step delete_configuration names-delete '{"properties":{"skip_block_devices":[{"volume_name":"other"}]}}'
bare | say names-bare

# apart TAG — nobody deploys to /dev/vda, and it stays as it is
apart() {
    ends | say "apart-before-$1"
    /ironlet --root-disk --node '{"properties":{"root_device":{"name":"/dev/vda"}}}' >/dev/null
    /ironlet --cmdline ipa-image-download-connection-retries=0 --write-image http://127.0.0.1:1/x --checksum "sha256:$(printf '%064d' 0)" --disk /dev/vda
    ends | say "apart-after-$1"
}
mdadm --create /dev/md5 --run --force --level=5 --name=lone --raid-devices=3 --size=64M --assume-clean /dev/vda /dev/vdb /dev/vdc >/dev/null
stop >/dev/null
mdadm --zero-superblock /dev/vdb /dev/vdc >/dev/null
apart lone
step erase_devices_metadata apart-erase '{}'
/ironlet --root-disk --node '{"properties":{"root_device":{"name":"/dev/vda"}}}' 2>&1 | say apart-root-erased
mdadm --create /dev/md127 --run --force --metadata=ddf --raid-devices=2 /dev/vda /dev/vdb >/dev/null
stop >/dev/null
apart ddf
step delete_configuration apart-delete '{}'
size=$(cat /sys/block/vda/size)
printf 'Intel Raid ISM Cfg Sig. 1.1.00' | dd of=/dev/vda bs=512 seek=$((size - 2)) conv=notrunc 2>/dev/null
sync
apart isw
step erase_devices_metadata apart-end '{}'
bare | say apart-bare
