//! What is taken from virtual media and what is not: media as genisoimage, xorriso, mkfs.vfat and mtools make them, as Ironic
//! calls these, in the drives of machines made of files.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::config::Config;
use ironlet::net::network_data;
use ironlet::virtual_media::{self, Wanted, find};
use support::partition_tables::{name, says};
use support::scratch::Scratch;

#[path = "support/machine.rs"]
#[allow(dead_code)] // no recorded machine is wanted here
mod machine;
use machine::Machine;

const PUBLISHER: &str = "0d5a2f4e-7c5d-4b6e-9d51-3b8f4e6a1c20";
const LINE: &str = "boot_method=vmedia ipa-api-url=http://192.0.2.1:6385";
const TLS_CONF: &str = "[DEFAULT]\ncafile = /etc/ironic-python-agent/ironic.crt\n";
const PLAN: &str = r#"{"links":[{"id":"a","type":"phy","ethernet_mac_address":"52:54:00:22:00:50"}],
    "networks":[{"id":"n","link":"a","type":"ipv4","ip_address":"192.0.2.7","netmask":"255.255.255.0"}]}"#;

fn published() -> String {
    format!("{LINE} ir_pub_id={PUBLISHER}")
}

/// What Ironic puts on its boot ISO.
fn ironics_files(tree: &Path) {
    for (path, content) in [
        ("vmlinuz", "a kernel"),
        ("initrd", "a ramdisk"),
        ("boot/grub/grub.cfg", "linux /vmlinuz"),
        ("etc/ironic-python-agent/ironic.crt", "a certificate"),
        ("etc/ironic-python-agent.d/ironic-tls.conf", TLS_CONF),
        ("openstack/latest/network_data.json", PLAN),
    ] {
        put(tree, path, content);
    }
}

fn put(tree: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = tree.join(path);
    fs::create_dir_all(path.parent().expect("below the tree")).expect("folders");
    fs::write(path, content).expect("a file");
}

fn tree(scratch: &Scratch, name: &str, fill: impl Fn(&Path)) -> PathBuf {
    let tree = scratch.path(name);
    fs::create_dir_all(&tree).expect("a folder");
    fill(&tree);
    tree
}

/// An image made by `program` with these words before those that name it and the tree.
fn iso(scratch: &Scratch, program: &[&str], tree: &Path) -> Vec<u8> {
    let path = scratch.path("made.iso");
    let _ = fs::remove_file(&path);
    says(
        program[0],
        &[&program[1..], &["-o", name(&path), name(tree)]].concat(),
        "",
    );
    fs::read(path).expect("it was made")
}

/// As ironic.common.images has it made, of this label, for UEFI.
fn ironics(scratch: &Scratch, label: &str, publisher: &str, fill: impl Fn(&Path)) -> Vec<u8> {
    let tree = tree(scratch, "ironics", fill);
    let words = [
        "genisoimage",
        "-quiet",
        "-r",
        "-V",
        label,
        "-l",
        "-publisher",
        publisher,
    ];
    let made = iso(scratch, &words, &tree);
    fs::remove_dir_all(tree).expect("ours");
    made
}

/// As `create_vfat_image` has it: dd, mkfs.vfat, mcopy.
fn vfat(scratch: &Scratch, label: &str, kib: u64, fill: impl Fn(&Path)) -> Vec<u8> {
    let (image, tree) = (scratch.path("made.img"), tree(scratch, "vfat", fill));
    let file = fs::File::create(&image).expect("a file");
    file.set_len(kib << 10).expect("room");
    says("mkfs.vfat", &["-n", label, name(&image)], "");
    for entry in fs::read_dir(&tree).expect("ours").flatten() {
        says(
            "mcopy",
            &["-s", "-i", name(&image), name(&entry.path()), "::"],
            "",
        );
    }
    fs::remove_dir_all(&tree).expect("ours");
    fs::read(image).expect("it was made")
}

fn parameters(scratch: &Scratch, text: impl AsRef<[u8]>) -> Vec<u8> {
    vfat(scratch, "ir-vfd-dev", 1440, |tree| {
        put(tree, "parameters.txt", &text)
    })
}

/// Every line of the log, whichever test it is of.
struct Heard(Mutex<Vec<String>>);
static HEARD: Heard = Heard(Mutex::new(Vec::new()));

impl log::Log for Heard {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }
    fn log(&self, record: &log::Record) {
        let line = format!("{} {}", record.level(), record.args());
        self.0.lock().expect("no test panics here").push(line);
    }
    fn flush(&self) {}
}

/// Was a line like this said, since the logger was there?
fn was_said(part: &str) -> bool {
    HEARD
        .0
        .lock()
        .expect("no test panics here")
        .iter()
        .any(|line| line.contains(part))
}

fn listen() {
    // The first test that asks sets it.
    let _ = log::set_logger(&HEARD);
    log::set_max_level(log::LevelFilter::Debug);
}

/// A machine with devices, in this order.
struct Case {
    machine: Machine,
    clock: Clock,
}

#[derive(Clone, Copy)]
enum Drive {
    Disc,
    /// Of so many GiB.
    Usb(u64),
    Sata,
    Virtio,
}

impl Case {
    fn new(devices: &[(&str, Drive, &[u8])]) -> Self {
        let mut machine = Machine::empty();
        for (number, (kernel, drive, bytes)) in devices.iter().enumerate() {
            machine = machine.with(&description(number, kernel, *drive, bytes.len() as u64));
            let node = machine.place(&format!("/dev/{kernel}"));
            fs::create_dir_all(node.parent().expect("a folder")).expect("a folder");
            fs::write(node, bytes).expect("room for a medium");
        }
        Case {
            machine,
            clock: Clock::fake(),
        }
    }

    /// What process 1 does with this line, of a clock that only sleeping moves on.
    fn take(self, command_line: &str) -> Self {
        if let Some(wanted) = Wanted::on(command_line) {
            let host = self.machine.host();
            let placed = find(&host, &self.clock, &wanted).put_in_place(&host);
            placed.expect("the tree is writable");
        }
        self
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.machine.place(path)).ok()
    }

    fn config(&self, command_line: &str) -> Config {
        Config::read(&self.machine.host(), command_line).expect("it is right")
    }

    /// Is nothing of any medium anywhere?
    fn is_untouched(&self) -> bool {
        ["/etc", "/mnt", "/run"]
            .iter()
            .all(|path| !self.machine.place(path).exists())
    }
}

fn description(number: usize, kernel: &str, drive: Drive, len: u64) -> String {
    let host = number + 1;
    let (above, kind, sectors) = match drive {
        Drive::Disc => (format!("ata{host}"), 5, len / 512),
        Drive::Usb(gib) => (format!("usb1/1-{host}"), 0, (gib << 21).max(len / 512)),
        Drive::Sata => (format!("ata{host}"), 0, len / 512),
        Drive::Virtio => {
            return format!(
                "/sys/block/{kernel} -> ../devices/pci0000:00/virtio{host}/block/{kernel}\n\
                 /sys/devices/pci0000:00/virtio{host}/block/{kernel}/size = {}\n",
                len / 512
            );
        }
    };
    let scsi = format!("/sys/devices/pci0000:00/{above}/host{host}/{host}:0:0:0");
    let usb = match drive {
        Drive::Usb(_) => format!("/sys/devices/pci0000:00/{above}/idVendor = 046b\n"),
        _ => format!("/sys/class/scsi_host/host{host}/proc_name = ahci\n"),
    };
    format!(
        "{usb}{scsi}/type = {kind}\n{scsi}/model = Drive\n{scsi}/scsi_device/{host}:0:0:0/\n\
         {scsi}/block/{kernel}/size = {sectors}\n{scsi}/block/{kernel}/device -> ../../../{host}:0:0:0\n\
         /sys/block/{kernel} -> ../devices/pci0000:00/{above}/host{host}/{host}:0:0:0/block/{kernel}\n"
    )
}

#[test]
fn parameters_of_a_medium_override_the_command_line() {
    let scratch = Scratch::new();
    let text = "ipa-api-url=http://192.0.2.2:6385\nipa-agent-token=0123456789abcdef0123456789abcdef\nipa-debug=1";
    let line = "ipa-api-url=http://192.0.2.1:6385 ipa-lookup-timeout=7 boot_method=vmedia";
    for drive in [Drive::Usb(0), Drive::Disc] {
        let case = Case::new(&[("sda", drive, &parameters(&scratch, text))]).take(line);
        let config = case.config(line);
        assert_eq!(config.api.urls, ["http://192.0.2.2:6385"]);
        assert_eq!(config.api.lookup_timeout.as_secs(), 7);
        assert!(
            config.debug
                && config
                    .token
                    .expect("a token")
                    .matches("0123456789abcdef0123456789abcdef")
        );
        let kept = case.machine.place("/run/ironlet/parameters.txt");
        let mode = kept.metadata().expect("it is kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds a token");
        // The same file means nothing to a machine that was booted otherwise.
        assert_eq!(case.config("ipa-api-url=http://a").api.urls, ["http://a"]);
    }
}

#[test]
fn parameters_come_in_any_text_and_not_from_what_is_none() {
    let scratch = Scratch::new();
    let mut wide = vec![0xff, 0xfe];
    wide.extend(
        "ipa-lookup-timeout=9\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes),
    );
    for (text, taken) in [
        (b"ipa-lookup-timeout=9\r\n".to_vec(), true),
        (b"\xef\xbb\xbfipa-lookup-timeout=9".to_vec(), true),
        (wide, true),
        (b"ipa-lookup-timeout=9\n\0\0\0".to_vec(), false),
        ([&b"\x7fELF"[..], &[0x90; 900]].concat(), false),
        (vec![b'x'; 70_000], false),
        (Vec::new(), false),
    ] {
        let case = Case::new(&[("sda", Drive::Usb(0), &parameters(&scratch, &text))]).take(LINE);
        let seconds = case.config(LINE).api.lookup_timeout.as_secs();
        assert_eq!(seconds == 9, taken, "{:?}", &text[..text.len().min(30)]);
    }
}

#[test]
fn a_parameter_file_of_a_gib_is_not_read() {
    let scratch = Scratch::new();
    let mut image = parameters(&scratch, "ipa-debug=1");
    // The slot of the file in the root folder: the size is its last four bytes.
    let slot = image
        .windows(11)
        .position(|name| name == b"PARAMETETXT" || name == b"PARAME~1TXT");
    let slot = slot.expect("the file has a short name");
    image[slot + 28..slot + 32].copy_from_slice(&(1u32 << 30).to_le_bytes());
    let case = Case::new(&[("sda", Drive::Usb(0), &image)]).take(LINE);
    assert!(case.is_untouched() && !case.config(LINE).debug);
}

#[test]
fn no_medium_switches_media_on_or_has_a_disk_written() {
    let scratch = Scratch::new();
    let text = "boot_method=x ironlet.image=http://192.0.2.9/x.raw ironlet.checksum=sha256:00 ironlet.disk=/dev/sdb ipa-tpyo=1";
    let medium = parameters(&scratch, text);
    let case = Case::new(&[("sda", Drive::Usb(0), &medium)]).take(LINE);
    let config = case.config(LINE);
    assert!(config.standalone.is_none());
    let notes = config.notes.join("\n");
    for part in [
        "boot_method counts on the kernel command line alone",
        "ironlet.image counts",
        "parameters.txt of virtual media sets what nobody here knows: ipa-tpyo",
    ] {
        assert!(notes.contains(part), "{notes}");
    }
    for line in [
        "ipa-api-url=http://a",
        "boot_method=vmedia boot_method=pxe",
        "",
    ] {
        let case = Case::new(&[("sda", Drive::Usb(0), &medium)]).take(line);
        assert!(case.is_untouched(), "{line}");
    }
}

#[test]
fn files_of_ironics_iso_are_put_in_place_whoever_made_it_and_as_whatever_it_is_put_in() {
    let scratch = Scratch::new();
    let tree = tree(&scratch, "tree", ironics_files);
    let with = ["-V", "config-2", "-publisher", PUBLISHER];
    let efi = scratch.path("efi.img");
    fs::write(&efi, vec![0; 1 << 20]).expect("a file");
    let makers: &[&[&str]] = &[
        &["genisoimage", "-quiet", "-r", "-l"],
        &["genisoimage", "-quiet", "-r", "-J", "-l"],
        &["genisoimage", "-quiet", "-J", "-joliet-long"],
        &[
            "genisoimage",
            "-quiet",
            "-r",
            "-l",
            "-e",
            "boot/grub/grub.cfg",
            "-no-emul-boot",
        ],
        &["xorriso", "-as", "mkisofs", "-quiet", "-r"],
        // One that firmware boots from a stick as well: a table of partitions in front.
        &[
            "xorriso",
            "-as",
            "mkisofs",
            "-quiet",
            "-r",
            "-partition_offset",
            "16",
            "-append_partition",
            "2",
            "0xef",
            name(&efi),
        ],
        &[
            "xorriso",
            "-as",
            "mkisofs",
            "-quiet",
            "-r",
            "-appended_part_as_gpt",
            "-append_partition",
            "2",
            "0xef",
            name(&efi),
        ],
    ];
    for maker in makers {
        let image = iso(&scratch, &[maker, &with[..]].concat(), &tree);
        for drive in [Drive::Disc, Drive::Usb(0)] {
            let case = Case::new(&[("sr0", drive, &image)]).take(&published());
            let text = |path| case.text(path);
            assert_eq!(
                text("/etc/ironic-python-agent/ironic.crt").as_deref(),
                Some("a certificate"),
                "{maker:?}"
            );
            assert_eq!(
                text("/etc/ironic-python-agent.d/ironic-tls.conf").as_deref(),
                Some(TLS_CONF)
            );
            assert_eq!(
                text("/mnt/config/openstack/latest/network_data.json").as_deref(),
                Some(PLAN)
            );
            assert!(!case.machine.place("/boot").exists());
            let cafile = case.config(LINE).tls.cafile.expect("a file of authorities");
            assert_eq!(
                cafile,
                case.machine.place("/etc/ironic-python-agent/ironic.crt")
            );
            let plan = network_data::read(&case.machine.host()).expect("a plan");
            assert_eq!(plan.links.len(), 1);
        }
    }
}

#[test]
fn files_of_other_media_with_the_right_label_are_put_in_place() {
    let scratch = Scratch::new();
    let conf = |tree: &Path| {
        put(
            tree,
            "etc/ironic-python-agent.d/a.conf",
            "[DEFAULT]\nlookup_timeout = 5\n",
        )
    };
    for medium in [
        ironics(&scratch, "VMEDIA_BOOT_ISO", "", conf),
        ironics(&scratch, "vmedia_boot_iso", PUBLISHER, conf),
        vfat(&scratch, "CONFIG-2", 1440, conf),
        vfat(&scratch, "config-2", 40 << 10, conf),
    ] {
        let case = Case::new(&[("sdb", Drive::Usb(1), &medium)]).take(LINE);
        assert_eq!(case.config(LINE).api.lookup_timeout.as_secs(), 5);
    }
}

/// What newer mkfs.vfat and libblkid do not agree on, and cost others their configuration: the label may stand in the boot
/// sector alone.
#[test]
fn a_label_in_the_boot_sector_alone_is_one() {
    let scratch = Scratch::new();
    let mut image = parameters(&scratch, "ipa-lookup-timeout=9");
    let in_root = image
        .windows(12)
        .rposition(|slot| slot == b"ir-vfd-dev \x08");
    image[in_root.expect("it is in the root folder as well")] = 0xe5;
    let path = scratch.path("boot-sector-only.img");
    fs::write(&path, &image).expect("a file");
    let seen = says("blkid", &["-p", "-o", "export", name(&path)], "");
    assert!(
        seen.contains("LABEL_FATBOOT=ir-vfd-dev") && !seen.contains("\nLABEL="),
        "{seen}"
    );
    let case = Case::new(&[("sda", Drive::Usb(0), &image)]).take(LINE);
    assert_eq!(case.config(LINE).api.lookup_timeout.as_secs(), 9);
}

#[test]
fn without_the_parameter_media_are_not_looked_at() {
    let scratch = Scratch::new();
    let media = [
        (
            "sr0",
            Drive::Disc,
            &ironics(&scratch, "config-2", PUBLISHER, ironics_files)[..],
        ),
        (
            "sda",
            Drive::Usb(0),
            &parameters(&scratch, "ipa-debug=1")[..],
        ),
    ];
    let line = format!("ipa-api-url=http://a ir_pub_id={PUBLISHER}");
    let case = Case::new(&media).take(&line);
    assert!(case.is_untouched());
    assert_eq!(case.clock.elapsed().as_secs(), 0, "nothing is waited for");
    assert!(Wanted::on(&line).is_none() && !case.config(&line).debug);
}

#[test]
fn no_disk_of_the_machine_is_a_medium_whatever_is_on_it() {
    let scratch = Scratch::new();
    let config = ironics(&scratch, "config-2", PUBLISHER, ironics_files);
    let floppy = parameters(&scratch, "ipa-debug=1 ipa-api-url=http://192.0.2.66");
    for (kernel, drive) in [
        ("sda", Drive::Sata),
        ("vda", Drive::Virtio),
        ("sdb", Drive::Usb(4)),
        ("sdb", Drive::Usb(64)),
    ] {
        for medium in [&config, &floppy] {
            let case = Case::new(&[(kernel, drive, medium)]).take(&published());
            assert!(case.is_untouched(), "{kernel}");
            assert_eq!(case.clock.elapsed(), virtual_media::PATIENCE);
        }
    }
    // Partitions are no media either: only what begins a device counts.
    let mut disk = vec![0; 1 << 20];
    disk.extend(&config);
    let case = Case::new(&[("sdb", Drive::Usb(1), &disk)]).take(&published());
    assert!(case.is_untouched());
    // Another's model does not help: as upstream, what calls itself virtual has to be removable as well.
    let case = Case::new(&[("sda", Drive::Sata, &floppy)]);
    let model = "/sys/devices/pci0000:00/ata1/host1/1:0:0:0/model = Acme Virtual Media\n";
    let case = Case {
        machine: case.machine.with(model),
        ..case
    }
    .take(LINE);
    assert!(case.is_untouched());
}

#[test]
fn what_calls_itself_virtual_media_may_hold_parameters_by_any_label() {
    let scratch = Scratch::new();
    let text = "ipa-lookup-timeout=9";
    let unlabelled = vfat(&scratch, "FLOPPY", 1440, |tree| {
        put(tree, "parameters.txt", text)
    });
    for (model, seconds) in [("HP Virtual Media", 9), ("Drive", 600)] {
        let case = Case::new(&[("sda", Drive::Usb(0), &unlabelled)]);
        let model = format!("/sys/devices/pci0000:00/usb1/1-1/host1/1:0:0:0/model = {model}\n");
        let case = Case {
            machine: case.machine.with(&model),
            ..case
        }
        .take("boot_method=vmedia");
        assert_eq!(case.config(LINE).api.lookup_timeout.as_secs(), seconds);
    }
}

#[test]
fn of_several_media_the_one_that_ironic_published_counts_else_the_first() {
    let scratch = Scratch::new();
    let conf = |seconds: u32| {
        move |tree: &Path| {
            put(
                tree,
                "etc/ironic-python-agent.d/a.conf",
                format!("[DEFAULT]\nlookup_timeout = {seconds}\n"),
            )
        }
    };
    let own = ironics(
        &scratch,
        "VMEDIA_BOOT_ISO",
        &PUBLISHER.to_uppercase(),
        conf(1),
    );
    let other = ironics(&scratch, "config-2", "somebody", conf(2));
    let none = ironics(&scratch, "config-2", "", conf(3));
    for (line, media, seconds) in [
        (published(), [&other, &own], 1),
        (published(), [&none, &own], 1),
        (published(), [&other, &none], 600),
        (LINE.to_owned(), [&other, &own], 2),
        (LINE.to_owned(), [&own, &other], 1),
    ] {
        let drives = [
            ("sr0", Drive::Disc, &media[0][..]),
            ("sr1", Drive::Disc, &media[1][..]),
        ];
        let case = Case::new(&drives).take(&line);
        assert_eq!(
            case.config(LINE).api.lookup_timeout.as_secs(),
            seconds,
            "{line}"
        );
    }
}

#[test]
fn a_plan_is_followed_only_if_it_is_for_this_boot() {
    let scratch = Scratch::new();
    let by_network = format!("{LINE} BOOTIF=52:54:00:22:00:50");
    for (publisher, line, followed) in [
        (PUBLISHER, published(), true),
        (
            PUBLISHER,
            format!("{} BOOTIF=52:54:00:22:00:50", published()),
            true,
        ),
        ("", LINE.to_owned(), true),
        ("", by_network.clone(), false),
        (PUBLISHER, by_network, false),
        (PUBLISHER, LINE.to_owned(), false),
    ] {
        let medium = ironics(&scratch, "config-2", publisher, ironics_files);
        let case = Case::new(&[("sr0", Drive::Disc, &medium)]).take(&line);
        let plan = case.text("/mnt/config/openstack/latest/network_data.json");
        assert_eq!(plan.is_some(), followed, "{publisher} {line}");
        // Files are for whoever was booted from it.
        assert!(case.text("/etc/ironic-python-agent/ironic.crt").is_some());
    }
}

#[test]
fn media_that_come_late_are_waited_for_and_no_longer_than_said() {
    let scratch = Scratch::new();
    let own = ironics(&scratch, "config-2", PUBLISHER, ironics_files);
    let floppy = parameters(&scratch, "ipa-lookup-timeout=9");
    for (line, drives, seconds) in [
        (published(), vec![("sr0", Drive::Disc, &own[..])], 2),
        (
            published(),
            vec![
                ("sr0", Drive::Disc, &own[..]),
                ("sda", Drive::Usb(0), &floppy[..]),
            ],
            0,
        ),
        (
            LINE.to_owned(),
            vec![("sda", Drive::Usb(0), &floppy[..])],
            10,
        ),
        (published(), vec![("sda", Drive::Usb(0), &floppy[..])], 60),
        // Nobody else says where Ironic is.
        (
            format!("boot_method=vmedia ir_pub_id={PUBLISHER}"),
            vec![("sr0", Drive::Disc, &own[..])],
            60,
        ),
        (published(), vec![], 60),
    ] {
        let case = Case::new(&drives).take(&line);
        assert_eq!(
            case.clock.elapsed().as_secs(),
            seconds,
            "{line} with {} media",
            drives.len()
        );
    }
}

#[test]
fn what_is_on_a_medium_beside_files_of_good_names_is_left_there() {
    let scratch = Scratch::new();
    let medium = ironics(&scratch, "config-2", PUBLISHER, |tree| {
        ironics_files(tree);
        put(tree, "etc/passwd", "root::0:0::/:/bin/sh");
        put(
            tree,
            "etc/ironic-python-agent.d/sub/deep.conf",
            "[DEFAULT]\ndebug = true\n",
        );
        put(
            tree,
            "etc/ironic-python-agent.d/b\\c.conf",
            "[DEFAULT]\ndebug = true\n",
        );
        put(tree, "secret", "s");
        for (name, to) in [
            ("shadow.conf", "/etc/shadow"),
            ("up.conf", "../../../../secret"),
            ("here.conf", "ironic-tls.conf"),
        ] {
            symlink(to, tree.join("etc/ironic-python-agent.d").join(name)).expect("a link");
        }
    });
    let case = Case::new(&[("sr0", Drive::Disc, &medium)]).take(&published());
    let there = ironlet::system_root::names(case.machine.place("/etc/ironic-python-agent.d"));
    assert_eq!(there, ["ironic-tls.conf"]);
    assert_eq!(
        ironlet::system_root::names(case.machine.place("/etc")),
        ["ironic-python-agent", "ironic-python-agent.d"]
    );
    let found = find(
        &case.machine.host(),
        &Clock::fake(),
        &Wanted::on(&published()).expect("wanted"),
    );
    let left_out = found.content.expect("a medium").1.left_out.join("\n");
    for part in [
        "b\\\\c.conf' is no name",
        "up.conf is a symbolic link",
        "shadow.conf is a symbolic link",
    ] {
        assert!(left_out.contains(part), "{left_out}");
    }

    // A name with a path in it, which only a forger writes.
    let forged = ironics(&scratch, "config-2", PUBLISHER, |tree| {
        put(tree, "etc/ironic-python-agent.d/xxxxxxxxxxxx.conf", "x")
    });
    let mut image = forged;
    let places: Vec<_> = (0..image.len() - 12)
        .filter(|at| &image[*at..*at + 12] == b"xxxxxxxxxxxx")
        .collect();
    for at in places {
        image[at..at + 12].copy_from_slice(b"../../shadow");
    }
    let case = Case::new(&[("sr0", Drive::Disc, &image)]).take(&published());
    assert!(case.is_untouched());
}

#[test]
fn too_many_or_too_large_files_are_refused_as_a_whole() {
    let scratch = Scratch::new();
    for (count, bytes) in [(65, 10), (1, (1 << 20) + 1), (6, 1 << 20)] {
        let medium = ironics(&scratch, "config-2", PUBLISHER, |tree| {
            for number in 0..count {
                put(
                    tree,
                    &format!("etc/ironic-python-agent/{number}.pem"),
                    vec![b'x'; bytes],
                );
            }
        });
        let case = Case::new(&[("sr0", Drive::Disc, &medium)]).take(&published());
        assert!(case.is_untouched(), "{count} × {bytes}");
    }
}

#[test]
fn a_medium_that_is_cut_short_gives_all_or_nothing() {
    let scratch = Scratch::new();
    let whole = ironics(&scratch, "config-2", PUBLISHER, ironics_files);
    let mut taken = 0;
    for cut in (0..whole.len()).step_by(4096) {
        let case = Case::new(&[("sr0", Drive::Disc, &whole[..cut])]).take(&published());
        let all = case.text("/etc/ironic-python-agent/ironic.crt").is_some()
            && case
                .text("/etc/ironic-python-agent.d/ironic-tls.conf")
                .is_some()
            && case
                .text("/mnt/config/openstack/latest/network_data.json")
                .is_some();
        assert!(all || case.is_untouched(), "cut at {cut}");
        taken += usize::from(all);
    }
    assert!(
        taken > 0,
        "what the maker puts behind the last file does not count"
    );
}

#[test]
fn a_drive_that_reads_nothing_costs_itself_alone() {
    let scratch = Scratch::new();
    let own = ironics(&scratch, "config-2", PUBLISHER, ironics_files);
    let case = Case::new(&[
        ("sda", Drive::Usb(0), b"x"),
        ("sdb", Drive::Usb(0), b"x"),
        ("sr0", Drive::Disc, &own[..]),
    ]);
    // Every read of the one is an input/output error, and the other is gone by the time it is opened.
    let node = case.machine.place("/dev/sda");
    fs::remove_file(&node).expect("ours");
    symlink("/proc/self/mem", node).expect("a link");
    fs::remove_file(case.machine.place("/dev/sdb")).expect("ours");
    let case = case.take(&published());
    assert!(case.text("/etc/ironic-python-agent/ironic.crt").is_some());
}

#[test]
fn a_drive_that_does_not_answer_is_given_up() {
    listen();
    let case = Case::new(&[("sr0", Drive::Disc, b"x")]);
    // Whoever opens it waits for somebody to write.
    let node = case.machine.place("/dev/sr0");
    fs::remove_file(&node).expect("ours");
    says("mkfifo", &[name(&node)], "");
    virtual_media::take(&case.machine.host(), &case.clock, &published());
    assert!(case.is_untouched() && was_said("a drive has not answered for 30 s"));
}

#[test]
fn what_uefi_started_by_http_is_in_no_drive_and_nobody_waits() {
    listen();
    let case = Case::new(&[("sr0", Drive::Disc, b"x")]);
    let table = case.machine.place("/sys/firmware/acpi/tables/NFIT");
    fs::create_dir_all(table.parent().expect("a folder")).expect("a folder");
    // Of OVMF, which fetched an ISO: one range, its use 3d5abd30-4175-87ce-6d64-d2ade523c4bb.
    let mut bytes = b"NFIT\x60\0\0\0\x01".to_vec();
    bytes.resize(40, 0);
    bytes.extend([0, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([
        0x30, 0xbd, 0x5a, 0x3d, 0x75, 0x41, 0xce, 0x87, 0x6d, 0x64, 0xd2, 0xad, 0xe5, 0x23, 0xc4,
        0xbb,
    ]);
    bytes.resize(0x60, 0);
    fs::write(table, bytes).expect("writable");
    virtual_media::take(&case.machine.host(), &case.clock, &published());
    assert_eq!(case.clock.elapsed(), Duration::ZERO);
    assert!(case.is_untouched() && was_said("started by HTTP from an image"));
}

#[test]
fn an_absurd_plan_leaves_the_network_to_ask_for_addresses() {
    let scratch = Scratch::new();
    for text in [
        "",
        "[[[[[[[[",
        "{\"links\": 7}",
        "null",
        "{\"links\":[{\"id\":\"a\",\"type\":\"phy\"}],\"networks\":[]}",
    ] {
        let medium = ironics(&scratch, "config-2", PUBLISHER, |tree| {
            ironics_files(tree);
            put(tree, "openstack/latest/network_data.json", text);
        });
        let case = Case::new(&[("sr0", Drive::Disc, &medium)]).take(&published());
        let plan = network_data::read(&case.machine.host());
        assert!(plan.is_none_or(|plan| plan.links.is_empty()), "{text}");
        assert!(case.text("/etc/ironic-python-agent/ironic.crt").is_some());
    }
}

#[test]
fn the_console_tells_what_was_taken_and_why_other_devices_were_not_and_no_secret() {
    listen();
    let scratch = Scratch::new();
    let token = "n0tF0rTheL0gn0tF0rTheL0gn0tF0rTheL0gn0tF0rT";
    let text = format!("ipa-agent-token={token}\nipa-api-url=http://u:pAssw0rd@192.0.2.3:6385\n");
    let floppy = parameters(&scratch, &text);
    let own = ironics(&scratch, "config-2", PUBLISHER, ironics_files);
    let other = ironics(&scratch, "config-2", "someone else", ironics_files);
    Case::new(&[
        ("sda", Drive::Sata, &own[..]),
        ("sdb", Drive::Usb(64), &own[..]),
        ("sdx", Drive::Usb(0), &floppy[..]),
        ("sdy", Drive::Usb(0), &floppy[..]),
        ("sr7", Drive::Disc, &other[..]),
        ("sr8", Drive::Disc, &own[..]),
        ("sr9", Drive::Disc, &own[..]),
    ])
    .take(&published());
    Case::new(&[
        ("vdq", Drive::Virtio, &own[..]),
        ("sr4", Drive::Disc, &own[..40_000]),
    ])
    .take(&published());
    for part in [
        "looking for a medium labelled config-2 or vmedia_boot_iso, published as 0d5a2f4e",
        "/etc/ironic-python-agent.d/ironic-tls.conf is from /dev/sr8",
        "the network is planned by network_data.json of /dev/sr8",
        "parameters.txt of /dev/sdx sets ipa-agent-token, ipa-api-url",
        "/dev/sdy is labelled ir-vfd-dev as /dev/sdx is, which was there first",
        "/dev/sr7 is labelled config-2, and was published as someone else",
        "/dev/sr9 is labelled config-2, and /dev/sr8 was there first",
        "/dev/sdb is a USB disk of 64 GiB, and virtual media have less than 4 GiB",
        "/dev/sda is a device of this machine's own",
        "WARN /dev/vdq is a device of this machine's own",
        "WARN /dev/sr4 cannot be used: a part of it lies beyond its end",
        "it is on none of the devices above; going on without",
    ] {
        let heard = HEARD.0.lock().expect("no test panics here").join("\n");
        assert!(was_said(part), "nobody said '{part}':\n{heard}");
    }
    for secret in [token, "pAssw0rd"] {
        assert!(!was_said(secret));
    }
}
