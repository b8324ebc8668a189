//! Packed images of very many and very small units: how much memory they take before anybody knows their digest.

#[path = "support/packing_tools.rs"]
mod packing_tools;

use std::env;
use std::fs;
use std::io::{self, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

use ironlet::image::decode::format::Format;
use ironlet::image::decode::packing::Packing::{self, Bzip2, Gzip, Xz, Zstd};
use ironlet::image::write::sink::Sink;
use packing_tools::packed;

const MIB: usize = 1 << 20;
/// Which image this process is there for: each has one of its own, that no other has left memory to.
const NAME: &str = "small_units_without_number_take_no_more_than_large_ones";
const CASE: &str = "PACKED_MEMORY_CASE";

#[test]
#[rustfmt::skip]
fn small_units_without_number_take_no_more_than_large_ones() {
    let page = "xz -0 --block-size=4096";
    let small = || noise(1100);
    // RFC 8878, 3.1.2: a length, and as many bytes that say nothing.
    let skipped = || [&b"\x50\x2a\x4d\x18\0\0\0\x01"[..], &vec![0; 16 * MIB]].concat();
    let large = || noise(16 * MIB);
    let cases: [(&str, Packing, usize, &dyn Fn() -> Parts); 13] = [
        ("zstd, 100000 frames of 1 KiB", Zstd, 2, &|| vec![(packed("zstd", &small()), 100_000)]),
        ("zstd, the same that state their size", Zstd, 0, &|| vec![(segment(&small()), 100_000)]),
        ("zstd, frames of 64 KiB and a little", Zstd, 2, &|| vec![(packed("zstd", &noise(66_000)), 3000)]),
        ("zstd, frames of 128 KiB of zeros", Zstd, 2, &|| vec![(packed("zstd", &[0; MIB / 8]), 4000)]),
        ("zstd, 300000 empty frames", Zstd, 0, &|| vec![(packed("zstd", b""), 300_000)]),
        ("zstd, 300000 empty frames behind a large one", Zstd, 2,
            &|| vec![(packed("zstd", &large()), 1), (packed("zstd", b""), 300_000)]),
        ("zstd, large frames to skip", Zstd, 0, &|| vec![(skipped(), 16), (packed("zstd", b""), 1)]),
        ("xz, blocks of 4 KiB", Xz, 1, &|| vec![(packed(page, &large()), 2)]),
        // A large dictionary takes its time.
        ("xz, the same behind slow ones", Xz, 8, &|| vec![(packed("xz -6", b"a"), 30), (packed(page, &large()), 2)]),
        // As `xz -T` writes it: others could follow.
        ("xz, one large block that states its sizes", Xz, 1,
            &|| vec![(packed("xz -0 -T2 --block-size=128MiB", &noise(64 * MIB)), 1)]),
        ("xz, 200000 empty streams", Xz, 0, &|| vec![(packed("xz", b""), 200_000)]),
        ("gzip, 200000 empty members", Gzip, 0, &|| vec![(packed("gzip", b""), 200_000)]),
        ("bzip2, 200000 empty streams", Bzip2, 4, &|| vec![(packed("bzip2", b""), 200_000)]),
    ];
    for (what, packing, window, parts) in cases {
        match env::var(CASE) {
            Err(_) => {
                let child = Command::new(env::current_exe().expect("this program"))
                    .args([NAME, "--exact", "--nocapture"])
                    .env(CASE, what)
                    // As musl does, whatever was freed before: what is large has pages of its own.
                    .env("MALLOC_MMAP_THRESHOLD_", "131072")
                    .stderr(Stdio::inherit())
                    .output()
                    .expect("it starts once more");
                let said = String::from_utf8_lossy(&child.stdout);
                let line = said.lines().find(|line| line.contains("MiB for"));
                println!("{}", line.unwrap_or(&said));
                assert!(child.status.success() && line.is_some(), "{what}");
                continue;
            }
            Ok(case) if case != what => continue,
            Ok(_) => {}
        }
        let (most, parts) = (most(packing, window), parts());
        let before = status("VmRSS:");
        fs::write("/proc/self/clear_refs", "5").expect("resets the high-water mark");
        let mut image = BufReader::with_capacity(64 << 10, Repeated { parts, at: (0, 0) });
        let mut nowhere = Nowhere(vec![0; 64 << 10]);
        let size = Format::Packed(packing).decode(&mut image, &mut nowhere);
        let size = size.unwrap_or_else(|error| panic!("{what}: {error}")).0;
        let peak = status("VmHWM:").saturating_sub(before) >> 10;
        println!("{what}: {peak} of {most} MiB for {} MiB", size >> 20);
        assert!(peak <= most, "{what}: {peak} MiB, and {most} are promised");
    }
}

/// What README.md promises, in MiB.
fn most(packing: Packing, window: usize) -> usize {
    let threads = match packing {
        Xz | Zstd => thread::available_parallelism().map_or(1, |cores| cores.get().min(8)),
        Gzip | Bzip2 => 1,
    };
    match threads {
        1 => 16 + window,
        _ => threads * (24 + window),
    }
}

/// Bytes that cannot be packed.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 7u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(size / 8 + 1).flatten().take(size).collect()
}

/// RFC 8878, 3.1.1: a segment of one piece and of one raw block.
fn segment(plain: &[u8]) -> Vec<u8> {
    let size = plain.len() as u32;
    let block = (size << 3 | 1).to_le_bytes();
    let magic = b"\x28\xb5\x2f\xfd\xa0";
    [&magic[..], &size.to_le_bytes(), &block[..3], plain].concat()
}

/// An image of parts, each so many times.
type Parts = Vec<(Vec<u8>, usize)>;

struct Repeated {
    parts: Parts,
    /// Bytes read of the first part that is left, and how often it was read.
    at: (usize, usize),
}

impl Read for Repeated {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < into.len() {
            let Some((part, times)) = self.parts.first() else {
                break;
            };
            let (from, round) = self.at;
            let count = (part.len() - from).min(into.len() - done);
            into[done..done + count].copy_from_slice(&part[from..from + count]);
            done += count;
            self.at = match from + count == part.len() {
                true => (0, round + 1),
                false => (from + count, round),
            };
            if self.at.1 == *times {
                self.parts.remove(0);
                self.at = (0, 0);
            }
        }
        Ok(done)
    }
}

/// A large disk that keeps nothing.
struct Nowhere(Vec<u8>);

impl Sink for Nowhere {
    fn capacity(&self) -> u64 {
        1 << 40
    }

    fn room(&mut self, _at: u64) -> io::Result<&mut [u8]> {
        Ok(&mut self.0)
    }

    fn filled(&mut self, _count: usize) -> io::Result<()> {
        Ok(())
    }

    fn zeros(&mut self, _at: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

/// A figure of this process, in KiB.
fn status(name: &str) -> usize {
    let text = fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let words = line.and_then(|line| line.split_whitespace().next());
    words.and_then(|word| word.parse().ok()).expect("a number")
}
