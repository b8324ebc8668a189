#!/bin/busybox sh
# Pid 1 of the machine whose power is cut: what mdadm makes of what the last cut left, then one step more, during which it happens again.
/bin/busybox --install -s /bin
export PATH=/bin MDADM_NO_UDEV=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /run /tmp
while read -r module; do insmod "/modules/$module" 2>/dev/null; done </modules/order
# Open all the time: what comes to a port that nobody has open is lost.
exec 3<>/dev/ttyS1
stty raw -echo <&3
say() { echo "== $1" >&3; cat >&3; }
for _ in $(seq 100); do [ "$(ls -d /sys/block/vd? 2>/dev/null | wc -l)" = 3 ] && break; sleep 0.1; done
# What is in step is of no interest, and is not to be in the way.
echo 1 >/sys/module/md_mod/parameters/start_ro
for speed in min max; do echo 10 >/proc/sys/dev/raid/speed_limit_$speed; done
stop() { for array in /sys/block/md*; do [ -e "$array" ] && mdadm --stop "/dev/${array##*/}"; done; } >/dev/null 2>&1
step() { /ironlet --step "$1" --node "$2" >/tmp/result 2>/tmp/log; code=$?; }
CONFIG='{"uuid":"u","properties":{"capabilities":"boot_mode:uefi"},"target_raid_config":{"logical_disks":[{"controller":"software","raid_level":"1","size_gb":1,"volume_name":"root"},{"controller":"software","raid_level":"5","size_gb":"MAX","volume_name":"data"}]}}'

ls /dev/vd* | say devices
for member in /dev/vd?[12]; do [ -e "$member" ] && mdadm --examine "$member" 2>&1; done | say examine
mdadm --assemble --scan 2>&1 | say assemble
say mdstat </proc/mdstat
for array in /sys/block/md*; do
    [ -e "$array" ] || continue
    mdadm --detail "/dev/${array##*/}" 2>&1
    # Of a new array the beginning is empty; of an old one it is what was written there.
    dd if="/dev/${array##*/}" bs=1M count=1 2>/dev/null | md5sum
done | say arrays
stop
step delete_configuration '{}'
echo "$code" | cat - /tmp/log | say deleted
# A table that a deletion left behind its superblocks is no array any more.
step erase_devices_metadata '{}'
{ for device in /dev/vd*; do mdadm --examine "$device" 2>&1 | grep -v 'No md superblock\|MBR Magic\|Partition\[' | grep -v "^/dev/vd.:$"; done; ls /dev/vd*[0-9] /sys/block/md* 2>/dev/null; } | say bare
echo | say ask
read -r order <&3
if [ "$order" = delete_configuration ]; then
    step create_configuration "$CONFIG"
    echo "$code" | cat - /tmp/log | say created
    for array in md0 md1; do yes tenant | dd of=/dev/$array bs=1M count=1 iflag=fullblock oflag=direct 2>/dev/null; done
    sync
fi
echo | say ready
read -r go <&3
step "$order" "$CONFIG"
echo "$code" | cat - /tmp/log | say ended
echo o >/proc/sysrq-trigger
sleep 60
