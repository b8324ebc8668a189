//! Sends one request to an image server, for an image or the rest of one, and says what the answer means.

use std::io::Read;
use std::time::Duration;

use super::range::{Identity, Offer, Span};
use crate::calendar::Day;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::image::download::rate_limit::{Limited, RateLimit};
use crate::image::download::retry_policy::{Failure, Then};
use crate::image::download::stall_guard::StallGuard;
use crate::net::http::client::{Body, Cause, Client, Fault, Method, Request, Response};
use crate::net::http::content_coding::Undone;
use crate::net::http::url;
use crate::secret::{Secret, redacted};
use crate::units::Bytes;

/// Where to go on: from this byte, if the server still has what it called by this validator.
pub struct Rest<'a> {
    /// In bytes from the start of the image.
    pub at: u64,
    /// For If-Range.
    pub validator: Option<&'a str>,
}

/// The body of an image or what belongs to it: an error when it stalls, and no faster than it may be.
pub type Content = Limited<StallGuard<Body>>;

/// An answer with an open body.
pub struct Served {
    /// What the head of the answer says.
    pub offer: Offer,
    /// Still to be read.
    pub body: Content,
}

impl Served {
    /// The body as its server means it: for what has no digest that could tell.
    pub fn plain(self) -> Undone<Content> {
        Undone::new(&self.offer.coding, self.body)
    }
}

/// Whom images are asked from, and as whom: made anew for every download.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    authorization: Option<Secret>,
    clock: Clock,
    window: Duration,
    limit: Option<Duration>,
    rate: Option<RateLimit>,
    /// On the clock.
    made: Duration,
}

impl Fetcher {
    /// A body must bring something worth while in every `window`, by `clock`; and all that is asked for from now on must be there in
    /// `limit`.
    pub fn new(
        client: Client,
        authorization: Option<Secret>,
        clock: Clock,
        window: Duration,
        limit: Option<Duration>,
    ) -> Self {
        let made = clock.elapsed();
        Fetcher {
            client,
            authorization,
            clock,
            window,
            limit,
            rate: None,
            made,
        }
    }

    /// The same, but all that it fetches comes no faster than so many bytes a second; none is as fast as it goes.
    pub fn at(self, rate: Option<Bytes>) -> Self {
        let rate = rate.map(|rate| RateLimit::new(rate, self.clock.clone()));
        Fetcher { rate, ..self }
    }

    /// The same by another client, which goes other ways.
    pub fn by(&self, client: Client) -> Self {
        Fetcher {
            client,
            ..self.clone()
        }
    }

    /// An error once the download, from its first attempt on, took longer than it may; else the time that is left.
    pub fn in_time(&self) -> Result<Duration, Failure> {
        let Some(limit) = self.limit else {
            return Ok(Duration::MAX);
        };
        match limit.checked_sub(self.clock.elapsed() - self.made) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => {
                let why = format!(
                    "the download takes longer than the {limit:?} of ipa-image-download-max-duration; is the server slow, or the limit too short?"
                );
                Err(Failure::download(why, Then::End))
            }
        }
    }

    /// One request for an image, or the rest of it; what is no use is a failure that says what may help.
    pub fn ask(&self, url: &str, rest: Option<Rest>) -> Result<Served, Failure> {
        self.send(url, rest, true)
    }

    fn send(&self, url: &str, rest: Option<Rest>, verified: bool) -> Result<Served, Failure> {
        let range = rest.as_ref().map(|rest| format!("bytes={}-", rest.at));
        let validator = rest.as_ref().and_then(|rest| rest.validator);
        let authorization = self.authorization.as_ref().map(Secret::expose);
        let headers: Vec<_> = [
            ("Authorization", authorization),
            ("Range", range.as_deref()),
            ("If-Range", validator),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        let request = Request {
            method: Method::Get,
            url,
            headers: &headers,
            body: None,
            verified,
        };
        let client = self.client.within(self.in_time()?);
        let mut response = client.send(&request).map_err(failed)?;
        if let Some(rate) = &self.rate {
            response.hold(rate.ahead());
        }
        // What has no digest of its own is beside the image.
        let offer = offer(&response, rest.is_some(), verified).map_err(|(why, then)| {
            let expiry = expiry(url, response.status(), self.clock.unix());
            Failure {
                by_server: response.status() >= 500,
                by_proxy: is_by_proxy(&response),
                ..Failure::download(format!("GET {}: {why}{expiry}", redacted(url)), then)
            }
        })?;
        let (clock, body) = (self.clock.clone(), response.into_body());
        let body = StallGuard::new(body, redacted(url), clock, self.window);
        Ok(Served {
            offer,
            body: Limited::new(body, self.rate.clone()),
        })
    }

    /// Something else that belongs to `image`: its login is for its own host.
    pub fn ask_beside(&self, url: &str, image: &str) -> Result<Served, Failure> {
        let mut fetcher = self.clone();
        fetcher.authorization = fetcher.authorization.filter(|_| at_home(url, image));
        fetcher.send(url, None, false)
    }

    /// A small file beside `image`, `what` it is: at most `limit` bytes.
    pub fn beside(
        &self,
        url: &str,
        image: &str,
        limit: u64,
        what: &str,
    ) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let served = self.ask_beside(url, image).map_err(|failure| Failure {
            error: Error::new(
                failure.error.kind(),
                format_args!("fetching {what}: {}", failure.error.details()),
            ),
            ..failure
        })?;
        let mut body = served.plain().take(limit + 1);
        body.read_to_end(&mut bytes)
            .map_err(|error| Failure::download(Error::from(error).details(), Then::Again))?;
        if bytes.len() as u64 > limit {
            let why = format!("{}: over {} is not {what}", redacted(url), Bytes(limit));
            return Err(Failure::download(why, Then::Elsewhere));
        }
        Ok(bytes)
    }
}

/// May who has the login for `image` show it at `url`? On the same host, whatever the port, but not in the clear where it was secret.
fn at_home(url: &str, image: &str) -> bool {
    match (url::parse(url), url::parse(image)) {
        (Some(url), Some(image)) => url.same_host(&image) && (url.https || !image.https),
        _ => false,
    }
}

/// What an answer brings; an error with what may help if it is no image.
fn offer(response: &Response, part_wanted: bool, is_image: bool) -> Result<Offer, (String, Then)> {
    let header = |name| response.header(name).map(str::to_owned);
    let span = match response.status() {
        200 => None,
        206 if part_wanted => {
            let range = response.header("content-range").unwrap_or_default();
            let why = || format!("a part whose Content-Range is '{range:.60}'");
            Some(Span::parse(range).ok_or_else(|| (why(), Then::Elsewhere))?)
        }
        status => {
            let then = match (status, response.asked_pause()) {
                (429 | 503, Some(asked)) => Then::After(asked),
                (408 | 429 | 500.., _) => Then::Again,
                _ => Then::Elsewhere,
            };
            let meant = match status {
                403 if is_by_proxy(response) => "HTTP status 403: the proxy itself says so; its rules must let this machine go there, or no_proxy name the host".to_owned(),
                status => answer(status, is_image),
            };
            return Err((meant, then));
        }
    };
    Ok(Offer {
        identity: Identity {
            etag: header("etag"),
            modified: header("last-modified"),
        },
        span,
        length: span.map_or(response.content_length(), |span| Some(span.total)),
        coding: response.coding(),
    })
}

/// What a status means and what to try.
fn answer(status: u16, is_image: bool) -> String {
    let hint = match status {
        400 => {
            "it cannot make sense of the request; does this port want https, or a certificate of the client (certfile, keyfile)?"
        }
        401 => {
            "it wants a user and password, or others than these (image_server_auth_strategy); a temporary URL may have expired"
        }
        404 | 410 if !is_image => "nothing there by that name; check the URL",
        403 => "access denied; may this machine have the image? A temporary URL may have expired",
        404 | 410 => "no such image there; check the URL, and whether the image was deleted",
        407 => {
            "the proxy wants a user and password, or others than these: http://user:password@host:port"
        }
        416 => "the image there is shorter than it was; was it replaced?",
        429 => "it is asked too often; deploy fewer machines at a time",
        500.. => "the server or a proxy on the way failed; its log says why",
        _ if !is_image => "only 200 is a file; check the URL",
        _ => "only 200 is an image; check the URL",
    };
    format!("HTTP status {status}: {hint}")
}

/// What a temporary URL says about its own refusal: OpenStack Swift, "TempURL", `temp_url_expires`, in
/// seconds since 1970 as Ironic makes them. Empty for others.
fn expiry(url: &str, status: u16, now: f64) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut words = query.split('&').filter_map(|word| word.split_once('='));
    let expires = words.find(|(name, _)| *name == "temp_url_expires");
    let expires = expires.and_then(|(_, value)| value.parse::<u64>().ok());
    match expires {
        Some(end) if matches!(status, 401 | 403) && now > end as f64 => format!(
            ": it expired on {}, {:.0} minutes ago by this machine's clock: make a new one, or one that lasts longer",
            Day(end),
            (now - end as f64) / 60.0
        ),
        Some(_) if matches!(status, 401 | 403) => {
            ": by this machine's clock it has not; were signature and key right?".to_owned()
        }
        _ => String::new(),
    }
}

/// A proxy that is asked for a plain URL answers in the server's place: 407 is its own, and Squid says of others that they are.
fn is_by_proxy(response: &Response) -> bool {
    response.status() == 407 || response.header("x-squid-error").is_some()
}

fn failed(fault: Fault) -> Failure {
    let then = match fault.cause {
        Cause::Tls | Cause::CertificateDate | Cause::ProxyDenied | Cause::Protocol => {
            Then::Elsewhere
        }
        _ => Then::Again,
    };
    Failure::download(fault.error.details(), then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_goes_to_the_host_of_the_image_alone() {
        for (url, image, goes) in [
            ("http://h/sums", "http://h/i", true),
            ("http://H:81/sums", "http://h/i", true),
            ("https://h/sums", "http://h/i", true),
            ("https://h:8443/sums", "https://h/i", true),
            ("http://h/sums", "https://h/i", false),
            ("http://h.evil/sums", "http://h/i", false),
            ("http://other/sums", "http://h/i", false),
            ("ftp://h/sums", "http://h/i", false),
        ] {
            assert_eq!(at_home(url, image), goes, "{url} {image}");
        }
    }

    #[test]
    fn a_temporary_url_that_is_refused_says_whether_it_expired() {
        for (url, status, words) in [
            (
                "http://h/i?temp_url_sig=s&temp_url_expires=86400",
                401,
                "expired on 1970-01-02",
            ),
            (
                "http://h/i?temp_url_expires=86400&temp_url_sig=s",
                403,
                "1970-01-02, 1440 minutes ago by this machine's clock",
            ),
            ("http://h/i?temp_url_expires=999999", 401, "it has not"),
            ("http://h/i?temp_url_expires=86400", 404, ""),
            ("http://h/i?temp_url_expires=2026-11-22T00:00:00Z", 401, ""),
            ("http://h/i?temp_url_expires", 401, ""),
            ("http://h/temp_url_expires=86400", 401, ""),
        ] {
            let said = expiry(url, status, 172_801.0);
            assert!(
                said.contains(words) && said.is_empty() == words.is_empty(),
                "{url}: {said}"
            );
        }
    }
}
