//! Where the bytes come from: one URL after the other, with retries, until a body is open.

use std::io::{self, Read};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Context, Error, Kind, Result};
use crate::net::http::{Body, Cause, Client, Fault, Method, Request};
use crate::secret::{Secret, redacted};
use crate::units::{Bytes, MIB};

/// How long to keep trying.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Further attempts after the first.
    pub retries: u32,
    /// The longest pause between two attempts.
    pub interval: Duration,
    /// The longest one download may take; none for as long as it takes.
    pub limit: Option<Duration>,
}

/// Why an attempt failed, and whether another could fare better.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    pub again: bool,
}

/// An error that came up through `Read` decides by its kind: a broken download may go better next time.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            again: error.kind() == Kind::ImageDownloadError,
            error,
        }
    }
}

/// An open body.
pub struct Served {
    /// As announced; none when the server does not say.
    pub length: Option<Bytes>,
    pub body: Download,
}

pub fn open(
    client: &Client,
    url: &str,
    authorization: Option<&Secret>,
    end: Option<End>,
) -> Result<Served, Failure> {
    let headers: Vec<_> = authorization
        .iter()
        .map(|secret| ("Authorization", secret.expose()))
        .collect();
    let request = Request {
        method: Method::Get,
        url,
        headers: &headers,
        body: None,
    };
    let response = client.send(&request).map_err(failed)?;
    let refuse = |why: &str, again| {
        let error = Error::new(
            Kind::ImageDownloadError,
            format!("{}: {why}", redacted(url)),
        );
        Err(Failure { error, again })
    };
    match response.status() {
        200 => {}
        status => return refuse(&answer(status), matches!(status, 408 | 429 | 500..)),
    }
    if let Some(encoding) = response.header("content-encoding")
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return refuse(
            "the server encoded the image although it was asked not to; the checksum could not match",
            false,
        );
    }
    let length = response.content_length().map(Bytes);
    let body = Download {
        url: redacted(url),
        body: response.into_body(),
        done: 0,
        end,
    };
    Ok(Served { length, body })
}

/// A small text file, such as a checksum file: at most 1 MiB.
pub fn text(client: &Client, url: &str, authorization: Option<&Secret>) -> Result<String, Failure> {
    let served = open(client, url, authorization, None)?;
    let mut bytes = Vec::new();
    served
        .body
        .take(MIB + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::from)?;
    if bytes.len() as u64 > MIB {
        let error = Error::new(
            Kind::ImageDownloadError,
            format!("{}: over 1 MiB is no checksum file", redacted(url)),
        );
        return Err(Failure {
            error,
            again: false,
        });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a status means and what to try.
fn answer(status: u16) -> String {
    let hint = match status {
        401 => "it wants a user and password, or others than these",
        403 => "access denied; a temporary URL may have expired",
        404 | 410 => "no such image there",
        407 => "the proxy wants a user and password",
        416 => "the server refuses the range",
        500.. => "the server or a proxy on the way failed",
        _ => "only 200 is an image",
    };
    format!("HTTP status {status}: {hint}")
}

fn failed(fault: Fault) -> Failure {
    let again = !matches!(fault.cause, Cause::Tls | Cause::Protocol);
    Failure {
        error: Error::new(Kind::ImageDownloadError, fault.error.details()),
        again,
    }
}

/// When a download must be over.
#[derive(Clone)]
pub struct End {
    pub clock: Clock,
    pub at: Duration,
}

/// A body whose errors say which URL broke, where and why.
pub struct Download {
    url: String,
    body: Body,
    done: u64,
    end: Option<End>,
}

impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(end) = &self.end
            && end.clock.elapsed() > end.at
        {
            let why = format!(
                "{}: the download took longer than allowed ({} so far)",
                self.url,
                Bytes(self.done)
            );
            return Err(Error::new(Kind::ImageDownloadError, why).into());
        }
        let count = self
            .body
            .read(into)
            .with_context(|| format!("reading {} at byte {}", self.url, self.done))
            .kind(Kind::ImageDownloadError)?;
        self.done += count as u64;
        Ok(count)
    }
}
