//! A download that goes on by itself: after a cut, a stall or a failing server it asks for the rest,
//! there or at the next URL, so that whoever reads never notices.
//!
//! Where nothing can be gone on with (no name for its version, another length, a changed image, a refusal)
//! the attempt ends, and the caller starts over at the first byte.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Duration;

use log::warn;

use super::fetch::{Content, Fetcher, Rest, Served};
use super::range::{Identity, Offer};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::image::download::random_access::Reread;
use crate::image::download::retry_policy::{FAILED_PARTS, Failure, RetryPolicy, Then};
use crate::image::download::statistics::Statistics;
use crate::image::pipeline::stage_times::StageTimes;
use crate::net::http::content_coding::Coding;
use crate::secret::redacted;
use crate::units::{Bytes, KIB};

/// A connection that brings less than this made no progress.
const PROGRESS: u64 = 64 * KIB;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Connections of one download at most, whatever progress they make.
const CONNECTIONS: u32 = 1000;

/// An image being read; broken connections are made again without the reader's notice.
pub struct Download {
    fetcher: Fetcher,
    patience: RetryPolicy,
    clock: Clock,
    statistics: Statistics,
    /// Where the image may be had, the one in use first.
    places: VecDeque<Place>,
    body: Content,
    offer: Offer,
    /// The byte of the image that the body brings next.
    at: u64,
    /// Bytes handed on; never more than `at` once the body has caught up.
    done: u64,
    length: Option<u64>,
    /// `done` when this connection was made.
    mark: u64,
    failures: u32,
    /// The pause that the server last asked for.
    asked: Duration,
    connections: u32,
}

struct Place {
    url: String,
    /// What the server there called the image; none before it was asked.
    known: Option<Identity>,
    /// How often it failed when it was asked for a part, and for nothing else in between.
    failed_parts: u32,
    /// It was asked for the whole instead.
    whole: bool,
}

impl Download {
    /// Opens `url`, one of `urls`; the others are where to go on when it fails.
    pub fn open(
        fetcher: Fetcher,
        url: &str,
        urls: &[String],
        patience: RetryPolicy,
        clock: Clock,
        statistics: Statistics,
    ) -> Result<Self, Failure> {
        fetcher.in_time()?;
        statistics.connecting();
        let Served { offer, body } = fetcher.ask(url, None)?;
        let others = urls.iter().skip_while(|other| *other != url).skip(1);
        let others = others.chain(urls.iter().take_while(|other| *other != url));
        let mut places: VecDeque<_> = others.map(|url| Place::unasked(url)).collect();
        places.push_front(Place {
            known: Some(offer.identity.clone()),
            ..Place::unasked(url)
        });
        Ok(Download {
            length: offer.length,
            fetcher,
            patience,
            clock,
            statistics,
            places,
            body,
            offer,
            at: 0,
            done: 0,
            mark: 0,
            failures: 0,
            asked: Duration::ZERO,
            connections: 1,
        })
    }

    /// What the server says was done to the image; everything here is of what it sends.
    pub fn coding(&self) -> &Coding {
        &self.offer.coding
    }

    /// As announced; none when the server does not say.
    pub fn length(&self) -> Option<Bytes> {
        self.length.map(Bytes)
    }

    /// The same image once more, for what is needed out of turn; places in it are counted `unpacked` or as it is sent.
    pub fn aside(&self, unpacked: bool, meter: StageTimes) -> Reread {
        Reread {
            unpacked: unpacked.then(|| self.offer.coding.clone()),
            fetcher: self.fetcher.clone(),
            url: self
                .places
                .front()
                .map_or(String::new(), |place| place.url.clone()),
            identity: self.offer.identity.clone(),
            length: self.length,
            patience: self.patience,
            clock: self.clock.clone(),
            statistics: self.statistics.clone(),
            meter,
            requests: 0,
            failed_parts: 0,
            open: None,
        }
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<usize> {
        loop {
            self.in_time()?;
            match self.read_body(into) {
                Ok(count) => return Ok(count),
                Err(cause) => self.go_on(cause)?,
            }
        }
    }

    fn in_time(&self) -> Result<()> {
        if self.statistics.is_over() {
            return Err(Error::plain("nobody reads on"));
        }
        let in_time = self.fetcher.in_time().map(drop);
        in_time.map_err(|failure| self.give_up(failure.error.details(), failure.then))
    }

    /// The next bytes of the open body; 0 is the end of the image.
    fn read_body(&mut self, into: &mut [u8]) -> Result<usize> {
        loop {
            let left = self.offer.end().map(|end| end.saturating_sub(self.at));
            if left == Some(0) {
                return match self.offer.end() == self.length {
                    true => Ok(0),
                    false => Err(self.ended()),
                };
            }
            let ahead = self.done - self.at;
            let mut most = into.len();
            for limit in [left, (ahead > 0).then_some(ahead)].into_iter().flatten() {
                most = most.min(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            let count = match self.body.read(&mut into[..most]) {
                Err(error) if is_hang_up(&error) && left.is_none() && ahead == 0 => {
                    self.end_in_doubt(&error);
                    0
                }
                other => other?,
            };
            self.statistics.came_in(count);
            self.at += count as u64;
            match count {
                // Of an unknown length: only the connection could tell, and it ended well.
                0 if left.is_none() && ahead == 0 => return Ok(0),
                0 => return Err(self.ended()),
                // Bytes we already had, from a server that knows no parts.
                _ if ahead > 0 => {}
                _ => {
                    self.done = self.at;
                    return Ok(count);
                }
            }
        }
    }

    /// The end of a body without a length that TLS did not end: all of it if the digest says so, and else one more reason to ask again.
    fn end_in_doubt(&mut self, error: &io::Error) {
        warn!("{error}; the digest will tell whether that was all");
        self.statistics.doubtful();
        self.length = Some(self.at);
        self.offer.length = self.length;
    }

    fn ended(&self) -> Error {
        let place = self.places.front().map(Place::name).unwrap_or_default();
        Error::plain(format!("{place}: the answer ended before the image"))
    }

    /// Finds a body with the rest, after `cause` ended the last one.
    fn go_on(&mut self, mut cause: Error) -> Result<()> {
        if self.done - self.mark >= PROGRESS {
            self.failures = 0;
        } else if self.connections > 1 {
            self.places.rotate_left(1);
        }
        loop {
            self.in_time()?;
            self.failures += 1;
            self.places.retain(|place| place.may_continue(self.length));
            let Some(place) = self.places.front() else {
                let why = format!("{}; there is no going on from there", cause.details());
                return Err(self.give_up(&why, Then::Again));
            };
            let allowed = (u64::from(self.patience.retries) + 1) * self.places.len() as u64;
            let is_last = u64::from(self.failures) >= allowed;
            if is_last && !place.fails_at_parts(1) || self.connections >= CONNECTIONS {
                return Err(self.give_up(cause.details(), Then::End));
            }
            let pause = self.pause().max(self.clock.not_before(self.asked));
            self.statistics.interrupted();
            warn!(
                "{}; asking {} for the rest from byte {} in {:.1} s",
                cause.details(),
                place.name(),
                self.done,
                pause.as_secs_f64()
            );
            self.clock.sleep(pause);
            match self.connect(is_last) {
                Ok(()) => return Ok(()),
                Err(error) => cause = error,
            }
        }
    }

    /// Random, up to a quarter of a second at first, four times as long each time: a cut is over at once,
    /// a server that restarts is not.
    fn pause(&self) -> Duration {
        let longer = FIRST_PAUSE * 4_u32.pow((self.failures - 1).min(8));
        let ceiling = longer.min(self.patience.interval);
        self.clock.between(ceiling / 2..ceiling)
    }

    /// Asks the first place for the rest; one that failed goes to the end, or altogether. One that fails at every part is asked once
    /// for the whole, for the last time if so.
    fn connect(&mut self, is_last: bool) -> Result<()> {
        let Some(place) = self.places.front_mut() else {
            return Err(Error::plain("no URL is left"));
        };
        let known = place.known.as_ref();
        let whole = place.fails_at_parts(if is_last { 1 } else { FAILED_PARTS });
        place.whole |= whole;
        let rest = Rest {
            at: self.done,
            validator: known.and_then(Identity::validator),
        };
        self.connections += 1;
        self.asked = Duration::ZERO;
        self.statistics.connecting();
        let rest = Some(rest).filter(|_| !whole);
        let Served { offer, body } = match self.fetcher.ask(&place.url, rest) {
            Ok(served) => served,
            Err(Failure {
                error,
                then,
                by_server,
                ..
            }) => {
                place.failed_parts += u32::from(by_server);
                match then {
                    Then::Again => self.places.rotate_left(1),
                    Then::After(time) => self.asked = time,
                    _ => drop(self.places.pop_front()),
                }
                return Err(error);
            }
        };
        if let Err(why) = offer.continues(self.done, self.length, known) {
            let why = format!("{}: {why}", place.name());
            self.places.pop_front();
            return Err(Error::plain(why));
        }
        place.known.get_or_insert(offer.identity.clone());
        (place.failed_parts, place.whole) = (0, false);
        self.length = self.length.or(offer.length);
        self.at = offer.first();
        self.mark = self.done;
        (self.offer, self.body) = (offer, body);
        self.statistics.doubtful();
        Ok(())
    }

    fn give_up(&self, cause: &str, then: Then) -> Error {
        self.statistics.ended(then);
        let why = format!("at byte {}: {cause}", self.done);
        Error::new(Kind::ImageDownloadError, why)
    }
}

impl Place {
    fn unasked(url: &str) -> Self {
        Place {
            url: url.to_owned(),
            known: None,
            failed_parts: 0,
            whole: false,
        }
    }

    /// It failed at so many parts in a row, and was not asked for the whole yet.
    fn fails_at_parts(&self, count: u32) -> bool {
        !self.whole && self.failed_parts >= count
    }

    /// Without a name for its version what a server sends next could be of another; with a server not
    /// asked before only the length tells.
    fn may_continue(&self, length: Option<u64>) -> bool {
        match &self.known {
            Some(identity) => identity.validator().is_some(),
            None => length.is_some(),
        }
    }

    fn name(&self) -> String {
        redacted(&self.url)
    }
}

/// See [`Cause::HungUp`].
fn is_hang_up(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.fill(into)?)
    }
}
