# What the machine does as upstream's ramdisk: udev names the cards, DHCP configures them, the agent reads the kernel command line.
export SYSTEMD_IGNORE_CHROOT=1
chroot /host /lib/systemd/systemd-udevd --daemon
chroot /host /usr/bin/udevadm trigger --type=subsystems --action=add
chroot /host /usr/bin/udevadm trigger --type=devices --action=add
chroot /host /usr/bin/udevadm settle --timeout=120
chmod 755 /upstream-dhcp.sh
for card in /sys/class/net/*; do
    [ -e "$card/device" ] || continue
    ip link set "${card##*/}" up
    udhcpc -q -n -t 10 -i "${card##*/}" -s /upstream-dhcp.sh
done
ip link set lo up
echo "identity: the agent starts"
chroot /host /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin /run/python/bin/ironic-python-agent
