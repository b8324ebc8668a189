//! Disks that fail, vanish or discard, as loop devices; needs root, as loop devices and mounts do.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ironlet::codec::json::Value;
use ironlet::disk::Disk;
use ironlet::disk::erase::{Order, Tell};
use ironlet::disk::secure_erase::Attempt;
use ironlet::error::Error;

use super::support::fake_agent::text_at;
use super::support::partition_tables::{Loop, name, says};
use super::support::small_filesystem::Small;
use super::{Bench, MIB, OLD, PLAIN, all, disk, unasked};

/// One test at a time: a program being started holds for a moment what another test has open, and so its disk.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn frozen(_: &Disk, _: Tell) -> Attempt {
    Attempt::NotStarted(Error::plain("it is frozen"))
}

/// Sectors written to a disk so far, as the kernel counts them.
fn sectors(disk: &Loop) -> u64 {
    let kernel = disk.path().file_name().expect("a device has a name");
    let stat = std::path::Path::new("/sys/block").join(kernel).join("stat");
    let stat = fs::read_to_string(stat).expect("every disk has one");
    // Documentation/block/stat.rst: the seventh.
    let field = stat.split_whitespace().nth(6).expect("seven fields");
    field.parse().expect("a number")
}

#[test]
fn all_passes_go_over_the_whole_disk() {
    let _turn = turn();
    for (random, zeros, sector) in [
        (0, true, 512),
        (1, true, 4096),
        (3, true, 512),
        (2, false, 512),
    ] {
        let bench = Bench::new(&unasked);
        // Not a whole number of pages.
        let size = 8 * MIB + if sector == 512 { 1536 } else { 4096 };
        let file = bench.scratch.disk(size, OLD);
        let device = Loop::new(&file, sector);
        let before = sectors(&device);
        let order = Order {
            random,
            zeros,
            ..PLAIN
        };
        let passes = u64::from(random) + u64::from(zeros);
        let result = bench.erase(&[disk("/dev/vda", device.path())], &order);
        result.expect("it takes everything");
        let written = sectors(&device) - before - passes * (size as u64 / 512);
        // Beyond the passes only the marks, 132 pages at most, and what they covered.
        assert!(
            written <= 2 * 132 * 8,
            "{random} {zeros}: {written} sectors"
        );
        drop(device);
        let found = fs::read(&file).expect("the disk is a file");
        assert_eq!(found.len(), size);
        assert_eq!(all(&found, 0), zeros);
        let pages = found.chunks(512).filter(|sector| all(sector, OLD));
        assert_eq!(pages.count(), 0);
    }
}

#[test]
fn bad_places_are_named_and_the_rest_is_overwritten() {
    let _turn = turn();
    let bench = Bench::new(&unasked);
    let small = Small::at(bench.scratch.path("small"), 12 * MIB);
    let file = small.0.join("disk");
    let backing = OpenOptions::new().create_new(true).write(true).open(&file);
    let backing = backing.expect("room for a file");
    backing
        .set_len(8 * MIB as u64)
        .expect("sparse files take no room");
    // Two holes that nothing can fill: the rest has its pages, and another file has all others. Each where
    // a write begins: drivers/block/loop.c takes a write that was cut short for a whole one.
    let holes = [3 * MIB..3 * MIB + 8192, 6 * MIB..6 * MIB + 4096];
    for at in (0..8 * MIB).step_by(4096) {
        if !holes.iter().any(|hole| hole.contains(&at)) {
            backing
                .write_all_at(&[OLD; 4096], at as u64)
                .expect("there is room");
        }
    }
    let device = Loop::new(&file, 512);
    let mut filler = fs::File::create(small.0.join("filler")).expect("room for a file");
    while filler.write_all(&[1; 4096]).is_ok() {}

    let error = bench
        .erase(&[disk("/dev/vda", device.path())], &PLAIN)
        .expect_err("two places are bad");
    for part in [
        "\"/dev/vda\" (unknown): ",
        "12288 bytes were not overwritten: 3145728–3153919, 6291456–6295551; writing /dev/loop",
    ] {
        assert!(error.details().contains(part), "{error}");
    }
    drop(device);
    let found = fs::read(&file).expect("the disk is a file");
    assert!(all(&found, 0), "what can be written is");
}

#[test]
fn a_disk_that_vanishes_is_given_up() {
    let _turn = turn();
    let bench = Bench::new(&unasked);
    let file = bench.scratch.disk(64 * MIB, OLD);
    let device = Loop::new(&file, 512);
    let gone = disk("/dev/vda", device.path());
    let gauge = bench.gauge.clone();
    let error = std::thread::scope(|scope| {
        let erase = scope.spawn(|| bench.erase(&[gone], &PLAIN).map(drop));
        while gauge
            .read()
            .is_none_or(|reading| reading.done.0 < 4 * MIB as u64)
        {
            std::thread::yield_now();
        }
        // What the kernel does with a disk that was pulled: it has no bytes left.
        let backing = OpenOptions::new().write(true).open(&file);
        let cut = backing.and_then(|file| file.set_len(0));
        cut.expect("the disk is a file");
        says("losetup", &["--set-capacity", name(device.path())], "");
        erase.join().expect("it does not panic")
    });
    let error = error.expect_err("it is gone");
    for part in [
        "(unknown): ",
        " bytes were not overwritten: ",
        "is the disk gone",
    ] {
        assert!(error.details().contains(part), "{error}");
    }
}

#[test]
fn a_disk_in_use_is_not_started() {
    let _turn = turn();
    let bench = Bench::new(&unasked);
    let file = bench.scratch.disk(8 * MIB, OLD);
    let device = Loop::new(&file, 512);
    says("mkfs.ext4", &["-q", name(device.path())], "");
    let before = fs::read(&file).expect("the disk is a file");
    let place = bench.scratch.path("mounted");
    fs::create_dir(&place).expect("room for a directory");
    says(
        "mount",
        &["-o", "ro", name(device.path()), name(&place)],
        "",
    );
    let result = bench.erase(&[disk("/dev/vda", device.path())], &PLAIN);
    says("umount", &["--lazy", name(&place)], "");
    let error = result.expect_err("it is mounted");
    assert!(error.details().contains("(not started): "), "{error}");
    assert!(error.details().contains("in use"), "{error}");
    drop(device);
    assert!(fs::read(&file).expect("a file") == before);
}

#[test]
fn a_discard_stands_in_where_it_is_allowed_and_leaves_zeros() {
    let _turn = turn();
    let bench = Bench::new(&frozen);
    let file = bench.scratch.disk(8 * MIB, OLD);
    let device = Loop::new(&file, 512);
    let before = sectors(&device);
    let order = Order {
        discard: true,
        ..PLAIN
    };
    let result = bench.erase(&[disk("/dev/sda", device.path())], &order);
    let Ok(Value::Object(result)) = result else {
        panic!("loop devices discard: {result:?}")
    };
    assert_eq!(text_at(&result, &["/dev/sda", "method"]), "discard");
    assert_eq!(
        text_at(&result, &["/dev/sda", "instead_of"]),
        "it is frozen"
    );
    assert!(text_at(&result, &["/dev/sda", "proof"]).contains("hold zeros"));
    let written = sectors(&device) - before;
    // Those of the frozen disk, what they covered, and those of the discard.
    assert!(written <= 3 * 132 * 8, "{written} sectors: marks alone");
    drop(device);
    assert!(all(&fs::read(&file).expect("the disk is a file"), 0));
}

/// Asked first, a disk that takes no discard holds what it held: it is not even marked.
#[test]
fn a_disk_that_takes_no_discard_is_not_marked_for_one() {
    let _turn = turn();
    let untouched = |_: &Disk, _: Tell| Attempt::NotStarted(Error::plain("it is frozen"));
    let order = Order {
        discard: true,
        ..PLAIN
    };
    let written = [Some(false), Some(true)].map(|discards| {
        let bench = Bench::new(&untouched);
        let file = bench.scratch.disk(8 * MIB, OLD);
        let device = Loop::new(&file, 512);
        let before = sectors(&device);
        let disk = Disk {
            discards,
            ..disk("/dev/sda", device.path())
        };
        let result = bench.erase(&[disk], &order);
        let written = sectors(&device) - before;
        drop(device);
        if discards == Some(false) {
            let error = result.expect_err("it cannot be erased");
            let said = "\"/dev/sda\" (not started): it is frozen; it cannot discard";
            assert!(error.details().contains(said), "{error}");
            assert!(all(&fs::read(&file).expect("a file"), OLD));
        }
        written
    });
    // The marks of the frozen disk and what they covered, and once more for the discard.
    assert!(written[0] < written[1], "{written:?} sectors");
}
