//! The main path: HTTP body in, bootable disk out.
//!
//! ```text
//!  HTTP body ─▶ image-read ══belt══▶ progress ─▶ hash ─▶ decode ─▶ DiskSink ══belt══▶ image-write ─▶ disk
//!                thread              └───────── calling thread ────────┘ └ ends held ┘   threads
//! ```
//!
//! Knows no command and no parameter: a [`Request`] says what to write, [`Tools`] with what.

pub mod belt;
pub mod checksum;
pub mod fetch;
pub mod format;
pub mod progress;
pub mod qcow2;
pub mod runs;
pub mod sink;
pub mod source;

use std::path::Path;
use std::time::Duration;

use log::{info, warn};

use crate::clock::Clock;
use crate::disk::guard::Permit;
use crate::disk::target::Target;
use crate::error::{Error, Kind, Result};
use crate::net::http::{Client, Timeouts};
use crate::net::proxy::Proxies;
use crate::net::tls::Trust;
use crate::secret::{Secret, redacted};
use crate::units::Bytes;
use checksum::Checksum;
use fetch::{End, Failure, Patience, Served};
use format::Format;
use progress::Progress;
use sink::DiskSink;
use source::{Digest, Hashing, ReadAhead};

/// What to write.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name it goes by in messages.
    pub id: String,
    /// The same image at several places; at least one.
    pub urls: Vec<String>,
    pub checksum: Checksum,
    pub format: Format,
    /// A complete Authorization header value.
    pub authorization: Option<Secret>,
    pub proxies: Proxies,
}

/// What to write it with.
#[derive(Clone)]
pub struct Tools {
    pub trust: Trust,
    pub timeouts: Timeouts,
    pub patience: Patience,
    pub permit: Permit,
    pub clock: Clock,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub bytes: Bytes,
    pub time: Duration,
    /// The disk signature of an MBR: the little-endian word at byte 440.
    pub signature: u32,
}

/// Downloads, verifies and writes; returns once the disk is complete and on stable storage.
///
/// Every attempt starts at the first byte. What cannot get better (no such image, wrong digest, a broken
/// disk) fails at once.
pub fn deploy(request: &Request, disk: &Path, tools: &Tools) -> Result<Receipt> {
    let client = Client::new(&tools.trust, &request.proxies, tools.timeouts)?;
    let wanted = tools.patiently(&["the checksum".to_owned()], |_| wanted(request, &client))?;
    tools.patiently(&request.urls, |url| {
        write(request, url, &wanted, &client, disk, tools)
    })
}

/// The digest to expect: given, or from the checksum file.
fn wanted(request: &Request, client: &Client) -> Result<Digest, Failure> {
    match &request.checksum {
        Checksum::Digest(digest) => Ok(digest.clone()),
        Checksum::At { url, algorithm } => {
            let file = fetch::text(client, url, request.authorization.as_ref())?;
            let image = request
                .urls
                .first()
                .map(|url| redacted(url))
                .unwrap_or_default();
            let name = image.rsplit('/').next().unwrap_or_default();
            checksum::find(&file, name, *algorithm).map_err(|error| Failure {
                error,
                again: false,
            })
        }
    }
}

/// One attempt at one URL.
fn write(
    request: &Request,
    url: &str,
    wanted: &Digest,
    client: &Client,
    disk: &Path,
    tools: &Tools,
) -> Result<Receipt, Failure> {
    let started = tools.clock.elapsed();
    let end = tools.patience.limit.map(|limit| End {
        clock: tools.clock.clone(),
        at: started + limit,
    });
    let Served { length, body } = fetch::open(client, url, request.authorization.as_ref(), end)?;
    let target = Target::open(disk, &tools.permit)?;
    let size = length.map_or("of unknown size".to_owned(), |length| length.to_string());
    info!(
        "writing {} ({size}) to {} ({})",
        redacted(url),
        disk.display(),
        target.size()
    );
    if let Some(length) = length.filter(|length| *length > target.size()) {
        let why = format!(
            "the image is {length} and does not fit on {}, which holds {}",
            disk.display(),
            target.size()
        );
        return Err(Error::new(Kind::ImageWriteError, why).into());
    }
    let ahead = ReadAhead::spawn(body)?;
    let mut image = Hashing::new(
        Progress::new(ahead, length, tools.clock.clone()),
        wanted.algorithm(),
    );
    let mut out = DiskSink::new(target)?;
    let bytes = request.format.decode(&mut image, &mut out)?;
    image.finish()?.must_be(wanted)?;
    info!("{wanted} verified, flushing {}", disk.display());
    let signature = out.signature();
    out.commit()?;
    let time = tools.clock.elapsed() - started;
    info!(
        "{bytes} on {} in {:.1} s, {:.1} MiB/s",
        disk.display(),
        time.as_secs_f64(),
        bytes.rate(time)
    );
    Ok(Receipt {
        bytes,
        time,
        signature,
    })
}

impl Tools {
    /// Tries each of `places` in turn, round after round with a random pause between, until one works,
    /// the failure is final or patience ends; then the last error is the error.
    fn patiently<T>(
        &self,
        places: &[String],
        attempt: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T> {
        let mut last = Error::new(Kind::InvalidCommandParamsError, "no URL to download from");
        for round in 0..=self.patience.retries {
            if round > 0 {
                let pause = self
                    .clock
                    .between(self.patience.interval / 2..self.patience.interval);
                warn!("{last}; trying again in {:.0} s", pause.as_secs_f64());
                self.clock.sleep(pause);
            }
            let mut hope = false;
            for place in places {
                match attempt(place) {
                    Ok(done) => return Ok(done),
                    Err(Failure { error, again })
                        if again || error.kind() == Kind::ImageDownloadError =>
                    {
                        hope |= again;
                        last = error;
                    }
                    Err(Failure { error, .. }) => return Err(error),
                }
            }
            if !hope {
                break;
            }
        }
        Err(last)
    }
}
