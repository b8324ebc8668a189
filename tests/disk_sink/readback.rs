//! Disks that give back something else than they took; the test changes the file that stands for one.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ironlet::disk::exclusive_disk::ExclusiveDisk;
use ironlet::disk::select::write_permit::Permit;
use ironlet::error::{Kind, Result};
use ironlet::image::decode::format::Format;
use ironlet::image::verify::readback::{Mismatch, Verdict, unlike};
use ironlet::image::write::sink::Sink;
use ironlet::image::{Receipt, deploy};
use ironlet::system_root::SystemRoot;

use super::support::image_requests::{order, tools};
use super::support::scratch::Scratch;
use super::{MIB, OLD, put, sink};

const SIZE: usize = 48 * MIB;

fn image(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 512 % 251) as u8 + 1).collect()
}

/// Flips the bits of one byte.
fn spoil(disk: &Path, at: usize) {
    let disk = OpenOptions::new().read(true).write(true).open(disk);
    let disk = disk.expect("the disk is a file");
    let mut byte = [0];
    disk.read_exact_at(&mut byte, at as u64)
        .expect("within the disk");
    disk.write_all_at(&[!byte[0]], at as u64)
        .expect("within the disk");
}

/// Bytes 1 MiB to 40 MiB, of which the sixth to ninth MiB are zeros.
fn write_and_spoil(places: &[usize]) -> (Verdict, Vec<u8>) {
    let scratch = Scratch::new();
    let path = scratch.disk(SIZE, OLD);
    let mut out = sink(&path);
    let image = image(40 * MIB);
    put(&mut out, 0, &image[..5 * MIB]);
    for (at, len) in [(5, 4), (39, 1)] {
        let (at, len) = (at * MIB, len * MIB);
        out.zeros(at as u64, len as u64).expect("it is there");
    }
    // The belt is shorter than this: what went before is on the disk.
    put(&mut out, 9 * MIB, &image[9 * MIB..39 * MIB]);
    for place in places {
        spoil(&path, *place);
    }
    let verdict = out.commit().expect("a file takes everything");
    (verdict, fs::read(&path).expect("the disk is a file"))
}

#[test]
fn every_place_that_differs_is_named_and_nothing_boots() {
    let differs = |ranges: &[[usize; 2]]| {
        let ranges = ranges
            .iter()
            .map(|[from, to]| (from * MIB) as u64..(to * MIB) as u64);
        Verdict::Differs(Mismatch(ranges.collect()))
    };
    for (places, expected) in [
        (vec![], Verdict::Complete),
        (vec![MIB], differs(&[[1, 2]])),
        (vec![4 * MIB - 1, 4 * MIB], differs(&[[3, 5]])),
        (vec![2 * MIB + 77, 7 * MIB + 77], differs(&[[2, 3], [7, 8]])),
        // Beyond the image nobody wrote anything.
        (vec![40 * MIB], Verdict::Complete),
    ] {
        let (verdict, disk) = write_and_spoil(&places);
        assert_eq!(verdict, expected, "{places:?}");
        let bootable = disk[..MIB].iter().any(|byte| *byte != 0);
        assert_eq!(bootable, verdict == Verdict::Complete, "{places:?}");
    }
}

#[test]
fn two_sectors_that_changed_places_differ() {
    let scratch = Scratch::new();
    let path = scratch.disk(SIZE, OLD);
    let mut out = sink(&path);
    let image = image(40 * MIB);
    put(&mut out, 0, &image);
    let disk = OpenOptions::new().write(true).open(&path);
    let disk = disk.expect("the disk is a file");
    let (one, other) = (&image[2 * MIB..][..512], &image[2 * MIB + 512..][..512]);
    disk.write_all_at(&[other, one].concat(), 2 * MIB as u64)
        .expect("within the disk");
    let third = 2 * MIB as u64..3 * MIB as u64;
    let expected = Verdict::of(std::iter::once(third).collect());
    assert_eq!(out.commit().expect("a file takes everything"), expected);
}

#[test]
fn the_ends_are_compared_byte_by_byte() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    for place in [MIB + 4095, MIB + 4096, 2 * MIB - 1] {
        spoil(&path, place);
    }
    let permit = Permit::new(&SystemRoot::new("/"), vec![path.clone()]);
    let target = ExclusiveDisk::open(&path, &permit).expect("the file may be written");
    let written = vec![OLD; MIB];
    let at = |place: usize| unlike(&target, &written, place as u64).expect("it can be read");
    assert_eq!(at(0), []);
    let (start, end) = (MIB as u64, 2 * MIB as u64);
    assert_eq!(at(MIB), [start..start + 8192, end - 4096..end]);
}

/// A config drive, say: what went between the ends after the image was compared.
#[test]
fn what_came_last_is_compared_too() {
    let size = SIZE as u64;
    for (spoilt, expected) in [
        (vec![], vec![]),
        (
            vec![2 * MIB + 9],
            vec![[2 * MIB as u64 + 8, 3 * MIB as u64 + 8]],
        ),
        (vec![46 * MIB], vec![[46 * MIB as u64, 47 * MIB as u64]]),
        // Written over since, or in an end, which is not on the disk yet.
        (vec![10 * MIB, 1], vec![]),
    ] {
        let scratch = Scratch::new();
        let path = scratch.disk(SIZE, OLD);
        let mut out = sink(&path);
        put(&mut out, 0, &image(5 * MIB));
        let verdict = out.commit_with(|draft| {
            draft.write(2 * MIB as u64 + 8, &[7; 4 * MIB])?;
            draft.write(10 * MIB as u64, &[1; 8192])?;
            draft.zeros(45 * MIB as u64, size - 45 * MIB as u64)?;
            spoilt.iter().for_each(|place| spoil(&path, *place));
            draft.write(10 * MIB as u64, &[2; 8192])
        });
        let expected = expected.iter().map(|[from, to]| *from..*to).collect();
        assert_eq!(verdict, Ok(Verdict::of(expected)), "{spoilt:?}");
    }
}

/// Serves the image and spoils the disk at two MiB, once it was written there, in the first so many answers.
fn spoiling_server(image: Vec<u8>, disk: PathBuf, times: usize) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let serve = move || {
        let mut answers = 0;
        for connection in listener.incoming() {
            let mut connection = connection.expect("loopback");
            let mut head = [0; 4096];
            let count = connection.read(&mut head).expect("a request");
            if head[..count].starts_with(b"GET /end") {
                break;
            }
            answers += 1;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", image.len());
            connection.write_all(head.as_bytes()).expect("loopback");
            let (most, last) = image.split_at(image.len() - 1);
            connection.write_all(most).expect("loopback");
            if answers <= times {
                let file = fs::File::open(&disk).expect("the disk is a file");
                let (mut found, wanted) = ([0; 512], &image[2 * MIB..][..512]);
                while found != wanted {
                    thread::yield_now();
                    file.read_exact_at(&mut found, 2 * MIB as u64)
                        .expect("within the disk");
                }
                spoil(&disk, 2 * MIB);
            }
            connection.write_all(last).expect("loopback");
        }
        answers
    };
    (format!("http://{address}"), thread::spawn(serve))
}

fn deploy_and_spoil(times: usize) -> (Result<Receipt>, usize, bool, Vec<u8>) {
    let scratch = Scratch::new();
    let path = scratch.disk(SIZE, OLD);
    let image = image(SIZE - 3 * MIB - 100);
    let (url, server) = spoiling_server(image.clone(), path.clone(), times);
    let request = order(format!("{url}/image"), &image, Format::Raw);
    let mut tools = tools(&path, 0);
    tools.timeouts.read = Duration::from_secs(60);
    tools.readback = true;
    let result = deploy(&request, &path, &tools);
    let address = url.trim_start_matches("http://");
    let end = std::net::TcpStream::connect(address);
    let end = end.and_then(|mut end| end.write_all(b"GET /end HTTP/1.1\r\n\r\n"));
    end.expect("the server listens");
    let answers = server.join().expect("the server is done");
    let disk = fs::read(&path).expect("the disk is a file");
    (result, answers, disk[..image.len()] == image, disk)
}

#[test]
fn a_disk_that_differs_is_written_once_more() {
    for times in [0, 1] {
        let (result, answers, same, _) = deploy_and_spoil(times);
        result.expect("the last time it holds");
        assert_eq!((answers, same), (times + 1, true));
    }
}

#[test]
fn a_disk_that_differs_twice_is_given_up() {
    let (result, answers, _, disk) = deploy_and_spoil(2);
    let error = result.expect_err("it never holds");
    assert_eq!((error.kind(), answers), (Kind::ImageWriteError, 2));
    let told = error.details().matches("bytes 2097152–3145727").count();
    assert_eq!(told, 2, "{error}");
    assert!(disk[..MIB].iter().all(|byte| *byte == 0), "it could boot");
}
