//! Tells a server how this machine's work goes: JSON, posted at each change and every few seconds while it moves.
//!
//! Nothing waits for it but the end, for ten seconds. What is not taken is not kept: each attempt tells how things stand then.

pub mod advice;
pub mod json;
pub mod overview;

use std::thread;
use std::time::Duration;

use log::{info, warn};

use crate::clock::Bell;
use crate::codec::json::print;
use crate::error::{Context, Error, Result};
use crate::logger;
use crate::logger::status::{self, Phase};
use crate::net::http::client::{Client, Method, Proxies, Request, Timeouts};
use crate::net::http::url;
use crate::net::tls::trust_settings::Trust;
use crate::redaction::clean;
use crate::report::overview::{Overview, Watcher};
use crate::secret::redacted;
use crate::work_progress::Reading;

/// For one report, from the connection to the answer's head.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two reports of work that moves.
const PROGRESS: Duration = Duration::from_secs(5);
/// Between any two, however fast things change.
const APART: Duration = Duration::from_millis(200);
/// Between two attempts to reach the server, growing from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Between two attempts at the end, when somebody waits.
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// The whole log goes along with a failure no oftener than this.
const LOGS_APART: Duration = Duration::from_secs(60);

/// Posts reports to `url` from a thread of its own, for good.
pub fn start(url: &str, trust: &Trust, watcher: Watcher) -> Result<()> {
    if !url::is_http(url) {
        let why = format!("'{}' is no http:// or https:// URL", redacted(url));
        return Err(Error::plain(why));
    }
    let timeouts = Timeouts {
        connect: PATIENCE,
        read: PATIENCE,
    };
    let client = Client::new(trust, &Proxies::default(), timeouts)?;
    let mut reporter = Reporter {
        client: client.within(PATIENCE).keeping_posts(),
        url: url.to_owned(),
        watcher,
        sequence: 0,
        misses: 0,
        log_at: None,
        failures_told: 0,
    };
    let named = thread::Builder::new().name("report".to_owned());
    named
        .spawn(move || reporter.run())
        .context("starting the thread that reports")?;
    Ok(())
}

struct Reporter {
    client: Client,
    url: String,
    watcher: Watcher,
    sequence: u64,
    /// In a row.
    misses: u32,
    /// When the log went along last, on the clock.
    log_at: Option<Duration>,
    /// How many failures the log has gone along with.
    failures_told: u32,
}

/// Why a report was not taken.
struct Missed {
    error: Error,
    /// The server asked for so long a pause.
    pause: Duration,
}

impl Reporter {
    fn run(&mut self) {
        let change = status::follow();
        loop {
            let overview = self.watcher.look();
            let ending = status::is_ending();
            match self.tell(&overview, ending) {
                Ok(()) => {
                    if self.misses > 0 {
                        info!("reports reach {} again", redacted(&self.url));
                    }
                    self.misses = 0;
                    if ending {
                        status::followed();
                    }
                    self.wait_for_news(&change, overview.progress.as_ref());
                }
                Err(missed) => self.wait_after(missed, &change),
            }
        }
    }

    /// Until something has changed, or work that moves is not where it was.
    fn wait_for_news(&self, change: &Bell, told: Option<&Reading>) {
        let clock = self.watcher.clock();
        clock.sleep(APART);
        while !change.wait(clock, PROGRESS) {
            let now = status::now();
            if now.phase == Phase::Working && now.progress().as_ref() != told {
                return;
            }
        }
    }

    /// A server that is away is left alone until its time has come, but for the end.
    fn wait_after(&mut self, missed: Missed, change: &Bell) {
        self.misses = self.misses.saturating_add(1);
        // Said once: whoever reads the log knows it then.
        if self.misses == 1 {
            warn!("reports are not taken, trying on: {}", missed.error);
        }
        let (clock, (first, most)) = (self.watcher.clock(), PAUSES);
        let usual = clock.backoff(self.misses, first, most);
        let pause = clock.not_before(missed.pause).max(usual);
        let until = clock.elapsed() + pause;
        while !status::is_ending() && clock.elapsed() < until {
            change.wait(clock, until.saturating_sub(clock.elapsed()));
        }
        if status::is_ending() {
            clock.sleep(LAST_PAUSE);
        }
    }

    /// One report; with the log if it is the last one, or the first of a failure.
    fn tell(&mut self, overview: &Overview, ending: bool) -> Result<(), Missed> {
        let now = self.watcher.clock().elapsed();
        let failures = overview.status.failures;
        let rested = self
            .log_at
            .is_none_or(|last| now.saturating_sub(last) >= LOGS_APART);
        let is_news = failures > self.failures_told && rested;
        // A log that is not taken is not to cost the report.
        let log =
            ((ending || is_news) && self.misses.is_multiple_of(2)).then(|| clean(&logger::ring()));
        let has_log = log.is_some();
        self.sequence += 1;
        let body = print(&json::report(overview, self.sequence, log));
        self.post(&body)?;
        if has_log {
            (self.log_at, self.failures_told) = (Some(now), failures);
        }
        Ok(())
    }

    fn post(&self, body: &str) -> Result<(), Missed> {
        let request = Request {
            method: Method::Post,
            url: &self.url,
            headers: &[("Content-Type", "application/json")],
            body: Some(body.as_bytes()),
            verified: false,
        };
        let answer = self.client.send(&request).map_err(|fault| Missed {
            error: fault.into(),
            pause: Duration::ZERO,
        })?;
        let status = answer.status();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let mut error = format!("POST {}: it answers {status}", redacted(&self.url));
        if let Some(location) = answer.header("location") {
            error += &format!(" to {}: does it want a login?", redacted(location));
        }
        Err(Missed {
            error: Error::plain(error),
            pause: answer.asked_pause().unwrap_or_default(),
        })
    }
}
