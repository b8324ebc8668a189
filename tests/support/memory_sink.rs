//! A disk in memory that held other things, and minds being written twice.

use std::io;

use ironlet::image::write::sink::Sink;

/// What the disk held before.
pub const OLD: u8 = 0xAA;

pub struct MemorySink {
    pub bytes: Vec<u8>,
    /// Which bytes have been written: 1.
    done: Vec<u8>,
    offered: usize,
}

impl MemorySink {
    pub fn new(size: usize) -> Self {
        MemorySink {
            bytes: vec![OLD; size],
            done: vec![0; size],
            offered: 0,
        }
    }

    pub fn written(&self) -> usize {
        self.done.iter().map(|done| usize::from(*done)).sum()
    }

    fn mark(&mut self, from: usize, to: usize) -> io::Result<()> {
        let beyond = || io::Error::other(format!("byte {to} is beyond the disk"));
        let done = self.done.get_mut(from..to).ok_or_else(beyond)?;
        if done.contains(&1) {
            return Err(io::Error::other(format!("byte {from} is written twice")));
        }
        done.fill(1);
        Ok(())
    }
}

impl Sink for MemorySink {
    fn capacity(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn room(&mut self, at: u64) -> io::Result<&mut [u8]> {
        self.offered = at as usize;
        // Never more than an odd number of bytes at once.
        let end = self.bytes.len().min(self.offered + 77_777);
        let beyond = || io::Error::other(format!("byte {at} is beyond the disk"));
        let room = self.bytes.get_mut(self.offered..end);
        room.filter(|room| !room.is_empty()).ok_or_else(beyond)
    }

    fn filled(&mut self, count: usize) -> io::Result<()> {
        self.mark(self.offered, self.offered + count)
    }

    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()> {
        let (from, to) = (at as usize, (at + len) as usize);
        self.mark(from, to)?;
        self.bytes[from..to].fill(0);
        Ok(())
    }
}
