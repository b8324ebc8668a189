//! What an image has to be before it boots: of the digest that was ordered, signed by whom the machine's owner trusts, or both. For the
//! main path, which has it before the first write; the bytes are digested elsewhere.

use std::fmt;

use log::info;

use crate::error::{Context, Error, Kind, Result};
use crate::image::download::fetch::Fetcher;
use crate::image::download::retry_policy::{Failure, Then};
use crate::image::request::Request;
use crate::image::verify::block_map::BlockMap;
use crate::image::verify::checksum::Checksum;
use crate::image::verify::checksum_file;
use crate::image::verify::digest::{Algorithm, Digest, Digests};
use crate::image::verify::image_signature::{ImageSignature, Place, beside};
use crate::image::verify::minisign::{self, Key, Of, Signature};
use crate::secret::redacted;
use crate::units::MIB;

/// Of a block map's file: some 40,000 ranges.
const LONGEST_MAP: u64 = 4 * MIB;

/// At least one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    digest: Option<Digest>,
    /// What vouches for what is in it.
    map: Option<BlockMap>,
    /// And where it was found, as it may be told.
    signature: Option<(Signature, String)>,
}

impl Expected {
    /// The digest alone vouches for it.
    pub fn digest(digest: Digest) -> Self {
        Expected {
            digest: Some(digest),
            map: None,
            signature: None,
        }
    }

    /// By what is ordered: a checksum file and a signature are fetched, and the signature is by a key that counts. Nothing was written.
    pub fn fetch(request: &Request, fetcher: &Fetcher) -> Result<Self, Failure> {
        let image = request.urls.first().map_or("", |url| url);
        let file = match &request.checksum {
            Some(Checksum::At { url, .. }) => {
                let (limit, what) = match is_map(url) {
                    true => (LONGEST_MAP, "a block map"),
                    false => (MIB, "a checksum file"),
                };
                Some(fetcher.beside(url, image, limit, what)?)
            }
            _ => None,
        };
        let signature = match &request.signature {
            Some(wanted) => signature(wanted, request, fetcher, file.as_deref())?,
            None => None,
        };
        let (digest, map) = match &request.checksum {
            None => (None, None),
            Some(Checksum::Digest(digest)) => (Some(digest.clone()), None),
            Some(Checksum::At { url, wanted }) => {
                let shown = redacted(image);
                let name = shown.rsplit('/').next().unwrap_or_default();
                let file = file.unwrap_or_default();
                let text = crate::codec::text_encoding::decode(&file);
                let found = match BlockMap::is_one(&text) {
                    true => BlockMap::parse(&file, *wanted).map(|map| (None, Some(map))),
                    false => {
                        checksum_file::find(&text, name, *wanted).map(|digest| (Some(digest), None))
                    }
                };
                found.with_context(|| format!("looking into {}", redacted(url)))?
            }
        };
        match (&digest, &map, &signature) {
            (None, None, None) => Err(Error::new(
                Kind::InvalidCommandParamsError,
                "neither a checksum nor a signature: an image that nobody can verify is not written",
            )
            .into()),
            _ => Ok(Expected {
                digest,
                map,
                signature,
            }),
        }
    }

    /// Which ranges of it are data, and what they have to be; judged where they are written.
    pub fn map(&self) -> Option<&BlockMap> {
        self.map.as_ref()
    }

    /// Which digests of the image are needed.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let mut all = Vec::new();
        if let Some(digest) = &self.digest {
            all.push(digest.algorithm());
        }
        if self.signature.is_some() {
            all.push(Algorithm::Blake2b);
        }
        all
    }

    /// Ok if `found` is of the image that is expected, by each that vouches for it.
    ///
    /// # Errors
    /// What was expected instead: the end of a sentence that begins with what was found.
    pub fn judge(&self, found: &Digests) -> Result<(), String> {
        if let Some(wanted) = &self.digest
            && found.of(wanted.algorithm()) != Some(wanted)
        {
            return Err(format!("expected {wanted}"));
        }
        let Some((signature, place)) = &self.signature else {
            return Ok(());
        };
        let signed = found.of(Algorithm::Blake2b);
        if signed.is_some_and(|digest| signature.is_of(&digest.bytes())) {
            return Ok(());
        }
        Err(format!(
            "and {place}, by the right key {}, is the signature of another file ({}): is one of the two older, or was the image changed? If it \
             was not, sign it anew: minisign -S -H -m IMAGE",
            signature.key(),
            shown(signature)
        ))
    }
}

/// As it is told once all of it is verified.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(digest) = &self.digest {
            write!(f, "{digest}")?;
        }
        if let Some(map) = &self.map {
            write!(f, "{map}")?;
        }
        if let Some((signature, _)) = &self.signature {
            let alone = self.digest.is_none() && self.map.is_none();
            let and = if alone { "" } else { " and " };
            let (key, comment) = (signature.key(), shown(signature));
            write!(f, "{and}the signature by {key} ({comment})")?;
        }
        Ok(())
    }
}

/// The first of its trusted comment, as it may be told.
fn shown(signature: &Signature) -> String {
    told(signature.comment())
}

fn told(comment: &str) -> String {
    let start: String = comment.chars().take(200).collect();
    start.escape_debug().to_string()
}

/// Is it a block map, by its name?
fn is_map(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.to_ascii_lowercase().ends_with(".bmap")
}

/// That of the image, at the first of its places that has a good one; none where the checksum `file` is what is signed, and is right.
fn signature(
    wanted: &ImageSignature,
    request: &Request,
    fetcher: &Fetcher,
    file: Option<&[u8]>,
) -> Result<Option<(Signature, String)>, Failure> {
    let image = request.urls.first().map_or("", |url| url);
    let of_file = wanted.place == Place::BesideChecksum;
    let places: Vec<String> = match (&wanted.place, &request.checksum) {
        (Place::At(url), _) => vec![url.clone()],
        (Place::Beside, _) => request.urls.iter().map(|url| beside(url)).collect(),
        (Place::BesideChecksum, Some(Checksum::At { url, .. })) => vec![beside(url)],
        (Place::BesideChecksum, _) => Vec::new(),
    };
    let mut worst = Failure::download(
        "the signature is to be beside a checksum file, and there is none",
        Then::End,
    );
    let file = file.filter(|_| of_file);
    for (at, place) in places.iter().enumerate() {
        let bytes = fetcher.beside(place, image, minisign::LONGEST as u64, "a signature");
        let outcome = bytes.and_then(|bytes| Ok(read(&wanted.keys, place, &bytes, file)?));
        match outcome {
            Ok(signature) => return Ok(signature),
            // What may be better soon is waited for.
            Err(failure) if at == 0 || matches!(failure.then, Then::Again | Then::After(_)) => {
                worst = failure;
            }
            Err(_) => {}
        }
    }
    let (kind, why) = (worst.error.kind(), worst.error.details());
    let why = format!(
        "{why}; nothing was written. ironlet.image-key asks for the signature that `minisign -S -H -m FILE` makes"
    );
    worst.error = Error::new(kind, why);
    Err(worst)
}

/// What was at `place`; none where it is of the checksum `file`.
fn read(
    keys: &[Key],
    place: &str,
    bytes: &[u8],
    file: Option<&[u8]>,
) -> Result<Option<(Signature, String)>> {
    let place = redacted(place);
    let read = match file {
        Some(file) => minisign::verify(keys, file, bytes).map(|comment| {
            info!("the checksum file is signed: {}", told(&comment));
            None
        }),
        None => Signature::read(keys, bytes, Of::Stream).map(Some),
    };
    let read = read.with_context(|| format!("reading the signature {place}"));
    let signature = read.kind(Kind::ImageChecksumError)?;
    Ok(signature.map(|signature| (signature, place)))
}
