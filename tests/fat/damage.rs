//! File systems that lie: an error in the end, never a loop, never a panic.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use ironlet::disk::filesystem::fat::Volume;
use ironlet::error::Result;

use super::support::partition_tables::MIB;
use super::support::scratch::Scratch;
use super::{KIB, by_others, device, made};

/// All that a caller may ask of a file system.
fn ask(bytes: &[u8]) -> Result<()> {
    let mut device = Cursor::new(bytes.to_vec());
    let volume = Volume::open(&mut device)?;
    volume.label()?;
    volume.files(&mut |path, _| volume.read(path, MIB).map(drop))?;
    volume.add("EFI/new.txt", &mut &b"new"[..]).map(drop)
}

/// Where a file system says that something begins: the table, the root folder and cluster 2 of one with 16 bits.
fn places(bytes: &[u8]) -> [usize; 3] {
    let word = |at| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let table = word(14) * word(11);
    let root = table + usize::from(bytes[16]) * word(22) * word(11);
    [table, root, root + word(17) * 32]
}

fn slot(bytes: &[u8], from: usize, name: &[u8]) -> usize {
    let mut slots = bytes[from..].chunks(32);
    let index = slots.position(|slot| slot.starts_with(name));
    from + 32 * index.expect("it was put there")
}

#[test]
fn what_a_boot_sector_says_is_not_believed() {
    let scratch = Scratch::new();
    let whole = fs::read(made(&scratch, 5 * MIB, 512)).expect("a file");
    ask(&whole).expect("nothing is wrong yet");
    for (what, at, bytes, said) in [
        ("no signature", 510, &[0, 0][..], "no signature"),
        ("sectors of 0", 11, &[0, 0], "size of its sectors"),
        ("sectors of 513", 11, &[1, 2], "size of its sectors"),
        ("sectors of 8192", 11, &[0, 32], "size of its sectors"),
        ("clusters of 0", 13, &[0], "size of its sectors or clusters"),
        ("clusters of 3", 13, &[3], "size of its sectors or clusters"),
        ("no reserved sector", 14, &[0, 0], "do not fit"),
        ("no table", 16, &[0], "do not fit"),
        ("tables of 65535", 22, &[255, 255], "do not fit"),
        ("a large root folder", 17, &[255, 255, 9, 0], "do not fit"),
        ("no sectors", 19, &[0, 0], "do not fit"),
        ("more sectors than there are", 19, &[255, 255], ""),
        ("a long table of 0", 22, &[0, 0], "do not fit"),
    ] {
        let mut bytes_now = whole.clone();
        bytes_now[at..at + bytes.len()].copy_from_slice(bytes);
        let result = ask(&bytes_now);
        match said {
            "" => result.expect(what),
            said => {
                let error = result.expect_err(what);
                assert!(error.details().contains(said), "{what}: {error}");
            }
        }
    }
    for len in [0, 511, 512, 4 * KIB, 30 * KIB] {
        let error = ask(&whole[..len]).expect_err("it is cut");
        assert!(error.details().contains("reading"), "{len}: {error}");
    }
}

#[test]
fn chains_in_circles_and_folders_in_themselves_come_to_an_end() {
    let scratch = Scratch::new();
    let path: &Path = &by_others(&scratch, 9, &["-F", "16", "-s", "1"]);
    let whole = fs::read(path).expect("a file");
    drop(device(path));
    ask(&whole).expect("nothing is wrong yet");
    let [table, root, data] = places(&whole);
    let folder = slot(&whole, root, b"EFI        ");
    let first = usize::from(whole[folder + 26]);
    let inside = data + (first - 2) * 512;
    let file = slot(&whole, inside, b"BOOTX64 CSV");
    let below = slot(&whole, inside, b"AFOLDE~1   ");
    let entry = |cluster: usize| table + cluster * 2;
    let to = |cluster: usize| [cluster as u8, (cluster >> 8) as u8];
    for (what, changes, said) in [
        // A folder without an end whose chain leads back to it: every slot of it is in use.
        (
            "a folder's chain in circles",
            vec![
                (entry(first), to(first).to_vec()),
                (inside, vec![0xe5; 512]),
            ],
            "in circles",
        ),
        (
            "a folder within itself",
            vec![(below + 26, to(first).to_vec())],
            "in circles",
        ),
        (
            "a folder that is the root",
            vec![(below + 26, to(0).to_vec())],
            "in circles",
        ),
        (
            "a folder nowhere",
            vec![(below + 26, to(1).to_vec())],
            "there is no cluster 1",
        ),
        (
            "a folder beyond the end",
            vec![(below + 26, to(65_000).to_vec())],
            "there is no cluster 65000",
        ),
        (
            "a folder in a free cluster",
            vec![(entry(first), to(0).to_vec()), (inside, vec![0xe5; 512])],
            "following the chain",
        ),
        (
            "a file longer than its chain",
            vec![(file + 28, vec![0, 0, 8])],
            "its clusters end before",
        ),
        (
            "a file of 4 GiB",
            vec![(file + 28, vec![255; 4])],
            "are the most it may have",
        ),
        (
            "a file nowhere",
            vec![(file + 26, to(0).to_vec())],
            "there is no cluster 0",
        ),
    ] {
        let mut bytes = whole.clone();
        for (at, change) in changes {
            bytes[at..at + change.len()].copy_from_slice(&change);
        }
        let error = ask(&bytes).expect_err(what);
        assert!(error.details().contains(said), "{what}: {error}");
    }
    // A chain in circles under a file that ends is read as far as the file goes.
    let start = usize::from(whole[file + 26]) | usize::from(whole[file + 27]) << 8;
    let mut bytes = whole.clone();
    bytes[entry(start)..][..2].copy_from_slice(&to(start));
    ask(&bytes).expect("513 bytes");
}
