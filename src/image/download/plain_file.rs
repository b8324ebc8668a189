//! Fetches what is no image: a file that is wanted as it is, and of which nobody has told a digest.

use std::fs::File;
use std::io::{Read, Seek, Write};

use crate::error::{Context, Error, Kind, Result};
use crate::image::download::fetch::Fetcher;
use crate::image::download::retry_policy::{Failure, Then};
use crate::image::pipeline::stage_times::StageTimes;
use crate::image::request::Tools;
use crate::net::http::client::{Client, Proxies};
use crate::secret::redacted;

/// Bytes in one read.
const STEP: usize = 64 << 10;

/// Writes what is at `url` into `file`, from its start, with the patience that images have.
pub fn fetch(tools: &Tools, url: &str, file: &mut File) -> Result<()> {
    let client = Client::new(&tools.trust, &Proxies::default(), tools.timeouts)?;
    let (clock, limit) = (tools.clock.clone(), tools.patience.limit);
    let fetcher = Fetcher::new(client, None, clock.clone(), tools.timeouts.read, limit);
    let file = std::cell::RefCell::new(file);
    let attempt = |url: &str| {
        tools.gauge.begin("fetching a file", None);
        let mut file = file.borrow_mut();
        let start = file.set_len(0).and_then(|()| file.rewind());
        start.map_err(Error::from)?;
        let mut body = fetcher.ask(url, None)?.plain();
        let mut bytes = vec![0; STEP];
        loop {
            let count = body.read(&mut bytes).map_err(|error| {
                let why = format!("{}: {}", redacted(url), Error::from(error).details());
                Failure::download(why, Then::Again)
            })?;
            if count == 0 {
                return Ok(());
            }
            fetcher.in_time()?;
            // What does not fit now fits no better when it is fetched again.
            let written = file.write_all(&bytes[..count]);
            written
                .context("writing it")
                .kind(Kind::CommandExecutionError)?;
            tools.gauge.advance(count as u64);
        }
    };
    tools.patiently(&[url.to_owned()], &StageTimes::new(clock), attempt)
}
