//! Packed images as the real tools make them, and cut, changed and padded ones: what becomes of the disk.

#[path = "packing/archives.rs"]
mod archives;
#[path = "packing/content.rs"]
mod content;
#[path = "packing/corpora.rs"]
mod corpora;
mod support;

use std::path::Path;

use ironlet::error::{Kind, Result};
use ironlet::image::decode::format::Format;
use ironlet::image::decode::packing::Packing;
use ironlet::image::deploy;
use support::corpus;
use support::image_requests::{order, tools};
use support::image_server::Behaviour::{self, *};
use support::image_server::{ImageServer, Until};
use support::memory_sink::MemorySink;
use support::packing_tools::packed;
use support::scratch::Scratch;

const MIB: usize = 1 << 20;
const OLD: u8 = 0xAA;
const GZIP: Format = Format::Packed(Packing::Gzip);
const ZSTD: Format = Format::Packed(Packing::Zstd);
const XZ: Format = Format::Packed(Packing::Xz);
const BZIP2: Format = Format::Packed(Packing::Bzip2);

/// Half of it packs well, half not at all; it ends within a sector and looks like a bootable disk.
fn raw(size: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut image: Vec<u8> = (0..size)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match at % (64 << 10) < 32 << 10 {
                true => (at / 4096) as u8,
                false => (state >> 24) as u8,
            }
        })
        .collect();
    image[440..444].copy_from_slice(&[1, 2, 3, 4]);
    image
}

fn run(image: &[u8], script: Vec<Behaviour>, format: &Format, disk: &Path) -> Result<u64> {
    let server = ImageServer::start(image.to_vec(), script);
    let request = order(server.url("/image?secret=1"), image, format.clone());
    deploy(&request, disk, &tools(disk, 3)).map(|receipt| receipt.bytes.0)
}

#[test]
#[rustfmt::skip]
fn what_the_tools_pack_comes_off_on_the_way_to_the_disk() {
    let raw = raw(5 * MIB + 777);
    let halves = raw.split_at(3 * MIB);
    let both = |command| [packed(command, halves.0), packed(command, halves.1)].concat();
    let parts = |until| Parts("\"a\"", until);
    for (what, format, image, script) in [
        ("gzip", &GZIP, packed("gzip", &raw), vec![Serve]),
        ("gzip -1 with a name", &GZIP, packed("gzip -1N", &raw), vec![Chunked]),
        ("two members, then zeros", &GZIP, [&both("gzip")[..], &[0; 4096]].concat(), vec![Serve]),
        ("zstd", &ZSTD, packed("zstd", &raw), vec![Serve]),
        ("zstd -19, no checksum", &ZSTD, packed("zstd -19 --no-check", &raw), vec![Serve]),
        ("zstd with a window of 16 MiB", &ZSTD, packed("zstd --long=24", &raw), vec![Serve]),
        ("two frames", &ZSTD, both("zstd"), vec![Serve]),
        ("xz", &XZ, packed("xz", &raw), vec![Serve]),
        ("xz -7", &XZ, packed("xz -7", &raw), vec![Serve]),
        ("xz, CRC-32, in blocks", &XZ, packed("xz -0 --check=crc32 --block-size=1MiB", &raw), vec![Serve]),
        ("xz -T2, in blocks", &XZ, packed("xz -0 -T2 --block-size=300KiB", &raw), vec![Serve]),
        ("xz, a block for every KiB", &XZ, packed("xz -0 --block-size=1KiB", &raw), vec![Chunked]),
        ("zstd, many frames, some to skip", &ZSTD, packed("pzstd -1 -p 4 -q", &raw), vec![Serve]),
        ("xz, SHA-256", &XZ, packed("xz -0 --check=sha256", &raw), vec![Serve]),
        ("xz for programs", &XZ, packed("xz --x86 --lzma2=preset=0", &raw), vec![Serve]),
        ("two streams, then zeros", &XZ, [&both("xz -0")[..], &[0; 8]].concat(), vec![Serve]),
        ("bzip2", &BZIP2, packed("bzip2", &raw), vec![Serve]),
        ("bzip2 -1, two streams", &BZIP2, both("bzip2 -1"), vec![Chunked]),
        ("lbzip2", &BZIP2, packed("lbzip2 -n2", &raw), vec![Serve]),
        ("bzip2 by its first bytes", &Format::MaybePacked, packed("bzip2", &raw), vec![Serve]),
        ("cut, goes on", &ZSTD, packed("zstd", &raw), vec![parts(Until::Cut(2 * MIB)), parts(Until::End)]),
        ("cut, once more", &GZIP, packed("gzip", &raw), vec![CutAt(2 * MIB), Serve]),
        ("gzip by its first bytes", &Format::MaybePacked, packed("gzip", &raw), vec![Serve]),
        ("xz by its first bytes", &Format::MaybePacked, packed("xz -0", &raw), vec![Serve]),
        ("not packed", &Format::MaybePacked, raw.clone(), vec![Serve]),
        ("short and not packed", &Format::MaybePacked, raw[..700].to_vec(), vec![Serve]),
    ] {
        let scratch = Scratch::new();
        let disk = scratch.disk(8 * MIB, OLD);
        let bytes = run(&image, script, format, &disk);
        let bytes = bytes.unwrap_or_else(|error| panic!("{what}: {error}")) as usize;
        assert!([raw.len(), 700].contains(&bytes), "{what}: {bytes}");
        let written = std::fs::read(&disk).expect("the disk is a file");
        assert!(written[..bytes] == raw[..bytes], "{what}: another image");
    }
}

#[test]
#[rustfmt::skip]
fn what_is_broken_or_too_large_never_boots_and_says_why() {
    use Kind::{ImageWriteError as Write, InvalidImage as Invalid};
    let raw = raw(5 * MIB);
    let zeros = vec![0; 64 * MIB];
    let cut = |image: Vec<u8>| image[..image.len() - 9].to_vec();
    let and = |image: Vec<u8>, more: &[u8]| [&image[..], more].concat();
    let changed = |mut image: Vec<u8>| {
        let at = image.len() - 3;
        image[at] ^= 1;
        image
    };
    let gzip = || packed("gzip -1", &raw);
    let zstd = || packed("zstd", &raw);
    let xz = || packed("xz -0", &raw);
    for (what, format, image, kind, said) in [
        ("gzip, cut", &GZIP, cut(gzip()), Invalid, "cut short"),
        ("gzip, cut in the middle", &GZIP, gzip()[..MIB].to_vec(), Invalid, "after 1048576 bytes"),
        ("gzip, and more", &GZIP, and(gzip(), b"more"), Invalid, "follows the last member"),
        ("gzip, length changed", &GZIP, changed(gzip()), Invalid, "gzip image cannot be unpacked"),
        ("gzip, 1 to 1000", &GZIP, packed("gzip", &zeros), Write, "larger than the disk"),
        ("no gzip", &GZIP, raw.clone(), Invalid, "invalid gzip header"),
        ("nothing", &GZIP, Vec::new(), Invalid, "after 0 bytes"),
        ("zstd, cut", &ZSTD, cut(zstd()), Invalid, "cut short"),
        ("zstd, and more", &ZSTD, and(zstd(), b"more more"), Invalid, "follows the last frame"),
        ("zstd, checksum changed", &ZSTD, changed(zstd()), Invalid, "checksum is wrong"),
        ("zstd, 1 to 20000", &ZSTD, packed("zstd", &zeros), Write, "larger than the disk"),
        ("zstd, window of 32 MiB", &ZSTD, packed("zstd --long=25", &zeros), Invalid, "further than the 16 MiB"),
        ("no zstd", &ZSTD, gzip(), Invalid, "zstd image cannot be unpacked"),
        ("bzip2, cut", &BZIP2, cut(packed("bzip2", &raw)), Invalid, "cut short"),
        ("bzip2, and more", &BZIP2, and(packed("bzip2", &raw), b"more"), Invalid, "follows the last stream"),
        ("bzip2, 1 to 40000", &BZIP2, packed("bzip2", &zeros), Write, "larger than the disk"),
        ("no bzip2", &BZIP2, zstd(), Invalid, "bzip2 image cannot be unpacked"),
        ("xz, cut", &XZ, cut(xz()), Invalid, "cut short"),
        ("xz in blocks, cut", &XZ, cut(packed("xz -0 --block-size=64KiB", &raw)), Invalid, "cut short"),
        ("xz in blocks, one changed", &XZ, { let mut x = packed("xz -0 -T2 --block-size=64KiB", &raw); x[MIB] ^= 1; x }, Invalid, "cannot be unpacked, at byte 10"),
        ("xz, and more", &XZ, and(xz(), b"more"), Invalid, "follows the last stream"),
        ("xz, zeros in threes", &XZ, and(xz(), &[0; 3]), Invalid, "multiple of 4"),
        ("xz, 1 to 7000", &XZ, packed("xz -0", &zeros), Write, "larger than the disk"),
        ("xz -8", &XZ, packed("xz -8", &raw), Invalid, "xz -7 or less"),
        ("no xz", &XZ, zstd(), Invalid, "xz image cannot be unpacked"),
    ] {
        let scratch = Scratch::new();
        let disk = scratch.disk(8 * MIB, OLD);
        let error = run(&image, vec![Chunked], format, &disk).expect_err(what);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(error.details().contains(said), "{what}: {error}");
        let bytes = std::fs::read(&disk).expect("the disk is a file");
        let untouched = bytes.iter().all(|byte| *byte == OLD);
        let ends = [&bytes[..MIB], &bytes[7 * MIB..]].concat();
        assert!(
            untouched || ends.iter().all(|byte| *byte == 0),
            "{what}: it could boot"
        );
    }
}

/// A check of every kind is looked at: with one bit of the image changed, the block is refused.
#[test]
fn every_bit_counts() {
    let raw = raw(300_000);
    for (command, format) in [
        ("gzip -1", &GZIP),
        ("zstd -1 --check", &ZSTD),
        ("bzip2 -1", &BZIP2),
        ("xz -0 --check=crc32", &XZ),
        ("xz -0 --check=crc64", &XZ),
        ("xz -0 --check=sha256", &XZ),
    ] {
        let image = packed(command, &raw);
        let mut out = MemorySink::new(MIB);
        let size = format.decode(&mut &image[..], &mut out);
        assert_eq!(size.map(|bytes| bytes.0 as usize), Ok(raw.len()));
        assert!(out.bytes.starts_with(&raw), "{command}");
        // Not the first bytes: a gzip header has some that mean nothing.
        for at in (20..image.len() - 20).step_by(image.len() / 50) {
            let mut changed = image.clone();
            changed[at] ^= 0x10;
            let mut out = MemorySink::new(MIB);
            let result = format.decode(&mut &changed[..], &mut out);
            assert!(result.is_err(), "{command}: byte {at}");
        }
    }
}

/// `fixtures/images/xz.sh` asks xz itself: it takes the good ones, and none of the bad.
#[test]
fn sizes_that_an_xz_file_states_are_held_against_what_is_in_it() {
    let folder = corpus::folder("xz");
    let names = corpus::names(&folder, ".xz");
    for name in &names {
        let image = corpus::read(&folder.join(format!("{name}.xz")));
        let mut out = MemorySink::new(MIB);
        let result = XZ.decode(&mut &image[..], &mut out);
        if name.starts_with("good-") {
            let raw = corpus::read(&folder.join(format!("{name}.raw")));
            assert_eq!(
                result.map(|bytes| bytes.0 as usize),
                Ok(raw.len()),
                "{name}"
            );
            assert!(out.bytes.starts_with(&raw), "{name}");
        } else {
            let error = result.expect_err(name);
            assert_eq!(error.kind(), Kind::InvalidImage, "{name}: {error}");
        }
    }
    assert!(names.len() > 40, "{names:?}");
}
