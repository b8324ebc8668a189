//! The main path: HTTP body in, bootable disk out.
//!
//! ```text
//!  HTTP body ─▶ image-read ══belt══▶ progress ─▶ hash ─▶ decode ─▶ DiskSink ══belt══▶ image-write ─▶ disk
//!                thread              └───────── calling thread ────────┘ └ ends held ┘   threads
//! ```
//!
//! Of a packed image progress and hash are in a thread of their own, image-digest; blocks of xz, frames of
//! zstd and compressed clusters of qcow2 come off in several, image-unpack.
//!
//! Knows no command and no parameter: a [`Request`] says what to write, [`Tools`] with what.

pub mod decode;
pub mod deploy_receipt;
pub mod download;
pub mod layout;
mod offered;
pub mod pipeline;
pub mod request;
pub mod verify;
pub mod write;

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use log::{info, warn};

use crate::disk::bytes_written::WriteCounters;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::{Error, Kind, Result};
use crate::image::deploy_receipt::{Left, Seconds};
use crate::image::download::length_limit::Bounded;
use crate::image::download::retry_policy::{Failure, Then};
use crate::image::download::statistics::Statistics;
use crate::image::layout::config_drive::{self, ConfigDrive};
use crate::image::layout::partition_image::PartitionImage;
use crate::image::layout::whole_disk_image;
use crate::image::pipeline::progress_reader::Progress;
use crate::image::pipeline::read_ahead::ReadAhead;
use crate::image::pipeline::stage_times::{Metered, Stage, StageTimes};
use crate::image::verify::content_encoding::{Content, Reading, Unfit};
use crate::image::verify::digest::Hashing;
use crate::image::verify::expected::Expected;
use crate::image::verify::readback::{Verdict, once_more};
use crate::image::write::disk_sink::DiskSink;
use crate::image::write::mapped_ranges::MappedRanges;
use crate::image::write::sink::{Sink, left};
use crate::logger::status;
use crate::net::http::client::{Client, Proxies};
use crate::net::http::content_coding::Coding;
use crate::secret::redacted;
use crate::units::Bytes;
pub use deploy_receipt::Receipt;
use download::fetch::Fetcher;
use download::resume::Download;
pub use layout::Layout;
pub use offered::{drive_offered, offered};
pub use request::{Request, Tools};

/// What every attempt has in common.
struct Deployment<'a> {
    request: &'a Request,
    disk: &'a Path,
    tools: &'a Tools,
    wanted: Expected,
    drive: Option<ConfigDrive>,
    meter: &'a StageTimes,
    fetcher: &'a Fetcher,
    statistics: Statistics,
    /// Did an attempt get as far as writing?
    touched: Cell<bool>,
    /// Was it the image that was asked for? Then no other place has a better one.
    verified: Cell<bool>,
}

/// Why an attempt left nothing on the disk.
struct Missed {
    failure: Failure,
    /// How to read the same body instead, and whether that is sure to fit.
    other: Option<Reading>,
    sure: bool,
}

impl From<Failure> for Missed {
    fn from(failure: Failure) -> Self {
        Missed {
            failure,
            other: None,
            sure: false,
        }
    }
}

/// What one attempt left on the disk.
struct Written {
    bytes: Bytes,
    left: Left,
    traffic: Arc<WriteCounters>,
}

fn fetcher(request: &Request, tools: &Tools) -> Result<Fetcher> {
    let client = Client::new(&tools.trust, &request.proxies, tools.timeouts)?;
    Ok(Fetcher::new(
        client,
        request.authorization.clone(),
        tools.clock.clone(),
        tools.timeouts.read,
        tools.patience.limit,
    )
    .at(tools.rate))
}

/// What the image is to be now: whoever has written one can tell by that whether it is the same. Nothing is written.
pub fn expected(request: &Request, tools: &Tools) -> Result<Expected, Failure> {
    Expected::fetch(request, &fetcher(request, tools)?)
}

/// The same by another way: proxies are for images and their checksums (protocol/deploy.md §14).
fn fetcher_beside(fetcher: &Fetcher, tools: &Tools) -> Result<Fetcher> {
    let client = Client::new(&tools.trust, &Proxies::default(), tools.timeouts)?;
    Ok(fetcher.by(client))
}

/// Downloads, verifies and writes; returns once the disk is complete and on stable storage.
///
/// A broken download goes on where it broke if it can, else from the first byte. What cannot get better
/// (no such image, wrong digest, a broken disk) fails at once.
pub fn deploy(request: &Request, disk: &Path, tools: &Tools) -> Result<Receipt> {
    let from = redacted(&request.urls.join(","));
    status::writing(from, disk.display().to_string());
    let fetcher = fetcher(request, tools)?;
    if let Some(rate) = tools.rate {
        info!("fetching no faster than {rate} a second");
    }
    let (meter, started) = (StageTimes::new(tools.clock.clone()), tools.clock.elapsed());
    let wanted = tools.patiently(&["the checksum".to_owned()], &meter, |_| {
        tools.gauge.begin("checksum", None);
        meter.charge(Stage::Network, || Expected::fetch(request, &fetcher))
    })?;
    let image = request.urls.first().map_or("", |url| url);
    let load = |source: &config_drive::Source| {
        let fetcher = fetcher_beside(&fetcher, tools)?;
        tools.patiently(&["the config drive".to_owned()], &meter, |_| {
            tools.gauge.begin("config drive", None);
            meter.charge(Stage::Network, || source.load(&fetcher, image))
        })
    };
    let deployment = Deployment {
        request,
        disk,
        tools,
        wanted,
        drive: request.drive.as_ref().map(load).transpose()?,
        meter: &meter,
        fetcher: &fetcher,
        statistics: Statistics::new(tools.gauge.clone()),
        touched: Cell::new(false),
        verified: Cell::new(false),
    };
    let settled = Cell::new(None);
    let attempt = |url: &str| {
        let outcome = deployment.attempt(url, settled.get());
        let Err(Missed {
            failure,
            other: Some(other),
            sure,
        }) = outcome
        else {
            return outcome.map_err(|missed| missed.failure);
        };
        warn!("{}; reading it {other:?} instead", failure.error.details());
        if sure {
            settled.set(Some(other));
        }
        let outcome = deployment.attempt(url, Some(other));
        outcome.map_err(|missed| missed.failure)
    };
    let rounds = || tools.patiently(&request.urls, &meter, attempt);
    let written = once_more(disk.display(), rounds)?;
    let spent = deployment.statistics.spent();
    let receipt = Receipt {
        bytes: written.bytes,
        fetched: spent.fetched,
        written: written.traffic.written(),
        zeros: written.traffic.zeroed(),
        retries: spent.connections - 1,
        seconds: Seconds::of(&meter, tools.clock.elapsed() - started),
        left: written.left,
        verified: deployment.wanted,
    };
    info!("{}", receipt.line(disk));
    status::written(receipt.to_json(), receipt.bytes, receipt.seconds.total);
    Ok(receipt)
}

impl Deployment<'_> {
    /// One attempt, from the first byte of what is at `url`; read as told where its server leaves that open.
    fn attempt(&self, url: &str, reading: Option<Reading>) -> Result<(Written, Verdict), Missed> {
        let (tools, statistics) = (self.tools, self.statistics.next_attempt());
        tools.gauge.begin("connecting", None);
        let open = || {
            let (fetcher, clock) = (self.fetcher.clone(), tools.clock.clone());
            let (urls, patience) = (&self.request.urls, tools.patience);
            Download::open(fetcher, url, urls, patience, clock, statistics.clone())
        };
        let download = self.meter.charge(Stage::Network, open)?;
        let coding = download.coding().clone();
        let likelier = Reading::likelier(&coding, &redacted(url));
        let reading = reading
            .filter(|_| coding == Coding::Gzip)
            .unwrap_or(likelier);
        let write = || self.write(url, download, reading);
        let written = self.meter.charge(Stage::Decode, write);
        written.map_err(|Unfit { error, other_fits }| {
            let verified = self.verified.get();
            let then = statistics.judge(&error, verified);
            let content = match error.kind() {
                Kind::ImageChecksumError | Kind::InvalidImage | Kind::DeploymentError => !verified,
                _ => false,
            };
            let worth_it = other_fits.unwrap_or(then != Then::Again) && content;
            Missed {
                failure: Failure {
                    then,
                    ..Failure::from(error)
                },
                other: reading.other(&coding).filter(|_| worth_it),
                sure: other_fits == Some(true),
            }
        })
    }

    /// Reads `download`, which begins at `url`, onto the disk.
    fn write(
        &self,
        url: &str,
        download: Download,
        reading: Reading,
    ) -> Result<(Written, Verdict), Unfit> {
        let (tools, meter, disk) = (self.tools, self.meter, self.disk.display());
        let (unpacked, coding) = (reading == Reading::Unpacked, download.coding().clone());
        let length = download.length();
        let mut aside = download.aside(unpacked, meter.clone());
        let target = ExclusiveDisk::open(self.disk, &tools.permit)?;
        let sector = target.table_units().first().copied();
        let drive = self.drive.as_ref().zip(sector);
        let drive = drive.map(|(drive, sector)| drive.fit(sector));
        let traffic = target.traffic();
        let division = match &self.request.layout {
            Layout::Partition(wanted) => {
                let now = tools.clock.unix() as u64;
                Some(PartitionImage::new(wanted, &target, drive.as_ref(), now)?)
            }
            Layout::Disk | Layout::Bytes => None,
        };
        let out = match &division {
            Some(division) => division.root()?,
            None => self.judged(target)?,
        };
        let size = length.map_or("of unknown size".to_owned(), |length| length.to_string());
        let (name, room) = (redacted(url), Bytes(out.capacity()));
        info!("writing {name} ({size}) to {disk} ({room})");
        tools.gauge.begin("writing", length);
        let ahead =
            ReadAhead::spawn("image-read", download)?.metered(meter.clone(), Stage::Network);
        let seen = Progress::new(Bounded::new(ahead, room), tools.gauge.clone());
        let content = Content::new(seen, coding, reading, &self.wanted, room);
        let image = Hashing::each(content, &self.wanted.algorithms()).metered(meter.clone());
        let mut out = out.read_back(tools.readback.then(|| tools.gauge.clone()));
        let metered = Metered::new(&mut out, meter);
        let mut mapped = MappedRanges::new(metered, self.wanted.map(), self.touched.get(), meter)?;
        let (format, length) = match unpacked {
            true => (self.request.format.unpacked(), None),
            false => (self.request.format.clone(), length),
        };
        let read = format.write(image, length, &mut mapped, &mut aside);
        let read = read.map_err(Unfit::from).and_then(|(bytes, image)| {
            Content::must_be(image, &self.wanted, left(mapped.is_touched()))?;
            mapped.finish()?;
            Ok(bytes)
        });
        self.touched.set(self.touched.get() || out.is_touched());
        let bytes = read?;
        if bytes.0 == 0 {
            let why = "there is nothing in the image: it has the digest, and no bytes";
            return Err(Error::new(Kind::InvalidImage, why).into());
        }
        self.verified.set(true);
        info!("{} verified, flushing {disk}", self.wanted);
        tools.gauge.begin("flushing", None);
        let finish = || self.finish(out, division.as_ref(), drive.as_ref());
        let (verdict, left) = meter.charge(Stage::Disk, finish)?;
        let written = Written {
            bytes,
            left,
            traffic,
        };
        Ok((written, verdict))
    }

    /// All of the disk. An image whose own beginning tells that it is good for nothing is refused by that.
    fn judged(&self, target: ExclusiveDisk) -> Result<DiskSink> {
        let (units, size) = (target.table_units().to_vec(), target.size());
        let out = DiskSink::new(target)?;
        if self.request.layout != Layout::Disk && self.drive.is_none() {
            return Ok(out);
        }
        Ok(out.judged(Box::new(move |head, known| {
            whole_disk_image::first_look(head, known, &units, size)
        })))
    }

    /// The image is there and verified: what makes a disk of it.
    fn finish(
        &self,
        out: DiskSink,
        division: Option<&PartitionImage>,
        drive: Option<&ConfigDrive>,
    ) -> Result<(Verdict, Left)> {
        if let Some(division) = division {
            let (proof, gauge) = (self.tools.readback, &self.tools.gauge);
            let (verdict, laid) = division.finish(out, proof, gauge)?;
            return Ok((verdict, Left::Parts(laid)));
        }
        let demanded = self.request.layout == Layout::Disk;
        let left = Left::Disk(out.signature());
        let verdict = out.commit_with(|draft| whole_disk_image::arrange(draft, demanded, drive))?;
        Ok((verdict, left))
    }
}
