# The archive of logs of a machine with many disks, as an inspection posts it.
ip link set lo up
say() { echo "== $1" >/dev/ttyS1; cat >/dev/ttyS1; }
now() { cut -d' ' -f1 /proc/uptime; }
ls -d /sys/block/sd* | wc -l | say disks
for turn in 1 2 3 4 5; do
    # One answer, to whoever posts first.
    body='{"uuid":"1be26c0b-03f2-4d2e-ae87-c02d7f33c123"}'
    printf 'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' ${#body} "$body" |
        busybox nc -l -p 5050 >/tmp/posted &
    sleep 1
    began=$(now)
    /ironlet --inventory --post http://127.0.0.1:5050/v1/continue_inspection --cmdline 'ipa-inspection-collectors=logs' >/tmp/result 2>&1
    echo "$? $(now) $began" | say "posted-$turn"
    say "result-$turn" </tmp/result
    wait
done
tr ',' '\n' </tmp/posted | sed -n 's/.*"logs": *"\([^"]*\)".*/\1/p' | head -n 1 | base64 -d >/tmp/logs.tar.gz
wc -c </tmp/logs.tar.gz | say bytes
{ tar -tzf /tmp/logs.tar.gz | wc -l; tar -xzOf /tmp/logs.tar.gz "$(tar -tzf /tmp/logs.tar.gz | grep lsblk | head -n 1)" | grep -c "sd[a-z]"; } | say files
