//! The far end of the main path on a file that stands for a disk with 4 KiB sectors and held other things.

#[path = "disk_sink/hostile.rs"]
mod hostile;
#[path = "disk_sink/readback.rs"]
mod readback;
mod support;

use std::os::unix::fs::MetadataExt;

use ironlet::clock::Clock;
use ironlet::disk::exclusive_disk::ExclusiveDisk;
use ironlet::disk::select::write_permit::Permit;
use ironlet::image::decode::format::Format;
use ironlet::image::verify::readback::Verdict;
use ironlet::image::write::disk_sink::DiskSink;
use ironlet::image::write::sink::Sink;
use ironlet::system_root::SystemRoot;
use ironlet::work_progress::WorkProgress;
use support::scratch::Scratch;

const MIB: usize = 1 << 20;
/// What the disk held before.
const OLD: u8 = 0xAA;

fn sink(path: &std::path::Path) -> DiskSink {
    let permit = Permit::new(&SystemRoot::new("/"), vec![path.to_owned()]);
    let target = ExclusiveDisk::open(path, &permit).expect("the file may be written");
    let out = DiskSink::new(target).expect("it is large enough");
    out.read_back(Some(WorkProgress::new(Clock::fake())))
}

fn put(out: &mut DiskSink, mut at: usize, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let room = out.room(at as u64).expect("the disk has room");
        let count = room.len().min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        out.filled(count).expect("room was given");
        (at, bytes) = (at + count, &bytes[count..]);
    }
}

/// Every byte of the disk once, in pieces of any size from one 512-byte cluster on, in any order.
#[test]
fn pieces_in_any_order_leave_their_neighbours_alone() {
    // The same sizes and order every time: a linear congruential generator (Knuth, MMIX).
    let mut state = 1u64;
    let mut draw = |from: usize, to: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        from + (state >> 33) as usize % (to - from)
    };
    for round in 0..6 {
        let scratch = Scratch::new();
        let size = 6 * MIB;
        let path = scratch.disk(size, OLD);
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < size {
            let longest = if round % 2 == 0 { 64 } else { 2048 };
            let end = size.min(at + 512 * draw(1, longest));
            pieces.push((at, end, draw(0, 3) == 0));
            at = end;
        }
        for place in (1..pieces.len()).rev() {
            pieces.swap(place, draw(0, place + 1));
        }
        let mut expected: Vec<u8> = (0..size).map(|at| (at / 512 % 251) as u8 | 1).collect();
        let mut out = sink(&path);
        for (start, end, zeros) in pieces {
            if zeros {
                expected[start..end].fill(0);
                out.zeros(start as u64, (end - start) as u64)
                    .expect("zeros");
            } else {
                put(&mut out, start, &expected[start..end]);
            }
        }
        assert_eq!(
            out.commit().expect("a file takes everything"),
            Verdict::Complete
        );
        let disk = std::fs::read(&path).expect("the disk is a file");
        let wrong = (0..size).find(|at| disk[*at] != expected[*at]);
        assert_eq!(wrong, None, "round {round}");
    }
}

/// Zeros replace what was there, and a raw image's runs of them are not sent.
#[test]
fn zeros_of_a_raw_image_are_zeros_and_cost_no_writes() {
    let scratch = Scratch::new();
    let size = 32 * MIB;
    let path = scratch.disk(size, OLD);
    let mut image = vec![0u8; size - 5 * MIB];
    for at in [0, 3 * MIB, 3 * MIB + 65536, 20 * MIB - 1] {
        image[at] = 7;
    }
    let mut out = sink(&path);
    let bytes = Format::Raw
        .decode(&mut &image[..], &mut out)
        .expect("it fits");
    assert_eq!(bytes.0 as usize, image.len());
    assert_eq!(
        out.commit().expect("a file takes everything"),
        Verdict::Complete
    );
    let disk = std::fs::read(&path).expect("the disk is a file");
    assert!(disk[..image.len()] == image, "the disk is not the image");
    let rest = &disk[image.len()..size - MIB];
    assert!(rest.iter().all(|byte| *byte == OLD), "beyond the image");
    let held = std::fs::metadata(&path).expect("it is there").blocks() * 512;
    // Both ends, what is beyond the image, and the grains around the four bytes.
    assert!(held < 8 * MIB as u64, "{held} bytes are allocated");
}
