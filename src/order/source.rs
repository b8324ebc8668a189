//! Fetches an order and what belongs to it: the first of its places that exists, with its signature where one is asked for.

use std::io;
use std::time::Duration;

use log::{debug, info};

use crate::codec::json::Object;
use crate::config;
use crate::error::{Context, Error, Result};
use crate::image::Tools;
use crate::image::verify::image_signature::beside;
use crate::image::verify::minisign;
use crate::image::verify::minisign::Key;
use crate::net::http::client::{Client, Method, Request};
use crate::net::http::url;
use crate::order::document;
use crate::order::location::Template;
use crate::order::machine_names::Names;
use crate::order::reader::shown;
use crate::secret::redacted;
use crate::system_root::{SystemRoot, read_bytes};

/// No seed is larger: clouds take a few KiB.
const LARGEST_SEED: usize = 2 << 20;

/// Where orders come from, and who gives them.
pub struct Source {
    template: Template,
    keys: Vec<Key>,
    client: Client,
    host: SystemRoot,
}

/// An order as it was found.
#[derive(Debug)]
pub struct Found {
    /// Where, as it may be told.
    pub place: String,
    /// Its fields, none of them checked.
    pub fields: Object,
    /// Who signed it and with which words; none where nobody had to.
    pub signed: Option<String>,
    /// As it was served.
    pub bytes: Vec<u8>,
}

/// Why there is no order yet.
#[derive(Debug)]
pub struct Unready {
    /// In words.
    pub error: Error,
    /// How long the server wants to be left alone.
    pub after: Duration,
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        Unready {
            error,
            after: Duration::ZERO,
        }
    }
}

impl Source {
    /// By the parameters; an error if they cannot be meant.
    pub fn new(order: &config::Order, host: &SystemRoot, tools: &Tools) -> Result<Self> {
        Ok(Source {
            template: Template::parse("ironlet.order", &order.place)?,
            keys: Key::all(&order.keys, "ironlet.order-key")?,
            client: Client::new(&tools.trust, &Default::default(), tools.timeouts)?,
            host: host.clone(),
        })
    }

    /// Must orders be signed?
    pub fn wants_signatures(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Where it is looked for, one after the other.
    pub fn places(&self, names: &Names) -> Vec<String> {
        self.template.places(names)
    }

    /// The order for the machine with these names: only where one place has none, the next is looked at.
    ///
    /// # Errors
    /// No place has one, one has something else, or nobody can tell now; later may be better.
    pub fn find(&self, names: &Names) -> Result<Found, Unready> {
        let places = self.places(names);
        for place in &places {
            let shown = redacted(place);
            let Some(bytes) = self.get(place, document::LARGEST)? else {
                debug!("there is no order at {shown}");
                continue;
            };
            let signed = match self.wants_signatures() {
                true => Some(self.signature(place, &bytes)?),
                false => None,
            };
            let fields = document::fields(&bytes);
            return Ok(Found {
                fields: fields.with_context(|| format!("reading the order at {shown}"))?,
                place: shown,
                signed,
                bytes,
            });
        }
        let shown: Vec<_> = places.iter().map(|place| redacted(place)).collect();
        Err(Error::plain(format!(
            "there is no order for this machine yet: {}",
            told(&shown)
        ))
        .into())
    }

    /// A document that an order names by its URL.
    pub fn document(&self, url: &str) -> Result<Vec<u8>, Unready> {
        let missing = || Error::plain(format!("{}: HTTP status 404", redacted(url)));
        let bytes = self.get(url, LARGEST_SEED)?.ok_or_else(missing)?;
        if self.wants_signatures() {
            self.signature(url, &bytes)?;
        }
        Ok(bytes)
    }

    /// Who signed `bytes`, which were at `place`: the trusted comment.
    fn signature(&self, place: &str, bytes: &[u8]) -> Result<String, Unready> {
        let beside = beside(place);
        let Some(signature) = self.get(&beside, minisign::LONGEST)? else {
            let why = format!(
                "{} is not signed: there is no {}, and ironlet.order-key asks for it",
                redacted(place),
                redacted(&beside)
            );
            return Err(Error::plain(why).into());
        };
        let comment = minisign::verify(&self.keys, bytes, &signature)
            .with_context(|| format!("verifying {} by {}", redacted(place), redacted(&beside)))?;
        info!("{} is signed: {}", redacted(place), shown(&comment, 200));
        Ok(comment)
    }

    /// What is at a URL or path, if anything is: only 404 says that nothing is.
    fn get(&self, place: &str, limit: usize) -> Result<Option<Vec<u8>>, Unready> {
        if !url::is_http(place) {
            let bytes = read_bytes(self.host.seen(place), limit as u64 + 1);
            let bytes = bytes.with_context(|| format!("reading {place}"))?;
            return match bytes {
                Some(bytes) if bytes.len() > limit => {
                    Err(Error::plain(format!("{place} is longer than {limit} bytes")).into())
                }
                bytes => Ok(bytes),
            };
        }
        let request = Request {
            method: Method::Get,
            url: place,
            headers: &[],
            body: None,
            verified: false,
        };
        let response = self.client.send(&request).map_err(Error::from)?;
        match response.status() {
            200 => {
                let bytes = response.bytes(limit);
                bytes.map(Some).map_err(Unready::from)
            }
            404 => Ok(None),
            status => Err(Unready {
                error: Error::plain(format!(
                    "GET {}: HTTP status {status}, and only 200 is a document and 404 none",
                    redacted(place)
                )),
                after: response.asked_pause().unwrap_or_default(),
            }),
        }
    }
}

/// The first places and the last.
fn told(places: &[String]) -> String {
    match places {
        [first, .., last] if places.len() > 3 => {
            format!("{first} and {} others, down to {last}", places.len() - 2)
        }
        places => places.join(", "),
    }
}

/// An error of reading a file has its reason in it.
impl From<io::Error> for Unready {
    fn from(error: io::Error) -> Self {
        Error::from(error).into()
    }
}
