# What a machine with one SATA disk does: burn-in with the disk's own self-test, and what smartctl, lent by the host, reads of it before and after.
say() { printf '\n== %s\n' "$1" >/dev/ttyS1; cat >/dev/ttyS1; }
wait_for_disks 1
read_log() { chroot /host /usr/sbin/smartctl -l selftest /dev/sda; }
read_log 2>&1 | say before
node='{"driver_info":{"agent_burnin_fio_disk_loops":1,"agent_burnin_fio_disk_smart_test":"true"}}'
/ironlet --step burnin_disk --allow-disk /dev/sda --node "$node" 2>/tmp/own.log | say own
say own-log </tmp/own.log
read_log 2>&1 | say after
