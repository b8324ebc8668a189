# What the machine of the identity comparison does: both agents list the disks, each answer a file on the second port.
say() { echo "== $1" >/dev/ttyS1; cat >/dev/ttyS1; }
# Rootless tools would do nothing in a chroot; this one is the whole machine.
export SYSTEMD_IGNORE_CHROOT=1
chroot /host /lib/systemd/systemd-udevd --daemon
chroot /host /usr/bin/udevadm trigger --type=subsystems --action=add
chroot /host /usr/bin/udevadm trigger --type=devices --action=add
chroot /host /usr/bin/udevadm settle --timeout=120
chroot /host /run/python/bin/python - </upstream.py 2>/tmp/upstream.log | say upstream
say upstream-log </tmp/upstream.log
/ironlet --inventory 2>/tmp/own.log | say own
say own-log </tmp/own.log
