//! The main path: HTTP body in, bootable disk out.
//!
//! ```text
//!  HTTP body ─▶ image-read ══belt══▶ progress ─▶ hash ─▶ decode ─▶ DiskSink ══belt══▶ image-write ─▶ disk
//!                thread              └───────── calling thread ────────┘ └ ends held ┘   threads
//! ```
//!
//! Knows no command and no parameter: a [`Request`] says what to write, [`Tools`] with what.

pub mod aside;
pub mod belt;
pub mod checksum;
pub mod fetch;
pub mod flow;
pub mod format;
pub mod ledger;
pub mod progress;
pub mod qcow2;
pub mod range;
pub mod resume;
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
use fetch::{Failure, Fetcher, Patience, Then};
use format::Format;
use ledger::Ledger;
use progress::Progress;
use resume::Download;
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

/// What was written, and what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub bytes: Bytes,
    /// As served, all attempts together.
    pub fetched: Bytes,
    /// Times the image was asked for again.
    pub retries: u32,
    pub time: Duration,
    /// How much of `time` went by waiting for the network.
    pub waited: Duration,
    /// The disk signature of an MBR: the little-endian word at byte 440.
    pub signature: u32,
}

/// Downloads, verifies and writes; returns once the disk is complete and on stable storage.
///
/// A broken download goes on where it broke if it can, else from the first byte. What cannot get better
/// (no such image, wrong digest, a broken disk) fails at once.
pub fn deploy(request: &Request, disk: &Path, tools: &Tools) -> Result<Receipt> {
    let client = Client::new(&tools.trust, &request.proxies, tools.timeouts)?;
    let fetcher = Fetcher::new(
        client,
        request.authorization.clone(),
        tools.clock.clone(),
        tools.timeouts.read,
    );
    let wanted = tools.patiently(&["the checksum".to_owned()], |_| wanted(request, &fetcher))?;
    let (ledger, started) = (Ledger::default(), tools.clock.elapsed());
    let (bytes, signature) = tools.patiently(&request.urls, |url| {
        ledger.begin_attempt();
        let (fetcher, ledger) = (fetcher.clone(), ledger.clone());
        let (patience, clock) = (tools.patience, tools.clock.clone());
        let download =
            Download::open(fetcher, url, &request.urls, patience, clock, ledger.clone())?;
        write(request, url, &wanted, download, disk, tools).map_err(|error| Failure {
            then: ledger.judge(&error),
            error,
        })
    })?;
    let (spent, time) = (ledger.spent(), tools.clock.elapsed() - started);
    let receipt = Receipt {
        bytes,
        fetched: spent.fetched,
        retries: spent.connections - 1,
        time,
        waited: spent.waited,
        signature,
    };
    info!(
        "{bytes} on {} in {:.1} s, {:.1} MiB/s; {} fetched with {} retries; the bottleneck was {}: {:.1} s of waiting for the network",
        disk.display(),
        time.as_secs_f64(),
        bytes.rate(time),
        receipt.fetched,
        receipt.retries,
        spent.bottleneck(time),
        receipt.waited.as_secs_f64(),
    );
    Ok(receipt)
}

/// The digest to expect: given, or from the checksum file.
fn wanted(request: &Request, fetcher: &Fetcher) -> Result<Digest, Failure> {
    match &request.checksum {
        Checksum::Digest(digest) => Ok(digest.clone()),
        Checksum::At { url, wanted } => {
            let file = fetcher.text(url, request.urls.first().map_or("", |url| url))?;
            let image = request
                .urls
                .first()
                .map(|url| redacted(url))
                .unwrap_or_default();
            let name = image.rsplit('/').next().unwrap_or_default();
            Ok(checksum::find(&file, name, *wanted)?)
        }
    }
}

/// One attempt, from the first byte; gives the size and the signature of what is on the disk.
fn write(
    request: &Request,
    url: &str,
    wanted: &Digest,
    download: Download,
    disk: &Path,
    tools: &Tools,
) -> Result<(Bytes, u32)> {
    let length = download.length();
    let target = Target::open(disk, &tools.permit)?;
    let size = length.map_or("of unknown size".to_owned(), |length| length.to_string());
    info!(
        "writing {} ({size}) to {} ({})",
        redacted(url),
        disk.display(),
        target.size()
    );
    if let Some(length) =
        length.filter(|length| request.format == Format::Raw && *length > target.size())
    {
        let why = format!(
            "the image is {length} and does not fit on {}, which holds {}",
            disk.display(),
            target.size()
        );
        return Err(Error::new(Kind::ImageWriteError, why));
    }
    let mut aside = download.aside();
    let ahead = ReadAhead::spawn(download)?;
    let mut image = Hashing::new(
        Progress::new(ahead, length, tools.clock.clone()),
        wanted.algorithm(),
    );
    let mut out = DiskSink::new(target)?;
    let bytes = request
        .format
        .decode_beside(&mut image, &mut out, Some(&mut aside))?;
    image.finish()?.must_be(wanted)?;
    info!("{wanted} verified, flushing {}", disk.display());
    let signature = out.signature();
    out.commit()?;
    Ok((bytes, signature))
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
                let Failure { error, then } = match attempt(place) {
                    Ok(done) => return Ok(done),
                    Err(failure) => failure,
                };
                last = error;
                match then {
                    Then::Again => hope = true,
                    Then::Elsewhere => {}
                    Then::End => return Err(last),
                }
            }
            if !hope {
                break;
            }
        }
        Err(last)
    }
}
