//! A config drive as Ironic sends it: fetched, unpacked, checked, and written as a file system of its own.
//!
//! Ironic sends it packed (base64 of gzip) or tells where it is. It is unpacked once to see that it is whole
//! and how large, before a disk is touched, and stays packed in memory: zeros and text pack well. Where the disk
//! could not hold its file system, or when asked to, it is made anew.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use log::{info, warn};

use crate::available_memory::Memory;
use crate::codec;
use crate::codec::gzip;
use crate::disk::filesystem::probe::{FileSystem, LOOK};
use crate::error::{Context, Error, Kind, Result};
use crate::image::download::fetch::Fetcher;
use crate::image::download::retry_policy::{Failure, Then};
use crate::image::layout::config_drive_vfat::{LABEL, made, rebuilt};
use crate::image::layout::staged_disk::StagedDisk;
use crate::image::pipeline::read_ahead::read_full;
use crate::net::http::url;
use crate::secret::redacted;
use crate::units::{Bytes, GIB, MIB};

/// The largest for a whole disk (protocol/deploy.md §11), and the size of a partition made for one.
pub const LIMIT: Bytes = Bytes::mib(64);
/// The largest for a partition image, which brings a partition of its own size: so much of it is believed.
pub const MOST: Bytes = Bytes(GIB);
/// Deflate may add five bytes to each 64 KiB, base64 a third, and line ends a little.
const LONGEST: u64 = LIMIT.0 / 2 * 3;

/// Where a config drive is.
#[derive(Clone, Debug)]
pub struct Source {
    place: Place,
    anew: bool,
}

#[derive(Clone, Debug)]
enum Place {
    Here(ConfigDrive),
    /// At this URL, and no larger than this.
    At(String, Bytes),
}

/// A config drive that is whole; it holds secrets, and so no one prints it.
#[derive(Clone)]
pub struct ConfigDrive {
    packed: Arc<Vec<u8>>,
    size: Bytes,
    system: Option<FileSystem>,
    /// Of one that is made, or made anew.
    label: &'static str,
    /// Partitions anew, whatever it is?
    anew: bool,
}

impl Source {
    /// By what Ironic sent: a URL, or the drive itself; unpacked no larger than `limit`.
    pub fn new(text: &str, limit: Bytes) -> Result<Self> {
        let anew = false;
        if url::is_http(text) {
            let place = Place::At(text.to_owned(), limit);
            return Ok(Source { place, anew });
        }
        let packed = unpacked(&mut Memory::here().watch(text.as_bytes()));
        let drive = packed.and_then(|packed| ConfigDrive::new(packed, limit));
        let drive = drive
            .context("the config drive")
            .kind(Kind::DeploymentError)?;
        let place = Place::Here(drive);
        Ok(Source { place, anew })
    }

    /// Made here: a vfat of that label with these files, by their paths.
    pub fn made(label: &'static str, files: &[(String, Vec<u8>)]) -> Result<Self> {
        let plain = made(label, files, LIMIT.0)?;
        let drive = ConfigDrive::pack(&plain[..], LIMIT).map_err(Error::from)??;
        Ok(Source {
            place: Place::Here(ConfigDrive { label, ..drive }),
            anew: false,
        })
    }

    /// Whether it is to be made anew on any disk.
    pub fn anew(self, anew: bool) -> Self {
        Source { anew, ..self }
    }

    /// Is it from the same place, or of the same bytes?
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            (Place::Here(own), Place::Here(other)) => own.packed == other.packed,
            (Place::At(own, _), Place::At(other, _)) => own == other,
            _ => false,
        }
    }

    /// The drive itself. The login for `image` is for its own host.
    pub fn load(&self, fetcher: &Fetcher, image: &str) -> Result<ConfigDrive, Failure> {
        let drive = match &self.place {
            Place::Here(drive) => drive.clone(),
            Place::At(url, limit) => fetch(url, *limit, fetcher, image)?,
        };
        let anew = self.anew;
        Ok(ConfigDrive { anew, ..drive })
    }
}

fn fetch(url: &str, limit: Bytes, fetcher: &Fetcher, image: &str) -> Result<ConfigDrive, Failure> {
    let told = |error: &Error| {
        let why = format!("the config drive: {}", error.details());
        Error::new(Kind::DeploymentError, why)
    };
    let served = fetcher.ask_beside(url, image).map_err(|failure| Failure {
        error: told(&failure.error),
        ..failure
    })?;
    ConfigDrive::read(served.plain(), limit).map_err(|error| Failure {
        then: match error.kind() {
            Kind::RESTError => Then::End,
            _ => Then::Again,
        },
        ..Failure::from(told(&Error::plain(format!(
            "{}: {}",
            redacted(url),
            error.details()
        ))))
    })
}

impl ConfigDrive {
    /// From a file: base64 of gzip, gzip, or the drive as it is. An error with a kind is the network's.
    pub fn read(file: impl Read, limit: Bytes) -> Result<Self> {
        let broken = |error: io::Error| match error.kind() {
            io::ErrorKind::OutOfMemory => Error::from(error),
            _ => Error::new(Kind::ImageDownloadError, Error::from(error).details()),
        };
        // More than LONGEST is not waited for.
        let as_served = Bytes(limit.0.min(LONGEST));
        let mut file = Memory::here().watch(file).take(LONGEST + 1);
        let mut start = vec![0; 512];
        let count = read_full(&mut file, &mut start).map_err(broken)?;
        start.truncate(count);
        if !start.starts_with(&gzip::MAGIC) && start.iter().any(|byte| *byte < b'\t') {
            return ConfigDrive::pack(io::Cursor::new(start).chain(file), as_served)
                .map_err(broken)?;
        }
        let packed = match start.starts_with(&gzip::MAGIC) {
            true => {
                file.read_to_end(&mut start).map_err(broken)?;
                Some(start)
            }
            false if is_page(&start) => {
                let why = "the server sent a web page, which says what is wrong, perhaps";
                return Err(Error::plain(why));
            }
            false => codec::base64::read(&mut (&start[..]).chain(&mut file)).map_err(broken)?,
        };
        if file.limit() == 0 {
            return Err(too_large(as_served));
        }
        let packed = packed.ok_or_else(|| Error::plain("what is there is text, but not base64"))?;
        ConfigDrive::new(packed, limit)
    }

    /// From the drive as it is.
    fn pack(mut plain: impl Read, limit: Bytes) -> io::Result<Result<Self>> {
        let mut packer = gzip::packer();
        if io::copy(&mut plain, &mut packer)? > limit.0 {
            return Ok(Err(too_large(limit)));
        }
        Ok(ConfigDrive::new(packer.finish()?, limit))
    }

    /// From a gzip file.
    fn new(packed: Vec<u8>, limit: Bytes) -> Result<Self> {
        let mut drive = ConfigDrive {
            packed: Arc::new(packed),
            size: Bytes(0),
            system: None,
            label: LABEL,
            anew: false,
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

    /// Of its file system, unpacked.
    pub fn size(&self) -> Bytes {
        self.size
    }

    /// Writes the drive to `disk` from byte `at` on; gives the first byte after it.
    pub fn write_to(&self, disk: &mut StagedDisk, mut at: u64) -> Result<u64> {
        self.each_piece(MIB as usize, |bytes| {
            disk.write(at, bytes)?;
            at += bytes.len() as u64;
            Ok(())
        })?;
        Ok(at)
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

    /// The drive for a disk whose sectors have `sector` bytes: vfat with the same files where it could not be read
    /// there, or when it is wanted anew. One whose files cannot be had stays as it is, as upstream has it.
    pub fn fit(&self, sector: u64) -> Self {
        let small = |system: &FileSystem| system.unit < sector;
        if !self.anew && !self.system.as_ref().is_some_and(small) {
            return self.clone();
        }
        self.rebuilt(sector).unwrap_or_else(|error| {
            let why = error.details();
            match self.system.as_ref().filter(|system| small(system)) {
                None => warn!("the config drive is written as it is, not made anew: {why}"),
                Some(FileSystem { kind, unit, .. }) => warn!(
                    "the config drive is written as it is, {kind} in units of {unit} bytes, which no system can read \
                     from a disk with sectors of {sector}: it was to be made anew, but {why}"
                ),
            }
            self.clone()
        })
    }

    fn rebuilt(&self, sector: u64) -> Result<Self> {
        let system = self.system.as_ref();
        let kind = system.map(|system| system.kind);
        let kind = kind.ok_or_else(|| Error::plain("it is no file system known here"))?;
        if self.size > LIMIT {
            return Err(too_large(LIMIT));
        }
        // The drive unpacked, and the new one, which is not much larger.
        Memory::here().room_for(3 * self.size.0, "a config drive and what is made of it,")?;
        let mut plain = Vec::with_capacity(self.size.0 as usize);
        self.each_piece(MIB as usize, |bytes| {
            plain.extend_from_slice(bytes);
            Ok(())
        })?;
        let label = self.label;
        let made = rebuilt(plain, kind, sector as u16, label, LIMIT.0)?;
        let drive = ConfigDrive::pack(&made[..], LIMIT).map_err(Error::from)??;
        let drive = ConfigDrive { label, ..drive };
        info!("the config drive ({kind}) is made anew: vfat with sectors of {sector} bytes");
        Ok(drive)
    }
}

impl fmt::Debug for ConfigDrive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigDrive({})", self.size)
    }
}

/// The gzip file that `text` is the base64 of.
fn unpacked(text: &mut dyn Read) -> Result<Vec<u8>> {
    codec::base64::read(text)?.ok_or_else(|| Error::plain("it is not base64"))
}

/// Does it begin like HTML?
fn is_page(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start); // a byte order mark
    start.starts_with(b"<")
}

fn too_large(limit: Bytes) -> Error {
    Error::plain(format!("it is larger than {limit}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::filesystem::fat::Volume;

    #[test]
    fn a_drive_that_is_made_keeps_its_label_on_any_disk() {
        let files = [("user-data".to_owned(), b"#cloud-config\n".to_vec())];
        let source = Source::made("CIDATA", &files).expect("made");
        let Place::Here(drive) = source.place else {
            panic!("it is here")
        };
        for sector in [512, 4096] {
            let fit = drive.fit(sector);
            let mut plain = io::Cursor::new(Vec::new());
            fit.each_piece(4096, |piece| {
                plain.get_mut().extend_from_slice(piece);
                Ok(())
            })
            .expect("packed here");
            let volume = Volume::open(&mut plain).expect("a volume");
            assert_eq!(volume.label().as_deref(), Ok("CIDATA"), "{sector}");
            let data = volume.read("user-data", 100);
            assert_eq!(data.as_deref(), Ok(&files[0].1[..]), "{sector}");
        }
    }
}
