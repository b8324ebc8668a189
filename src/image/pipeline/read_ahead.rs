//! Runs a part of the main path in a thread of its own, ahead of whoever reads from it.

use std::io::{self, BufRead, Read};
use std::thread::JoinHandle;

use crate::error::{Context, Result};
use crate::image::pipeline::belt::{BLOCK_SIZE, Block, Loader, Unloader, belt};
use crate::image::pipeline::stage_times::{Stage, StageTimes};
use crate::image::verify::digest::Source;
use crate::sys::block::Aligned;

/// Read-ahead: enough to keep the socket busy while the disk flushes a cache, little enough for a
/// machine with 128 MiB.
const BLOCKS: usize = 4;

/// Reads a body in a thread of its own, so that the network works while the disk does.
pub struct ReadAhead<R> {
    unloader: Unloader,
    current: Option<(Block, usize)>,
    /// Taken when the belt ends: the thread's verdict on why, and the body.
    thread: Option<JoinHandle<(io::Result<()>, R)>>,
    /// What the thread gave back.
    body: Option<R>,
    meter: Option<(StageTimes, Stage)>,
}

impl<R: Read + Send + 'static> ReadAhead<R> {
    /// Starts the thread, named `name`; it ends when the body does or this is dropped.
    pub fn spawn(name: &str, mut body: R) -> Result<Self> {
        let (loader, unloader) = belt(BLOCKS, BLOCK_SIZE);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || (read_all(&mut body, loader), body))
            .context("starting a thread that reads the image")?;
        Ok(ReadAhead {
            unloader,
            current: None,
            thread: Some(thread),
            body: None,
            meter: None,
        })
    }

    /// Charges waiting for the thread to `stage`.
    pub fn metered(mut self, meter: impl Into<Option<StageTimes>>, stage: Stage) -> Self {
        self.meter = meter.into().map(|meter| (meter, stage));
        self
    }

    /// The body, a little or a lot further than what was read here.
    pub fn into_inner(self) -> R {
        let ReadAhead {
            unloader,
            thread,
            body,
            ..
        } = self;
        drop(unloader); // the thread sees its belt end
        match thread {
            Some(thread) => joined(thread).1,
            None => body.expect("who took the thread kept its body"),
        }
    }
}

/// Fills blocks until the body ends, or nobody takes them.
fn read_all(body: &mut impl Read, mut loader: Loader) -> io::Result<()> {
    while let Some(mut block) = loader.take() {
        block.len = read_full(body, block.room())?;
        if block.len == 0 || !loader.send(block) {
            break;
        }
    }
    Ok(())
}

/// Reads until `into` is full or the end is reached.
pub fn read_full(image: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        match image.read(&mut into[done..]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn joined<T>(thread: JoinHandle<T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl<R> BufRead for ReadAhead<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.is_none() {
            let next = || self.unloader.next();
            let next = match &self.meter {
                Some((meter, stage)) => meter.charge(*stage, next),
                None => next(),
            };
            self.current = next.map(|block| (block, 0));
        }
        if self.current.is_none()
            && let Some(thread) = self.thread.take()
        {
            let (verdict, body) = joined(thread);
            self.body = Some(body);
            verdict?;
        }
        let current = self.current.as_ref();
        Ok(current.map_or(&[], |(block, done)| &block.filled()[*done..]))
    }

    fn consume(&mut self, count: usize) {
        if let Some((block, done)) = &mut self.current {
            *done += count;
            if *done == block.len
                && let Some((block, _)) = self.current.take()
            {
                self.unloader.give_back(block);
            }
        }
    }
}

impl<R> Read for ReadAhead<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// Of a block that nobody has read of yet the memory goes on instead of its bytes.
impl<R> Source for ReadAhead<R> {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        self.fill_buf()?;
        match &mut self.current {
            Some((block, 0)) if block.memory.len() == into.len() => {
                std::mem::swap(&mut block.memory, into);
                let count = block.len;
                self.consume(count);
                Ok(count)
            }
            _ => self.read(into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};

    /// Gives `count` bytes, then the error.
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match self.0 {
                0 => Err(Error::new(Kind::ImageDownloadError, "the cable was pulled").into()),
                left => {
                    let count = left.min(into.len());
                    self.0 -= count;
                    Ok(count)
                }
            }
        }
    }

    #[test]
    fn everything_read_ahead_arrives_before_the_error() {
        let size = 3 * BLOCK_SIZE + 7;
        let mut ahead = ReadAhead::spawn("read", Failing(size)).expect("a thread starts");
        let mut all = Vec::new();
        let error = Error::from(ahead.read_to_end(&mut all).expect_err("the cable"));
        assert_eq!(
            (error.kind(), error.details()),
            (Kind::ImageDownloadError, "the cable was pulled")
        );
        assert!(
            all.len() >= 3 * BLOCK_SIZE && all.len() <= size,
            "{}",
            all.len()
        );
    }
    #[test]
    fn the_body_comes_back_wherever_reading_stopped() {
        for read in [0, 1, BLOCK_SIZE, 20 * BLOCK_SIZE] {
            let body = io::Cursor::new(vec![7; 20 * BLOCK_SIZE]);
            let mut ahead = ReadAhead::spawn("read", body).expect("a thread starts");
            let mut start = vec![0; read];
            ahead.read_exact(&mut start).expect("there is enough");
            let mut rest = [0; 1];
            if read == 20 * BLOCK_SIZE {
                assert_eq!(ahead.read(&mut rest).expect("the end"), 0);
            }
            let at = ahead.into_inner().position() as usize;
            assert!(
                (read..=read + BLOCKS * BLOCK_SIZE + BLOCK_SIZE).contains(&at),
                "{read} {at}"
            );
        }
    }

    #[test]
    fn a_block_nobody_has_read_of_is_exchanged() {
        let body = io::Cursor::new(vec![7; 3 * BLOCK_SIZE + 5]);
        let mut ahead = ReadAhead::spawn("read", body).expect("a thread starts");
        let mut small = Aligned::new(BLOCK_SIZE / 2);
        let mut memory = Aligned::new(BLOCK_SIZE);
        let mut read = |into: &mut Aligned| {
            let own = into.as_ptr();
            let count = ahead.read_block(into).expect("memory can be read");
            assert!(into[..count].iter().all(|byte| *byte == 7));
            (count, into.as_ptr() != own)
        };
        assert_eq!(read(&mut memory), (BLOCK_SIZE, true));
        // Of another size, and in the middle of a block.
        assert_eq!(read(&mut small), (BLOCK_SIZE / 2, false));
        assert_eq!(read(&mut memory), (BLOCK_SIZE / 2, false));
        assert_eq!(read(&mut memory), (BLOCK_SIZE, true));
        assert_eq!(read(&mut memory), (5, true));
        assert_eq!(read(&mut memory), (0, false));
    }
}
