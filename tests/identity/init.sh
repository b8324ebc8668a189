#!/bin/busybox sh
# Pid 1 of the machine whose disks two agents describe. It keeps the initramfs as its root, where ironlet belongs; upstream's agent
# runs in a chroot of the host's own files, lent read-only over 9p: its Python, lsblk and udev are there.
/bin/busybox --install -s /bin
PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /host /run
mount -t tmpfs tmpfs /run

end() {
    echo "identity: $*"
    # The line must be out of the serial port before the power goes.
    sleep 1
    echo o >/proc/sysrq-trigger
    sleep 60
}

while read -r module; do insmod "/modules/$module" 2>/dev/null; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host || end "no host files"
for place in proc sys dev; do mount --bind "/$place" "/host/$place"; done
mount -t tmpfs tmpfs /host/run
mount -t tmpfs tmpfs /host/tmp
# Lent apart, for it may lie anywhere, below /tmp too.
mkdir /host/run/python
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 python /host/run/python || end "no Python"

# Buses take a moment to report their last disk.
wait_for_disks() {
    for _ in $(seq 60); do
        [ "$(ls -d /sys/block/vd* /sys/block/sd* /sys/block/mmcblk* /sys/block/nvme*n* 2>/dev/null | grep -vc 'nvme[0-9]*c')" -ge "$1" ] && break
        sleep 1
    done
}
wait_for_disks "$(sed -n 's/.*disks=\([0-9]*\).*/\1/p' /proc/cmdline)"
. /task.sh
end done
