# What the machine of the identity comparison does: both agents list the disks and choose among them, each answer a file on the second port.
say() { printf '\n== %s\n' "$1" >/dev/ttyS1; cat >/dev/ttyS1; }
# Rootless tools would do nothing in a chroot; this one is the whole machine.
export SYSTEMD_IGNORE_CHROOT=1
chroot /host /lib/systemd/systemd-udevd --daemon
. /fabric.sh >/tmp/fabric.log 2>&1
say fabric-log </tmp/fabric.log
wait_for_disks 35
chroot /host /usr/bin/udevadm trigger --type=subsystems --action=add
chroot /host /usr/bin/udevadm trigger --type=devices --action=add
chroot /host /usr/bin/udevadm settle --timeout=120
chroot /host /run/python/bin/python - </upstream.py 2>/tmp/upstream.log | say upstream
say upstream-log </tmp/upstream.log
/ironlet --inventory 2>/tmp/own.log | say own
say own-log </tmp/own.log
# Under another name for the root it writes its log where it can be read; half of the questions each, as there are two processors.
for place in proc sys dev; do
    mkdir -p /machine/$place
    mount --bind /$place /machine/$place
done
for half in 0 1; do
    number=0
    while read -r node; do
        [ $((number++ % 2)) = $half ] && echo "> $(/ironlet --root /machine --root-disk --node "$node" 2>&1 | tr '\n' ' ')"
    done </host/run/cases >/tmp/half$half &
done
wait
cat /tmp/half0 /tmp/half1 | say own-picks
