//! Blocks that change hands on their way from the network to the disk: every byte arrives where it belongs,
//! however the pieces lie to the blocks.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ironlet::clock::Clock;
use ironlet::disk::exclusive_disk::ExclusiveDisk;
use ironlet::disk::select::write_permit::Permit;
use ironlet::image::decode::format::Format;
use ironlet::image::download::length_limit::Bounded;
use ironlet::image::download::random_access::RandomAccess;
use ironlet::image::pipeline::belt::BLOCK_SIZE;
use ironlet::image::pipeline::progress_reader::Progress;
use ironlet::image::pipeline::read_ahead::ReadAhead;
use ironlet::image::verify::checksum::Checksum;
use ironlet::image::verify::digest::{Algorithm, Hashing, Source};
use ironlet::image::verify::readback::Verdict;
use ironlet::image::write::disk_sink::DiskSink;
use ironlet::sys::block::Aligned;
use ironlet::system_root::SystemRoot;
use ironlet::units::Bytes;
use ironlet::work_progress::WorkProgress;

use super::support::image_server::Behaviour::*;
use super::support::image_server::{ImageServer, Until};
use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, image, run};

const DISK: usize = 5 * MIB + 8192;
/// The first blocks are held back; from here on they change hands.
const HELD: usize = MIB;

/// Lengths that end in, before, at and after everything that has an edge.
fn lengths() -> Vec<usize> {
    let edges = [HELD, HELD + BLOCK_SIZE, 4 * MIB, DISK - MIB];
    let around = |edge: &usize| [edge - 1, *edge, edge + 1, edge + 511, edge + 4096];
    let mut all: Vec<usize> = edges.iter().flat_map(around).collect();
    all.extend([1, 4096, DISK - 1, DISK]);
    all
}

/// With runs of zeros: a block of them, less than one, over the edge of two, and a grain within one.
fn with_zeros() -> Vec<u8> {
    let mut bytes = image(DISK);
    for (at, count) in [
        (HELD + BLOCK_SIZE, BLOCK_SIZE),
        (2 * MIB + 4096, BLOCK_SIZE - 4096),
        (3 * MIB - 70_001, 140_002),
        (3 * MIB + BLOCK_SIZE + 65_536, 65_536),
    ] {
        bytes[at..at + count].fill(0);
    }
    bytes
}

/// Gives at most so many bytes at once.
struct Pieces(io::Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(&mut into[..most])
    }
}

fn sink(scratch: &Scratch) -> DiskSink {
    let path = scratch.disk(DISK, OLD);
    let permit = Permit::new(&SystemRoot::new("/"), vec![path.clone()]);
    let target = ExclusiveDisk::open(&path, &permit).expect("the file may be written");
    let sink = DiskSink::new(target).expect("it is large enough");
    // What went out is counted, and must be what is there.
    sink.read_back(Some(WorkProgress::new(Clock::fake())))
}

/// A raw image has nothing out of turn.
struct Nothing;

impl RandomAccess for Nothing {
    fn read(&mut self, _: u64, _: &mut [u8]) -> ironlet::error::Result<()> {
        panic!("nobody asks")
    }
}

/// Writes the image; gives its length, and what digested it.
fn written<S: Source + Send + 'static>(
    format: &Format,
    image: Hashing<S>,
    out: &mut DiskSink,
) -> (usize, Hashing<S>) {
    let written = format.write(image, None, out, &mut Nothing);
    let (bytes, image) = written.expect("it fits");
    (bytes.0 as usize, image)
}

/// The disk begins with `expected`, and between it and the held-back end all is as it was.
fn holds(scratch: &Scratch, expected: &[u8], what: &str) {
    let disk = std::fs::read(scratch.path("disk")).expect("the disk is a file");
    let wrong = || (0..expected.len()).find(|at| disk[*at] != expected[*at]);
    let same = disk[..expected.len()] == *expected;
    assert!(same, "{what}: byte {:?} is wrong", wrong());
    let beyond = expected.len().clamp(HELD, DISK - MIB)..DISK - MIB;
    assert!(disk[beyond].iter().all(|byte| *byte == OLD), "{what}");
}

#[test]
fn an_image_of_any_length_in_any_pieces_arrives() {
    let unsaid = Format::Unsaid {
        permitted: vec!["raw".into()],
        unpack: true,
    };
    let image = with_zeros();
    for (count, length) in lengths().into_iter().enumerate() {
        let bytes = &image[..length];
        // Bytes read before the first block, so that no edge meets another's.
        let (skipped, piece) =
            [(0, DISK), (777, 10_007), (0, 65_537), (BLOCK_SIZE, 1021)][count % 4];
        for format in [&Format::Raw, &unsaid, &Format::MaybePacked] {
            let what = format!("{length} bytes by {piece} after {skipped}, {format:?}");
            let (scratch, gauge) = (Scratch::new(), WorkProgress::new(Clock::fake()));
            let mut out = sink(&scratch);

            let body = [&vec![9; skipped][..], bytes].concat();
            let body = Pieces(io::Cursor::new(body), piece);
            let mut ahead = ReadAhead::spawn("image-read", body).expect("a thread starts");
            let mut before = vec![0; skipped];
            ahead.read_exact(&mut before).expect("there is enough");
            gauge.begin("writing", None);
            let seen = Bounded::new(ahead, Bytes(DISK as u64));
            let seen = Progress::new(seen, gauge.clone());
            let seen = Hashing::new(seen, Algorithm::Sha256);
            let (size, seen) = written(format, seen, &mut out);
            assert_eq!(size, length, "{what}");
            assert_eq!(seen.finish().expect("its end"), digest(bytes), "{what}");
            let done = gauge.read().expect("it began").done;
            assert_eq!(done.0 as usize, length, "{what}");
            let verdict = out.commit().expect("a file takes everything");
            assert_eq!(verdict, Verdict::Complete, "{what}");
            holds(&scratch, bytes, &what);
        }
    }
}

/// Exchanges memory at will: some of its blocks are full, some are not, and what is beyond is no one's.
struct Trader {
    left: io::Cursor<Vec<u8>>,
    state: u64,
    traded: Arc<AtomicUsize>,
}

impl Read for Trader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.left.read(into)
    }
}

impl Source for Trader {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        // Knuth, MMIX: the same draws every time.
        self.state = self.state.wrapping_mul(6364136223846793005);
        self.state = self.state.wrapping_add(1442695040888963407);
        let most = match self.state >> 62 {
            0 => (self.state >> 33) as usize % into.len() + 1,
            _ => into.len(),
        };
        let mut other = Aligned::new(into.len());
        other.fill(0xEE);
        let count = self.left.read(&mut other[..most])?;
        *into = other;
        self.traded.fetch_add(1, Ordering::Relaxed);
        Ok(count)
    }
}

#[test]
fn of_a_block_that_is_not_full_only_the_filled_bytes_go_on() {
    let traded = Arc::<AtomicUsize>::default();
    let image = with_zeros();
    for (state, length) in (1..).zip(lengths()) {
        let (scratch, bytes) = (Scratch::new(), &image[..length]);
        let mut out = sink(&scratch);
        let source = Hashing::new(
            Trader {
                left: io::Cursor::new(bytes.to_vec()),
                state,
                traded: Arc::clone(&traded),
            },
            Algorithm::Sha256,
        );
        let (size, seen) = written(&Format::Raw, source, &mut out);
        assert_eq!(size, length);
        assert_eq!(seen.finish().expect("its end"), digest(bytes), "{length}");
        let verdict = out.commit().expect("a file takes everything");
        assert_eq!(verdict, Verdict::Complete, "{length}");
        holds(&scratch, bytes, &format!("{length} bytes"));
    }
    let traded = traded.load(Ordering::Relaxed);
    assert!(traded > 50, "{traded} blocks only");
}

#[test]
fn an_image_that_goes_on_at_odd_bytes_arrives() {
    let bytes = with_zeros();
    let ends = [
        HELD - 1,
        HELD + 1,
        HELD + BLOCK_SIZE + 511,
        3 * MIB - 70_007,
        3 * MIB + BLOCK_SIZE,
        4 * MIB - 1,
        5 * MIB + 65,
    ];
    let cut = |at: &usize| Until::Cut(*at);
    type Named = fn(&'static str, Until) -> super::Behaviour;
    for part in [Parts as Named, NoParts, ChunkedParts] {
        let scratch = Scratch::new();
        let path = scratch.disk(DISK, OLD);
        let mut script: Vec<_> = ends.iter().map(|at| part("\"a\"", cut(at))).collect();
        script.push(part("\"a\"", Until::End));
        let server = ImageServer::start(bytes.clone(), script.clone());
        let checksum = Checksum::Digest(digest(&bytes));
        let result = run(vec![server.url("/i")], checksum, &path, 9);
        let receipt = result.unwrap_or_else(|error| panic!("{error} {script:?}"));
        assert_eq!(receipt.retries as usize, ends.len(), "{script:?}");
        holds(&scratch, &bytes, &format!("{script:?}"));
    }
}
