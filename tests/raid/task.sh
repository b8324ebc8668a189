# What the machine of the RAID tests does: one case after the other, and what mdadm and the kernel say in between.
say() { echo "== $1" >/dev/ttyS1; cat >/dev/ttyS1; }
mount -t proc proc /host/proc 2>/dev/null
MDADM=$(cat /mdadm)
. /further
mdadm() { chroot /host "$MDADM" "$@" 2>&1; }
now() { cut -d' ' -f1 /proc/uptime; }
# step NAME TAG NODE ARGUMENTS — one step by ironlet; its result, its log, how long it took
step() {
    began=$(now)
    /ironlet --step "$1" --node "$3" ${4:+--arguments "$4"} >/tmp/result 2>/tmp/log
    echo "$? $(now) $began" | say "$2-code"
    say "$2" </tmp/result
    say "$2-log" </tmp/log
}
idle() { for _ in $(seq 120); do grep -q 'resync\|recovery' /proc/mdstat || return 0; sleep 1; done; }
sums() { for disk in /dev/vd?; do dd if="$disk" bs=1M iflag=direct 2>/dev/null | md5sum | cut -d' ' -f1; done; }
bare() { for device in /dev/vd*; do mdadm --examine "$device" | grep -v 'No md superblock'; done; ls /dev/vd*[0-9] 2>/dev/null; ls -d /sys/block/md* 2>/dev/null; }
stop() { for array in /sys/block/md*; do [ -e "$array" ] && mdadm --stop "/dev/${array##*/}"; done; }
node() { echo "{\"uuid\":\"u\",\"properties\":{\"capabilities\":\"boot_mode:$1\"$3},\"target_raid_config\":$2}"; }
two() { echo "{\"logical_disks\":[{\"controller\":\"software\",\"raid_level\":\"1\",\"size_gb\":1,\"volume_name\":\"root\",\"is_root_volume\":true},{\"controller\":\"software\",\"raid_level\":\"$1\",\"size_gb\":\"MAX\",\"volume_name\":\"data\"}]}"; }

echo "${MDADM}" | say mdadm-path
for case in $(cat /cases); do
    . /case-$case.sh
done
