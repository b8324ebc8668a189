# What the machine of the inventory's figure does: upstream's inventory, then ironlet's, ten times.
say() { echo "== $1" >/dev/ttyS1; cat >/dev/ttyS1; }
export SYSTEMD_IGNORE_CHROOT=1
chroot /host /lib/systemd/systemd-udevd --daemon
chroot /host /usr/bin/udevadm trigger --type=devices --action=add
chroot /host /usr/bin/udevadm settle --timeout=120
now() { cut -d' ' -f1 /proc/uptime; }

chroot /host /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin /run/python/bin/python - </inspection-upstream.py 2>/tmp/upstream.log | say upstream
tail -n 20 /tmp/upstream.log | say upstream-log
began=$(now)
for _ in 1 2 3 4 5 6 7 8 9 10; do /ironlet --inventory >/tmp/own.json; done
ended=$(now)
grep -q '"serial":"BENCH2"' /tmp/own.json && echo "$ended $began" | awk '{ print ($1 - $2) / 10 }' | say own
