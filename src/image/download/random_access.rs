//! Reads bytes of the image out of turn, by Range requests of their own.

use std::io::{self, Read};
use std::time::Duration;

use log::{debug, warn};

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::image::download::fetch::{Content, Fetcher, Rest, Served};
use crate::image::download::range::Identity;
use crate::image::download::retry_policy::{FAILED_PARTS, Failure, RetryPolicy, Then};
use crate::image::download::statistics::Statistics;
use crate::image::pipeline::stage_times::{Stage, StageTimes};
use crate::net::http::content_coding::{Coding, Undone};
use crate::units::MIB;

/// Read through rather than asked for anew.
const NEAR: u64 = MIB;
/// Beyond, an open answer is read through however far it is.
const REQUESTS: u32 = 256;

/// What it gives is no more trusted than its place: whoever asks compares when the same bytes pass.
pub trait RandomAccess {
    /// Fills `into` with the image's bytes from `at`.
    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<()>;
}

/// Asks the server of a download once more: for a part, or all over where it knows no parts.
pub struct Reread {
    /// The coding that is taken off, if one is.
    pub(super) unpacked: Option<Coding>,
    pub(super) fetcher: Fetcher,
    pub(super) url: String,
    /// What the download in progress is of.
    pub(super) identity: Identity,
    pub(super) length: Option<u64>,
    pub(super) patience: RetryPolicy,
    pub(super) clock: Clock,
    pub(super) statistics: Statistics,
    pub(super) meter: StageTimes,
    pub(super) requests: u32,
    /// Times the server failed when it was asked for a part, in a row.
    pub(super) failed_parts: u32,
    pub(super) open: Option<Open>,
}

/// An answer that brings byte `at` next.
pub struct Open {
    body: Undone<Content>,
    at: u64,
    /// Its server knows no parts: asking again would begin at the first byte.
    whole: bool,
}

impl Reread {
    fn attempt(&mut self, at: u64, into: &mut [u8]) -> Result<(), Failure> {
        let many = self.requests >= REQUESTS;
        let mut open = match self.open.take() {
            Some(open) if open.at <= at && (open.whole || many || at - open.at <= NEAR) => open,
            _ => self.connect(at)?,
        };
        let mut nowhere = [0; 8 << 10];
        while open.at < at {
            let len = usize::try_from(at - open.at).unwrap_or(usize::MAX);
            let len = len.min(nowhere.len());
            self.fill(&mut open, &mut nowhere[..len])?;
        }
        self.fill(&mut open, into)?;
        self.open = Some(open);
        Ok(())
    }

    fn fill(&self, open: &mut Open, into: &mut [u8]) -> Result<(), Failure> {
        self.fetcher.in_time()?;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::plain("the answer ended before that"),
            _ => error.into(),
        };
        open.body
            .read_exact(into)
            .map_err(|error| Failure::download(failed(error).details(), Then::Again))?;
        self.statistics.came_in(into.len());
        open.at += into.len() as u64;
        Ok(())
    }

    fn connect(&mut self, at: u64) -> Result<Open, Failure> {
        self.requests += 1;
        let most = FAILED_PARTS.min(self.patience.retries.max(1));
        let whole = self.unpacked.is_some() || self.failed_parts >= most;
        let rest = Rest {
            at,
            validator: self.identity.validator(),
        };
        let rest = Some(rest).filter(|_| !whole);
        let asked = self.fetcher.ask(&self.url, rest);
        if let Err(failure) = &asked {
            self.failed_parts += u32::from(failure.by_server);
        }
        let Served { offer, body } = asked?;
        self.failed_parts = 0;
        // Without a name for its version a whole answer is as good: what is used of it is compared.
        let whole = offer.span.is_none();
        let at = if whole { 0 } else { at };
        if let Err(why) = offer.continues(at, self.length, Some(&self.identity)) {
            self.statistics.ended(Then::Again);
            return Err(Failure::download(why, Then::End));
        }
        debug!("reading the image a second time from byte {at}");
        let coding = self.unpacked.as_ref().unwrap_or(&Coding::Identity);
        let body = Undone::new(coding, body);
        Ok(Open { body, at, whole })
    }

    fn patiently(&mut self, at: u64, into: &mut [u8]) -> Result<()> {
        let mut failures = 0;
        loop {
            let Err(Failure { error, then, .. }) = self.attempt(at, into) else {
                return Ok(());
            };
            failures += 1;
            let asked = match then {
                Then::Again => Some(Duration::ZERO),
                Then::After(asked) => Some(asked),
                Then::Elsewhere | Then::End => None,
            };
            let Some(asked) = asked.filter(|_| failures <= self.patience.retries) else {
                if !self.statistics.is_over() {
                    self.statistics.ended(match then {
                        Then::Again | Then::After(_) => Then::End,
                        other => other,
                    });
                }
                let why = format!(
                    "reading a table of the image at byte {at} out of turn: {}",
                    error.details()
                );
                return Err(Error::new(Kind::ImageDownloadError, why));
            };
            let ceiling = Duration::from_secs(1 << (failures - 1).min(16));
            let ceiling = ceiling.min(self.patience.interval);
            let usual = self.clock.between(ceiling / 2..ceiling);
            let pause = usual.max(self.clock.not_before(asked));
            warn!(
                "{}; asking again for byte {at} in {:.1} s",
                error.details(),
                pause.as_secs_f64()
            );
            self.clock.sleep(pause);
        }
    }
}

impl RandomAccess for Reread {
    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<()> {
        let meter = self.meter.clone();
        meter.charge(Stage::Network, || self.patiently(at, into))
    }
}
