//! Partition images: where everything lies, and what is refused before a disk is touched.
//! The images are mkfs.ext4's and its like, the judges sgdisk, sfdisk, blkid, e2fsck, fsck.vfat and swaplabel.

#[path = "partition_image/bad.rs"]
mod bad;
#[path = "partition_image/cut.rs"]
mod cut;
#[path = "partition_image/kept.rs"]
mod kept;
mod support;
#[path = "partition_image/told.rs"]
mod told;

use std::fs;
use std::path::{Path, PathBuf};

use ironlet::disk::table::partition_plan::{Role, Scheme, Sizes};
use ironlet::error::Result;
use ironlet::image::decode::format::Format;
use ironlet::image::deploy_receipt::Left;
use ironlet::image::layout::config_drive::{MOST, Source};
use ironlet::image::layout::{Ephemeral, Partitions, partition_image::Laid};
use ironlet::image::{Layout, Request, deploy};
use support::config_drives::{iso, packed};
use support::image_requests::order;
use support::image_server::{Behaviour, ImageServer};
use support::partition_tables::{Loop, MIB, judge, listed, name, old_disk, says, tools};
use support::scratch::Scratch;

const LINUX: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
const EFI: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const SWAP: &str = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F";
const BIOS_BOOT: &str = "21686148-6449-6E6F-744E-656564454649";

/// ext4 of so many MiB, with files in it.
fn root_image(scratch: &Scratch, mib: usize) -> Vec<u8> {
    let path = scratch.path("root.image");
    fs::write(&path, vec![0; mib * MIB]).expect("room for an image");
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src/image");
    says("mkfs.ext4", &["-q", "-d", sources, name(&path)], "");
    fs::read(&path).expect("it was made")
}

fn wanted(scheme: Scheme, root: u64, swap: u64, ephemeral: u64) -> Partitions {
    Partitions {
        scheme,
        sizes: Sizes {
            root,
            swap,
            ephemeral,
            drive: 0,
            firmware: None,
        },
        // What is too small for the one gets the other.
        ephemeral: match ephemeral {
            8.. => Ephemeral::Ext4,
            _ => Ephemeral::Vfat,
        },
        preserve: false,
    }
}

/// The same with a partition of so many MiB for the firmware.
fn firmware(wanted: Partitions, mib: u64) -> Partitions {
    let sizes = Sizes {
        firmware: Some(mib),
        ..wanted.sizes
    };
    Partitions { sizes, ..wanted }
}

fn request(url: String, image: &[u8], wanted: Partitions, drive: Option<&str>) -> Request {
    Request {
        layout: Layout::Partition(wanted),
        drive: drive.map(|text| Source::new(text, MOST).expect("a good drive")),
        ..order(url, image, Format::Raw)
    }
}

fn put(image: &[u8], disk: &Path, wanted: Partitions, drive: Option<&str>) -> Result<Vec<Laid>> {
    let server = ImageServer::start(image.to_vec(), vec![Behaviour::Serve]);
    let request = request(server.url("/image.raw"), image, wanted, drive);
    match deploy(&request, disk, &tools(disk))?.left {
        Left::Parts(parts) => Ok(parts),
        Left::Disk(_) => panic!("it was divided"),
    }
}

/// A file with what one partition of a disk holds.
fn partition(scratch: &Scratch, disk: &Path, mib: usize, size: usize) -> PathBuf {
    let path = scratch.path(&format!("partition-{mib}"));
    let (from, to) = (format!("if={}", name(disk)), format!("of={}", name(&path)));
    let (skip, count) = (format!("skip={mib}"), format!("count={size}"));
    let arguments = ["bs=1M", "conv=sparse", &from, &to, &skip, &count];
    says("dd", &arguments, "");
    path
}

/// `TYPE` and `LABEL` by blkid.
fn system(path: &Path) -> (String, String) {
    let value = |tag| says("blkid", &["-p", "-s", tag, "-o", "value", name(path)], "");
    let value = |tag| value(tag).trim().to_owned();
    (value("TYPE"), value("LABEL"))
}

/// Start and size in MiB, type and name, of every partition.
fn layout(disk: &Path, sector: usize) -> Vec<(usize, usize, String, String)> {
    let lines = listed(disk).into_iter().map(|line| {
        let field = |key: &str| {
            let fields = line.split(',');
            let value = fields.filter_map(|field| field.strip_prefix(key)).next();
            value.unwrap_or_default().trim_matches('"').to_owned()
        };
        let mib = |key| field(key).parse::<usize>().expect("sectors") * sector;
        let (start, size) = (mib("start="), mib("size="));
        assert!(start % MIB == 0 && size % MIB == 0, "{line}");
        let active = if line.ends_with("bootable") { "*" } else { "" };
        let kind = field("type=") + active;
        (start / MIB, size / MIB, kind, field("name="))
    });
    lines.collect()
}

#[test]
fn everything_lies_where_it_belongs() {
    use Role::*;
    type Expected<'a> = &'a [(Role, usize, &'a str)];
    let drive_kind = LINUX;
    let cases: [(Scheme, usize, Partitions, bool, Expected); 8] = [
        (
            Scheme::Uefi,
            512,
            firmware(wanted(Scheme::Uefi, 20, 0, 0), 70),
            false,
            &[(Efi, 70, EFI), (Root, 20, LINUX)],
        ),
        (
            Scheme::Uefi,
            512,
            wanted(Scheme::Uefi, 20, 3, 40),
            true,
            &[
                (Efi, 550, EFI),
                (Ephemeral, 40, LINUX),
                (Swap, 3, SWAP),
                (Drive, 2, drive_kind),
                (Root, 20, LINUX),
            ],
        ),
        (
            Scheme::Uefi,
            4096,
            wanted(Scheme::Uefi, 20, 3, 300),
            false,
            &[
                (Efi, 550, EFI),
                (Ephemeral, 300, LINUX),
                (Swap, 3, SWAP),
                (Root, 20, LINUX),
            ],
        ),
        (
            Scheme::BiosGpt,
            512,
            wanted(Scheme::BiosGpt, 20, 1, 1),
            true,
            &[
                (BiosBoot, 1, BIOS_BOOT),
                (Ephemeral, 1, LINUX),
                (Swap, 1, SWAP),
                (Drive, 2, drive_kind),
                (Root, 20, LINUX),
            ],
        ),
        (
            Scheme::BiosGpt,
            4096,
            firmware(wanted(Scheme::BiosGpt, 20, 0, 0), 2),
            false,
            &[(BiosBoot, 2, BIOS_BOOT), (Root, 20, LINUX)],
        ),
        (
            Scheme::Mbr,
            512,
            wanted(Scheme::Mbr, 20, 5, 9),
            true,
            &[
                (Ephemeral, 9, "83"),
                (Swap, 5, "82"),
                (Drive, 2, "83"),
                (Root, 20, "83*"),
            ],
        ),
        (
            Scheme::Mbr,
            512,
            wanted(Scheme::Mbr, 20, 0, 0),
            false,
            &[(Root, 20, "83*")],
        ),
        (
            Scheme::Mbr,
            4096,
            wanted(Scheme::Mbr, 20, 2, 8),
            false,
            &[(Ephemeral, 8, "83"), (Swap, 2, "82"), (Root, 20, "83*")],
        ),
    ];
    for (scheme, sector, wanted, with_drive, expected) in cases {
        let scratch = Scratch::new();
        let image = root_image(&scratch, 12);
        let (drive, text) = packed(vec![7; MIB + 1]);
        let text = with_drive.then_some(&*text);
        let total: usize = expected.iter().map(|(_, mib, _)| mib).sum();
        // Not a MiB more than it takes.
        let room = if scheme == Scheme::Mbr { 1 } else { 2 };
        let file = old_disk(&scratch, total + room);
        let device = Loop::new(&file, sector as u32);
        let parts = put(&image, device.path(), wanted, text).expect("there is room");
        let case = format!("{scheme:?}, {sector}, {expected:?}");
        match scheme {
            Scheme::Mbr => {
                let verdict = says("sfdisk", &["--verify", name(device.path())], "");
                assert!(verdict.contains("No errors"), "{case}: {verdict}");
            }
            _ => judge(device.path()),
        }
        let mut start = 1;
        let label = if scheme == Scheme::Mbr { "" } else { "primary" };
        let lines = expected.iter().map(|(_, mib, kind)| {
            let line = (start, *mib, (*kind).to_owned(), label.to_owned());
            start += mib;
            line
        });
        let lines: Vec<_> = lines.collect();
        assert_eq!(layout(device.path(), sector), lines, "{case}");
        assert_eq!(parts.len(), expected.len());
        for ((part, (role, mib, _)), number) in parts.iter().zip(expected).zip(1..) {
            assert_eq!((part.role, part.number), (*role, number), "{case}");
            let start = lines[number as usize - 1].0;
            let path = partition(&scratch, device.path(), start, *mib);
            held(&path, part, &image, &drive);
        }
    }
}

/// Panics unless the partition in `path` is what it is to be, and has the UUID that is told of it.
fn held(path: &Path, part: &Laid, image: &[u8], drive: &[u8]) {
    let file = name(path);
    let kind = |kind: &str, label: &str| {
        assert_eq!(
            system(path),
            (kind.to_owned(), label.to_owned()),
            "{part:?}"
        );
        let uuid = says("blkid", &["-p", "-s", "UUID", "-o", "value", file], "");
        assert_eq!(uuid.trim(), part.uuid, "{part:?}");
    };
    let size = fs::metadata(path).expect("it was made").len();
    match part.role {
        Role::Ephemeral if size >= 8 * MIB as u64 => {
            kind("ext4", "ephemeral0");
            says("e2fsck", &["-n", "-f", file], "");
        }
        Role::Efi | Role::Ephemeral => {
            let efi = part.role == Role::Efi;
            kind("vfat", if efi { "efi-part" } else { "ephemeral0" });
            says("fsck.vfat", &["-n", file], "");
        }
        Role::Swap => {
            kind("swap", "swap1");
            let told = says("swaplabel", &[file], "");
            assert!(told.contains(&part.uuid), "{told}");
        }
        Role::Root => {
            kind("ext4", "");
            says("e2fsck", &["-n", "-f", file], "");
            let found = fs::read(path).expect("it was made");
            assert!(found[..image.len()] == *image, "the image");
            let end = &found[found.len() - MIB..];
            assert!(end.iter().all(|byte| *byte == 0), "old data at the end");
        }
        Role::Drive => {
            let found = fs::read(path).expect("it was made");
            assert!(found[..drive.len()] == *drive, "the drive");
            let rest = &found[drive.len()..];
            assert!(rest.iter().all(|byte| *byte == 0), "old data behind it");
        }
        Role::BiosBoot => {
            let found = fs::read(path).expect("it was made");
            assert!(found.iter().all(|byte| *byte == 0), "old data");
        }
    }
}

/// ISO 9660 counts in 2048 bytes: on sectors of 4096 nobody could mount it.
#[test]
fn a_config_drive_becomes_vfat_on_large_sectors() {
    let scratch = Scratch::new();
    let file = old_disk(&scratch, 100);
    let device = Loop::new(&file, 4096);
    let wanted = wanted(Scheme::BiosGpt, 20, 0, 0);
    let (image, text) = (root_image(&scratch, 12), iso(&scratch).1);
    let parts = put(&image, device.path(), wanted, Some(&text)).expect("there is room");
    let found = layout(device.path(), 4096);
    let drive = parts.iter().position(|part| part.role == Role::Drive);
    let (start, size, ..) = found[drive.expect("it has a partition")];
    let path = partition(&scratch, device.path(), start, size);
    assert_eq!(system(&path), ("vfat".into(), "CONFIG-2".into()));
    says("fsck.vfat", &["-n", name(&path)], "");
    let told = says(
        "mtype",
        &["-i", name(&path), "::openstack/latest/meta_data.json"],
        "",
    );
    assert_eq!(told, r#"{"uuid":"u"}"#);
}
