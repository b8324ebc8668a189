//! What parameters and orders say of an image's signature: whose keys count, and where it is. For whoever makes a request; the signature
//! itself is fetched and read by the main path.

use crate::error::{Context, Error, Kind, Result};
use crate::image::verify::minisign::Key;
use crate::net::http::url;

/// What a signed image needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSignature {
    /// Any of them may have made it; at least one.
    pub keys: Vec<Key>,
    /// Where it is.
    pub place: Place,
}

/// Where a signature is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this URL.
    At(String),
    /// Where the image is, with `.minisig` behind; of several places at the first that has it.
    Beside,
    /// The same beside the checksum file, which is what is signed then.
    BesideChecksum,
}

impl ImageSignature {
    /// By the texts of parameters and orders: public keys as minisign prints them, and a URL, `1` or `.minisig`, or `checksum`. None where
    /// nobody asks for one.
    ///
    /// # Errors
    /// Where there are keys an image without a signature is not taken, nor a signature where nobody says whose counts.
    pub fn parse(keys: &[String], place: Option<&str>) -> Result<Option<Self>> {
        let found = match place {
            None if keys.is_empty() => return Ok(None),
            None => Err(MISSING),
            Some(_) if keys.is_empty() => Err(NOBODYS),
            Some("1" | ".minisig") => Ok(Place::Beside),
            Some("checksum") => Ok(Place::BesideChecksum),
            Some(url) if url::parse(url).is_some() => Ok(Place::At(url.to_owned())),
            Some(_) => Err(NOWHERE),
        };
        const KIND: Kind = Kind::InvalidCommandParamsError;
        Ok(Some(ImageSignature {
            place: found.map_err(|why| Error::new(KIND, why))?,
            keys: Key::all(keys, "ironlet.image-key").kind(KIND)?,
        }))
    }
}

const MISSING: &str = "ironlet.image-key asks for the image's signature, and none is named: image_signature in an order or ironlet.signature says \
    where it is, 1 for beside the image with .minisig behind; nothing was written";
const NOWHERE: &str = "a signature is named by its http:// or https:// URL, by 1 where it is beside the image with .minisig behind, or by checksum \
    where it is beside the checksum file";
const NOBODYS: &str = "a signature is named, and no ironlet.image-key=RW… (by hand --image-key) that says whose counts";

/// Where the signature of what is at `place`, a URL or a path, is: before what a URL asks.
pub fn beside(place: &str) -> String {
    let end = match url::is_http(place) {
        true => place.find(['?', '#']).unwrap_or(place.len()),
        false => place.len(),
    };
    format!("{}.minisig{}", &place[..end], &place[end..])
}
