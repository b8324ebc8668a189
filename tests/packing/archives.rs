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
        ("the largest of all sizes", largest(), "cut short"),
        ("two files", archive("tar -c", &[("a", &raw), ("b\n", b"x")]), "more than one file in it, 'b\\n'"),
        ("a link", archive("tar -c", &[("a>disk.raw", b"")]), "'a' in it is no file, but a link"),
        ("a file and a link", archive("tar -c", &[("disk.raw", &raw), ("a>disk.raw", b"")]), "more than one file"),
        ("a folder", archive("tar -c", &[("a/", b"")]), "no file in it"),
        ("nothing", vec![0; 10 << 10], "no file in it"),
        ("holes as pax has them", archive("tar -c --format=pax -S", &[("a", &vec![0; MIB]), ]), "tar --format=oldgnu -S"),
        ("cut in the file", cut(2 * MIB), "cut short"),
        ("cut behind the file", cut(512 + 3 * MIB), "cut short"),
        ("cut in the header", cut(511), "cut short"),
        ("no bytes", Vec::new(), "cut short"),
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
}
