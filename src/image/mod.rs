//! The main path: HTTP body in, bootable disk out.
//!
//! ```text
//!  HTTP body ─▶ image-read ══belt══▶ progress ─▶ hash ─▶ decode ─▶ DiskSink ══belt══▶ image-write ─▶ disk
//!                thread              └───────── calling thread ────────┘ └ ends held ┘   threads
//! ```
//!
//! Of a packed image progress and hash are in a thread of their own, image-digest; compressed clusters of
//! qcow2 come off in several, image-unpack.
//!
//! Knows no command and no parameter: a [`Request`] says what to write, [`Tools`] with what.

pub mod decode;
pub mod download;
pub mod layout;
pub mod pipeline;
pub mod receipt;
pub mod request;
pub mod verify;
pub mod write;

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use log::info;

use crate::disk::target::Target;
use crate::disk::traffic::Traffic;
use crate::error::Result;
use crate::image::download::statistics::Statistics;
use crate::image::layout::config_drive::{self, ConfigDrive};
use crate::image::layout::partition_image::PartitionImage;
use crate::image::layout::whole_disk_image;
use crate::image::pipeline::meter::{Meter, Metered, Stage};
use crate::image::pipeline::progress::Progress;
use crate::image::pipeline::read_ahead::ReadAhead;
use crate::image::verify::checksum;
use crate::image::verify::checksum::Checksum;
use crate::image::verify::digest::{Digest, Hashing};
use crate::image::verify::readback::{Verdict, once_more};
use crate::image::write::disk_sink::DiskSink;
use crate::image::write::sink::Sink;
use crate::net::http::client::Client;
use crate::secret::redacted;
use crate::units::Bytes;
use download::bound::Bounded;
use download::fetch::Fetcher;
use download::patience::Failure;
use download::resume::Download;
pub use layout::Layout;
pub use receipt::Receipt;
use receipt::{Left, Seconds};
pub use request::{Request, Tools};

/// What every attempt has in common.
struct Deployment<'a> {
    request: &'a Request,
    disk: &'a Path,
    tools: &'a Tools,
    wanted: Digest,
    drive: Option<ConfigDrive>,
    meter: &'a Meter,
    /// Was it the image that was asked for? Then no other place has a better one.
    verified: Cell<bool>,
}

/// What one attempt left on the disk.
struct Written {
    bytes: Bytes,
    left: Left,
    traffic: Arc<Traffic>,
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
    let (meter, started) = (Meter::new(tools.clock.clone()), tools.clock.elapsed());
    let wanted = tools.patiently(&["the checksum".to_owned()], &meter, |_| {
        tools.gauge.begin("checksum", None);
        meter.charge(Stage::Network, || wanted(request, &fetcher))
    })?;
    let image = request.urls.first().map_or("", |url| url);
    let load = |source: &config_drive::Source| {
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
        verified: Cell::new(false),
    };
    let books = Statistics::new(tools.gauge.clone());
    let attempt = |url: &str| {
        let statistics = books.next_attempt();
        tools.gauge.begin("connecting", None);
        let fetcher = fetcher.clone();
        let (patience, clock) = (tools.patience, tools.clock.clone());
        let open = || {
            Download::open(
                fetcher,
                url,
                &request.urls,
                patience,
                clock,
                statistics.clone(),
            )
        };
        let download = meter.charge(Stage::Network, open)?;
        let write = || deployment.write(url, download);
        meter.charge(Stage::Decode, write).map_err(|error| Failure {
            then: statistics.judge(&error, deployment.verified.get()),
            error,
        })
    };
    let rounds = || tools.patiently(&request.urls, &meter, attempt);
    let written = once_more(disk.display(), rounds)?;
    let spent = books.spent();
    let receipt = Receipt {
        bytes: written.bytes,
        fetched: spent.fetched,
        written: written.traffic.written(),
        zeros: written.traffic.zeroed(),
        retries: spent.connections - 1,
        seconds: Seconds::of(&meter, tools.clock.elapsed() - started),
        left: written.left,
    };
    info!("{}", receipt.line(disk));
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

impl Deployment<'_> {
    /// One attempt, from the first byte; `url` is where `download` begins.
    fn write(&self, url: &str, download: Download) -> Result<(Written, Verdict)> {
        let (tools, meter, disk) = (self.tools, self.meter, self.disk.display());
        let (length, mut aside) = (download.length(), download.aside(meter.clone()));
        let target = Target::open(self.disk, &tools.permit)?;
        let sector = target.table_units().first().copied();
        let drive = self.drive.as_ref().zip(sector);
        let drive = drive.map(|(drive, sector)| drive.fit(sector));
        let traffic = target.traffic();
        let division = match &self.request.layout {
            Layout::Partition(wanted) => {
                Some(PartitionImage::new(wanted, &target, drive.as_ref())?)
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
        let image = Hashing::new(seen, self.wanted.algorithm()).metered(meter.clone());
        let mut out = out.read_back(tools.readback.then(|| tools.gauge.clone()));
        let metered = &mut Metered::new(&mut out, meter);
        let format = &self.request.format;
        let (bytes, image) = format.write(image, length, metered, &mut aside)?;
        image.must_be(&self.wanted)?;
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
    fn judged(&self, target: Target) -> Result<DiskSink> {
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
