//! Disks that fail, as loop devices over files that do; needs root, as loop devices and mounts do.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

use ironlet::disk::exclusive_disk::ExclusiveDisk;
use ironlet::disk::select::write_permit::Permit;
use ironlet::error::{Error, Kind, Result};
use ironlet::image::verify::readback::Verdict;
use ironlet::image::write::disk_sink::DiskSink;
use ironlet::image::write::sink::Sink;
use ironlet::system_root::SystemRoot;
use ironlet::work_progress::WorkProgress;

use super::support::scratch::Scratch;
use super::support::small_filesystem::Small;
use super::{MIB, OLD};

fn command(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("scratch paths are text")
}

/// A block device over a file, gone when dropped.
struct Loop(PathBuf);

impl Loop {
    fn over(file: &Path, options: &[&str]) -> Self {
        let arguments = [&["--find", "--show"], options, &[text(file)]].concat();
        Loop(command("losetup", &arguments).into())
    }

    fn open(&self) -> Result<DiskSink> {
        let permit = Permit::new(&SystemRoot::new("/"), vec![self.0.clone()]);
        DiskSink::new(ExclusiveDisk::open(&self.0, &permit)?)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        command("losetup", &["--detach", text(&self.0)]);
    }
}

/// Writes all of `image`; `midway` happens when half of it is on its way.
fn write(mut out: DiskSink, image: &[u8], midway: impl Fn()) -> Result<Verdict> {
    let mut at = 0;
    while at < image.len() {
        let room = out.room(at as u64)?;
        let count = room.len().min(image.len() - at).min(MIB);
        room[..count].copy_from_slice(&image[at..at + count]);
        out.filled(count)?;
        if (at..at + count).contains(&(image.len() / 2)) {
            midway();
        }
        at += count;
    }
    out.commit()
}

fn image(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 512 % 251) as u8 + 1).collect()
}

/// Names the disk and where on it, and says what to look at.
fn assert_told(error: &Error, disk: &Loop, advice: &str) {
    let told = error.details();
    let offset = told.split("at byte ").nth(1).unwrap_or_default();
    assert!(told.contains(text(&disk.0)), "{error}");
    assert!(offset.starts_with(|c: char| c.is_ascii_digit()), "{error}");
    assert!(told.contains(advice), "{error}");
    assert_eq!(error.kind(), Kind::ImageWriteError, "{error}");
}

#[test]
fn an_image_of_any_size_on_sectors_of_4_kib() {
    let scratch = Scratch::new();
    let file = scratch.disk(16 * MIB, OLD);
    for size in [5 * MIB + 1, 5 * MIB + 512, 5 * MIB + 4095, 16 * MIB - 777] {
        fs::write(&file, vec![OLD; 16 * MIB]).expect("room for a small disk");
        let disk = Loop::over(&file, &["--sector-size", "4096"]);
        let out = disk.open().expect("it may be written");
        let out = out.read_back(Some(WorkProgress::new(ironlet::clock::Clock::fake())));
        let image = image(size);
        let verdict = write(out, &image, || ()).expect("it takes everything");
        assert_eq!(verdict, Verdict::Complete);
        drop(disk);
        let found = fs::read(&file).expect("the disk is a file");
        assert!(found[..size] == image, "{size}: the disk is not the image");
        let beyond = &found[size..size.max(15 * MIB)];
        assert!(beyond.iter().all(|byte| *byte == OLD), "{size}: beyond");
    }
}

#[test]
fn a_thin_disk_that_is_full() {
    let scratch = Scratch::new();
    let small = Small::at(scratch.path("small"), 12 * MIB);
    let file = small.0.join("disk");
    let size = OpenOptions::new().create_new(true).write(true).open(&file);
    size.and_then(|file| file.set_len(40 * MIB as u64))
        .expect("a sparse file takes no room");
    let disk = Loop::over(&file, &[]);
    let out = disk.open().expect("it may be written");
    let error = write(out, &image(32 * MIB), || ()).expect_err("it is too small");
    assert_told(
        &error,
        &disk,
        "is the disk gone, or its storage thin and full?",
    );
    let head = fs::read(&file).expect("the disk is a file");
    assert!(head[..MIB].iter().all(|byte| *byte == 0), "it could boot");
}

#[test]
fn a_disk_that_vanishes() {
    let scratch = Scratch::new();
    let file = scratch.disk(80 * MIB, OLD);
    let disk = Loop::over(&file, &[]);
    let out = disk.open().expect("it may be written");
    // What the kernel does with a disk that was pulled: it has no bytes left.
    let vanish = || {
        let file = OpenOptions::new().write(true).open(&file);
        file.and_then(|file| file.set_len(0))
            .expect("the disk is a file");
        command("losetup", &["--set-capacity", text(&disk.0)]);
    };
    let error = write(out, &image(64 * MIB), vanish).expect_err("it is gone");
    assert_told(
        &error,
        &disk,
        "is the disk gone, or its storage thin and full?",
    );
}

#[test]
fn a_disk_that_must_not_be_written() {
    let scratch = Scratch::new();
    let file = scratch.disk(4 * MIB, OLD);
    let disk = Loop::over(&file, &["--read-only"]);
    let error = disk.open().map(drop).expect_err("it is read-only");
    for part in [text(&disk.0), "write-protected"] {
        assert!(error.details().contains(part), "{error}");
    }
    let found = fs::read(&file).expect("the disk is a file");
    assert!(found.iter().all(|byte| *byte == OLD));
}

#[test]
fn a_disk_in_use() {
    let scratch = Scratch::new();
    let file = scratch.disk(4 * MIB, OLD);
    let disk = Loop::over(&file, &[]);
    let _first = disk.open().expect("nobody else has it");
    let error = disk.open().map(drop).expect_err("it is held");
    assert!(error.details().contains("in use"), "{error}");
}
