//! Images in tar archives: as GNU tar and bsdtar make them, and archives that hold no image.

use std::io::Write;
use std::process::Command;

use super::*;

/// An archive of these files, in a folder of its own, by `command`; one that ends in `/` is a folder, `a>b` a link.
fn archive(command: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let scratch = Scratch::new();
    let folder = scratch.path("in");
    for (name, bytes) in files {
        let path = folder.join(name.split('>').next().unwrap_or_default());
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        match name.split_once('>') {
            Some((_, to)) => std::os::unix::fs::symlink(to, &path).expect("a link"),
            None if name.ends_with('/') => std::fs::create_dir_all(&path).expect("a folder"),
            None => {
                let size = bytes.len() as u64;
                let mut file = std::fs::File::create(&path).expect("a file");
                // Holes where there are zeros.
                for (at, page) in bytes.chunks(64 << 10).enumerate() {
                    use std::os::unix::fs::FileExt;
                    if page.iter().any(|byte| *byte != 0) {
                        file.write_all_at(page, (at * (64 << 10)) as u64)
                            .expect("a page");
                    }
                }
                file.set_len(size).expect("a size");
                file.flush().expect("it is written");
            }
        }
    }
    let mut words = command.split(' ');
    let output = Command::new(words.next().expect("a program"))
        .args(words)
        .args(["-C", folder.to_str().expect("a path")])
        .args(
            files
                .iter()
                .map(|(name, _)| name.split('>').next().unwrap_or_default()),
        )
        .output()
        .expect("tar and bsdtar are there: packages tar, libarchive-tools");
    assert!(output.status.success(), "{command}: {output:?}");
    output.stdout
}

#[test]
fn the_one_file_of_an_archive_becomes_the_disk() {
    let mut raw = raw(5 * MIB);
    // Many holes: their map goes on in further headers.
    for at in (0..raw.len()).step_by(128 << 10).filter(|at| *at > 0) {
        raw[at..at + (64 << 10)].fill(0);
    }
    let long = format!("{}/disk.raw", "x".repeat(120));
    let none = Format::Archived(None);
    let by = |packing| Format::Archived(Some(packing));
    for (command, name, format) in [
        ("tar -c --format=gnu", "disk.raw", &none),
        ("tar -c --format=gnu", &long, &none),
        ("tar -c --format=pax", "disk.raw", &none),
        (
            "tar -c --format=pax --pax-option=exthdr.name=%d,atime:=1,size:=5242880",
            "disk.raw",
            &none,
        ),
        ("tar -c --format=ustar", "disk.raw", &none),
        ("tar -c --format=v7", "disk.raw", &none),
        ("tar -c --format=oldgnu -S", "disk.raw", &none),
        // As Google Cloud wants and exports images.
        ("tar -cz --format=oldgnu -S", "disk.raw", &by(Packing::Gzip)),
        ("tar -cJ", "disk.raw", &by(Packing::Xz)),
        ("tar -cj", "disk.raw", &by(Packing::Bzip2)),
        ("tar -c --zstd", "disk.raw", &by(Packing::Zstd)),
        ("bsdtar -c --format=ustar -f -", "disk.raw", &none),
        ("bsdtar -c --format=gnutar -f -", &long, &none),
        ("bsdtar -c --no-read-sparse --format=pax -f -", &long, &none),
    ] {
        let scratch = Scratch::new();
        let disk = scratch.disk(8 * MIB, OLD);
        let image = archive(command, &[("empty/", b""), (name, &raw)]);
        let bytes = run(&image, vec![Serve], format, &disk);
        assert_eq!(bytes, Ok(raw.len() as u64), "{command}");
        let written = std::fs::read(&disk).expect("the disk is a file");
        assert!(written[..raw.len()] == raw, "{command}: another image");
    }
}

#[test]
#[rustfmt::skip]
fn an_archive_that_is_no_image_never_boots_and_says_why() {
    let (raw, none) = (raw(3 * MIB), Format::Archived(None));
    let one = || archive("tar -c", &[("disk.raw", &raw)]);
    let cut = |length: usize| one()[..length].to_vec();
    let and = |more: &[u8]| [&one()[..], more].concat();
    let changed = |at: usize| { let mut image = one(); image[at] ^= 1; image };
    let largest = || {
        let mut image = one();
        image[124..128].copy_from_slice(&[0x80, 0, 0, 0]);
        image[128..136].fill(0xff);
        image[148..156].fill(b' ');
        let sum: u32 = image[..512].iter().map(|byte| u32::from(*byte)).sum();
        image[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        image
    };
    for (what, image, said) in [
        ("two files", archive("tar -c", &[("a", &raw), ("b\n", b"x")]), "more than one file in it, 'b\\n'"),
        ("a link", archive("tar -c", &[("a>disk.raw", b"")]), "'a' in it is no file, but a link"),
        ("a file and a link", archive("tar -c", &[("disk.raw", &raw), ("a>disk.raw", b"")]), "more than one file"),
        ("a folder", archive("tar -c", &[("a/", b"")]), "no file in it"),
        ("nothing", vec![0; 10 << 10], "no file in it"),
        ("holes as pax has them", archive("tar -c --format=pax -S", &[("a", &vec![0; MIB]), ]), "tar --format=oldgnu -S"),
        ("cut in the file", cut(2 * MIB), "cut short"),
        ("cut in the header", cut(511), "cut short"),
        ("no bytes", Vec::new(), "cut short"),
        ("cut in the next header", [cut(512 + 3 * MIB), vec![b'x'; 100]].concat(), "cut short"),
        ("more", and(b"more"), "something follows its end"),
        ("an archive behind it", and(&one()), "something follows its end"),
        ("a changed name", changed(1), "is none, or damaged"),
        ("a changed size", changed(130), "is none, or damaged"),
        ("no archive", raw.clone(), "is none, or damaged"),
    ] {
        let scratch = Scratch::new();
        let disk = scratch.disk(8 * MIB, OLD);
        let error = run(&image, vec![Serve], &none, &disk).expect_err(what);
        assert_eq!(error.kind(), Kind::InvalidImage, "{what}: {error}");
        assert!(error.details().contains(said), "{what}: {error}");
        let bytes = std::fs::read(&disk).expect("the disk is a file");
        let ends = [&bytes[..MIB], &bytes[7 * MIB..]].concat();
        let untouched = bytes.iter().all(|byte| *byte == OLD);
        assert!(untouched || ends.iter().all(|byte| *byte == 0), "{what}: it could boot");
    }
    let scratch = Scratch::new();
    let disk = scratch.disk(8 * MIB, OLD);
    let error = run(&largest(), vec![Serve], &none, &disk).expect_err("8 EiB");
    assert!(error.details().contains("does not fit"), "{error}");
    let bytes = std::fs::read(&disk).expect("the disk is a file");
    assert!(bytes.iter().all(|byte| *byte == OLD));
}

/// A member as no program here makes it; its header's size is `size`.
fn member(name: &str, kind: u8, size: usize, content: &[u8]) -> Vec<u8> {
    let mut record = [0; 512];
    record[..name.len()].copy_from_slice(name.as_bytes());
    record[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    record[148..156].fill(b' ');
    record[156] = kind;
    let sum: u32 = record.iter().map(|byte| u32::from(*byte)).sum();
    record[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = content.len().next_multiple_of(512) - content.len();
    [&record[..], content, &vec![0; padding]].concat()
}

/// A pax header, of one line.
fn pax(line: &str) -> Vec<u8> {
    // The length counts itself.
    let length = line.len() + 2 + (line.len() + 4).to_string().len();
    let text = format!("{length} {line}\n");
    member("pax", b'x', text.len(), text.as_bytes())
}

#[test]
#[rustfmt::skip]
fn of_odd_archives_those_are_taken_that_others_take() {
    // No whole record.
    let raw = raw(3 * MIB + 1000);
    let file = || member("disk.raw", b'0', raw.len(), &raw);
    let end = || vec![0; 1024];
    let first = |before: Vec<u8>| [before, file(), end()].concat();
    let long = "x".repeat(200);
    let mut signed = first(Vec::new());
    signed[..9].copy_from_slice("dïsk.raw".as_bytes());
    signed[148..156].fill(b' ');
    let sum: i32 = signed[..512].iter().map(|byte| i32::from(*byte as i8)).sum();
    signed[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut ragged = first(Vec::new());
    // What the field held before it was written is behind its zero.
    let size = format!("{:08o}\0", raw.len());
    ragged[124..136].copy_from_slice(&[size.as_bytes(), b"\xff77"].concat());
    ragged[148..156].fill(b' ');
    let sum: u32 = ragged[..512].iter().map(|byte| u32::from(*byte)).sum();
    ragged[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    // Ours, GNU tar's and bsdtar's answer; none: taken.
    for (what, image, ours, gnu, bsd) in [
        ("a directory by its slash", first(member("d/", 0, 0, b"")), None, true, true),
        ("the same with a type of a file", first(member("d/", b'0', 0, b"")), None, true, true),
        ("the same by a long name", first([pax(&format!("path={long}/")), member(&long[..100], b'0', 0, b"")].concat()), None, true, true),
        ("the same by GNU's long name", first([member("L", b'L', 202, format!("{long}/\0").as_bytes()), member(&long[..100], b'0', 0, b"")].concat()), None, true, true),
        ("a directory with a size and nothing in it", first(member("d/", b'5', 512, b"")), None, true, false),
        ("a long name by pax", first(pax(&format!("path={long}/disk.raw"))), None, true, true),
        ("a header of Solaris", first([member("X", b'X', 18, b"18 path=disk2.raw\n")].concat()), None, true, true),
        ("an attribute of 100 KiB", first(pax(&format!("SCHILY.xattr.user.a={}", "y".repeat(100 << 10)))), None, true, true),
        ("a label of the archive", first(member("label", b'V', 0, b"")), None, true, true),
        ("an incremental archive's directory", first(member("d/", b'D', 4, b"Nx\0\0")), None, true, false),
        ("no end", file(), None, true, true),
        ("half an end", [file(), vec![0; 512]].concat(), None, true, true),
        ("a tenth of an end", [file(), vec![0; 100]].concat(), None, true, false),
        ("a type nobody knows", [member("disk.raw", b'Z', raw.len(), &raw), end()].concat(), None, true, true),
        ("a sum of signed bytes", signed, None, true, true),
        ("something behind a number", ragged, None, true, false),
        ("a file without its padding", file()[..512 + raw.len()].to_vec(), Some("cut short"), false, false),
        ("a negative size", first(pax("size=-1")), Some("its file has a size of '-1'"), false, false),
        ("a size beyond all numbers", first(pax("size=99999999999999999999")), Some("a size of '99999999999999999999'"), false, false),
        ("a size with a sign", first(pax("size=+3146728")), Some("a size of '+3146728'"), false, false),
        ("holes as star has them", first(pax("SCHILY.realsize=4")), Some("tar --format=oldgnu -S"), true, true),
        ("a link before the file", first(member("a", b'2', 0, b"")), Some("'a' in it is no file, but a link"), true, true),
    ] {
        for (tool, takes) in [("tar", gnu), ("bsdtar", bsd)] {
            let scratch = Scratch::new();
            let path = scratch.path("a.tar");
            std::fs::write(&path, &image).expect("an archive");
            let said = Command::new(tool).arg("-xOf").arg(&path).output();
            let said = said.expect("tar and bsdtar are there: packages tar, libarchive-tools");
            let took = said.status.success() && said.stdout == raw;
            assert_eq!(took, takes, "{tool}, {what}: {}", String::from_utf8_lossy(&said.stderr));
        }
        let scratch = Scratch::new();
        let disk = scratch.disk(8 * MIB, OLD);
        let outcome = run(&image, vec![Serve], &Format::Archived(None), &disk);
        match (outcome, ours) {
            (Ok(bytes), None) => {
                assert_eq!(bytes, raw.len() as u64, "{what}");
                let written = std::fs::read(&disk).expect("the disk is a file");
                assert!(written[..raw.len()] == raw, "{what}: another image");
            }
            (Err(error), Some(said)) => assert!(error.details().contains(said), "{what}: {error}"),
            (outcome, _) => panic!("{what}: {outcome:?}"),
        }
    }
}
