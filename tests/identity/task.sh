# What the machine of the identity comparison does: both agents list the disks and choose among them, each answer a file on the second port.
# is_there FILE — once it is. Not the shell's own `wait`: busybox's misses the end of the last child now and then, and sleeps for ever.
is_there() { until [ -e "$1" ]; do sleep 1; done; }
say() { printf '\n== %s\n' "$1" >/dev/ttyS1; cat >/dev/ttyS1; }
# Rootless tools would do nothing in a chroot; this one is the whole machine.
# by_mac LAST — the card whose address ends so; udev has given it a name.
by_mac() { grep -l "^52:54:00:00:00:$1" /sys/class/net/*/address | head -n 1 | cut -d/ -f5; }
export SYSTEMD_IGNORE_CHROOT=1 PATH=/bin:/sbin:/usr/bin:/usr/sbin
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
# The rest of what an inspection tells, with a bond, a VLAN and what lshw reads of USB.
mount -t debugfs debugfs /sys/kernel/debug
mount -t debugfs debugfs /host/sys/kernel/debug
echo +bond0 >/sys/class/net/bonding_masters
lower=$(by_mac 12) alone=$(by_mac 11)
echo "+$(by_mac 13)" >/sys/class/net/bond0/bonding/slaves
ip link add link "$lower" name "$lower.42" type vlan id 42
for card in "$alone" "$lower" "$lower.42" bond0; do ip link set "$card" up; done
ip addr add 192.0.2.11/24 dev "$alone"
ip addr add 2001:db8::42/64 dev "$lower.42"
sleep 2 # until link-local addresses are no longer tentative
chroot /host /run/python/bin/python - </upstream-inventory.py 2>/tmp/upstream-inventory.log | say upstream-inventory
say upstream-inventory-log </tmp/upstream-inventory.log
{
    chroot /host /run/python/bin/python - </receiver.py >/tmp/own-inventory 2>/tmp/receiver.log
    touch /tmp/received
} &
for _ in $(seq 120); do
    grep -q listening /tmp/receiver.log && break
    sleep 1
done
/ironlet --inventory --post http://127.0.0.1:8080/ --cmdline ipa-inspection-collectors=default,pci-devices,usb-devices,numa-topology,dmi-decode >/tmp/own-inventory.log 2>&1
is_there /tmp/received
say own-inventory </tmp/own-inventory
cat /tmp/receiver.log >>/tmp/own-inventory.log
say own-inventory-log </tmp/own-inventory.log
# A BMC that hangs: the time it costs, on the machine's own clock.
chroot /host ipmitool raw 0x30 1 >/dev/null 2>&1
read -r before _ </proc/uptime
/ironlet --inventory 2>/tmp/hung.log | say own-hung
read -r after _ </proc/uptime
echo "$before $after" | say own-hung-times
say own-hung-log </tmp/hung.log
# Under another name for the root it writes its log where it can be read; half of the questions each, as there are two processors.
for place in proc sys dev; do
    mkdir -p /machine/$place
    mount --bind /$place /machine/$place
done
ask() {
    number=0
    while read -r node; do
        [ $((number++ % 2)) = "$1" ] && echo "> $(/ironlet --root /machine --root-disk --node "$node" 2>&1 | tr '\n' ' ')"
    done </host/run/cases >"/tmp/half$1"
    touch "/tmp/asked$1"
}
ask 0 &
ask 1
is_there /tmp/asked0
cat /tmp/half0 /tmp/half1 | say own-picks
