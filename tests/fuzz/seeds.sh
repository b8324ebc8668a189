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

# bytes DIGITS — what they stand for, two each
bytes() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; }

case $target in
block_map)
    mkdir -p "$folder"
    sum=439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363
    map='<?xml version="1.0" ?>\n<!-- a -->\n<bmap version="2.0">\n<ImageSize> 9000 </ImageSize><BlockSize> 4096 </BlockSize><BlocksCount> 3 </BlocksCount><MappedBlocksCount> 2 </MappedBlocksCount><ChecksumType> sha256 </ChecksumType>'
    printf "$map<BlockMap><Range chksum=\"$sum\"> 0 </Range>\n<Range chksum='$sum'>2</Range></BlockMap></bmap>\n" >"$folder/two"
    printf "$map<BmapFileChecksum> $sum </BmapFileChecksum><BlockMap><Range chksum=\"$sum\"> 0-1 </Range></BlockMap></bmap>\n" >"$folder/own"
    printf '<bmap version="1.3"><ImageSize> 9 </ImageSize><BlockSize> 4096 </BlockSize><BlockMap><Range sha1="da39a3ee5e6b4b0d3255bfef95601890afd80709"> 0 </Range></BlockMap></bmap>' >"$folder/old"
    ;;
netlink)
    mkdir -p "$folder"
    # A link's message: its IPv6 flags, in an attribute within another.
    printf '\x2c\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\x0a\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\x0c\0\x0c\0\x8\0\1\0\x80\0\0\0' >"$folder/flags"
    ;;
iscsi_login)
    mkdir -p "$folder"
    # Whether CHAP is wanted, and then an answer each: kind, flags, status and text, to a byte of 255.
    ask='TargetPortalGroupTag=1\0AuthMethod=CHAP\0\xff\x23\1\0\0CHAP_A=5\0CHAP_I=7\0CHAP_C=0x0123456789\0\xff'
    printf "\1\x23\1\0\0$ask\x23\x81\0\0\xff\x23\x87\0\0MaxRecvDataSegmentLength=8192\0FirstBurstLength=65536\0MaxBurstLength=262144\0InitialR2T=No\0ImmediateData=Yes\0HeaderDigest=None\0MaxOutstandingR2T=1\0DefaultTime2Retain=0\0ErrorRecoveryLevel=0\0\xff" >"$folder/chap"
    printf "\2\x23\1\0\0$ask\x23\x81\0\0CHAP_N=t\0CHAP_R=0x01\0\xff" >"$folder/mutual"
    printf '\0\x23\x81\0\0AuthMethod=None\0\xff\x23\x87\0\0MaxBurstLength=512\0DataDigest=CRC32C\0\xff' >"$folder/open"
    printf '\0\x23\0\1\1TargetAddress=192.0.2.9:3260,1\0\xff' >"$folder/moved"
    printf '\0\x23\0\1\2TargetAddress=[fd00::9],1\0\xff' >"$folder/moved-6"
    printf '\0\x23\1\0\0AuthMethod=KRB5\0\xff' >"$folder/method"
    printf '\0\x23\1\0\0AuthMethod=CHAP\0\xff' >"$folder/unknown"
    for status in '\2\0' '\2\1' '\2\2' '\2\3' '\2\4' '\3\1' '\2\x0d'; do printf "\1\x23\0$status\xff" >"$folder/status${status//\\/-}"; done
    ;;
vital_product_data)
    mkdir -p "$folder"
    for drive in tests/fixtures/drives/*.words; do
        name=$folder/$(basename "$drive" .words)
        bytes "$(tr -d ' \n' <"$drive" | sed 's/\(..\)\(..\)/\2\1/g')" >"$name"
        truncate -s 512 "$name"
        # SAT-4, page 89h: the same behind a header of 60 bytes.
        { printf '\0\x89\2\x38' && head -c 52 /dev/zero && printf '\xec\0\0\0' && cat "$name"; } >"$name.page"
    done
    printf '\0\x83\0\x40\1\3\0\x10\x6a\xbc\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34\x56\x78\1\3\0\x8\x5a\xbc\xde\xf0\x12\x34\x56\x78\2\1\0\x10ACME    DISK 123\2\0\0\4abcd' >"$folder/designators"
    printf '\0\x80\0\x8 S123456' >"$folder/serial"
    ;;
smbios)
    mkdir -p "$folder"
    for machine in tests/fixtures/machines/*.tree; do
        sed -n 's/^.*tables\/DMI hex //p' "$machine" | while read -r digits; do
            for version in '\2\x8' '\3\x5'; do { printf "$version"; bytes "$digits"; } >"$folder/$(basename "$machine" .tree)${version//\\/-}"; done
        done
    done
    # structure KIND LENGTH VERSION… — one that has every field there is, all of them alike
    structure() { printf "\\x$1\\x$2\\0\\1" && head -c $((0x$2 - 4)) /dev/zero | tr '\0' "$3" && printf 'a\0b\0\0'; }
    for fill in '\1' '\2' '\x7f' '\377' '\x80' '\x55'; do
        { printf '\3\x7'; for kind in 00 01 02 03 04 10 11; do structure $kind 64 "$(printf "$fill")"; done; printf '\x7f\4\0\0\0\0'; } >"$folder/full${fill//\\/-}"
    done
    ;;
md_superblock)
    mkdir -p "$folder"
    # The size of the device, then a superblock 1.x: magic, version, array, name, level, disks, events, number, roles.
    { printf '\0\0\x0a\0\xfc\x4e\x2b\xa9\1\0\0\0' && head -c 8 /dev/zero && printf '0123456789abcdefnode:root' && head -c 31 /dev/zero && printf '\1\0\0\0' &&
        head -c 16 /dev/zero && printf '\2\0\0\0' && head -c 104 /dev/zero && printf '\7' && head -c 19 /dev/zero && printf '\2\0\0\0' && head -c 32 /dev/zero && printf '\0\0\1\0'; } >"$folder/one"
    printf '\0\0\x0a\0\xfc\x4e\x2b\xa9\0\0\0\0\x5a\0\0\0' >"$folder/old"
    ;;
gpt)
    mkdir -p "$folder"
    truncate -s 192K "$folder/table"
    printf 'label: gpt\nfirst-lba: 64\nstart=64, size=64\nstart=128, size=64, name=b\n' | sfdisk -q "$folder/table"
    for mib in 64 100 2048; do
        # The size of the disk in the higher bits of the number before it.
        { printf '%b' "$(printf '\\x%02x' 0 0 0 0 0 $((mib & 255)) $((mib >> 8)) 0)"; head -c 40K "$folder/table"; } >"$folder/disk-$mib"
    done
    rm "$folder/table"
    ;;
mbr)
    mkdir -p "$folder"
    truncate -s 192K "$folder/extended" "$folder/full"
    printf 'label: dos\nstart=1, size=10\nstart=20, size=200, type=5\nd5: start=22, size=20\nd6: start=60, size=20\n' | sfdisk -q "$folder/extended"
    printf 'label: dos\nstart=1, size=10\nstart=20, size=10\nstart=40, size=10\nstart=60, size=20, bootable\n' | sfdisk -q "$folder/full"
    ;;
qcow2)
    mkdir -p "$folder"
    plain() { printf 'again and again %.0s' {1..200}; head -c 3000 "$0"; head -c 20000 /dev/zero; }
    plain >"$folder/raw"
    truncate -s 70K "$folder/raw"
    plain | tail -c 9000 >>"$folder/raw"
    truncate -s 96K "$folder/raw"
    # image NAME OPTION… — what qemu-img makes of it
    image() { qemu-img convert -f raw -O qcow2 "${@:2}" "$folder/raw" "$folder/$1"; }
    for size in 512 1k 4k; do
        image "plain-$size" -o cluster_size=$size
        image "deflate-$size" -c -o cluster_size=$size
        image "zstd-$size" -c -o cluster_size=$size,compression_type=zstd
    done
    image old -o compat=0.10,cluster_size=512
    for bits in 1 2 8 64; do image "counts-$bits" -o cluster_size=512,refcount_bits=$bits; done
    image lazy -o cluster_size=1k,lazy_refcounts=on
    image subclusters -o cluster_size=16k,extended_l2=on
    qemu-img create -q -f qcow2 -o cluster_size=512,preallocation=metadata "$folder/ahead" 96K
    qemu-img create -q -f qcow2 -o cluster_size=512 "$folder/nothing" 1M
    rm "$folder/raw"
    ;;
config_drive)
    mkdir -p "$folder"
    printf 'http://h/drive' >"$folder/place"
    printf '<!DOCTYPE html><html>' | tee "$folder/page" | gzip >"$folder/page-gzip"
    printf '' | gzip | tee "$folder/empty-gzip" | base64 >"$folder/empty"
    printf 'H4sI!' >"$folder/no-base64"
    echo '{"uuid": "x"}' >"$folder/meta_data.json"
    genisoimage -quiet -r -no-pad -V config-2 "$folder/meta_data.json" >"$folder/iso"
    gzip -9 <"$folder/iso" >"$folder/gzip"
    base64 <"$folder/gzip" >"$folder/base64"
    base64 -w 0 <"$folder/iso" >"$folder/base64-plain"
    { cat "$folder/gzip"; gzip <"$folder/meta_data.json"; } | base64 >"$folder/members"
    rm "$folder/meta_data.json"
    ;;
hints)
    mkdir -p "$folder"
    for operator in '<' '<=' '=' '==' '!=' '>=' '>' 's<' 's<=' 's>' 's>=' '<in>'; do
        printf '{"size":"%s 10","model":"%s 10"}' "$operator" "$operator" >"$folder/operator-${operator//[^a-z=]/-}-${#operator}"
    done
    printf '{"size":"<range-in> [ 1 20 )","serial":"<range-in> ( 1 20 ]"}' >"$folder/range"
    printf '{"size":"<range-in> ( 9 5 )"}' >"$folder/range-none"
    printf '{"size":"x","model":"<in>"}' >"$folder/wrong"
    for name in model vendor serial wwn wwn_with_extension wwn_vendor_extension name by_path hctl; do printf '{"%s":"10"}' "$name" >"$folder/$name"; done
    printf '{}' >"$folder/nothing"
    printf '{"size":">= 10","model":"s== x","vendor":"<in> a <in> b","serial":"<or> a <or> b","wwn":"0x5000","wwn_with_extension":"s!= 1","wwn_vendor_extension":"<all-in> a b","name":"/dev/sda","by_path":"/dev/disk/by-path/a","hctl":"0:0:0:0","rotational":true}' >"$folder/all"
    printf '{"size":10,"rotational":"no","model":"s<= %%C3%%A4"}' >"$folder/numbers"
    ;;
url)
    mkdir -p "$folder"
    printf 'http://user:p%%40ss@h.example:8080/a/../b?c=d#e\n../f?g' >"$folder/redirect"
    printf 'https://[fd00::1%%25eth0]:6385/v1\n.example,10.0.0.0/8,[fd00::]/16,h:80' >"$folder/exempt"
    printf 'http://192.0.2.7/ \xc3\xa4\n192.0.2.0/24, *' >"$folder/text"
    ;;
request_head)
    mkdir -p "$folder"
    printf 'POST /v1/commands/?wait=true&agent_token=x HTTP/1.1\r\nHost: h:9999\r\nContent-Length: 12\r\nExpect: 100-continue\r\nConnection: keep-alive, close\r\n\r\n' >"$folder/command"
    printf 'GET //v1/commands/a/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n' >"$folder/redirect"
    printf 'GET http://h/v1/status HTTP/1.1\nHost: h\n\n' >"$folder/absolute"
    ;;
request_body)
    mkdir -p "$folder"
    printf '{"name":"deploy.execute_deploy_step","params":{"step":{"args":{"configdrive":"H4sI","image_info":{"configdrive":"a"}}},"node":{"instance_info":{"configdrive":"b"}}}}' >"$folder/step"
    printf '{"name":"a","params":{"image_info":{"configdrive":"H4sI"},"configdrive":"H4sJ"}}' >"$folder/drives"
    { printf '[%.0s' {1..200}; printf '{"a":1'; } >"$folder/deep"
    printf '{"name":"standby.prepare_image","params":{"image_info":{"id":"\\u00e4\\ud83d\\ude00","n":[1,-2.5e3,true,null,{}]},"agent_token":"x"}}' >"$folder/command"
    ;;
loader_config)
    mkdir -p "$folder"
    # long NUMBER — as PE has it
    long() { printf '%b' "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) 0 0)"; }
    # section NAME — a line of the table of sections
    section() { printf '%s' "$1" && head -c $((8 - ${#1})) /dev/zero && long 32 && long 4096 && long 64 && long 512 && head -c 16 /dev/zero; }
    { printf MZ && head -c 58 /dev/zero && long 64 && printf 'PE\0\0\x64\x86\4\0' && head -c 16 /dev/zero && section .text && section .linux && section .initrd && section .cmdline; } >"$folder/kernel"
    printf 'a*+1.conf\ntitle a\nlinux /a\nsort-key b\nversion 2\n' >"$folder/other"
    printf 'set default=x>1\nset timeout=5\nmenuentry "x" --id y { linux (hd0,gpt2)/v a\\ b "c $d" ; initrd /i }\nfunction f { true; }\n# c\nif [ -s $prefix/grubenv ]; then load_env; elif true; then x; fi\n' >"$folder/id"
    printf 'set default="${saved_entry}"\nif [ "${next_entry}" ] ; then\n set default="${next_entry}"\nelse\n set default=0\nfi\nsubmenu "More" {\n menuentry "a b" --class x {\n  search --no-floppy --fs-uuid --set=root 0a-1\n  linux /boot/vmlinuz-6.1 root=UUID=0a ro quiet \\\n   console=ttyS0\n  initrd /boot/initrd.img-6.1 /boot/more\n }\n}\nmenuentry '\''c'\'' { linux /v; }\n' >"$folder/grub"
    printf 'a-6.1+3-1.conf\ntitle a\nversion 6.1.0\nmachine-id 0a\nsort-key a\nlinux /a/linux\ninitrd /a/initrd\noptions root=UUID=0a quiet\narchitecture x64\n' >"$folder/entry"
    ;;
uevent)
    mkdir -p "$folder"
    printf 'alias pci:v0000808[0-9]d*[!x]*sv*sd[^abc]*bc02sc00i[0x]? e1000e\nalias a[] b\nalias a[b c\n--\nadd@/devices/pci\0ACTION=add\0MODALIAS=pci:v00008086d000010D3sv0sd0bc02sc00i00\0' >"$folder/sets"
    printf 'alias pci:v00008086d*sv*sd*bc02sc00i* e1000e\nalias virtio:d0000000[1-3]v* virtio_net\nalias usb:v?*p[!a]* x\n--\nadd@/devices/pci\0ACTION=add\0SUBSYSTEM=pci\0MODALIAS=pci:v00008086d000010D3sv0sd0bc02sc00i00\0SEQNUM=7\0' >"$folder/card"
    ;;
checksum)
    mkdir -p "$folder"
    printf 'https://h/SHA256SUMS' >"$folder/place"
    printf 'md5:d41d8cd98f00b204e9800998ecf8427e' >"$folder/md5"
    printf 'sha512:http://h/a' >"$folder/named-place"
    sum=439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363
    printf "$sum *a.img\n$sum  image\n" >"$folder/list"
    printf "SHA256 (image) = $sum\n# c\nMD5 (image) = d41d8cd98f00b204e9800998ecf8427e image" >"$folder/bsd"
    printf "sha256:$sum" >"$folder/named"
    ;;
parameters)
    mkdir -p "$folder"
    printf 'ironlet.order=http://h/a ironlet.disk=/dev/sda' >"$folder/order-and-disk"
    printf 'ipa-ironic-api-version=1.x' >"$folder/version"
    printf 'ironlet.then=never' >"$folder/choice"
    printf 'ipa-lldp-timeout=1.5 ironlet.rate=1' >"$folder/rate"
    printf 'ipa-image-download-connection-retries=x' >"$folder/number"
    printf 'ipa-lldp-timeout=-1' >"$folder/decimal"
    sum=sha256:439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363
    printf "ironlet.image=http://h/a ironlet.checksum=$sum ironlet.disk=/dev/sda ironlet.then=reboot ironlet.rate=20M ironlet.verify=readback" >"$folder/image"
    printf 'ironlet.image=http://h/a ironlet.signature=http://h/s' >"$folder/unsigned"
    printf 'ironlet.image=http://h/a' >"$folder/unverified"
    printf 'ironlet.order=http://h/{serial} ironlet.order-key=RWx ironlet.order-serial=7' >"$folder/order"
    printf 'ironlet.order=http://h/a ironlet.disk=/dev/sda ironlet.order-key=' >"$folder/two"
    printf 'ironlet.order=http://h/a ipa-api-url=http://h' >"$folder/ironic"
    printf 'ironlet.order-key=RWx ipa-inspection-benchmarks=cpu ipa-ironic-api-version=1.x ipa-ironic-api-version=1.68' >"$folder/key"
    printf 'ipa-image-download-connection-retries=x ipa-lldp-timeout=-1 ironlet.rate=1 ipa-debug=perhaps ipa-listen-port=99999' >"$folder/wrong"
    printf 'image_server_auth_strategy=http_basic ipa-lldp-timeout=' >"$folder/empty"
    printf 'ipa-api-url=http://h:6385 ipa-debug=1 ipa-insecure=yes ipa-inspection-collectors=default,logs ip=dhcp ironlet.image="http://h/a b" console=ttyS0,115200n8 ipa-hardware-initialization-delay=10' >"$folder/line"
    ;;
ironic_reply)
    mkdir -p "$folder"
    printf '{"node":{"uuid":"a"},"config":{"heartbeat_timeout":0,"agent_token":7}}' >"$folder/timeout"
    printf '{"node":{"uuid":"a"},"heartbeat_timeout":30,"config":{"heartbeat_timeout":3,"agent_token":"******","permitted_image_formats":[1],"tls_min_version":1}}' >"$folder/types"
    printf '{"node":{"uuid":"a"},"config":{}}' >"$folder/none"
    printf '{"error_message":{"title":"%s"}}' "$(printf '\303\244b %.0s' {1..300})" >"$folder/long"
    printf '{"error_message":"plain"}' >"$folder/plain"
    printf '{"error_message":[]}' >"$folder/list"
    printf '{"node":{"uuid":"a","x":1},"config":{"heartbeat_timeout":300,"agent_token":"0123456789abcdef0123456789abcdef","tls_min_version":"1.2","agent_md5_checksum_enable":true,"permitted_image_formats":["raw","qcow2"],"disable_deep_image_inspection":false}}' >"$folder/lookup"
    printf '{"default_version":{"id":"v1","version":"1.115"}}' >"$folder/root"
    printf '{"error_message":"{\\"faultstring\\": \\"Node is locked\\"}"}' >"$folder/error"
    ;;
server_headers)
    mkdir -p "$folder"
    printf 'Sun, 06 Nov 1994 08:49:57 GMT\nSunday, 06-Nov-94 08:49:37 GMT\nbytes 9-9/10\n"a"\n"a"' >"$folder/dates"
    printf '120\nSun Nov  6 08:49:37 1994\nbytes 0-9/10\nW/"a"\n"b"' >"$folder/seconds"
    ;;
settings)
    mkdir -p "$folder"
    printf '[DEFAULT]\napi_url = http://h\n# c\nlisten_port: 9999\ncollectors = a,\n  b\n[disk_utils]\nefi-system-partition-size=200\n' >"$folder/file"
    ;;
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
    printf '{"flow":[{"standby.sync":{}},{"standby.power_off":{}}]}' >"$folder/two"
    printf '{"flow":[{"flow.start_flow":{"flow":[]}}]}' >"$folder/itself"
    printf '{"flow":[{"standby.sync":{}},{"standby.power_off":1}]}' >"$folder/parameters"
    printf '{"flow":[{"standby.sync":{},"standby.power_off":{}}]}' >"$folder/good"
    printf '{"flow":[7]}' >"$folder/number"
    printf '{"flow":{}}' >"$folder/object"
    printf '{"flow":[{"no.such":{}}]}' >"$folder/nobody"
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
    # configuration NAME DISKS VOLUMES — disks of 256 MiB each
    configuration() { { printf '\0\0\0\0\0\1\0\0'; printf "\\x$2\\1"; printf '{"logical_disks":[%s]}' "$3"; } >"$folder/$1"; }
    configuration others 4 '{"size_gb":1,"raid_level":"1","controller":"hardware"},{"size_gb":1}'
    configuration text 4 '"x",{"size_gb":"big","raid_level":1,"controller":"software","volume_name":7,"physical_disks":"x","is_root_volume":"y"}'
    configuration same 4 '{"size_gb":1,"raid_level":"1","controller":"software","volume_name":"a","is_root_volume":true},{"size_gb":2,"raid_level":"5","controller":"software","volume_name":"a","is_root_volume":true}'
    configuration most 4 '{"size_gb":"MAX","raid_level":"1+0","controller":"software","volume_name":"esp"},{"size_gb":"MAX","raid_level":"6","controller":"software","volume_name":"a/b","physical_disks":["x",1]}'
    configuration none 2 ''
    configuration large 2 '{"size_gb":99999,"raid_level":"1","controller":"software"},{"size_gb":1,"raid_level":"0","controller":"software","is_root_volume":false}'
    # The size of the disks, the text, then how many disks and whether they are named: the order arbitrary reads them in.
    { printf '\0\0\0\0\0\1\0\0\4\1'; printf '{"logical_disks":[{"size_gb":"MAX","raid_level":"1","controller":"software","physical_disks":[{"size":"> 10"},{"size":"> 10"}]},{"size_gb":10,"raid_level":"0","controller":"software","volume_name":"a"}]}'; } >"$folder/two"
    ;;
minisign)
    mkdir -p "$folder"
    cp "$(dirname "$0")"/../fixtures/minisign/*.minisig "$folder"
    ;;
order)
    mkdir -p "$folder"
    printf '<html>' >"$folder/page"
    printf '{"image_source":"http://h/d","urls":["http://h/e"],"checksum":"http://h/SHA256SUMS","image_signature":"checksum","image_type":"partition","root_mb":99,"root_gb":18446744073709551615,"ephemeral_mb":1,"ephemeral_format":"xfs","preserve_ephemeral":"yes","erase":"all","serial":"x","rate":"1","verify":"no","image_server_user":"u","ignore_bootloader_failure":"off","for":{"mac":[],"serial":["a","b","c","d"],"x":1},"nothing":0}' >"$folder/wrong"
    printf '{"image_source":"http://h/d","checksum":"md5:d41d8cd98f00b204e9800998ecf8427e","image_os_hash_value":"00","rate":"20M","root_device":"/dev/sda","capabilities":"boot_mode:uefi,secure_boot:true","configdrive":"http://h/drive","description":"x","for":{}}' >"$folder/url-drive"
    printf '{"image_source":["http://h/d.qcow2"],"image_os_hash_algo":"sha512","image_os_hash_value":"00","image_disk_format":"raw","configdrive":"%s","image_server_auth_strategy":"http_basic"}' "$(printf x | gzip | base64 -w 0)" >"$folder/whole-drive"
    seed='{"image_source":"http://h/d","image_checksum":"439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363","image_type":"partition","root_gb":9,"swap_mb":7,"ignore_bootloader_failure":true,"then":"kexec","seed":'
    printf '%s{"user_data":{"a":1},"meta_data":"http://h/m","network_config":"x","vendor_data":1}}' "$seed" >"$folder/seed"
    printf '%s{"meta_data":{"a":1},"user_data":"http://h/u"},"configdrive":1}' "$seed" >"$folder/both"
    printf '%s{"other":1},"erase":"metadata"}' "${seed%seed*}configdrive\":" >"$folder/parts"
    printf '%s{"user_data":[1],"network_data":{},"vendor_data":"x"}}' "${seed%seed*}configdrive\":" >"$folder/list"
    printf '[instance_info]\nimage_url = http://h/a\nimage_type=whole-disk\npreserve_ephemeral=on\n[instance_info]\nx=y\n' >"$folder/twice"
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
    # tree NAME — the lines of standard input, all behind the path of the disk's bus
    tree() {
        local host=sys/devices/pci0000:00/0000:00:07.0/$2
        { printf '%s\n' "$host/block/sda/size	8" "sys/block/sda>$host/block/sda" "$host/block/sda/subsystem>sys/class/block" "$host/subsystem>sys/bus/scsi" 'sys/devices/pci0000:00/0000:00:07.0/subsystem>sys/bus/pci' && sed "s,^,sys/devices/pci0000:00/0000:00:07.0/,"; } >"$folder/$1"
    }
    printf '%s\n' 'ata3/ata_port/ata3/port_no	3' | tree ata ata3/host2/target2:0:0/2:0:0:0
    printf '%s\n' 'host6/session1/iscsi_session/session1/targetname	iqn.a' 'host6/session1/connection1:0/iscsi_connection/connection1:0/persistent_address	192.0.2.1' 'host6/session1/connection1:0/iscsi_connection/connection1:0/persistent_port	3260' | tree iscsi host6/session1/target6:0:0/6:0:0:1
    printf '%s\n' 'host6/rport-6:0-0/target6:0:0/fc_transport/target6:0:0/port_name	0x50' 'host6/rport-6:0-0/fc_remote_ports/rport-6:0-0/port_name	0x50' 'host6/fc_host/host6/port_name	0x60' | tree fibre host6/rport-6:0-0/target6:0:0/6:0:0:256
    printf '%s\n' 'host6/x	1' | tree plain host6/target6:0:0/6:0:0:70000
    printf '%s\n' 'vmbus_1/device_id	{00-11}' | tree hyperv vmbus_1/host6/target6:0:0/6:0:0:0
    printf '%s\n' 'usb1/1-2/1-2:1.0/subsystem>sys/bus/usb' 'usb1/1-2/subsystem>sys/bus/usb' 'usb1/subsystem>sys/bus/usb' 'usb1/bDeviceProtocol	3' 'usb1/1-2/bDeviceProtocol	0' 'usb1/1-2/speed	480' | tree usb usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0
    printf 'sys/block/sda>sys/devices/pci0000:00/0000:00:07.0/nvme/nvme0/nvme0n1\nsys/devices/pci0000:00/0000:00:07.0/nvme/nvme0/nvme0n1/nsid	1\nsys/devices/pci0000:00/0000:00:07.0/nvme/nvme0/nvme0n1/subsystem>sys/class/block\nsys/devices/pci0000:00/0000:00:07.0/nvme/nvme0/subsystem>sys/class/nvme\nsys/devices/pci0000:00/0000:00:07.0/subsystem>sys/bus/pci\n' >"$folder/nvme"
    # One of each of the rarer buses, below one another.
    printf '%s\n' 'b0:1/subsystem>sys/bus/bcma' 'b0:1/spi0.1/subsystem>sys/bus/spi' 'b0:1/spi0.1/ap1/subsystem>sys/bus/ap' 'b0:1/spi0.1/ap1/type	1' 'b0:1/spi0.1/ap1/ap_functions	2' 'b0:1/spi0.1/ap1/c0d1/subsystem>sys/bus/cciss' | tree rare b0:1/spi0.1/ap1/c0d1/x
    printf '%s\n' 'host6/ieee1394_id	0123:0:1' 'host6/target6:0:0/6:0:0:0/ieee1394_id	0123:0:1' | tree firewire host6/target6:0:0/6:0:0:0
    printf '%s\n' 'host6/port-6:0/end_device-6:0/sas_device/end_device-6:0/phy_identifier	4' 'host6/port-6:0/sas_port/port-6:0/num_phys	1' 'host6/port-6:0/end_device-6:0/sas_device/end_device-6:0/sas_address	0x50' | tree phy host6/port-6:0/end_device-6:0/target6:0:0/6:0:0:0
    printf 'sys/block/sda>sys/devices/pci0000:00/0000:00:07.0/virtio1/block/vda\nsys/devices/pci0000:00/0000:00:07.0/virtio1/block/vda/subsystem>sys/class/block\nsys/devices/pci0000:00/0000:00:07.0/virtio1/subsystem>sys/bus/virtio\nsys/devices/pci0000:00/0000:00:07.0/subsystem>sys/bus/pci\n' >"$folder/virtio"
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
    printf '# c\nipa-debug=1\nipa-api-url = "http://h"\nipa-debug=0\n' >"$folder/words"
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
    { printf "\\377HTTP/1.1 200 OK\\r\\nContent-Encoding: gzip\\r\\n\\r\\n"; head -c 1000 "$0" | gzip; } >"$folder/gzip"
    { printf '\7HTTP/1.1 200 OK\r\n'; printf 'A: b\r\n%.0s' {1..300}; printf '\r\n'; } >"$folder/headers"
    { printf "\377${ok}"; printf '1\r\nx\r\n%.0s' {1..3000}; } >"$folder/frames"
    { printf "\377${ok}0\r\n"; printf 'A: b\r\n%.0s' {1..3000}; } >"$folder/trailers"
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
    printf '<3>[ 1.0] %s\n' 'e100 0000:02:00.0: "e100/d101m_ucode.bin" has wrong size of 134 bytes' 'tg3 0000:02:00.0: bogus length 0 in "tigon/tg3.bin"' 'bnx2: Firmware file "bnx2/x.fw" is invalid' 'bnx2x: corrupt firmware file bnx2x/x.fw' >"$folder/damaged"
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
    printf '\0\x24\0\x10abcdefgh' >"$folder/packet"
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
