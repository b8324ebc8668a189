//! Images whose checksum is the block map that Debian's bmaptool makes beside them, and what bmaptool itself writes of the same.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

use ironlet::error::Kind;
use ironlet::image::decode::packing::Packing;
use ironlet::image::verify::image_signature::Place;

use super::*;
use crate::signature::{Left, Signer, judged, left};
use crate::support::packing_tools::packed;
use crate::web::Web;

const DISK: usize = 4 * MIB;
/// Data in the first and the last MiB and in between, holes around it, and an end within a block.
const SIZE: u64 = 3 * MIB as u64 + 512 * 1024 + 777;
const DATA: [(u64, usize); 4] = [
    (0, 5000),
    (MIB as u64 - 4096, 10_000),
    (2 << 20, 300_000),
    (SIZE - 70_000, 70_000),
];
const KIND: Kind = Kind::ImageChecksumError;
const GET: Kind = Kind::ImageDownloadError;

/// A sparse image, and its map.
fn sparse(scratch: &Scratch, more: &[&str]) -> (Vec<u8>, String) {
    let path = scratch.path("image.raw");
    let file = std::fs::File::create(&path).expect("a scratch directory");
    file.set_len(SIZE).expect("a hole");
    for (at, len) in DATA {
        file.write_all_at(&image(len), at).expect("room");
    }
    file.sync_all().expect("its holes are known to the disk");
    let map = bmaptool(&[&["create"], more, &[path.to_str().expect("ASCII")]].concat());
    (
        std::fs::read(&path).expect("it was made"),
        String::from_utf8(map).expect("XML"),
    )
}

fn bmaptool(arguments: &[&str]) -> Vec<u8> {
    let mut bmaptool = Command::new("bmaptool");
    bmaptool.args(arguments).stdin(Stdio::null());
    let out = bmaptool.output().expect("Debian's bmap-tools is installed");
    assert!(out.status.success(), "{arguments:?}: {out:?}");
    out.stdout
}

/// `map` without its checksum of itself, which a change would break first.
fn unsealed(map: &str) -> String {
    let (before, sealed) = map.split_once("<BmapFileChecksum>").expect("it has one");
    let (_, after) = sealed.split_once("</BmapFileChecksum>").expect("an end");
    format!("{before}{after}")
}

/// A part of the one with `words` in its name that `map` has.
fn swapped(map: &str, from: &str, to: &str) -> String {
    assert!(map.contains(from), "{from} in {map}");
    unsealed(map).replacen(from, to, 1)
}

/// A server of an image and of its map.
fn serving(image: impl AsRef<[u8]>, map: impl AsRef<[u8]>) -> Web {
    let web = Web::start();
    web.put_text("/image", image);
    web.put_text("/image.bmap", map);
    web
}

fn ordered(web: &Web, format: Format, wanted: Wanted) -> Request {
    let checksum = Checksum::At {
        url: web.url("/image.bmap"),
        wanted,
    };
    Request {
        format,
        ..request(vec![web.url("/image")], checksum)
    }
}

#[test]
fn what_bmaptool_maps_is_on_the_disk_as_bmaptool_writes_it() {
    let scratch = Scratch::new();
    let (image, map) = sparse(&scratch, &[]);
    assert!(map.matches("<Range ").count() > 2, "{map}");
    std::fs::write(scratch.path("image.bmap"), &map).expect("room");
    let path = |name| scratch.path(name).to_str().expect("ASCII").to_owned();
    let (theirs, theirs_path) = (vec![0; SIZE as usize], path("theirs"));
    std::fs::write(&theirs_path, theirs).expect("room");
    bmaptool(&[
        "copy",
        "--bmap",
        &path("image.bmap"),
        &path("image.raw"),
        &theirs_path,
    ]);
    let theirs = std::fs::read(&theirs_path).expect("it was written");
    let packing = Format::Packed;
    for (tool, format) in [
        ("", Format::Raw),
        ("gzip", packing(Packing::Gzip)),
        ("xz -0 -T2 --block-size=300KiB", packing(Packing::Xz)),
        ("zstd", packing(Packing::Zstd)),
        ("bzip2", Format::MaybePacked),
    ] {
        let web = Web::start();
        web.put_text(
            "/image",
            if tool.is_empty() {
                image.clone()
            } else {
                packed(tool, &image)
            },
        );
        web.put_text("/image.bmap", &map);
        let (found, outcome) = left(&ordered(&web, format, Wanted::Any), &theirs);
        assert_eq!((found, outcome), (Left::TheImage, Ok(())), "{tool}");
    }
}

#[test]
#[rustfmt::skip]
fn what_is_not_the_image_of_its_map_never_boots() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let (image, map) = sparse(&scratch, &[]);
    let (_, bare) = sparse(&other, &["--no-checksum"]);
    let changed = |at: usize, byte: u8| { let mut image = image.clone(); image[at] ^= byte; image };
    let longer = [&image[..], b"x"].concat();
    let first = map.split_once("chksum=\"").expect("a range").1;
    let mut flipped = first[..64].to_owned();
    flipped.replace_range(..1, if flipped.starts_with('0') { "1" } else { "0" });
    let cut = &map[..map.len() - 20];
    for (name, served, map, outcome, words) in [
        ("a changed byte at the start", &changed(5, 1), &map[..], (KIND, Left::Untouched), "from byte 0"),
        ("a changed byte", &changed((2 << 20) + 7, 1), &map, (KIND, Left::Unbootable), "from byte 2097152"),
        ("a changed last byte", &changed(SIZE as usize - 1, 1), &map, (KIND, Left::Unbootable), "to 3670793"),
        ("a byte too many", &longer, &map, (KIND, Left::Unbootable), "goes on after"),
        ("a byte too few", &image[..image.len() - 1].to_vec(), &map, (KIND, Left::Unbootable), "is of one of"),
        ("cut where there is a hole", &image[..3 << 20].to_vec(), &map, (KIND, Left::Unbootable), "is of one of"),
        ("nothing", &vec![], &map, (KIND, Left::Untouched), "is of one of"),
        ("a page", &b"<!DOCTYPE html><html>log in".repeat(200), &map, (KIND, Left::Untouched), "a page in HTML"),
        ("a map without checksums", &image, &bare, (GET, Left::Untouched), "no checksums"),
        ("a cut map", &image, cut, (GET, Left::Untouched), "cut short"),
        ("a changed map", &image, &map.replacen("chksum=\"", "chksum=\"0", 1).replacen("0-1", "0-0", 1), (GET, Left::Untouched), "not as it was made"),
        ("a map of another image", &image, &swapped(&map, &first[..64], &flipped), (KIND, Left::Untouched), "from byte 0"),
        ("a map of more than the disk", &image, &grown(&map), (Kind::ImageWriteError, Left::Untouched), "does not fit"),
        ("a page for a map", &image, "<html><body>no</body></html>", (GET, Left::Untouched), "looks like a web page"),
    ] {
        let web = serving(served, map);
        let (found, error) = left(&ordered(&web, Format::Raw, Wanted::Any), &image);
        let (kind, said) = error.expect_err(name);
        assert_eq!(((kind, found), said.contains(words)), (outcome, true), "{name}: {said}");
        assert!(found != Left::Untouched || !said.contains("nothing bootable"), "{name}: {said}");
    }
}

/// The map of an image that is larger than the disk.
fn grown(map: &str) -> String {
    let size = format!("<ImageSize> {SIZE} ");
    let blocks = SIZE.div_ceil(4096);
    let more = format!("<ImageSize> {} ", 2 * DISK);
    let map = swapped(map, &size, &more);
    map.replacen(
        &format!(" {blocks} </BlocksCount>"),
        &format!(" {} </BlocksCount>", 2 * DISK / 4096),
        1,
    )
}

/// Nobody vouches for them: bmaptool passes over them.
#[test]
fn bytes_that_no_range_has_are_zeros_on_the_disk() {
    let scratch = Scratch::new();
    let (image, map) = sparse(&scratch, &[]);
    let mut served = image.clone();
    for hole in [20_000..30_000, MIB + 100_000..MIB + 900_000] {
        assert!(image[hole.clone()].iter().all(|byte| *byte == 0));
        served[hole].fill(0x55);
    }
    let web = serving(served, &map);
    let (found, outcome) = left(&ordered(&web, Format::Raw, Wanted::Any), &image);
    assert_eq!((found, outcome), (Left::TheImage, Ok(())));
}

#[test]
fn only_digests_that_are_wanted_count() {
    let scratch = Scratch::new();
    let (image, map) = sparse(&scratch, &[]);
    let web = serving(&image, &map);
    for (wanted, words) in [
        (Wanted::Only(Algorithm::Sha256), ""),
        (Wanted::AnyButMd5, ""),
        (
            Wanted::Only(Algorithm::Sha512),
            "sha256, which does not count",
        ),
    ] {
        let (_, outcome) = left(&ordered(&web, Format::Raw, wanted), &image);
        match outcome {
            Ok(()) => assert!(words.is_empty(), "{wanted:?}"),
            Err((_, said)) => assert!(!words.is_empty() && said.contains(words), "{said}"),
        }
    }
    // As bmaptool made them before 1.4.
    let digest = |at: u64, len: usize| Algorithm::Sha1.of(&image[at as usize..][..len]);
    let hex: String = digest(0, 8192)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let small = format!(
        "<bmap version=\"1.2\"><ImageSize> 8192 </ImageSize><BlockSize> 4096 </BlockSize><BlocksCount> 2 </BlocksCount>\
         <BlockMap><Range sha1=\"{hex}\"> 0-1 </Range></BlockMap></bmap>"
    );
    web.put_text("/image", &image[..8192]);
    web.put_text("/image.bmap", small);
    let (found, outcome) = left(
        &ordered(&web, Format::Raw, Wanted::Only(Algorithm::Sha1)),
        &image[..8192],
    );
    assert_eq!((found, outcome), (Left::TheImage, Ok(())));
    let (found, outcome) = left(&ordered(&web, Format::Raw, Wanted::Any), &image[..8192]);
    let (_, said) = outcome.expect_err("nobody asked for SHA-1");
    assert!(
        found == Left::Untouched && said.contains("sha1, which does not count"),
        "{said}"
    );
}

#[test]
fn a_map_is_of_raw_images_alone() {
    let scratch = Scratch::new();
    let (_, map) = sparse(&scratch, &[]);
    let path = |name| scratch.path(name).to_str().expect("ASCII").to_owned();
    let mut convert = Command::new("qemu-img");
    convert.args([
        "convert",
        "-f",
        "raw",
        "-O",
        "qcow2",
        &path("image.raw"),
        &path("image.qcow2"),
    ]);
    assert!(convert.status().expect("qemu-utils is installed").success());
    let web = Web::start();
    web.put_text(
        "/image",
        std::fs::read(path("image.qcow2")).expect("it was made"),
    );
    web.put_text("/image.bmap", &map);
    let (found, outcome) = left(&ordered(&web, Format::Qcow2, Wanted::Any), b"x");
    let (kind, said) = outcome.expect_err("not raw");
    assert_eq!(kind, Kind::InvalidImage, "{said}");
    assert!(
        found != Left::TheImage && said.contains("this one is qcow2"),
        "{said}"
    );
}

#[test]
fn a_signed_map_is_as_good_as_a_signed_image() {
    let (scratch, signer) = (Scratch::new(), Signer::new());
    let (image, map) = sparse(&scratch, &[]);
    let signature = signer.signs("own", map.as_bytes(), &["-H"]);
    for (map, kind) in [(map.clone(), None), (unsealed(&map), Some(KIND))] {
        let web = serving(&image, map);
        web.put_text("/image.bmap.minisig", &signature);
        let request = Request {
            signature: Some(signer.wants(Place::BesideChecksum)),
            ..ordered(&web, Format::Raw, Wanted::Any)
        };
        let (found, outcome) = left(&request, &image);
        assert_eq!(outcome.err().map(|(kind, _)| kind), kind);
        assert_eq!(found == Left::TheImage, kind.is_none());
    }
}

/// A connection that is cut goes on, and the digests with it.
#[test]
fn a_download_that_is_resumed_is_held_to_the_map_as_a_whole() {
    let scratch = Scratch::new();
    let (image, map) = sparse(&scratch, &[]);
    let web = Web::start();
    web.put_text("/image.bmap", &map);
    let parts = |until| Parts("\"a\"", until);
    let script = vec![
        parts(Until::Cut((2 << 20) + 1234)),
        parts(Until::Cut(3 << 20)),
        parts(Until::End),
    ];
    let server = ImageServer::start(image.clone(), script);
    let request = Request {
        urls: vec![server.url("/image")],
        ..ordered(&web, Format::Raw, Wanted::Any)
    };
    let disks = Scratch::new();
    let path: &Path = &disks.disk(DISK, OLD);
    deploy(&request, path, &tools(path, 5)).expect("it goes on");
    assert_eq!(judged(path, &image), Left::TheImage);
}
