//! ISO 9660 images that lie: an error in the end, or fewer files, never a loop. Good ones are in drive/rebuild.rs.

mod support;

use std::fs;
use std::io;

use ironlet::disk::filesystem::iso::{Source, files, list};
use support::partition_tables::{name, says};
use support::scratch::Scratch;

const SECTOR: usize = 2048;

/// What genisoimage makes of one file and a link.
fn image(scratch: &Scratch, options: &[&str]) -> Vec<u8> {
    let (tree, path) = (scratch.path("tree"), scratch.path("made.iso"));
    let _ = fs::remove_dir_all(&tree);
    let latest = tree.join("openstack/latest");
    fs::create_dir_all(&latest).expect("folders");
    fs::write(latest.join("meta_data.json"), "{}").expect("a file");
    let fixed = ["-quiet", "-V", "config-2", "-o", name(&path), name(&tree)];
    says("genisoimage", &[options, &fixed].concat(), "");
    fs::read(path).expect("it was made")
}

/// Where bytes are, from the root folder on.
fn place(image: &[u8], bytes: &[u8]) -> usize {
    let root = extent(image, 16 * SECTOR + 156) * SECTOR;
    let mut places = image[root..].windows(bytes.len());
    let at = places.position(|some| some == bytes);
    root + at.unwrap_or_else(|| panic!("{} is nowhere", String::from_utf8_lossy(bytes)))
}

fn extent(image: &[u8], record: usize) -> usize {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&image[record + 2..record + 6]);
    u32::from_le_bytes(bytes) as usize
}

#[test]
fn folders_in_themselves_and_parts_beyond_the_end_are_errors() {
    let scratch = Scratch::new();
    let whole = image(&scratch, &["-r"]);
    let found = files(&whole).expect("nothing is wrong yet");
    assert_eq!(
        found,
        [("openstack/latest/meta_data.json".into(), &b"{}"[..])]
    );
    // A record begins 33 bytes before its name.
    let folder = place(&whole, b"OPENSTAC") - 33;
    let file = place(&whole, b"META_DAT.JSO;1") - 33;
    let root = extent(&whole, 16 * SECTOR + 156) * SECTOR;
    let rock = place(&whole, b"NM\x13\x01\0meta_data.json");
    let number = |n: usize| (n as u32).to_le_bytes().to_vec();
    for (what, at, change, said) in [
        (
            "a folder within itself",
            folder + 2,
            number(root / SECTOR),
            "folders in folders",
        ),
        (
            "a folder beyond the end",
            folder + 2,
            number(1 << 20),
            "beyond its end",
        ),
        (
            "a folder of 4 GiB",
            folder + 10,
            vec![255; 4],
            "beyond its end",
        ),
        (
            "a file beyond the end",
            file + 2,
            number(usize::MAX),
            "beyond its end",
        ),
        (
            "a file larger than all",
            file + 10,
            number(whole.len()),
            "beyond its end",
        ),
        (
            "a file of several parts",
            file + 25,
            vec![128],
            "in a way nobody uses",
        ),
        (
            "a file in pieces",
            file + 26,
            vec![1, 1],
            "in a way nobody uses",
        ),
        (
            "a name longer than its record",
            file + 32,
            vec![255],
            "cut or damaged",
        ),
        ("a record of one byte", file, vec![1], "cut or damaged"),
        (
            "a name with a path in it",
            rock + 5,
            b"../meta".to_vec(),
            "is no name of a file",
        ),
        (
            "a name of nothing",
            rock + 5,
            vec![0; 14],
            "is no name of a file",
        ),
        (
            "a folder elsewhere",
            rock,
            b"CL".to_vec(),
            "more than names and links",
        ),
        (
            "a root beyond the end",
            16 * SECTOR + 158,
            vec![255; 4],
            "beyond its end",
        ),
        (
            "no descriptor",
            16 * SECTOR + 1,
            b"CD002".to_vec(),
            "no ISO 9660",
        ),
        (
            "blocks of 65535 bytes",
            16 * SECTOR + 128,
            vec![255; 2],
            "beyond its end",
        ),
    ] {
        let mut bytes = whole.clone();
        bytes[at..at + change.len()].copy_from_slice(&change);
        let error = files(&bytes).expect_err(what);
        assert!(error.details().contains(said), "{what}: {error}");
    }
    for sectors in [0, 16, 17, root / SECTOR] {
        assert!(files(&whole[..sectors * SECTOR]).is_err(), "{sectors}");
    }
}

/// SUSP, 5.1: an area may go on elsewhere; here it does so for ever.
#[test]
fn areas_that_follow_one_another_come_to_an_end() {
    let scratch = Scratch::new();
    let mut bytes = image(&scratch, &["-r"]);
    let rock = place(&bytes, b"NM\x13\x01\0meta_data.json");
    let area = place(&bytes, b"RR\x05\x01");
    assert!(area > 0, "there is an area to go on in");
    let (block, offset) = ((rock / SECTOR) as u32, (rock % SECTOR) as u32);
    let mut entry = b"CE\x1c\x01".to_vec();
    for number in [block, offset, 28] {
        entry.extend(number.to_le_bytes());
        entry.extend(number.to_be_bytes());
    }
    bytes[rock..rock + 28].copy_from_slice(&entry);
    let error = files(&bytes).expect_err("it never ends");
    assert!(error.details().contains("more files"), "{error}");
}

#[test]
fn joliet_is_taken_where_there_is_no_rock_ridge() {
    let scratch = Scratch::new();
    let whole = image(&scratch, &["-J"]);
    let found = files(&whole).expect("a good image");
    assert_eq!(found[0].0, "openstack/latest/meta_data.json");
    let mut bytes = whole.clone();
    // Joliet specification: without its escape sequence the second descriptor is of some other kind.
    bytes[17 * SECTOR + 88..17 * SECTOR + 91].fill(0);
    let found = files(&bytes).expect("a plain image");
    assert_eq!(found[0].0, "openstac/latest/meta_dat.jso");
}

/// Bytes of which the last ones cannot be read any more after so many calls.
struct Pulled<'a>(&'a [u8], std::cell::Cell<usize>);

impl Source for Pulled<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let left = self.1.get().checked_sub(1).ok_or(io::ErrorKind::NotFound)?;
        self.1.set(left);
        self.0.read(at, into)
    }
}

#[test]
fn a_medium_that_is_pulled_out_while_it_is_read_is_an_error() {
    let scratch = Scratch::new();
    for options in [&["-r"][..], &["-J"]] {
        let whole = image(&scratch, options);
        let all = |reads: usize| list(&Pulled(&whole, reads.into()), &|_| true);
        let mut reads = 0;
        while let Err(error) = all(reads) {
            assert!(error.details().contains("reading"), "{error}");
            reads += 1;
            assert!(reads < 100, "it is never read");
        }
        assert!(reads > 3 && all(reads).expect("it was read").files.len() == 1);
    }
}
