//! What the beginning of an image tells is told before the old disk is touched.

use std::fs;
use std::path::Path;
use std::process::Command;

use ironlet::error::{Kind, Result};
use ironlet::image::decode::format::Format;
use ironlet::image::decode::packing::Packing;
use ironlet::image::{Layout, Receipt, deploy};

use super::support::image_requests::order;
use super::support::image_server::{Behaviour, ImageServer};
use super::support::partition_tables::{Loop, MIB, image, name, numbered, old_disk, tools};
use super::support::scratch::Scratch;

fn put(image: &[u8], format: Format, disk: &Path) -> Result<Receipt> {
    let server = ImageServer::start(image.to_vec(), vec![Behaviour::Serve]);
    let mut request = order(server.url("/image"), image, format);
    request.layout = Layout::Disk;
    deploy(&request, disk, &tools(disk))
}

/// `raw` as a qcow2 of this kind.
fn qcow2(scratch: &Scratch, raw: &[u8], options: &[&str]) -> Vec<u8> {
    let (from, to) = (scratch.path("raw"), scratch.path("qcow2"));
    fs::write(&from, raw).expect("room");
    let made = Command::new("qemu-img")
        .args(["convert", "-f", "raw", "-O", "qcow2"])
        .args(options)
        .args([name(&from), name(&to)])
        .status();
    made.ok()
        .filter(|status| status.success())
        .expect("qemu-utils");
    fs::read(to).expect("it was made")
}

/// The wrong sectors, a table that is none, no partition: raw, packed, and in qcow2 whose clusters come as
/// qemu-img writes them.
#[test]
fn an_image_that_begins_with_no_use_leaves_the_disk_as_it_was() {
    let scratch = Scratch::new();
    let gpt = image(&scratch, 40, "label: gpt\nsize=8MiB\nsize=16MiB\n");
    let mut corrupt = gpt.clone();
    corrupt[1024 + 40] ^= 1;
    let mut backwards = image(&scratch, 40, "label: dos\nsize=8MiB\n");
    backwards[454..458].fill(0xff);
    let empty = image(&scratch, 40, "label: gpt\n");
    for (what, raw, sector, said) in [
        (
            "a GPT for other sectors",
            &gpt,
            4096,
            "sectors of 512 bytes, and the disk has 4096",
        ),
        ("a corrupt GPT", &corrupt, 512, "checksum of its entries"),
        (
            "an MBR beyond the disk",
            &backwards,
            512,
            "partition 1 ends at",
        ),
        ("an empty GPT", &empty, 512, "has no partition"),
        ("no table", &numbered(40 * MIB), 512, "no partition table"),
    ] {
        let small = qcow2(&scratch, raw, &["-o", "cluster_size=512"]);
        for (kind, format, image) in [
            ("raw", Format::Raw, raw.clone()),
            ("gzip", Format::Packed(Packing::Gzip), gzipped(raw)),
            ("qcow2", Format::Qcow2, qcow2(&scratch, raw, &[])),
            (
                "compressed qcow2",
                Format::Qcow2,
                qcow2(&scratch, raw, &["-c"]),
            ),
            ("qcow2 of small clusters", Format::Qcow2, small),
            (
                "qcow2 of large ones",
                Format::Qcow2,
                qcow2(&scratch, raw, &["-o", "cluster_size=2M"]),
            ),
            (
                "qcow2 without holes",
                Format::Qcow2,
                qcow2(&scratch, raw, &["-S", "0"]),
            ),
        ] {
            let file = old_disk(&scratch, 48);
            let before = fs::read(&file).expect("it is a file");
            let disk = Loop::new(&file, sector);
            let error = put(&image, format, disk.path()).expect_err(what);
            drop(disk);
            assert_eq!(
                error.kind(),
                Kind::DeploymentError,
                "{what}, {kind}: {error}"
            );
            assert!(error.details().contains(said), "{what}, {kind}: {error}");
            let said = "the disk holds what it held";
            assert!(error.details().contains(said), "{what}, {kind}: {error}");
            assert!(
                fs::read(&file).expect("a file") == before,
                "{what}, {kind}: touched"
            );
        }
    }
}

fn gzipped(raw: &[u8]) -> Vec<u8> {
    ironlet::codec::gzip::pack(raw).expect("memory")
}

/// An image of less than the first MiB, and one that is packed and was not said to be.
#[test]
fn so_does_one_that_is_short_or_packed() {
    let scratch = Scratch::new();
    let packed = gzipped(&image(&scratch, 8, "label: gpt\nsize=2MiB\n"));
    for (image, said) in [
        (&numbered(300_000)[..], "no partition table: is it"),
        (b"<html>", "no partition table: is it"),
        (&packed, "packed by gzip, and ironlet.decompress=1 would"),
    ] {
        let disk = old_disk(&scratch, 16);
        let before = fs::read(&disk).expect("it is a file");
        let error = put(image, Format::Raw, &disk).expect_err("good for nothing");
        assert!(error.details().contains(said), "{error}");
        assert!(
            fs::read(&disk).expect("a file") == before,
            "{said}: touched"
        );
    }
}

/// Zeros that a qcow2 tells of before its first cluster wait for it, and come to the disk all the same.
#[test]
fn zeros_told_before_the_table_are_written_after_it() {
    let scratch = Scratch::new();
    let mut raw = image(&scratch, 40, "label: gpt\nsize=8MiB\nsize=16MiB\n");
    for at in [2 * MIB, 5 * MIB + 700, 20 * MIB] {
        raw[at..at + MIB].fill(0);
    }
    for options in [
        &[][..],
        &["-c"],
        &["-o", "cluster_size=512"],
        &["-m", "8", "-W"],
    ] {
        let image = qcow2(&scratch, &raw, options);
        let disk = old_disk(&scratch, 40);
        put(&image, Format::Qcow2, &disk).expect("a good image");
        assert!(fs::read(&disk).expect("a file") == raw, "{options:?}");
    }
}

/// What one place serves is no word on what another does.
#[test]
fn another_place_may_have_the_image() {
    let scratch = Scratch::new();
    let good = image(&scratch, 8, "label: gpt\nsize=2MiB\n");
    let page = ImageServer::start(
        b"<html>no such image</html>".to_vec(),
        vec![Behaviour::Serve],
    );
    let server = ImageServer::start(good.clone(), vec![Behaviour::Serve]);
    let mut request = order(server.url("/image"), &good, Format::Raw);
    request.layout = Layout::Disk;
    request.urls.insert(0, page.url("/image"));
    let disk = old_disk(&scratch, 16);
    deploy(&request, &disk, &tools(&disk)).expect("the second has it");
    assert!(fs::read(&disk).expect("a file")[MIB..7 * MIB] == good[MIB..7 * MIB]);
}
