//! What is refused before a disk is touched, and what leaves nothing behind that anyone could start.

use std::fs::{self, OpenOptions};
use std::path::Path;

use ironlet::disk::table::partition_plan::Scheme;
use ironlet::error::{Error, Kind};
use ironlet::image::decode::format::Format;
use ironlet::image::deploy;
use ironlet::image::verify::checksum::Checksum;
use ironlet::image::verify::digest::{Algorithm, Digest};

use super::support::config_drives::packed;
use super::support::image_server::{Behaviour, ImageServer};
use super::support::partition_tables::{MIB, name, old_disk, says, tools};
use super::support::scratch::Scratch;
use super::{Ephemeral, Partitions, put, request, wanted};

/// A disk whose table every program knows, of so many MiB.
fn known_disk(scratch: &Scratch, mib: usize) -> std::path::PathBuf {
    let disk = old_disk(scratch, mib);
    let script = "label: gpt\nsize=8MiB\n";
    says("sfdisk", &["-q", "--wipe=never", name(&disk)], script);
    disk
}

fn refused(error: &Error, kind: Kind, said: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.details().contains(said), "{said}: {error}");
}

#[test]
fn what_does_not_add_up_is_refused_before_anything_is_written() {
    let huge = u64::MAX;
    let drive = packed(vec![7; 3 * MIB]).1;
    let cases: [(Partitions, Option<&str>, &str); 9] = [
        (
            wanted(Scheme::Mbr, 64, 0, 0),
            None,
            "1 MiB + 64 MiB root = 65 MiB, and with a MBR the disk of 64 MiB has room for 64 MiB",
        ),
        (
            wanted(Scheme::BiosGpt, 62, 0, 0),
            None,
            "1 MiB + 1 MiB BIOS Boot partition + 62 MiB root = 64 MiB, and with a GPT the disk of 64 MiB has room for 63 MiB",
        ),
        (
            wanted(Scheme::Uefi, 8, 0, 0),
            None,
            "550 MiB efi system partition",
        ),
        (
            wanted(Scheme::Mbr, 60, 1, 1),
            Some(&drive),
            "1 MiB + 1 MiB ephemeral + 1 MiB swap + 3 MiB configdrive + 60 MiB root = 66 MiB",
        ),
        (
            wanted(Scheme::Mbr, huge, 0, 0),
            None,
            "= more than can be counted, and",
        ),
        (
            wanted(Scheme::Mbr, huge, huge, huge),
            None,
            "18446744073709551615 MiB swap + 18446744073709551615 MiB root = more",
        ),
        (
            wanted(Scheme::BiosGpt, 8, huge, 0),
            None,
            "18446744073709551615 MiB swap",
        ),
        (
            wanted(Scheme::BiosGpt, 1 << 44, 0, 0),
            None,
            "17592186044416 MiB root",
        ),
        (
            wanted(Scheme::Mbr, 8, 0, 1 << 63),
            None,
            "9223372036854775808 MiB ephemeral",
        ),
    ];
    for (wanted, drive, said) in cases {
        let scratch = Scratch::new();
        let disk = known_disk(&scratch, 64);
        let before = fs::read(&disk).expect("a file");
        let error = put(&[7; MIB], &disk, wanted, drive).expect_err(said);
        refused(&error, Kind::DeploymentError, said);
        assert!(error.details().contains("nothing was written"), "{error}");
        assert!(fs::read(&disk).expect("a file") == before, "{said}");
    }
}

/// A sparse file of 5 TiB: an MBR reaches to 2, and a FAT file system holds no more either.
#[test]
fn what_is_beyond_the_reach_of_its_numbers_is_refused() {
    let tib = 1 << 20;
    for (wanted, said) in [
        (wanted(Scheme::Mbr, 8, 0, 2 * tib), "MBR reaches no further"),
        (
            wanted(Scheme::Mbr, 2 * tib, 0, 0),
            "root would begin or last beyond",
        ),
        (
            Partitions {
                ephemeral: Ephemeral::Vfat,
                ..wanted(Scheme::BiosGpt, 8, 0, 3 * tib)
            },
            "ephemeral as vfat: no FAT file system has",
        ),
        (
            Partitions {
                ephemeral: Ephemeral::Ext4,
                ..wanted(Scheme::BiosGpt, 8, 0, 7)
            },
            "ephemeral as ext4: no ext4 file system is made of 7 MiB: it takes 8 MiB",
        ),
    ] {
        let scratch = Scratch::new();
        let disk = known_disk(&scratch, 64);
        let file = OpenOptions::new().write(true).open(&disk);
        file.and_then(|file| file.set_len(5 << 40)).expect("sparse");
        let error = put(&[7; MIB], &disk, wanted, None).expect_err(said);
        refused(&error, Kind::DeploymentError, said);
        let table = says("blkid", &["-p", "-s", "PTTYPE", name(&disk)], "");
        assert!(table.contains("dos") || table.contains("gpt"), "{table}");
    }
}

fn qcow2(scratch: &Scratch, mib: usize) -> Vec<u8> {
    let path = scratch.path("image.qcow2");
    let size = format!("{mib}M");
    says(
        "qemu-img",
        &["create", "-q", "-f", "qcow2", name(&path), &size],
        "",
    );
    fs::read(&path).expect("it was made")
}

#[test]
fn an_image_larger_than_its_partition_is_refused() {
    let scratch = Scratch::new();
    let large = vec![7; 8 * MIB + 1];
    let inside = qcow2(&scratch, 9);
    let cases: [(&[u8], Format, Behaviour, &str, bool); 3] = [
        (
            &large,
            Format::Raw,
            Behaviour::Serve,
            "(9 MiB), and root_mb is 8",
            true,
        ),
        (
            &inside,
            Format::Qcow2,
            Behaviour::Serve,
            "9 MiB (9 MiB), and root_mb is 8",
            true,
        ),
        (
            &large,
            Format::Raw,
            Behaviour::Chunked,
            "root_mb is 8, and after that",
            false,
        ),
    ];
    for (image, format, behaviour, said, untouched) in cases {
        let disk = known_disk(&scratch, 64);
        let before = fs::read(&disk).expect("a file");
        let server = ImageServer::start(image.to_vec(), vec![behaviour]);
        let wanted = wanted(Scheme::BiosGpt, 8, 0, 0);
        let mut request = request(server.url("/i"), image, wanted, None);
        request.format = format;
        let error = deploy(&request, &disk, &tools(&disk)).expect_err(said);
        refused(&error, Kind::InvalidCommandParamsError, said);
        match untouched {
            true => assert!(fs::read(&disk).expect("a file") == before, "{said}"),
            false => assert!(nobody_starts(&disk), "{said}"),
        }
    }
}

#[test]
fn an_image_exactly_as_large_as_its_partition_fits() {
    let scratch = Scratch::new();
    let image = vec![7; 8 * MIB];
    let disk = known_disk(&scratch, 64);
    put(&image, &disk, wanted(Scheme::Mbr, 8, 0, 0), None).expect("it fits");
    let found = fs::read(&disk).expect("a file");
    assert!(found[MIB..9 * MIB] == image);
}

/// No table at either end, for anyone who looks.
pub fn nobody_starts(disk: &Path) -> bool {
    let bytes = fs::read(disk).expect("the disk is a file");
    let ends = [&bytes[..MIB], &bytes[bytes.len() - MIB..]];
    ends.concat().iter().all(|byte| *byte == 0)
}

#[test]
fn what_never_verified_never_starts() {
    let image = vec![7; 8 * MIB];
    let wrong = Digest::new(Algorithm::Sha256, &"0d".repeat(32)).expect("64 digits");
    for (script, digest, kind) in [
        (
            vec![Behaviour::Serve],
            Some(wrong),
            Kind::ImageChecksumError,
        ),
        (
            vec![Behaviour::CutAt(5 * MIB), Behaviour::Status(404)],
            None,
            Kind::ImageDownloadError,
        ),
    ] {
        for scheme in [Scheme::BiosGpt, Scheme::Mbr] {
            let scratch = Scratch::new();
            let disk = known_disk(&scratch, 64);
            let server = ImageServer::start(image.clone(), script.clone());
            let wanted = wanted(scheme, 8, 2, 8);
            let mut request = request(server.url("/i"), &image, wanted, None);
            if let Some(digest) = &digest {
                request.checksum = Some(Checksum::Digest(digest.clone()));
            }
            let error = deploy(&request, &disk, &tools(&disk)).expect_err("it is wrong");
            refused(&error, kind, "");
            assert!(nobody_starts(&disk), "{error}");
            // Nor does what would have been the root partition begin or end with a file system.
            let bytes = fs::read(&disk).expect("a file");
            let first = if scheme == Scheme::Mbr { 11 } else { 12 };
            for at in [first, first + 7] {
                let end = &bytes[at * MIB..(at + 1) * MIB];
                assert!(end.iter().all(|byte| *byte == 0), "MiB {at}");
            }
        }
    }
}
