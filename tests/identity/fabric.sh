# Targets of the guest's own and the way to them: iSCSI over the loopback interface, Fibre Channel over Ethernet between two cards on
# one cable, NVMe over TCP. What they serve are files in RAM, sparse.
config=/sys/kernel/config
mount -t configfs configfs $config
ip link set lo up
mkdir -p /run/lun

# file NAME MIB
file() { truncate -s "$2M" "/run/lun/$1"; }

# lun NAME MIB SERIAL: a disk for a SCSI target.
lun() {
    local core=$config/target/core/fileio_0/$1
    file "$1" "$2"
    mkdir -p "$core"
    echo "fd_dev_name=/run/lun/$1,fd_dev_size=$(($2 << 20))" >"$core/control"
    echo "$3" >"$core/wwn/vpd_unit_serial"
    echo 1 >"$core/enable"
}

iscsi() {
    local name=iqn.2024-01.org.example:store group
    group=$config/target/iscsi/$name/tpgt_1
    lun near 5101 ISCSI-0001
    lun far 5102 ISCSI-0002
    mkdir -p "$group/np/127.0.0.1:3260" "$group/lun/lun_0" "$group/lun/lun_300"
    ln -s $config/target/core/fileio_0/near "$group/lun/lun_0/"
    ln -s $config/target/core/fileio_0/far "$group/lun/lun_300/"
    for setting in authentication=0 demo_mode_write_protect=0 generate_node_acls=1 cache_dynamic_acls=1; do
        echo "${setting#*=}" >"$group/attrib/${setting%=*}"
    done
    echo 1 >"$group/enable"
    chroot /host /usr/sbin/iscsistart -i iqn.2024-01.org.example:machine -t $name -g 1 -a 127.0.0.1
}

# Both cards stay silent until both are set up: a frame that comes too early is the end of libfcoe.
fibre() {
    local initiator target group
    echo eth0 >/sys/module/libfcoe/parameters/create_vn2vn
    echo eth1 >/sys/module/libfcoe/parameters/create_vn2vn
    names() { sed 's/^0x//;s/../&:/g;s/:$//' /sys/class/fc_host/host*/port_name; }
    initiator=$(names | sed -n 1p)
    target=$(names | sed -n 2p)
    group=$config/target/fc/$target/tpgt_1
    lun fabric 5103 FC-0001
    mkdir -p "$group/lun/lun_0" "$group/acls/$initiator/lun_0"
    ln -s $config/target/core/fileio_0/fabric "$group/lun/lun_0/"
    ln -s "$group/lun/lun_0" "$group/acls/$initiator/lun_0/"
    ip link set eth0 up
    ip link set eth1 up
}

# No keep-alives: a busy host answers some too late, and the disk would hang while it is connected anew.
nvme() {
    local name=nqn.2024-01.org.example:store
    local system=$config/nvmet/subsystems/$name port=$config/nvmet/ports/1
    file nvme 5104
    mkdir -p "$system/namespaces/1" $port
    echo 1 >"$system/attr_allow_any_host"
    echo NVMET-0001 >"$system/attr_serial"
    echo /run/lun/nvme >"$system/namespaces/1/device_path"
    echo 1 >"$system/namespaces/1/buffered_io"
    echo 1 >"$system/namespaces/1/enable"
    echo tcp >$port/addr_trtype
    echo ipv4 >$port/addr_adrfam
    echo 127.0.0.1 >$port/addr_traddr
    echo 4420 >$port/addr_trsvcid
    ln -s "$system" $port/subsystems/
    echo "transport=tcp,traddr=127.0.0.1,trsvcid=4420,nqn=$name,hostnqn=nqn.2024-01.org.example:machine,keep_alive_tmo=0" >/dev/nvme-fabrics
}

iscsi
fibre
nvme
