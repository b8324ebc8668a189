//! qcow2 images as qemu-img makes them, and as nobody should: what becomes of the disk.

#[path = "qcow2/late.rs"]
mod late;
mod support;

use std::io::Read;
use std::path::Path;
use std::process::Command;

use ironlet::clock::Clock;
use ironlet::disk::exclusive_disk::ExclusiveDisk;
use ironlet::disk::select::write_permit::Permit;
use ironlet::error::{Error, Kind, Result};
use ironlet::image::decode::format::Format;
use ironlet::image::download::random_access::RandomAccess;
use ironlet::image::verify::readback::Verdict;
use ironlet::image::write::disk_sink::DiskSink;
use ironlet::system_root::SystemRoot;
use ironlet::work_progress::WorkProgress;
use support::memory_sink::{MemorySink, OLD};
use support::qcow2_corpus as corpus;
use support::scratch::Scratch;

const MIB: usize = 1 << 20;

fn decode(mut image: &[u8], size: usize) -> (Result<u64>, MemorySink) {
    let mut out = MemorySink::new(size);
    let result = Format::Qcow2.decode(&mut image, &mut out);
    (result.map(|bytes| bytes.0), out)
}

/// Every part of an image at any time.
struct Whole<'a>(&'a [u8]);
impl RandomAccess for Whole<'_> {
    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<()> {
        let bytes = &self.0[at as usize..][..into.len()];
        into.copy_from_slice(bytes);
        Ok(())
    }
}

/// A file with 4 KiB sectors stands for the disk; nothing of what it held shines through.
#[test]
fn every_image_becomes_the_disk_qemu_makes_of_it() {
    let names = corpus::names();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let expected = corpus::disk(&name);
        let scratch = Scratch::new();
        let size = expected.len().next_multiple_of(4096) + 2 * MIB;
        let path = scratch.disk(size, OLD);
        let permit = Permit::new(&SystemRoot::new("/"), vec![path.clone()]);
        let target = ExclusiveDisk::open(&path, &permit).expect("the file may be written");
        let out = DiskSink::new(target).expect("it is large enough");
        let mut out = out.read_back(Some(WorkProgress::new(Clock::fake())));
        let image = corpus::image(&name);
        let aside: Option<&mut dyn RandomAccess> = Some(&mut Whole(&image));
        let decoded = Format::Qcow2.decode_beside(&mut &image[..], &mut out, aside);
        let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoded.0 as usize, expected.len(), "{name}");
        let verdict = out.commit().expect("a file takes everything");
        assert_eq!(verdict, Verdict::Complete, "{name}");
        let disk = std::fs::read(&path).expect("the disk is a file");
        if disk[..expected.len()] != expected {
            let wrong = (0..expected.len()).find(|at| disk[*at] != expected[*at]);
            panic!("{name}: byte {wrong:?} is another");
        }
        let beyond = &disk[expected.len().max(MIB)..size - MIB];
        let old = vec![OLD; beyond.len()];
        assert!(
            beyond == old,
            "{name}: what is beyond the image was touched"
        );
    }
}

/// However the bytes come, each of the disk's is written once.
#[test]
fn the_pieces_an_image_arrives_in_do_not_matter() {
    struct Pieces<'a>(&'a [u8], usize);
    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.1 = self.1 * 5 % 7919 + 1;
            let count = self.1.min(into.len());
            self.0.read(&mut into[..count])
        }
    }
    for name in [
        "plain",
        "deflate",
        "zstd",
        "used",
        "used-small",
        "clusters-2m-deflate",
    ] {
        let expected = corpus::disk(name);
        let mut out = MemorySink::new(expected.len());
        let decoded = Format::Qcow2.decode(&mut Pieces(&corpus::image(name), 1), &mut out);
        assert_eq!(decoded.map(|bytes| bytes.0 as usize), Ok(expected.len()));
        assert_eq!(out.written(), expected.len(), "{name}");
        assert!(out.bytes == expected, "{name}");
    }
}

#[test]
fn an_image_cut_anywhere_is_refused_or_complete() {
    for name in ["clusters-4k-zstd", "used-small"] {
        let (image, expected) = (corpus::image(name), corpus::disk(name));
        let near = |at: usize| [at - 1, at + 700];
        let cuts = [0, 3, 100].into_iter();
        let cuts = cuts.chain((1..9).flat_map(|part| near(image.len() * part / 9)));
        for cut in cuts.filter(|cut| *cut < image.len()) {
            match decode(&image[..cut], expected.len()) {
                (Ok(_), out) => assert!(out.bytes == expected, "{name} cut at {cut}"),
                (Err(error), _) => assert_eq!(error.kind(), Kind::InvalidImage, "{error}"),
            }
        }
    }
}

/// Any byte of the header and of the tables: an error in words or a disk, and no byte of it twice.
#[test]
fn a_byte_changed_anywhere_ends_well() {
    let scratch = Scratch::new();
    let path = scratch.path("small.qcow2");
    let mut ends = [0, 0];
    for options in [
        "cluster_size=512",
        "cluster_size=4k",
        "compat=0.10,cluster_size=512",
    ] {
        run(
            "qemu-img",
            &["create", "-q", "-f", "qcow2", "-o", options],
            &path,
            &["40k"],
        );
        run(
            "qemu-io",
            &[
                "-f",
                "qcow2",
                "-c",
                "write -P 1 0 9k",
                "-c",
                "write -P 2 30k 3k",
                "-c",
                "write -z 20k 8k",
            ],
            &path,
            &[],
        );
        let image = std::fs::read(&path).expect("qemu-img made it");
        // The header; then of each table, wherever it is, its first entries.
        let tables =
            (512..image.len()).filter(|at| at % 512 < 80 && image[at / 512 * 512] & 0x3F == 0);
        for at in (0..112).chain(tables) {
            for flip in [0x01, 0xC2] {
                let mut image = image.clone();
                image[at] ^= flip;
                let (result, _) = decode(&image, 40 << 10);
                ends[usize::from(result.is_err())] += 1;
                if let Err(error) = result {
                    let kinds = [Kind::InvalidImage, Kind::ImageWriteError];
                    assert!(kinds.contains(&error.kind()), "byte {at}: {error}");
                }
            }
        }
    }
    assert!(ends.iter().all(|count| *count > 300), "{ends:?}");
}

fn run(program: &str, before: &[&str], path: &Path, after: &[&str]) {
    let done = Command::new(program)
        .args(before)
        .arg(path)
        .args(after)
        .current_dir(path.parent().expect("it is in a folder"))
        .stdout(std::process::Stdio::null())
        .status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "{program} {before:?}"
    );
}

fn refused(image: &[u8], size: usize) -> Error {
    let (result, out) = decode(image, size);
    assert_eq!(out.written(), 0, "something was written before: {result:?}");
    result.expect_err("it is to be refused")
}

/// As qemu-img makes them; before the disk is touched.
#[test]
fn what_must_not_be_written_is_refused_from_the_header() {
    let scratch = Scratch::new();
    let (other, path) = (scratch.path("other.raw"), scratch.path("image.qcow2"));
    std::fs::write(&other, vec![1; MIB]).expect("room for a file");
    #[rustfmt::skip]
    let cases: &[(&[&str], &str, bool)] = &[
        (&["-b", "other.raw", "-F", "raw"], "backing file", true),
        (&["-o", "data_file=data.raw"], "another file", true),
        (&["-o", "extended_l2=on"], "0x10", true),
        (&["--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s"], "encrypted", false),
    ];
    for (options, why, security) in cases {
        let create = [&["create", "-q", "-f", "qcow2"], *options].concat();
        run("qemu-img", &create, &path, &["1M"]);
        let image = std::fs::read(&path).expect("qemu-img made it");
        let error = refused(&image, 4 * MIB);
        assert_eq!(error.kind(), Kind::InvalidImage);
        assert!(error.details().contains(why), "{error}");
        assert_eq!(
            error.details().starts_with("Security: "),
            *security,
            "{error}"
        );
    }
    run("qemu-img", &["create", "-q", "-f", "qcow2"], &path, &["2M"]);
    let plain = std::fs::read(&path).expect("qemu-img made it");
    let error = refused(&plain, MIB);
    assert_eq!(error.kind(), Kind::ImageWriteError);
    assert!(
        error.details().contains("2 MiB, this one holds 1 MiB"),
        "{error}"
    );
    run("qemu-img", &["snapshot", "-c", "before"], &path, &[]);
    let error = refused(&std::fs::read(&path).expect("it is there"), 4 * MIB);
    assert!(error.details().contains("1 snapshots"), "{error}");
    for foreign in [
        &b""[..],
        b"QFI",
        &[0; 4096],
        b"<html>log in</html>",
        b"KDMV\x01\0\0\0",
    ] {
        let error = refused(foreign, MIB);
        assert!(error.details().starts_with("Security: "), "{error}");
    }
}

/// Tables by hand: clusters of 512 bytes; header, tables of level 1 and 2, then data.
#[test]
fn tables_that_loop_overlap_or_point_nowhere_are_refused() {
    let table = |first: &[u64], second: &[u64]| {
        let mut image = vec![0; 6 * 512];
        image[..8].copy_from_slice(b"QFI\xfb\0\0\0\x02");
        for (at, value) in [(20, 9u32), (36, 2)] {
            image[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        let tables = (512..)
            .step_by(8)
            .zip(first)
            .chain((1024..).step_by(8).zip(second));
        for (at, value) in [(24, &(64 << 10)), (40, &512)].into_iter().chain(tables) {
            image[at..at + 8].copy_from_slice(&u64::to_be_bytes(*value));
        }
        image
    };
    let packed = |at: u64| 1 << 62 | at;
    #[rustfmt::skip]
    let cases: &[(&[u64], &[u64], &str)] = &[
        (&[1024, 1024], &[], "byte 1024, which is in use"), (&[512], &[], "byte 512, which is in use"),
        (&[1024], &[1024], "byte 1024, which is in use"), (&[1024], &[512], "byte 512, which is in use"),
        (&[1024], &[1536, 1536], "byte 1536, which is in use"), (&[1024, 1536], &[1536], "byte 1536, which is in use"),
        (&[1024], &[2048, 1536, 2048], "byte 2048, which is in use"),
        (&[1024], &[packed(100)], "byte 100, which is in use"), (&[1024], &[1536, packed(1600)], "which is in use"),
        (&[1024], &[packed(1536)], "cannot be unpacked"), (&[1024], &[1537], "version 2"),
        (&[1024], &[1 << 40], "byte 1099511627776"), (&[1 << 40], &[], "beyond its end"), (&[1024], &[packed(1 << 40)], "beyond its end"),
        (&[1024], &[packed(1 << 32)], "beyond its end"), (&[1024], &[1536, packed(1700), packed(1 << 50)], "is in use"),
        (&[1024], &[3072], "beyond its end"), (&[3072], &[], "beyond its end"),
    ];
    for (first, second, why) in cases {
        let error = decode(&table(first, second), 64 << 10).0.expect_err(why);
        assert_eq!(error.kind(), Kind::InvalidImage);
        assert!(
            error.details().contains(why),
            "{first:?} {second:?}: {error}"
        );
    }
    let (result, out) = decode(&table(&[1024], &[1536, 0, 2048]), 64 << 10);
    assert_eq!((result, out.written()), (Ok(64 << 10), 64 << 10));
    // 512 bytes that unpack to 80 KiB and would go on: a cluster of it and no more.
    let mut bomb = table(&[1024], &[0, packed(1536)]);
    // RFC 1951, 3.2.6: fixed codes; a literal, the length 258 at distance 1 over and over, never an end.
    let mut bits = vec![1, 1, 0];
    bits.extend([1, 1, 0, 0, 1, 0, 0, 0, 0]); // the literal 144
    while bits.len() < 512 * 8 {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    for (at, bit) in bits.iter().take(512 * 8).enumerate() {
        bomb[1536 + at / 8] |= bit << (at % 8);
    }
    let (result, out) = decode(&bomb, 64 << 10);
    assert_eq!((result, out.written()), (Ok(64 << 10), 64 << 10));
    assert!(out.bytes[512..1024] == [144; 512] && out.bytes[1024..1536] == [0; 512]);
}
