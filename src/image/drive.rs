//! A config drive: what an instance finds out about itself, as a file system of its own.
//!
//! Ironic sends it packed (base64 of gzip) or tells where it is. It is unpacked once to see that it is whole
//! and how large, before a disk is touched, and stays packed in memory: zeros and text pack well.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use super::ahead::read_full;
use super::download::fetch::Fetcher;
use super::download::patience::{Failure, Then};
use crate::codec::{self, gzip};
use crate::disk::label::{FileSystem, Kind as Of, LOOK};
use crate::error::{Context, Error, Kind, Result};
use crate::secret::redacted;
use crate::units::{Bytes, GIB};

/// The largest for a whole disk (protocol/deploy.md §11), and the size of a partition made for one.
pub const LIMIT: Bytes = Bytes::mib(64);
/// The largest for a partition image, which brings a partition of its own size: so much of it is believed.
pub const MOST: Bytes = Bytes(GIB);
/// Deflate may add five bytes to each 64 KiB, base64 a third, and line ends a little.
const LONGEST: u64 = LIMIT.0 / 2 * 3;

/// Where a config drive is.
#[derive(Clone, Debug)]
pub enum Source {
    Here(Drive),
    /// At this URL, and no larger than this.
    At(String, Bytes),
}

/// A config drive that is whole; it holds secrets, and so no one prints it.
#[derive(Clone)]
pub struct Drive {
    packed: Arc<Vec<u8>>,
    size: Bytes,
    system: Option<FileSystem>,
}

impl Source {
    /// By what Ironic sent: a URL, or the drive itself; unpacked no larger than `limit`.
    pub fn new(text: &str, limit: Bytes) -> Result<Self> {
        let start = text.get(..8).unwrap_or_default().to_ascii_lowercase();
        if start.starts_with("http://") || start == "https://" {
            return Ok(Source::At(text.to_owned(), limit));
        }
        let drive = unpacked(text).and_then(|packed| Drive::new(packed, limit));
        let drive = drive
            .context("the config drive")
            .kind(Kind::DeploymentError)?;
        Ok(Source::Here(drive))
    }

    /// The drive itself. The login for `image` is for its own server.
    pub fn load(&self, fetcher: &Fetcher, image: &str) -> Result<Drive, Failure> {
        let (url, limit) = match self {
            Source::Here(drive) => return Ok(drive.clone()),
            Source::At(url, limit) => (url, *limit),
        };
        let told = |error: &Error| {
            let why = format!("the config drive: {}", error.details());
            Error::new(Kind::DeploymentError, why)
        };
        let served = fetcher.ask_beside(url, image).map_err(|failure| Failure {
            error: told(&failure.error),
            ..failure
        })?;
        Drive::read(served.body, limit).map_err(|error| Failure {
            then: match error.kind() {
                Kind::RESTError => Then::End,
                _ => Then::Again,
            },
            error: told(&Error::plain(format!(
                "{}: {}",
                redacted(url),
                error.details()
            ))),
        })
    }
}

impl Drive {
    /// From a file: base64 of gzip, gzip, or the drive as it is. An error with a kind is the network's.
    pub fn read(file: impl Read, limit: Bytes) -> Result<Self> {
        let broken =
            |error: io::Error| Error::new(Kind::ImageDownloadError, Error::from(error).details());
        // More than LONGEST is not waited for.
        let limit_as_served = Bytes(limit.0.min(LONGEST));
        let mut file = file.take(LONGEST + 1);
        let mut start = vec![0; 512];
        let count = read_full(&mut file, &mut start).map_err(broken)?;
        start.truncate(count);
        if !start.starts_with(&gzip::MAGIC) && start.iter().any(|byte| *byte < b'\t') {
            return Drive::pack(io::Cursor::new(start).chain(file), limit_as_served)
                .map_err(broken)?;
        }
        file.read_to_end(&mut start).map_err(broken)?;
        if start.len() as u64 > LONGEST {
            return Err(too_large(limit_as_served));
        }
        if start.starts_with(&gzip::MAGIC) {
            return Drive::new(start, limit);
        }
        let text = String::from_utf8(start)
            .ok()
            .and_then(|text| unpacked(&text).ok());
        let packed = text.ok_or_else(|| {
            let why =
                "what is there is text, but not base64: a page that says what is wrong, perhaps";
            Error::plain(why)
        })?;
        Drive::new(packed, limit)
    }

    /// From the drive as it is.
    fn pack(mut plain: impl Read, limit: Bytes) -> io::Result<Result<Self>> {
        let mut packer = gzip::packer();
        if io::copy(&mut plain, &mut packer)? > limit.0 {
            return Ok(Err(too_large(limit)));
        }
        Ok(Drive::new(packer.finish()?, limit))
    }

    /// From a gzip file.
    fn new(packed: Vec<u8>, limit: Bytes) -> Result<Self> {
        let mut drive = Drive {
            packed: Arc::new(packed),
            size: Bytes(0),
            system: None,
        };
        let mut start = Vec::new();
        let mut size = 0;
        drive.each_piece(LOOK, |bytes| {
            if start.is_empty() {
                start.extend_from_slice(bytes);
            }
            size += bytes.len() as u64;
            match size > limit.0 {
                true => Err(too_large(limit)),
                false => Ok(()),
            }
        })?;
        if size == 0 {
            return Err(Error::plain("it is empty"));
        }
        (drive.size, drive.system) = (Bytes(size), FileSystem::find(&start));
        Ok(drive)
    }

    pub fn size(&self) -> Bytes {
        self.size
    }

    /// Gives the whole drive to `take`, piece by piece of `len` bytes, the last one shorter.
    pub fn each_piece(&self, len: usize, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut plain = gzip::Gunzip::new(&self.packed[..]);
        let mut piece = vec![0; len];
        loop {
            let count = read_full(&mut plain, &mut piece).context("unpacking it as gzip")?;
            if count == 0 {
                return Ok(());
            }
            take(&piece[..count])?;
        }
    }

    /// Can a system read it from a disk whose sectors have `sector` bytes?
    pub fn check(&self, sector: u64) -> Result<()> {
        let Some(system) = self.system.as_ref().filter(|system| system.unit < sector) else {
            return Ok(());
        };
        let name = match system.kind {
            Of::Iso9660 => "ISO 9660",
            Of::Fat => "vfat",
            Of::Ext => "ext",
        };
        let why = format!(
            "the config drive is {name} in units of {} bytes, which no system reads from a disk with sectors of \
             {sector}: make it vfat with such sectors (mkfs.vfat -S {sector}); no disk was touched",
            system.unit
        );
        Err(Error::new(Kind::DeploymentError, why))
    }
}

impl fmt::Debug for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Drive({})", self.size)
    }
}

/// The gzip file that `text` is the base64 of.
fn unpacked(text: &str) -> Result<Vec<u8>> {
    let blank = |c: char| c.is_ascii_whitespace();
    let bytes = match text.contains(blank) {
        true => codec::base64::decode(&text.replace(blank, "")),
        false => codec::base64::decode(text),
    };
    bytes.ok_or_else(|| Error::plain("it is not base64"))
}

fn too_large(limit: Bytes) -> Error {
    Error::plain(format!("it is larger than {limit}"))
}
