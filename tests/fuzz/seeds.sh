#!/usr/bin/env bash
# seeds.sh TARGET FOLDER — put small inputs a fuzzer would take long to find into FOLDER, for targets that have some.
set -euo pipefail
target=$1 folder=$2

# at OFFSET SIGN — zeros with SIGN (as printf takes it) at OFFSET
at() {
    head -c "$1" /dev/zero
    # shellcheck disable=SC2059
    printf "$2"
}

case $target in
ibft)
    mkdir -p "$folder"
    cp tests/fixtures/ibft/ipxe.bin "$folder/ipxe"
    ;;
drive_replies)
    mkdir -p "$folder"
    for file in tests/fixtures/drives/*.controller tests/fixtures/drives/*.namespace; do
        printf '%b' "$(tr -d '\n' <"$file" | sed 's/../\\x&/g')" >"$folder/${file##*/}"
    done
    ;;
flow)
    mkdir -p "$folder"
    printf '{"flow":[{"sync.sync":{}},{"standby.power_off":{}}]}' >"$folder/two"
    printf '{"flow":[{"flow.start_flow":{"flow":[]}}]}' >"$folder/itself"
    ;;
accounts)
    mkdir -p "$folder"
    printf '$6$rounds=5000$saltsaltsaltsalt$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1' >"$folder/sha512"
    printf '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7' >"$folder/yescrypt"
    printf 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2ka5kZ0t me@home' >"$folder/key"
    ;;
parameter_file)
    mkdir -p "$folder"
    printf '# a comment\nipa-api-url = http://192.0.2.1:6385\nipa-debug=1\nironlet.image="http://h/a b"\n' >"$folder/plain"
    { printf '\xff\xfe'; iconv -t UTF-16LE "$folder/plain"; } >"$folder/wide"
    ;;
log_text)
    mkdir -p "$folder"
    printf '[    6.785] info  init: modules are loaded for every device' >"$folder/line"
    printf 'password=Sesame7 user:secret@host "agent_token": "x" Authorization: Basic eDp5' >"$folder/secrets"
    printf 'tls://[fd00::1]:6514' >"$folder/destination"
    ;;
raid_config)
    mkdir -p "$folder"
    # The size of the disks, the text, then how many disks and whether they are named: the order arbitrary reads them in.
    { printf '\0\0\0\0\0\1\0\0\4\1'; printf '{"logical_disks":[{"size_gb":"MAX","raid_level":"1","controller":"software","physical_disks":[{"size":"> 10"},{"size":"> 10"}]},{"size_gb":10,"raid_level":"0","controller":"software","volume_name":"a"}]}'; } >"$folder/two"
    ;;
minisign)
    mkdir -p "$folder"
    cp "$(dirname "$0")"/../fixtures/minisign/*.minisig "$folder"
    ;;
order)
    mkdir -p "$folder"
    printf '{"image_source":"http://h/d.raw","image_checksum":"sha256:439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363","root_device":{"size":">4"},"skip_block_devices":[{"serial":"x"}],"configdrive":{"meta_data":{"a":1},"user_data":"x"},"for":{"mac":["52-54-00-aa-bb-cc"]},"erase":"all","then":"wait","serial":7,"verify":"readback","image_http_proxy":"http://p:1"}' >"$folder/json"
    printf 'image_urls = http://h/a,http://i/a\nimage_os_hash_algo: sha256\nimage_os_hash_value = 00\nimage_type=partition\nroot_gb=9\nswap_mb=1\n[seed]\nuser_data=#x\n' >"$folder/ini"
    ;;
inject_files)
    mkdir -p "$folder"
    printf '[{"path":"/etc/a/b","partition":"LABEL=x","content":"eA==","mode":420,"dirmode":448,"owner":0,"group":-1},{"path":"c/d","deleted":true}]' >"$folder/items"
    printf '[null,[{"path":"/a/b","content":"http://h/{node[uuid]}/{ports[0].address}/{node[extra][a][0]}/{{"}],{"uuid":"{node[uuid]}","extra":{"a":[7]}},[{"address":"x"}]]' >"$folder/template"
    ;;
machine_tree)
    mkdir -p "$folder"
    disk=sys/devices/pci0000:00/0000:00:07.0/host6/port-6:0/end_device-6:0/target6:0:0/6:0:0:0
    cat >"$folder/sas" <<TREE
$disk/block/sda/size	8
sys/block/sda>$disk/block/sda
$disk/block/sda/subsystem>sys/class/block
$disk/subsystem>sys/bus/scsi
sys/devices/pci0000:00/0000:00:07.0/subsystem>sys/bus/pci
sys/devices/pci0000:00/0000:00:07.0/host6/port-6:0/end_device-6:0/sas_device/end_device-6:0/phy_identifier	0
TREE
    cat >"$folder/round" <<TREE
sys/block/sda>sys/devices/virtual/nvme0n1
sys/devices/virtual/nvme0n1/subsystem>sys/devices/virtual
sys/devices/virtual/subsystem>sys/devices/virtual/nvme0n1
proc/sys/kernel/bootloader_type	49
sys/firmware/edd/int13_dev80/mbr_signature	0x1234abcd
TREE
    ;;
virtual_media)
    mkdir -p "$folder" "$folder/tree/etc/ironic-python-agent.d" "$folder/tree/openstack/latest"
    printf '[DEFAULT]\ncafile = /x\n' >"$folder/tree/etc/ironic-python-agent.d/a.conf"
    printf '{}' >"$folder/tree/openstack/latest/network_data.json"
    printf 'ipa-debug=1\n' >"$folder/tree/parameters.txt"
    # What lies before its descriptors is nothing, and is put back.
    genisoimage -quiet -r -no-pad -V config-2 "$folder/tree" | { printf '\1'; tail -c +32769; } >"$folder/iso"
    genisoimage -quiet -J -no-pad -V config-2 "$folder/tree" | { printf '\1'; tail -c +32769; } >"$folder/joliet"
    truncate -s 64K "$folder/fat.img"
    mkfs.vfat -n ir-vfd-dev "$folder/fat.img" >/dev/null
    mcopy -s -i "$folder/fat.img" "$folder"/tree/* ::
    { printf '\0'; cat "$folder/fat.img"; } >"$folder/fat"
    rm -r "$folder/tree" "$folder/fat.img"
    ;;
short_name)
    mkdir -p "$folder"
    printf 'file.txt\nFILE.TXT\nlongname one.txt\nlongname two.txt\ngr\303\266\303\237e\n.profile\na.b.c\n~1\nLONGNA~1.TXT\n' >"$folder/names"
    ;;
request_log)
    mkdir -p "$folder"
    printf 'cO1mP2oN3eN4tS5tO6kE7nA8bC9dE0fG1hI2jK3lM4n\n/v1/commands/cO1mP2oN3eN4tS5tO6kE7nA8bC9dE0fG1hI2jK3lM4n/?a=b' >"$folder/path"
    printf '0123456789abcdef0123456789abcdef\n/v1/commands/5f0d6a4e-2f1b-4f57-9d1c-0c9f3c1b7a10?agent_token=x' >"$folder/id"
    ;;
packing)
    mkdir -p "$folder"
    plain() { printf 'again and again %.0s' {1..200}; head -c 3000 "$0"; }
    { printf '\0'; plain | gzip; } >"$folder/gzip"
    { printf '\0'; plain | gzip -1; plain | gzip -9; head -c 512 /dev/zero; } >"$folder/gzip-members"
    { printf '\1'; plain | zstd -q; } >"$folder/zstd"
    { printf '\1'; printf '\x50\x2a\x4d\x18\x02\0\0\0ab'; plain | zstd -q -19; plain | zstd -q --no-check; } >"$folder/zstd-frames"
    { printf '\2'; plain | xz; } >"$folder/xz"
    { printf '\4'; plain | bzip2; plain | bzip2 -1; } >"$folder/bzip2"
    plain >"$folder/plain"
    truncate -s 20K "$folder/plain"
    for how in gnu pax ustar 'oldgnu -S' v7; do
        { printf '\5'; tar -cC "$folder" --format=$how plain; } >"$folder/tar-${how% *}"
    done
    { printf '\6'; tar -czC "$folder" plain; } >"$folder/tar-gz"
    rm "$folder/plain"
    tests/fixtures/images/xz.sh "$folder/made"
    for file in "$folder"/made/*.xz; do { printf '\2'; cat "$file"; } >"$folder/$(basename "$file")"; done
    rm -r "$folder/made"
    { printf '\2'; plain | xz --check=sha256 --block-size=1000; plain | xz -0 --check=crc32 --x86 --delta --lzma2; } >"$folder/xz-streams"
    ;;
tar_member)
    mkdir -p "$folder/in"
    head -c 1000 "$0" >"$folder/in/plain"
    truncate -s 200K "$folder/in/plain"
    for at in {1..30}; do printf x | dd of="$folder/in/plain" bs=1 seek=$((at * 6000)) conv=notrunc status=none; done
    for how in gnu pax ustar 'oldgnu -S' 'pax -S' v7; do tar -cC "$folder/in" --format=$how plain >"$folder/${how/ -/}"; done
    tar -cC "$folder/in" --transform "s/plain/$(printf 'x%.0s' {1..200})/" plain >"$folder/long"
    rm -r "$folder/in"
    ;;
response)
    mkdir -p "$folder"
    ok='HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\nContent-Encoding : x-gzip, aws-chunked\r\n\r\n'
    printf "\3${ok}3;chunk-signature=0123\r\nabc\r\n0010\r\n0123456789abcdef\r\n0;a\r\nX: y\r\n\r\n" >"$folder/chunks"
    printf "\7HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\nLink: a\n b\n\n${ok}0\r\n\r\n" >"$folder/interim"
    ;;
load_option)
    mkdir -p "$folder"
    # What OVMF wrote, without the attributes that efivarfs puts before it.
    sed -n 's/.*\/Boot\([0-9A-F]*\)-.* hex ......../\1 /p' tests/fixtures/machines/ovmf.tree |
        while read -r number digits; do
            printf '%b' "$(sed 's/../\\x&/g' <<<"$digits")" >"$folder/$number"
        done
    ;;
kernel_log)
    mkdir -p "$folder"
    # What people reported, out of the table that the parser is held to.
    sed -n 's/^ *("\(.*[Ff]irmware .*\)",$/<4>[    1.5] \1/p' src/drivers/firmware_requests_in_log.rs | sed 's/\\"/"/g' >"$folder/reported"
    ;;
pem)
    mkdir -p "$folder"
    openssl req -x509 -newkey rsa:1024 -nodes -keyout /dev/null -days 9 -subj /CN=seed -out "$folder/plain" 2>/dev/null
    openssl x509 -in "$folder/plain" -trustout -addtrust serverAuth -addreject emailProtection -out "$folder/trusted"
    openssl x509 -in "$folder/plain" -outform DER -out "$folder/der"
    { printf '\xff\xfe'; iconv -t UTF-16LE "$folder/plain"; } >"$folder/wide"
    ;;
lenient_partition_tables)
    mkdir -p "$folder"
    truncate -s 192K "$folder/gpt" "$folder/mbr"
    printf 'label: gpt\nfirst-lba: 64\nstart=64, size=64\nstart=128, size=64\n' | sfdisk -q "$folder/gpt"
    printf 'label: dos\nstart=1, size=10\nstart=20, size=200, type=5\nd5: start=22, size=20\nd6: start=60, size=20\n' | sfdisk -q "$folder/mbr"
    ;;
dhcp)
    mkdir -p "$folder"
    # answer NAME FILE SNAME OPTIONS — a server's, to card 02:00:00:00:00:07; fields and options as printf takes them
    answer() {
        {
            printf '\2\1\6\0\0\0\0\7' && head -c 8 /dev/zero && printf '\xc0\0\2\x09' && head -c 8 /dev/zero && printf '\2\0\0\0\0\7' && head -c 10 /dev/zero
            # shellcheck disable=SC2059
            { printf "$3" && head -c 64 /dev/zero; } | head -c 64
            # shellcheck disable=SC2059
            { printf "$2" && head -c 128 /dev/zero; } | head -c 128
            # shellcheck disable=SC2059
            printf "\x63\x82\x53\x63$4\xff"
        } >"$folder/$1"
    }
    usual='\x35\1\2\x36\4\xc0\0\2\1\x33\4\0\0\x0e\x10\1\4\xff\xff\xff\0'
    answer usual '' '' "$usual"'\3\4\xc0\0\2\1\6\4\xc0\0\2\1\x0c\1a\x0f\3b.c\x1a\2\5\xdc\x2a\4\xc0\0\2\1\x3a\4\0\0\0\x10\x3b\4\0\0\0\x20'
    answer pieces '' '' "$usual"'\x79\5\0\xc0\0\2\1\x79\6\x18\x0a\1\1\xc0\0\x79\2\2\1\x77\5\3lab\0\x77\2\xc0\0'
    answer overload "$usual"'\xff' '\6\4\xc0\0\2\1' '\x34\1\3'
    answer nak '' '' '\x35\1\6\x36\4\xc0\0\2\1\x38\2no'
    ;;
dhcpv6)
    mkdir -p "$folder"
    ids='\0\1\0\x0a\0\3\0\1\2\0\0\0\0\7\0\2\0\4srv1'
    address='\0\3\0\x28\0\0\0\7\0\0\0\x64\0\0\0\xc8\0\5\0\x18\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7\0\0\0\x78\0\0\1\x20'
    dns='\0\x17\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x35\0\x18\0\5\3lab\0\0\x20\0\4\0\0\2\x58'
    # shellcheck disable=SC2059
    { printf "\0\0\x46\2\0\0\0$ids$address"; printf "\0\x6b\7\0\0\0$ids$address$dns"; } >"$folder/stateful"
    # shellcheck disable=SC2059
    printf "\1\0\x43\7\0\0\0$ids$dns" >"$folder/stateless"
    ;;
network_data)
    mkdir -p "$folder"
    sed -n '/^const WHOLE/,/^}"/p' tests/network_data.rs | sed 's/^const.*r#"//; s/"#;$//' >"$folder/whole"
    ;;
router_advertisement)
    mkdir -p "$folder"
    option='\x19\3\0\0\0\0\0\x3c\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x35\x1f\2\0\0\0\0\0\x3c\3lab\0\0\0\0'
    # shellcheck disable=SC2059
    printf "$option$option" >"$folder/twice"
    ;;
mdns)
    mkdir -p "$folder"
    name='\x09baremetal\x0a_openstack\4_tcp\5local\0'
    # shellcheck disable=SC2059
    printf "\7\x09\x84\0\0\0\0\3\0\0\0\0$name\0\x21\x80\1\0\0\0\x78\0\x0a\0\0\0\0\x18\xf1\1i\xc0\x27\xc0\x0c\0\x10\x80\1\0\0\0\x78\0\7\6path=/\xc0\x3d\0\1\x80\1\0\0\0\x78\0\4\xc0\0\2\7" >"$folder/service"
    ;;
lldp)
    mkdir -p "$folder"
    printf '\x02\x07\x04\2\0\0\0\0\x09\x04\3\5p7\6\2\0\x78\x0e\4\0\x14\0\4\xfe\x0b\0\x80\xc2\3\0\x64\4prod\0\0' >"$folder/switch"
    ;;
dns_answer)
    mkdir -p "$folder"
    printf '\x81\x80\0\1\0\2\0\0\0\0\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7' >"$folder/both"
    printf '\x81\x80\0\1\0\2\0\0\0\0\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1x\xc0\x13\1x\xc0\x13\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7' >"$folder/alias"
    printf '\3foo\3bar\0\3abc\xc0\4' >"$folder/names"
    ;;
sntp_answer)
    mkdir -p "$folder"
    { printf '\x24\2' && head -c 38 /dev/zero && printf '\xee\x18\0\0\x80\0\0\0'; } >"$folder/good"
    ;;
format_inspector)
    mkdir -p "$folder"
    at 0 'QFI\xfb' >"$folder/qcow2"
    at 0 'QED\0' >"$folder/qed"
    at 0 conectix >"$folder/vhd"
    at 0 vhdxfile >"$folder/vhdx"
    at 0 KDMV >"$folder/vmdk"
    at 0 '# Disk DescriptorFile\ncreateType="monolithicFlat"\n' >"$folder/vmdk-text"
    at 64 '\x7f\x10\xda\xbe' >"$folder/vdi"
    at 0 'LUKS\xba\xbe' >"$folder/luks"
    at 510 '\x55\xaa' >"$folder/table"
    at 32769 CD001 >"$folder/iso"
    ;;
fat)
    mkdir -p "$folder"
    # fat NAME KIB OPTION… — a file system with files in it
    fat() {
        local path=$folder/$1 size=$2
        rm -f "$path"
        truncate -s "${size}K" "$path"
        mkfs.fat "${@:3}" -n CONFIG-2 "$path" >/dev/null
        [ "$size" -gt 100 ] && return # mtools has no small ones of 32 bits
        mmd -i "$path" ::/EFI ::/EFI/BOOT
        mcopy -i "$path" "$0" ::/EFI/BOOT/BOOTX64.EFI
        mcopy -i "$path" "$0" "::/EFI/a name that is longer than short.csv"
    }
    fat twelve 40 -F 12 -r 32
    fat twelve-large 96 -F 12 -S 4096 -s 1 -r 128 -R 1 -f 1
    fat thirty-two 128 -F 32 -s 1 -R 8 -f 1
    ;;
iso)
    mkdir -p "$folder"
    tree=$(mktemp -d)
    mkdir -p "$tree/openstack/latest"
    echo '{}' >"$tree/openstack/latest/meta_data.json"
    ln -s latest "$tree/openstack/newest"
    touch "$tree/openstack/a name $(printf '%0200d' 1)"
    for options in -R -J -r -l '-J -r'; do
        # shellcheck disable=SC2086
        genisoimage -quiet -no-pad $options -o "$folder/iso${options// /}" "$tree" 2>/dev/null
    done
    rm -r "$tree"
    ;;
esac
