//! The disk about to be written, held alone: nobody else may mount or claim it while this lives. A part of it
//! can be treated as if it were a disk of its own.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use log::debug;

use crate::disk::bytes_written::WriteCounters;
use crate::disk::select::write_permit::Permit;
use crate::error::{Context, Error, Kind, Result};
use crate::sys::block;
use crate::units::{Bytes, GIB};

/// A disk, or a part of one, open for direct writes; nobody else has it meanwhile.
pub struct ExclusiveDisk {
    path: PathBuf,
    file: Arc<File>,
    /// Where on the disk this begins.
    base: u64,
    size: Bytes,
    sector: u64,
    device: bool,
    /// Does it zero ranges by itself? True until it once refused.
    punches: Arc<AtomicBool>,
    traffic: Arc<WriteCounters>,
}

impl ExclusiveDisk {
    /// Opens `path` past the page cache and alone.
    pub fn open(path: &Path, permit: &Permit) -> Result<Self> {
        Self::opened(path, permit, block::open_exclusive)
    }

    /// The same where others have partitions of the disk: what is not theirs may be written.
    pub fn open_beside(path: &Path, permit: &Permit) -> Result<Self> {
        Self::opened(path, permit, block::open_beside)
    }

    fn opened(path: &Path, permit: &Permit, open: fn(&Path) -> io::Result<File>) -> Result<Self> {
        permit.check(path)?;
        let opening = || format!("opening {} for writing", path.display());
        let file = open(path)
            .map_err(|error| match error.kind() {
                _ if error.raw_os_error().is_none() => error.into(),
                io::ErrorKind::ResourceBusy => Error::plain(
                    "it is in use: mounted, part of an array or opened by another program",
                ),
                io::ErrorKind::InvalidInput => Error::plain(format!(
                    "{error}: its file system has no direct I/O; put the file onto another one"
                )),
                _ => error.into(),
            })
            .with_context(opening)
            .kind(Kind::BlockDeviceError)?;
        permit.confirm(path, block::sequence(&file))?;
        let size = Bytes(block::size(&file).with_context(opening)?);
        let sector = block::sector_size(&file).with_context(opening)?;
        let device = block::is_device(&file).with_context(opening)?;
        if block::read_only(&file).with_context(opening)? {
            let why = "it is read-only: is it write-protected, by a switch or in its storage?";
            let why = format!("{}: {why}", opening());
            return Err(Error::new(Kind::BlockDeviceError, why));
        }
        if size.0 == 0 {
            return Err(Error::new(
                Kind::BlockDeviceError,
                format!("{}: it is empty", opening()),
            ));
        }
        if sector > block::ALIGNMENT as u64 {
            let why = format!("{}: sectors of {sector} bytes are not supported", opening());
            return Err(Error::new(Kind::BlockDeviceError, why));
        }
        if !size.0.is_multiple_of(sector) {
            let (size, path) = (size.0, path.display());
            let why = format!(
                "{}: its {size} bytes are no multiple of {sector}; `truncate -s %{sector} {path}` makes them one",
                opening()
            );
            return Err(Error::new(Kind::BlockDeviceError, why));
        }
        Ok(ExclusiveDisk {
            path: path.to_owned(),
            file: Arc::new(file),
            base: 0,
            size,
            sector,
            device,
            punches: Arc::new(AtomicBool::new(true)),
            traffic: Arc::default(),
        })
    }

    /// These bytes of it alone, whole sectors; 0 is then the first of them.
    pub fn part(&self, bytes: Range<u64>) -> ExclusiveDisk {
        debug_assert!(bytes.start <= bytes.end && bytes.end <= self.size.0);
        ExclusiveDisk {
            path: self.path.clone(),
            file: Arc::clone(&self.file),
            base: self.base + bytes.start,
            size: Bytes(bytes.end - bytes.start),
            punches: Arc::clone(&self.punches),
            traffic: Arc::clone(&self.traffic),
            ..*self
        }
    }

    /// As it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For commands of the disk's own.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Of the disk or the part of it.
    pub fn size(&self) -> Bytes {
        self.size
    }

    /// Offsets and lengths of writes are multiples of this many bytes.
    pub fn sector(&self) -> u64 {
        self.sector
    }

    /// What a partition table on it may count in: its sectors. A file stands for a disk of any kind.
    pub fn table_units(&self) -> &[u64] {
        match self.device {
            true => std::slice::from_ref(&self.sector),
            false => &[512, 4096],
        }
    }

    /// A block device, or a file that stands for one?
    pub fn is_device(&self) -> bool {
        self.device
    }

    /// What went there so far; goes on counting.
    pub fn traffic(&self) -> Arc<WriteCounters> {
        Arc::clone(&self.traffic)
    }

    /// Writes aligned `bytes` at the aligned offset `at`; the error names the disk and the offset.
    pub fn write_at(&self, bytes: &[u8], at: u64) -> Result<()> {
        let place = self.place(at, bytes.len() as u64);
        self.traffic.write(bytes.len() as u64);
        place
            .and_then(|place| self.file.write_all_at(bytes, place))
            .map_err(advised)
            .with_context(|| format!("writing {} at byte {}", self.path.display(), self.base + at))
            .kind(Kind::ImageWriteError)
    }

    /// Where on the disk `len` bytes from `at` are; beyond a part of it lies somebody else's data.
    fn place(&self, at: u64, len: u64) -> io::Result<u64> {
        match at.checked_add(len) {
            Some(end) if end <= self.size.0 => Ok(self.base + at),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Does it zero ranges by itself, as far as is known?
    pub fn punches(&self) -> bool {
        self.punches.load(Ordering::Relaxed)
    }

    /// Has the disk zero an aligned range by itself; false when it cannot: then zeros must be written.
    pub fn punch(&self, at: u64, len: u64) -> bool {
        // A command that takes minutes could not be seen or stopped.
        const PIECE: u64 = GIB;
        let mut done = 0;
        while done < len && self.punches() {
            let piece = (len - done).min(PIECE);
            let punched = self.place(at + done, piece);
            match punched.and_then(|place| block::punch(&self.file, place, piece)) {
                Ok(()) => {
                    done += piece;
                    self.traffic.zero(piece);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    debug!("{} zeroes nothing by itself: {error}", self.path.display());
                    self.punches.store(false, Ordering::Relaxed);
                }
            }
        }
        done == len
    }

    /// Has the disk forget an aligned range; see [`block::discard`].
    pub fn discard(&self, at: u64, len: u64, secure: bool) -> Result<()> {
        let word = if secure { "securely " } else { "" };
        block::discard(&self.file, at, len, secure)
            .with_context(|| format!("discarding {} {word}from byte {at}", self.path.display()))
            .kind(Kind::BlockDeviceError)
    }

    /// Reads aligned `bytes` from the aligned offset `at`.
    pub fn read_at(&self, bytes: &mut [u8], at: u64) -> Result<()> {
        let place = self.place(at, bytes.len() as u64);
        place
            .and_then(|place| self.file.read_exact_at(bytes, place))
            .map_err(advised)
            .with_context(|| format!("reading {} at byte {}", self.path.display(), self.base + at))
            .kind(Kind::BlockDeviceError)
    }

    /// Returns once everything written is on stable storage.
    pub fn flush(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(advised)
            .with_context(|| format!("flushing {}", self.path.display()))
            .kind(Kind::ImageWriteError)
    }

    /// Shows the kernel a new partition where others of the disk are in use.
    pub fn add_partition(&self, number: u32, bytes: Range<u64>) -> Result<()> {
        block::add_partition(&self.file, number, bytes.start, bytes.end - bytes.start)
            .map_err(Error::from)
    }

    /// Has the kernel look at the partition table anew.
    pub fn reread_partitions(&self) -> Result<()> {
        block::reread_partitions(&self.file)
            .with_context(|| format!("rereading the partition table of {}", self.path.display()))
    }
}

/// What to look at when a disk fails.
fn advised(error: io::Error) -> Error {
    let advice = match error.kind() {
        // The kernel says so of a disk that was pulled as well: it has no bytes left.
        io::ErrorKind::StorageFull => "is the disk gone, or its storage thin and full?",
        _ => "is the disk failing or gone, or its cable or its controller?",
    };
    Error::plain(format!("{error}: {advice}"))
}
