//! The archive of logs: what is in it on a real machine's files, that it stays small and quick with 64 disks, and holds no secret.

use std::io::Read;
use std::time::{Duration, Instant};

use ironlet::clock::Clock;
use ironlet::codec::base64;
use ironlet::system_logs;

#[path = "support/machine.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod machine;

use machine::Machine;

/// Members by name, as tar tells them.
fn members(archive: &str) -> Vec<(String, String)> {
    let packed = base64::decode(archive).expect("base64");
    let mut tar = Vec::new();
    let mut unpacked = flate2::read::GzDecoder::new(&packed[..]);
    unpacked.read_to_end(&mut tar).expect("gzip");
    let (mut at, mut found) = (0, Vec::new());
    while tar[at] != 0 {
        let text = |from: usize, to: usize| {
            let bytes = tar[at + from..at + to].split(|byte| *byte == 0).next();
            String::from_utf8_lossy(bytes.expect("it is not empty")).into_owned()
        };
        let size = usize::from_str_radix(text(124, 136).trim(), 8).expect("octal");
        let content = &tar[at + 512..at + 512 + size];
        found.push((text(0, 100), String::from_utf8_lossy(content).into_owned()));
        at += 512 + size.next_multiple_of(512);
    }
    found
}

/// A SCSI disk as the kernel shows one, with a partition that has a name.
fn disk(number: usize) -> String {
    let (name, host) = (format!("sd{}", letters(number)), number);
    let device =
        format!("/sys/devices/pci0000:00/0000:00:05.0/host{host}/target{host}:0:0/{host}:0:0:0");
    let block = format!("{device}/block/{name}");
    format!(
        "{block}/size = 7814037168\n{block}/dev = 8:{}\n{block}/ro = 0\n{block}/removable = 0\n\
         {block}/queue/rotational = 1\n{block}/queue/logical_block_size = 512\n{block}/queue/physical_block_size = 4096\n\
         {block}/{name}1/partition = 1\n{block}/{name}1/start = 2048\n{block}/{name}1/size = 1126400\n\
         {block}/{name}1/dev = 8:{}\n{block}/{name}1/uevent =\n\tDEVNAME={name}1\n\tPARTNAME=EFI {number}\n\
         {device}/vendor = ATA\n{device}/model = DISK MODEL {number}\n{device}/state = running\n{device}/type = 0\n\
         {device}/scsi_device/\n{block}/device -> ../../../{host}:0:0:0\n{device}/subsystem -> ../../../../../../bus/scsi\n\
         {device}/vpd_pg80 hex 00800008{}\n/sys/block/{name} -> ..{}\n",
        number * 16,
        number * 16 + 1,
        hex(format!("SER{number:05}").as_bytes()),
        block.strip_prefix("/sys").expect("it is below"),
    )
}

fn letters(number: usize) -> String {
    let letter = |number: usize| char::from(b'a' + number as u8);
    match number {
        0..26 => letter(number).to_string(),
        _ => [letter(number / 26 - 1), letter(number % 26)]
            .iter()
            .collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `Boot0007` of label "our disk", and the order.
fn boot_entry() -> String {
    let label: Vec<u8> = "our disk\0"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let path = "7fff0400";
    let of = |name: &str| {
        format!("/sys/firmware/efi/efivars/{name}-8be4df61-93ca-11d2-aa0d-00e098032b8c")
    };
    format!(
        "{} hex 07000000010000000400{}{path}\n{} hex 070000000700\n",
        of("Boot0007"),
        hex(&label),
        of("BootOrder")
    )
}

const SECRETS: &str = "/proc/cmdline = quiet ipa-agent-token=sesame ipa-api-url=http://user:hunter2@h/ \
                       ironlet.image=https://h/i.raw?temp_url_sig=cafebabe\n";

#[test]
fn the_archive_has_what_an_operator_looks_for() {
    let machine = Machine::recorded("lab-uefi")
        .with(&disk(3))
        .with(&boot_entry())
        .with(SECRETS)
        .with("/proc/mdstat =\n\tPersonalities : [raid1]\n\tmd127 : active raid1 sda2[0]\n/proc/mounts = / rootfs rw\n")
        .with("/proc/interrupts = 0: 12 timer\n/proc/modules = virtio_net 1 0\n/proc/meminfo = MemTotal: 1 kB\n")
        .with("/sys/bus/pci/devices/0000:01:00.0/class = 0x020000\n/sys/bus/pci/devices/0000:01:00.0/vendor = 0x1af4\n")
        .with("/run/ironlet/lldp = {\"interfaces\":{\"eth0\":[[5,\"7377\"]]}}\n");
    let archive = system_logs::archive(&machine.host(), &Clock::fake()).expect("an archive");
    let members = members(&archive);
    let of = |name: &str| {
        let found = members.iter().find(|(own, _)| own == name);
        let names: Vec<_> = members.iter().map(|(name, _)| name).collect();
        &found
            .unwrap_or_else(|| panic!("no {name} among {names:?}"))
            .1
    };
    for (name, told) in [
        (
            "lsblk",
            "/dev/sdd\n    is 4000787030016 bytes (3726.0 GiB), sectors of 512 and 4096 bytes, rotational\n",
        ),
        ("lsblk", "    model DISK MODEL 3\n    serial SER00003 | "),
        (
            "lsblk",
            "    partition sdd1 8:49 from sector 2048 on 1126400 sectors of 512 bytes \"EFI 3\"\n",
        ),
        (
            "lsblk",
            "    wwn 0x5000c50015ea71aa\n    wwn_with_extension 0x5000c50015ea71aa\n    hctl 0:0:0:0\n",
        ),
        (
            "lsblk",
            "    by-path /dev/disk/by-path/pci-0000:02:00.0-scsi-0:0:0:0\n    device 8:0\n",
        ),
        ("efibootmgr", "Boot0007 our disk "),
        ("sys/class/net", " address=52:54:00"),
        ("sys/bus/pci/devices", " class=0x020000 vendor=0x1af4"),
        ("sys/block", "sdd "),
        ("dmidecode", "\"bios\":{"),
        ("lldp", "\"eth0\""),
        ("proc/mdstat", "md127 : active raid1"),
        ("proc/mounts", "rootfs"),
        ("proc/interrupts", "timer"),
        ("proc/modules", "virtio_net"),
        ("proc/meminfo", "MemTotal"),
        (
            "proc/cmdline",
            "ipa-agent-token=(secret) ipa-api-url=http://h/ ironlet.image=https://h/i.raw\n",
        ),
    ] {
        assert!(
            of(name).contains(told),
            "{name} has no {told:?}:\n{}",
            of(name)
        );
    }
    let all: String = members.into_iter().map(|(_, text)| text).collect();
    for secret in ["sesame", "hunter2", "cafebabe"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[test]
fn a_machine_with_64_disks_fills_no_more_than_2_mib_in_2_seconds() {
    let disks: String = (0..64).map(disk).collect();
    let mut machine = Machine::recorded("lab-uefi").with(&disks);
    // What grows with processors: 256 of them, and 400 interrupts.
    let counts = " 1234567890".repeat(256);
    let interrupts: String = (0..400)
        .map(|n| format!("\t{n}:{counts} PCI-MSI\n"))
        .collect();
    machine = machine.with(&format!("/proc/interrupts =\n{interrupts}"));
    let began = Instant::now();
    let archive = system_logs::archive(&machine.host(), &Clock::fake()).expect("an archive");
    let took = began.elapsed();
    let members = members(&archive);
    let disks = members
        .iter()
        .find(|(name, _)| name == "lsblk")
        .expect("disks");
    let named = disks
        .1
        .lines()
        .filter(|line| line.starts_with("/dev/sd"))
        .count();
    println!(
        "64 disks: {} bytes of base64 in {} ms",
        archive.len(),
        took.as_millis()
    );
    assert_eq!(named, 64);
    assert!(
        archive.len() <= 2 << 20 && took < Duration::from_secs(2),
        "{} {took:?}",
        archive.len()
    );
}

#[test]
fn what_does_not_fit_leaves_the_logs_and_the_disks() {
    let mut state = 1u32;
    let mut noise = |lines: usize| -> String {
        let mut text = String::new();
        for _ in 0..lines {
            text.push('\t');
            text.extend((0..500).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(33 + (state >> 24) as u8 % 90)
            }));
            text.push('\n');
        }
        text
    };
    let files: String = [
        "modules",
        "iomem",
        "ioports",
        "interrupts",
        "cpuinfo",
        "softirqs",
    ]
    .iter()
    .map(|name| format!("/proc/{name} =\n{}", noise(1100)))
    .collect();
    let machine = Machine::recorded("lab-uefi").with(&disk(0)).with(&files);
    let archive = system_logs::archive(&machine.host(), &Clock::fake()).expect("an archive");
    assert!(archive.len() <= 2 << 20, "{}", archive.len());
    let members = members(&archive);
    let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.contains(&"agent.log") && names.contains(&"lsblk"),
        "{names:?}"
    );
    assert!(
        names.contains(&"proc/modules") && !names.contains(&"proc/cpuinfo"),
        "{names:?}"
    );
}
