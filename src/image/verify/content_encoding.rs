//! An image whose server says `Content-Encoding: gzip`: read unpacked or as it lies there, and verified either way.
//!
//! The label does not tell whether the server packed the image on its way or has a packed file; the digest does.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Kind, Result};
use crate::image::decode::packing::Packing;
use crate::image::download::length_limit::Bounded;
use crate::image::verify::digest::{Digests, Hashing, Source};
use crate::image::verify::expected::Expected;
use crate::net::http::content_coding::{Coding, Undone};
use crate::sys::block::Aligned;
use crate::units::Bytes;

/// What of a body is taken for the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What the server sends.
    AsServed,
    /// What is in the gzip that the server tells of.
    Unpacked,
}

impl Reading {
    /// The likelier one for a body in `coding` that is called `name`: what is packed by its name is meant as it lies there.
    pub fn likelier(coding: &Coding, name: &str) -> Self {
        match (coding, Packing::named(name)) {
            (Coding::Gzip, None) => Reading::Unpacked,
            _ => Reading::AsServed,
        }
    }

    /// The other one, where there are two.
    pub fn other(self, coding: &Coding) -> Option<Self> {
        match (coding, self) {
            (Coding::Identity | Coding::Other(_), _) => None,
            (Coding::Gzip, Reading::AsServed) => Some(Reading::Unpacked),
            (Coding::Gzip, Reading::Unpacked) => Some(Reading::AsServed),
        }
    }
}

/// Why what was read is not the image.
#[derive(Debug)]
pub struct Unfit {
    /// For whoever ordered it.
    pub error: Error,
    /// Whether the other reading is the image, once that is known.
    pub other_fits: Option<bool>,
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        let other_fits = None;
        Unfit { error, other_fits }
    }
}

/// A body in one of its readings.
pub struct Content<R> {
    coding: Coding,
    state: State<R>,
}

enum State<R> {
    AsServed(R),
    Unpacked(Box<Bounded<Undone<Passing<R>>>>, Passing<R>),
}

impl<R: Read> Content<R> {
    /// `body` comes in `coding`, and the image in it is for a disk of `room`.
    pub fn new(body: R, coding: Coding, reading: Reading, wanted: &Expected, room: Bytes) -> Self {
        let state = match reading {
            Reading::AsServed => State::AsServed(body),
            Reading::Unpacked => {
                let served = Passing(Arc::new(Mutex::new(Hashing::each(
                    body,
                    &wanted.algorithms(),
                ))));
                let undone = Undone::new(&coding, served.clone());
                State::Unpacked(Box::new(Bounded::new(undone, room)), served)
            }
        };
        Content { coding, state }
    }

    /// Reads what a decoder left of `image`; Ok if all of it is what is `wanted`. If not, the error ends in what is `left` on the disk.
    pub fn must_be(image: Hashing<Self>, wanted: &Expected, left: &str) -> Result<(), Unfit> {
        let is_page = image.is_page();
        let (found, Content { coding, state }) = image.finish_with_inner()?;
        let Err(why) = wanted.judge(&found) else {
            return Ok(());
        };
        let mut why = format!("the image as served has {found}, {why}");
        let mut other_fits = None;
        if let State::Unpacked(plain, served) = state {
            drop(plain);
            let served = served.finish()?;
            let other = wanted.judge(&served);
            if let Err(as_served) = &other
                && served != found
            {
                why = format!(
                    "the image as served has {served}, and what is in its gzip {found}, {as_served}"
                );
            }
            other_fits = Some(other.is_ok());
        }
        let why = format!("{why}; {left}");
        let mut error = Error::new(Kind::ImageChecksumError, why);
        let hint = match (is_page, coding) {
            (true, _) => "what came is a page in HTML: open the URL in a browser; is there a proxy or a login in between?".to_owned(),
            (false, Coding::Identity) => String::new(),
            (false, Coding::Gzip) => "the server says Content-Encoding: gzip, which nobody asked for; turn compression off for images there".to_owned(),
            (false, Coding::Other(names)) => format!("the server says Content-Encoding: {names:.60}, which nobody asked for; turn compression off for images there"),
        };
        if !hint.is_empty() {
            error = Error::new(error.kind(), format_args!("{}; {hint}", error.details()));
        }
        Err(Unfit { error, other_fits })
    }
}

/// Gzip that is none is no image; what was wrong with the network is told as that.
fn unpacking(error: io::Error) -> io::Error {
    match error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        true => error,
        false => {
            let why = format!(
                "the server says Content-Encoding: gzip, but it cannot be unpacked: {error}"
            );
            Error::new(Kind::InvalidImage, why).into()
        }
    }
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.state {
            State::AsServed(body) => body.read(into),
            State::Unpacked(plain, _) => plain.read(into).map_err(unpacking),
        }
    }
}

impl<S: Source> Source for Content<S> {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        match &mut self.state {
            State::AsServed(body) => body.read_block(into),
            State::Unpacked(..) => self.read(into),
        }
    }
}

/// A body that is digested as it passes to whoever unpacks it, and that is held here too, for its digest.
struct Passing<R>(Arc<Mutex<Hashing<R>>>);

impl<R> Clone for Passing<R> {
    fn clone(&self) -> Self {
        Passing(Arc::clone(&self.0))
    }
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let body = self.0.lock();
        body.unwrap_or_else(PoisonError::into_inner).read(into)
    }
}

impl<R: Read> Passing<R> {
    /// Of all of it; the only holder is this one.
    fn finish(self) -> Result<Digests> {
        let body =
            Arc::into_inner(self.0).ok_or_else(|| Error::plain("a body is still being read"))?;
        let body = body.into_inner().unwrap_or_else(PoisonError::into_inner);
        body.finish_with_inner().map(|(digests, _)| digests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::gzip::pack;
    use crate::image::verify::digest::Algorithm;

    #[test]
    fn the_digest_tells_which_reading_was_meant() {
        let digest = |bytes: &[u8]| {
            let digest = Hashing::new(bytes, Algorithm::Sha256).finish();
            Expected::digest(digest.expect("memory can be read"))
        };
        let (plain, room) = (b"an image".repeat(1000), Bytes(8000));
        let packed = pack(&plain).expect("memory");
        for (reading, wanted, outcome) in [
            (Reading::AsServed, &packed, Ok(())),
            (Reading::AsServed, &plain, Err(None)),
            (Reading::Unpacked, &plain, Ok(())),
            (Reading::Unpacked, &packed, Err(Some(true))),
            (Reading::Unpacked, &vec![1], Err(Some(false))),
        ] {
            let wanted = digest(wanted);
            let content = Content::new(&packed[..], Coding::Gzip, reading, &wanted, room);
            let mut image = Hashing::new(content, Algorithm::Sha256);
            image.read_exact(&mut [0; 20]).expect("there is more");
            let verdict = Content::must_be(image, &wanted, "");
            assert_eq!(
                verdict.map_err(|unfit| unfit.other_fits),
                outcome,
                "{reading:?}"
            );
        }
        let content = Content::new(
            &packed[..30],
            Coding::Gzip,
            Reading::Unpacked,
            &digest(&plain),
            room,
        );
        let verdict = Content::must_be(
            Hashing::new(content, Algorithm::Sha256),
            &digest(&plain),
            "",
        );
        assert_eq!(verdict.expect_err("cut").error.kind(), Kind::InvalidImage);
    }

    #[test]
    fn a_packed_file_is_meant_as_it_lies_there() {
        for (coding, name, reading, other) in [
            (Coding::Identity, "a.raw", Reading::AsServed, None),
            (
                Coding::Gzip,
                "a.raw",
                Reading::Unpacked,
                Some(Reading::AsServed),
            ),
            (
                Coding::Gzip,
                "a.raw.gz",
                Reading::AsServed,
                Some(Reading::Unpacked),
            ),
            (Coding::Other("br".into()), "a.raw", Reading::AsServed, None),
        ] {
            assert_eq!(Reading::likelier(&coding, name), reading, "{name}");
            assert_eq!(reading.other(&coding), other, "{name}");
        }
    }
}
