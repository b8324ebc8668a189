# How long two disks take to become a mirror, and how fast an image gets onto it beside one disk alone, by turns; the disks are limited by QEMU.
set -- $SLOW
one=/dev/$1
CONFIG="{\"logical_disks\":[{\"controller\":\"software\",\"raid_level\":\"1\",\"size_gb\":\"MAX\",\"volume_name\":\"root\",\"physical_disks\":[{\"name\":\"/dev/$1\"},{\"name\":\"/dev/$2\"}]}]}"
ip link set lo up
mkdir -p /tmp/www
dd if=/dev/urandom of=/tmp/www/image bs=1M count=256 2>/dev/null
sum=$(sha256sum /tmp/www/image | cut -d' ' -f1)
busybox httpd -p 127.0.0.1:8080 -h /tmp/www
# written TAG DISK — seconds that an image takes, of the whole program
written() {
    began=$(now)
    /ironlet --write-image http://127.0.0.1:8080/image --checksum "sha256:$sum" --disk "$2" >/tmp/log 2>&1
    echo "$? $(now) $began" | say "$1-code"
    say "$1" </tmp/log
    say "$1-log" </tmp/log
}
for turn in 1 2 3 4 5; do
    step erase_devices_metadata "speed-erase-$turn" '{}'
    written "speed-one-$turn" "$one"
    step erase_devices_metadata "speed-again-$turn" '{}'
    step create_configuration "speed-create-$turn" "$(node uefi "$CONFIG")"
    say "speed-mdstat-$turn" </proc/mdstat
    written "speed-array-$turn" /dev/md0
    dd if=/dev/md0 bs=1M count=256 iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1 | grep -c "$sum" | say "speed-same-$turn"
    step delete_configuration "speed-delete-$turn" '{}'
done
