//! What an image is, by its content and by its name, against what was said of it.

use std::process::Command;

use ironlet::error::Kind;
use ironlet::image::decode::format::Format;

use super::support::image_server::Behaviour::{EndlessBody, Serve};
use super::support::scratch::Scratch;
use super::{BZIP2, GZIP, MIB, OLD, Packing, XZ, ZSTD, packed, raw, run};

/// A disk of a MiB, of which nothing was ever written.
fn empty_qcow2(scratch: &Scratch) -> Vec<u8> {
    let qcow2 = scratch.path("image.qcow2");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(&qcow2)
        .arg("1M")
        .status();
    assert!(made.is_ok_and(|status| status.success()), "qemu-utils");
    std::fs::read(&qcow2).expect("it was just made")
}

/// protocol/deploy.md §8, conformance 115–118: refused before the first write, or taken for what it is.
#[test]
#[rustfmt::skip]
fn content_is_held_against_what_was_said_of_it() {
    let scratch = Scratch::new();
    let qcow2 = empty_qcow2(&scratch);
    let with = |image: &[u8], at: usize, sign: &[u8]| {
        let mut image = image.to_vec();
        image[at..at + sign.len()].copy_from_slice(sign);
        image
    };
    let raw = raw(2 * MIB);
    let table = with(&raw, 510, &[0x55, 0xaa]);
    let unsaid = |names: &[&str], unpack| Format::Unsaid {
        permitted: names.iter().map(|name| name.to_string()).collect(),
        unpack,
    };
    let usual = &unsaid(&["raw", "gpt", "qcow2", "iso"], false);
    let gzip = packed("gzip", &raw);
    for (what, format, image, refused) in [
        ("raw that is qcow2", &Format::Raw, &qcow2, ""),
        ("qcow2", &Format::Qcow2, &qcow2, ""),
        ("raw, said to be qcow2", &Format::Qcow2, &raw, "declared as qcow2, but is raw"),
        ("a disk, said to be qcow2", &Format::Qcow2, &table, "but is gpt"),
        ("qcow2 and a table", &Format::Qcow2, &with(&qcow2, 510, &[0x55, 0xaa]), "qcow2, gpt"),
        ("qcow2 and a CD", &Format::Qcow2, &with(&qcow2, 32769, b"CD001"), "qcow2, iso"),
        ("packed qcow2", &Format::Qcow2, &packed("gzip", &qcow2), "packed by gzip"),
        ("qcow2, nothing said", usual, &qcow2, ""),
        ("a disk, nothing said", usual, &table, ""),
        ("raw, nothing said", usual, &raw, ""),
        ("packed, nothing said", usual, &gzip, ""),
        ("packed, nothing said, to be unpacked", &unsaid(&["raw"], true), &gzip, ""),
        ("a CD, nothing said", usual, &with(&raw, 32769, b"CD001"), "format 'iso'"),
        ("a CD that boots as a disk", usual, &with(&table, 32769, b"CD001"), "iso, gpt"),
        ("VMDK, nothing said", usual, &with(&raw, 0, b"KDMV"), "is vmdk by its content"),
        ("qcow2, not permitted", &unsaid(&["raw"], false), &qcow2, "only raw are permitted"),
        ("a disk, not permitted", &unsaid(&["raw", "qcow2"], false), &table, "is gpt"),
    ] {
        let scratch = Scratch::new();
        let disk = scratch.disk(4 * MIB, OLD);
        let result = run(image, vec![Serve], format, &disk);
        let bytes = std::fs::read(&disk).expect("the disk is a file");
        match result {
            Ok(_) if *format == Format::Raw => assert!(bytes.starts_with(image), "{what}"),
            Ok(size) => {
                assert_eq!(refused, "", "{what}");
                let plain = match image.starts_with(b"QFI") {
                    true => &vec![0; MIB],
                    false if what.ends_with("unpacked") => &raw,
                    false => image,
                };
                assert!(bytes[..size as usize] == plain[..], "{what}");
            }
            Err(error) => {
                assert!(!refused.is_empty(), "{what}: {error}");
                assert_eq!(error.kind(), Kind::InvalidImage, "{what}: {error}");
                assert!(error.details().contains(refused), "{what}: {error}");
                assert!(bytes.iter().all(|byte| *byte == OLD), "{what}: touched");
            }
        }
    }
}

#[test]
fn where_there_is_no_ironic_the_name_says_what_an_image_is() {
    for (name, format) in [
        ("http://h/disk.raw", Some(Format::Raw)),
        ("http://h/disk.img", Some(Format::Raw)),
        ("http://h/disk.iso", Some(Format::Raw)),
        ("http://h/v1.2/disk", Some(Format::Raw)),
        ("http://h/disk.zip/raw", Some(Format::Raw)),
        ("http://h/disk.QCOW2", Some(Format::Qcow2)),
        ("http://h/disk.raw.gz", Some(GZIP)),
        ("http://h/disk.raw.gzip", Some(GZIP)),
        ("http://h/disk.zst", Some(ZSTD)),
        ("http://h/disk.img.ZSTD", Some(ZSTD)),
        ("http://h/disk.img.XZ", Some(XZ)),
        ("http://h/disk.iso.xz", Some(XZ)),
        ("http://h/disk.img.bz2", Some(BZIP2)),
        ("http://h/disk.tar", Some(Format::Archived(None))),
        (
            "http://h/disk.TAR.gz",
            Some(Format::Archived(Some(Packing::Gzip))),
        ),
        (
            "http://h/disk.tgz",
            Some(Format::Archived(Some(Packing::Gzip))),
        ),
        (
            "http://h/disk.tar.xz",
            Some(Format::Archived(Some(Packing::Xz))),
        ),
        (
            "http://h/disk.tbz2",
            Some(Format::Archived(Some(Packing::Bzip2))),
        ),
        (
            "http://h/disk.tar.zst",
            Some(Format::Archived(Some(Packing::Zstd))),
        ),
        ("http://h/disk.tgz.xz", None),
        ("http://h/disk.qcow2.gz", None),
        ("http://h/disk.raw.gz.xz", None),
        ("http://h/disk.gzip.gz", None),
    ] {
        let found = Format::of_file(name);
        assert_eq!(found.as_ref().ok(), format.as_ref(), "{name}: {found:?}");
        if let Err(error) = found {
            assert_eq!(error.kind(), Kind::InvalidImage, "{name}");
        }
    }
}

/// Endings that programs give their files, those in GNU tar's and 7-Zip's manuals among them: nothing of the
/// kind is written as it lies there.
#[test]
fn what_is_packed_otherwise_is_refused_by_its_name() {
    let packed = "br bz bzip lrz lz lz4 lzma lzo Z zz taz tb2 tlz tz2 tzo \
                  7z ace arj cab cpio deb dmg lzh ova rar rpm wim zip";
    let foreign = "vmdk vhd vhdx vdi qed qcow vpc";
    for ending in packed.split(' ').chain(foreign.split(' ')) {
        for name in [
            format!("http://h/disk.{ending}"),
            format!("http://h/disk.raw.{}", ending.to_uppercase()),
            format!("http://h/disk.{ending}.gz"),
            format!("http://h/disk.{ending}.zstd"),
        ] {
            let error = Format::of_file(&name).expect_err(&name);
            assert_eq!(error.kind(), Kind::InvalidImage, "{name}");
            let ending = ending.to_lowercase();
            assert!(error.details().contains(&ending), "{name}: {error}");
        }
    }
}

#[test]
fn what_cannot_fit_is_refused_before_the_first_write() {
    let unsaid = Format::Unsaid {
        permitted: vec!["raw".into()],
        unpack: true,
    };
    for format in [Format::Raw, Format::MaybePacked, unsaid] {
        let scratch = Scratch::new();
        let disk = scratch.disk(4 * MIB, OLD);
        let error = run(&raw(4 * MIB + 1), vec![Serve], &format, &disk);
        let error = error.expect_err("it is too large");
        assert_eq!(error.kind(), Kind::ImageWriteError);
        assert!(error.details().contains("does not fit"), "{error}");
        let bytes = std::fs::read(&disk).expect("the disk is a file");
        assert!(bytes.iter().all(|byte| *byte == OLD), "{format:?}: touched");
    }
}

#[test]
fn an_image_with_no_end_after_its_last_byte_is_none() {
    let scratch = Scratch::new();
    let qcow2 = empty_qcow2(&scratch);
    let disk = scratch.disk(4 * MIB, OLD);
    let error = run(&qcow2, vec![EndlessBody], &Format::Qcow2, &disk).expect_err("no end");
    assert_eq!(error.kind(), Kind::InvalidImage, "{error}");
    assert!(error.details().contains("no end"), "{error}");
}
