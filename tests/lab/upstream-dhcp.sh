#!/bin/busybox sh
# What udhcpc calls with a lease.
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
for gateway in $router; do ip route add default via "$gateway"; done
