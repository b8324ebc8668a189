//! The disk before its commit, on a file: bytes and zeros at any place, over every border there is.

mod support;

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use ironlet::disk::exclusive_disk::ExclusiveDisk;
use ironlet::disk::filesystem::fat::{Volume, format};
use ironlet::disk::select::write_permit::Permit;
use ironlet::image::layout::staged_range_as_file::StagedRange;
use ironlet::image::verify::readback::Verdict;
use ironlet::image::write::disk_sink::DiskSink;
use ironlet::image::write::sink::Sink;
use ironlet::system_root::SystemRoot;
use support::partition_tables;
use support::scratch::Scratch;

const MIB: usize = 1 << 20;
const SIZE: usize = 5 * MIB;
const OLD: u8 = 0xAA;

fn sink(path: &Path) -> DiskSink {
    let permit = Permit::new(&SystemRoot::new("/"), vec![path.to_owned()]);
    let target = ExclusiveDisk::open(path, &permit).expect("the file may be written");
    let mut out = DiskSink::new(target).expect("it is large enough");
    // A disk of one byte again and again, ends and all.
    let mut at = 0;
    while at < SIZE {
        let room = out.room(at as u64).expect("the disk has room");
        let count = room.len();
        room.fill(OLD);
        out.filled(count).expect("room was given");
        at += count;
    }
    out
}

#[test]
fn what_is_put_is_there_and_its_neighbours_stay() {
    let borders = [MIB, 2 * MIB, SIZE - MIB, 3 * MIB + 4096, 3 * MIB + 512];
    let mut ranges = vec![0..SIZE, 0..1, SIZE - 1..SIZE, 2 * MIB..2 * MIB];
    for border in borders {
        for (before, after) in [(1, 0), (0, 1), (1, 1), (512, 4096), (700, 9000), (MIB, MIB)] {
            ranges.push(border - before..SIZE.min(border + after));
        }
    }
    for range in ranges {
        for zeros in [false, true] {
            let scratch = Scratch::new();
            let path = scratch.disk(SIZE, 1);
            let mut expected = vec![OLD; SIZE];
            let bytes: Vec<u8> = range.clone().map(|at| (at % 251) as u8).collect();
            let (at, len) = (range.start as u64, range.len() as u64);
            let done = sink(&path).commit_with(|draft| {
                if zeros {
                    expected[range.clone()].fill(0);
                    return draft.zeros(at, len);
                }
                expected[range.clone()].copy_from_slice(&bytes);
                draft.write(at, &bytes)?;
                let mut back = vec![0; bytes.len()];
                draft.read(at, &mut back)?;
                assert!(back == bytes, "{range:?} reads differently");
                Ok(())
            });
            assert_eq!(done, Ok(Verdict::Complete));
            let disk = fs::read(&path).expect("the disk is a file");
            let wrong = (0..SIZE).find(|at| disk[*at] != expected[*at]);
            assert_eq!(wrong, None, "{range:?}, zeros: {zeros}");
        }
    }
}

#[test]
fn beyond_the_end_there_is_nothing() {
    let scratch = Scratch::new();
    let path = scratch.disk(SIZE, 1);
    let done = sink(&path).commit_with(|draft| {
        for (at, len) in [(SIZE, 1), (SIZE - 1, 2), (usize::MAX, 1)] {
            assert!(draft.read(at as u64, &mut vec![0; len]).is_err());
            assert!(draft.write(at as u64, &vec![0; len]).is_err());
        }
        draft.write(SIZE as u64, &[]) // nothing is nowhere too much
    });
    assert_eq!(done, Ok(Verdict::Complete));
}

/// A file system in the middle of a disk, over the border of what is still in memory.
#[test]
fn a_window_is_a_file_that_ends_with_it() {
    let scratch = Scratch::new();
    let path = scratch.disk(SIZE, 1);
    let (start, len) = (MIB - 3000, 2 * MIB + 5000);
    let done = sink(&path).commit_with(|draft| {
        let mut window = StagedRange::new(draft, start as u64, len as u64);
        format(&mut window, len as u64, 512, "ESP", 7)?;
        let volume = Volume::open(&mut window)?;
        volume.add("EFI/BOOT/BOOTX64.EFI", &mut &[1; 70_000][..])?;
        drop(volume);
        assert_eq!(window.seek(SeekFrom::End(-1))?, len as u64 - 1);
        assert_eq!(window.write(&[1, 2])?, 1, "one byte is left");
        assert_eq!(window.write(&[2])?, 0);
        assert_eq!(window.read(&mut [0; 9])?, 0);
        assert!(window.seek(SeekFrom::Current(1)).is_err());
        Ok(())
    });
    assert_eq!(done, Ok(Verdict::Complete));
    let disk = fs::read(&path).expect("the disk is a file");
    assert!(disk[..start].iter().all(|byte| *byte == OLD));
    assert!(disk[start + len..].iter().all(|byte| *byte == OLD));
    let inside = scratch.path("inside");
    fs::write(&inside, &disk[start..start + len]).expect("room");
    let copy = ["-b", "-i", partition_tables::name(&inside), "-/", "::"];
    let told = partition_tables::says("mdir", &copy, "");
    assert!(told.contains("::/EFI/BOOT/BOOTX64.EFI"), "{told}");
}
