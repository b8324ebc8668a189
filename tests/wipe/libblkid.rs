//! Each magic that libblkid knows, one by one, on a disk and in a partition.

use std::ops::Range;
use std::path::PathBuf;

use super::support::partition_tables::{name, says};
use super::support::scratch::Scratch;
use super::{blank, look, put, wipe};

const SIZE: u64 = 64 << 20;
const MAGICS: &str = include_str!("libblkid.list");

struct Magic {
    name: String,
    ours: String,
    /// In so many bytes.
    at: Box<dyn Fn(u64) -> u64>,
    bytes: Vec<u8>,
}

fn magics() -> Vec<Magic> {
    let lines = MAGICS.lines().filter(|line| !line.starts_with('#'));
    let all = lines.map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, ours, at, digits] = fields[..] else {
            panic!("four fields: {line}")
        };
        let (at, unit) = at.split_once('/').unwrap_or((at, "1"));
        let (at, unit): (i64, u64) = (
            at.parse().expect("an offset"),
            unit.parse().expect("a unit"),
        );
        let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
        let bytes = (0..digits.len()).step_by(2).map(digit);
        Magic {
            name: name.to_owned(),
            ours: ours.replace("boot_record", "boot record"),
            at: Box::new(move |size| match at {
                0.. => at.unsigned_abs(),
                _ => size / unit * unit - at.unsigned_abs(),
            }),
            bytes: bytes.map(|byte| byte.expect("hex")).collect(),
        }
    });
    let all: Vec<_> = all.collect();
    assert!(all.len() > 250, "{}", all.len());
    all
}

/// Plants them into `range` of disks that `make` makes, as many at a time as can be told apart, and sees that
/// each is found and gone.
fn each(range: Range<u64>, place: &str, make: impl Fn(&Scratch) -> PathBuf) {
    let mut left = magics();
    while !left.is_empty() {
        let scratch = Scratch::new();
        let path = make(&scratch);
        let mut planted: Vec<(Magic, u64)> = Vec::new();
        for magic in std::mem::take(&mut left) {
            let at = range.start + (magic.at)(range.end - range.start);
            let apart = planted.iter().all(|(other, there)| {
                let end = at + magic.bytes.len() as u64;
                let free = end <= *there || there + other.bytes.len() as u64 <= at;
                free && other.ours != magic.ours
            });
            match apart {
                true => planted.push((magic, at)),
                false => left.push(magic),
            }
        }
        for (magic, at) in &planted {
            put(&path, *at, &magic.bytes);
        }
        let found = wipe(&path).expect("a disk that may be written").what;
        for (magic, at) in &planted {
            let (who, ours) = (&magic.name, format!("{}{place}", magic.ours));
            let named = magic.ours == "-" || found.contains(&ours);
            assert!(named, "{who} at {at}: {found:?}");
            let now = look(&path, *at, magic.bytes.len());
            assert!(now.iter().all(|byte| *byte == 0), "{who} at {at}: {now:x?}");
        }
    }
}

#[test]
fn every_magic_of_libblkid_is_found_on_a_disk_and_erased() {
    each(0..SIZE, "", |scratch| blank(scratch, SIZE));
}

#[test]
fn every_magic_of_libblkid_is_found_in_a_partition_and_erased() {
    let (start, end) = (8 << 20, SIZE - (4 << 20) - 512);
    each(start..end, " in partition 2", |scratch| {
        let path = blank(scratch, SIZE);
        let script = format!(
            "label: gpt\nstart=1MiB, size=1MiB\nstart={}, size={}\n",
            start / 512,
            (end - start) / 512
        );
        says("sfdisk", &["-q", name(&path)], &script);
        path
    });
}
