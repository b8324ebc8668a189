//! Hardware that does not work, on machines that are directories: recorded complaints of drivers brought to their devices.

#[path = "support/machine.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod machine;

use ironlet::drivers::Faults;
use ironlet::drivers::nics_and_disk_controllers::Purpose;
use machine::Machine;

/// A PCI device of this class, at a place, with or without a driver.
fn pci(place: &str, class: &str, id: &str, driver: &str) -> String {
    let (vendor, device) = id.split_once(':').expect("vendor:device");
    let home = format!("/sys/devices/pci0000:00/{place}");
    let mut text = format!(
        "{home}/class = 0x{class}\n{home}/vendor = 0x{vendor}\n{home}/device = 0x{device}\n\
         {home}/subsystem -> ../../../bus/pci\n\
         /sys/bus/pci/devices/{place} -> ../../../devices/pci0000:00/{place}\n"
    );
    if !driver.is_empty() {
        text += &format!(
            "{home}/driver -> ../../../bus/pci/drivers/{driver}\n\
             /sys/bus/pci/drivers/{driver}/{place} -> ../../../../devices/pci0000:00/{place}\n\
             /sys/bus/pci/drivers/{driver}/module -> ../../../../module/{driver}\n"
        );
    }
    text
}

/// A network link of the device at that place; `flags` as the kernel shows them.
fn link(place: &str, name: &str, flags: &str) -> String {
    let home = format!("/sys/devices/pci0000:00/{place}");
    format!(
        "{home}/net/{name}/flags = {flags}\n{home}/net/{name}/device -> ../../../{place}\n\
         /sys/class/net/{name} -> ../../devices/pci0000:00/{place}/net/{name}\n"
    )
}

fn logged(lines: &[&str]) -> String {
    let line = |text: &&str| format!("<4>[    9.163094] {text}\n");
    lines.iter().map(line).collect()
}

#[test]
fn a_driver_without_its_firmware_is_named_with_device_and_file() {
    let machine = Machine::empty().with(
        &[
            pci("0000:00:01.0", "020000", "8086:1209", "e100"),
            link("0000:00:01.0", "eth0", "0x1002"),
            pci("0000:00:02.0", "020000", "10ec:8168", "r8169"),
            link("0000:00:02.0", "eth1", "0x1003"),
            pci("0000:00:03.0", "020000", "14e4:1639", "bnx2"),
            link("0000:00:03.0", "eno1", "0x1002"),
            pci("0000:00:04.0", "020000", "14e4:168e", "bnx2x"),
            link("0000:00:04.0", "net0", "0x1002"),
            pci("0000:00:05.0", "020000", "1077:8070", ""),
            pci("0000:00:06.0", "028000", "8086:2723", "iwlwifi"),
            pci("0000:00:07.0", "0c0400", "1077:2532", "qla2xxx"),
            pci("0000:00:08.0", "010700", "9005:041f", ""),
            pci("0000:00:09.0", "030000", "8086:3e98", "i915"),
        ]
        .concat(),
    );
    let log = logged(&[
        "e100 0000:00:01.0: firmware: failed to load e100/d101s_ucode.bin (-2)",
        "firmware_class: See https://wiki.debian.org/Firmware for information about missing firmware",
        "e100 0000:00:01.0: Direct firmware load for e100/d101s_ucode.bin failed with error -2",
        "e100 0000:00:01.0 eth0: Failed to load firmware \"e100/d101s_ucode.bin\": -2",
        "r8169 0000:00:02.0: Unable to load firmware rtl_nic/rtl8168g-2.fw (-2)",
        "bnx2: Can't load firmware file \"bnx2/bnx2-mips-09-6.2.1b.fw\"",
        "bnx2x: [bnx2x_init_firmware:13444(net0)]Can't load firmware file bnx2x/bnx2x-e2-7.13.21.0.fw",
        "bnx2x 0000:00:04.0: Direct firmware load for bnx2x/bnx2x-e2-7.13.15.0.fw failed with error -2",
        "qede 0000:00:05.0: Direct firmware load for qed/qed_init_values_zipped-8.59.1.0.bin failed with error -2",
        "[qed_slowpath_start:1257()]Failed to find fw file - /lib/firmware/qed/qed_init_values_zipped-8.59.1.0.bin",
        "qede: probe of 0000:00:05.0 failed with error -2",
        "iwlwifi 0000:00:06.0: Direct firmware load for iwlwifi-cc-a0-72.ucode failed with error -2",
        "iwlwifi 0000:00:06.0: Direct firmware load for iwlwifi-cc-a0-71.ucode failed with error -2",
        "iwlwifi 0000:00:06.0: Direct firmware load for iwlwifi-cc-a0-70.ucode failed with error -2",
        "iwlwifi 0000:00:06.0: Direct firmware load for iwlwifi-cc-a0-69.ucode failed with error -2",
        "iwlwifi 0000:00:06.0: no suitable firmware found!",
        "qla2xxx 0000:00:07.0: Direct firmware load failed with error -2",
        "qla2xxx [0000:00:07.0]-0063:1: Failed to load firmware image (ql2500_fw.bin).",
        "aic94xx 0000:00:08.0: Direct firmware load for aic94xx-seq.fw failed with error -12",
        "i915 0000:00:09.0: Direct firmware load for i915/kbl_dmc_ver1_04.bin failed with error -2",
        "platform regulatory.0: Direct firmware load for regulatory.db failed with error -2",
        "Can't locate firmware ctfw-3.2.5.1.bin",
        "tg3 0000:00:0f.0: Direct firmware load for tigon/tg3_tso.bin failed with error -2",
    ]);
    let lacks = "which this ramdisk lacks";
    let unknown = format!("a device needs firmware ctfw-3.2.5.1.bin, {lacks}");
    let network = [
        format!("eth0 (e100) needs firmware e100/d101s_ucode.bin, {lacks}"),
        format!("eth1 (r8169) asked for firmware rtl_nic/rtl8168g-2.fw, {lacks}"),
        format!("eno1 (bnx2) needs firmware bnx2/bnx2-mips-09-6.2.1b.fw, {lacks}"),
        format!(
            "net0 (bnx2x) needs firmware bnx2x/bnx2x-e2-7.13.21.0.fw or bnx2x/bnx2x-e2-7.13.15.0.fw, {lacks}"
        ),
        format!(
            "the network card 1077:8070 at 0000:00:05.0 (qede) needs firmware qed/qed_init_values_zipped-8.59.1.0.bin, {lacks}"
        ),
        format!(
            "the network card 8086:2723 at 0000:00:06.0 (iwlwifi) needs firmware iwlwifi-cc-a0-72.ucode or iwlwifi-cc-a0-71.ucode or iwlwifi-cc-a0-70.ucode or 1 more, {lacks}"
        ),
        unknown.clone(),
    ];
    let found = Faults::of(&machine.host(), Purpose::Network, &log);
    assert_eq!(found.lines(), network);
    let disk = [
        format!("the disk controller 1077:2532 at 0000:00:07.0 (qla2xxx) asked for firmware ql2500_fw.bin, {lacks}"),
        "the disk controller 9005:041f at 0000:00:08.0 (aic94xx) needs firmware aic94xx-seq.fw, which could not be loaded (error 12)".to_owned(),
        unknown,
    ];
    let found = Faults::of(&machine.host(), Purpose::Disk, &log);
    assert_eq!(found.lines(), disk);
}

#[test]
fn devices_without_a_driver_are_named_on_every_bus() {
    let virtio = "/sys/devices/pci0000:00/0000:00:04.0/virtio3";
    let usb = "/sys/devices/pci0000:00/0000:00:05.0/usb1/1-2";
    let machine = Machine::empty().with(
        &[
            pci("0000:00:01.0", "020000", "10ec:8139", ""),
            pci("0000:00:02.0", "010000", "1000:0012", ""),
            pci("0000:00:03.0", "080501", "1b36:0007", ""),
            pci("0000:00:04.0", "010000", "1af4:1001", "virtio-pci"),
            pci("0000:00:05.0", "0c0330", "1b36:000d", "xhci_hcd"),
            pci("0000:00:06.0", "030000", "1234:1111", ""),
            pci("0000:00:07.0", "010601", "8086:2922", "ahci"),
            pci("0000:00:08.0", "010802", "1b36:0010", ""),
            format!("{virtio}/device = 0x0002\n{virtio}/vendor = 0x1af4\n/sys/bus/virtio/devices/virtio3 -> ../../..{}\n", &virtio[4..]),
            format!("{usb}/idVendor = 46f4\n{usb}/idProduct = 0001\n{usb}/1-2:1.0/modalias = usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00\n"),
            format!("/sys/bus/usb/devices/1-2:1.0 -> ../../..{}/1-2:1.0\n", &usb[4..]),
            "/sys/devices/vmbus/8d2c/class_id = {f8615163-df3e-46c5-913f-f2d2f965ed0e}\n/sys/bus/vmbus/devices/8d2c -> ../../../devices/vmbus/8d2c\n".to_owned(),
            "/sys/devices/vbd-51712/devtype = vbd\n/sys/bus/xen/devices/vbd-51712 -> ../../../devices/vbd-51712\n".to_owned(),
        ]
        .concat(),
    );
    let host = machine.host();
    for (purpose, what, labels) in [
        (
            Purpose::Network,
            "network card",
            &["10ec:8139 at 0000:00:01.0", "8d2c"][..],
        ),
        (
            Purpose::Disk,
            "disk controller",
            &[
                "1000:0012 at 0000:00:02.0",
                "1b36:0007 at 0000:00:03.0",
                "1b36:0010 at 0000:00:08.0",
                "1af4:1001 at 0000:00:04.0",
                "46f4:0001 at 1-2:1.0",
                "vbd-51712",
            ],
        ),
    ] {
        let line = |label| format!("no driver in this ramdisk for the {what} {label}");
        let expected: Vec<_> = labels.iter().map(line).collect();
        assert_eq!(Faults::of(&host, purpose, "").lines(), expected);
    }
}

#[test]
fn a_ramdisk_that_was_cut_says_so() {
    let modules = "/lib/modules/6.1.0";
    let whole = "one/a.ko =\n\taaaa\ntwo.ko =\n\tbbbb\n";
    let whole = whole.replace("one/", &format!("{modules}/one/"));
    let whole = whole.replace("two.ko", &format!("{modules}/two.ko"));
    let lists = format!(
        "{modules}/modules.dep =\n\tone/a.ko: two.ko\n\ttwo.ko:\n{modules}/modules.size = 8192\n\
         /proc/iomem =\n\t00001000-0009fbff : System RAM\n\t  00090000-0009ffff : Reserved\n\t00100000-09ffffff : System RAM\n"
    );
    let machine = Machine::empty().with(&(whole + &lists));
    let cut = |machine: &Machine, log: &str| Faults::of(&machine.host(), Purpose::Disk, log).cut;
    assert_eq!(cut(&machine, ""), None);
    let log = logged(&["Initramfs unpacking failed: write error"]);
    let told = cut(&machine, &log).expect("words");
    assert!(told.contains("160 MiB of RAM are too little"), "{told}");
    let machine = machine.without(&format!("{modules}/two.ko"));
    let told = cut(&machine, &log).expect("words");
    assert!(told.contains("1 of its 2 modules are missing"), "{told}");
    // A log that has wrapped around does not say why.
    let told = cut(&machine, "").expect("words");
    assert!(told.contains("damaged"), "{told}");
    assert_eq!(cut(&Machine::empty(), ""), None);
}
