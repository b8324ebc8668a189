# What the machine of the metadata figure does: signatures onto every disk, one agent, what is left; then the same for the other.
say() { echo "== $1" >/dev/ttyS1; cat >/dev/ttyS1; }
export SYSTEMD_IGNORE_CHROOT=1
chroot /host /lib/systemd/systemd-udevd --daemon
chroot /host /usr/bin/udevadm trigger --type=devices --action=add
chroot /host /usr/bin/udevadm settle --timeout=120

fill() {
    for disk in a b c d e f g h; do
        chroot /host /usr/sbin/sgdisk -n 1:0:+64M -n 2:0:+64M -t 2:8200 "/dev/vd$disk"
        chroot /host /usr/bin/udevadm settle --timeout=60
        chroot /host /usr/sbin/mkfs.ext4 -qF "/dev/vd${disk}1"
        chroot /host /usr/sbin/mkswap -f "/dev/vd${disk}2"
    done >/tmp/fill.log 2>&1
    chroot /host /usr/bin/udevadm settle --timeout=60
}
left() { for disk in /dev/vd*; do chroot /host /usr/sbin/wipefs -n "$disk" 2>/dev/null; done; }
now() { cut -d' ' -f1 /proc/uptime; }

fill
left | say before
chroot /host /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin /run/python/bin/python - </metadata-upstream.py 2>/tmp/upstream.log | say upstream
tail -n 20 /tmp/upstream.log | say upstream-log
left | say upstream-left
fill
began=$(now)
/ironlet --step erase_devices_metadata >/tmp/own.log 2>&1
ended=$(now)
say own-log </tmp/own.log
echo "$ended $began" | awk '{ print $1 - $2 }' | say own
left | say own-left
