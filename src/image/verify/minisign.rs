//! Signatures as minisign and signify-like tools that follow it make them (jedisct1/minisign, "Signature format"): public keys and
//! `.minisig` files read, and whether one fits the other. Whom to believe is the caller's to know.

use crate::codec;
use crate::codec::blake2b;
use crate::error::{Context, Error, Result};
use crate::net::tls::ed25519::is_signed;

/// Of the key and in signatures: which key it is.
type KeyNumber = [u8; 8];

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    number: KeyNumber,
    key: [u8; 32],
}

/// A `.minisig` file that a known key made, as it stands there: whose file it is of shows later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Of the digest of the file, not of the file?
    hashed: bool,
    number: KeyNumber,
    /// Of that number.
    key: [u8; 32],
    of_file: [u8; 64],
    comment: String,
    /// Of the signature and the comment.
    of_comment: [u8; 64],
}

/// No comment is longer (minisign.h, TRUSTEDCOMMENTMAXBYTES), and no file is larger than two with their signatures.
pub const LONGEST: usize = 32 << 10;
const MOST_COMMENT: usize = 8192;
const UNTRUSTED: &str = "untrusted comment:";
const TRUSTED: &str = "trusted comment: ";

impl Key {
    /// By what `minisign -G` prints and the last line of its file: base64 of `Ed`, the key's number and the key.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = codec::base64::decode(text).unwrap_or_default();
        let (Some((b"Ed", rest)), 42) = (bytes.split_first_chunk(), bytes.len()) else {
            return Err(Error::plain(
                "it is no public key of minisign: 56 letters of base64 that begin with RW are needed",
            ));
        };
        let (number, key) = rest.split_first_chunk().expect("there are 40 bytes");
        Ok(Key {
            number: *number,
            key: key.try_into().expect("32 are left"),
        })
    }

    /// Those of the parameter `title`.
    pub fn all(texts: &[String], title: &str) -> Result<Vec<Self>> {
        let mut keys = Vec::new();
        for text in texts {
            let key = Key::parse(text);
            keys.push(key.with_context(|| format!("reading {title}={:.80}", text.escape_debug()))?);
        }
        Ok(keys)
    }

    /// As minisign shows it.
    fn shown(number: KeyNumber) -> String {
        format!("{:016X}", u64::from_le_bytes(number))
    }
}

/// What there is of a file that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// All of it.
    Whole,
    /// Its BLAKE2b-512 alone, made while it passed.
    Stream,
}

/// Was `message` signed by one of `keys`, as the file `signature` says? Gives the trusted comment, which was signed as well.
///
/// # Errors
/// It was not, or nobody can tell; the error says which.
pub fn verify(keys: &[Key], message: &[u8], signature: &[u8]) -> Result<String> {
    let signature = Signature::read(keys, signature, Of::Whole)?;
    let digest = signature.hashed.then(|| blake2b::digest(message));
    match signature.is_of(digest.as_ref().map_or(message, |digest| digest)) {
        true => Ok(signature.comment),
        false => Err(Error::plain(
            "the signature is of the right key and of another file: is one of the two older, or was something changed?",
        )),
    }
}

impl Signature {
    /// A `.minisig` file by one of `keys`, its trusted comment verified, for a file of which there is `of`.
    ///
    /// # Errors
    /// It is none, is by another key, was changed, or is of a kind that needs more of the file.
    pub fn read(keys: &[Key], file: &[u8], of: Of) -> Result<Self> {
        let mut signature = Signature::parse(file, of)?;
        let number = signature.number;
        let known = keys.iter().find(|key| key.number == number);
        let Some(Key { key, .. }) = known else {
            let known = keys.iter().map(|key| Key::shown(key.number));
            return Err(Error::plain(format!(
                "it is signed by key {}, and {} is asked for",
                Key::shown(number),
                known.collect::<Vec<_>>().join(" or ")
            )));
        };
        signature.key = *key;
        let whole = [&signature.of_file[..], signature.comment.as_bytes()].concat();
        match is_signed(key, &whole, &signature.of_comment) {
            true => Ok(signature),
            false => Err(Error::plain(
                "the signature or its trusted comment was changed, or another key has the same number",
            )),
        }
    }

    /// Did the key sign the file that has this BLAKE2b-512, or, as it was read for the whole and is of the old kind, these bytes?
    pub fn is_of(&self, signed: &[u8]) -> bool {
        is_signed(&self.key, signed, &self.of_file)
    }

    /// What its maker says of the file, verified.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Whose it is, as minisign shows it.
    pub fn key(&self) -> String {
        Key::shown(self.number)
    }

    /// Its key is not known yet.
    fn parse(file: &[u8], of: Of) -> Result<Self> {
        let wrong = |why: &str| Error::plain(format!("it is no signature of minisign: {why}"));
        if file.len() > LONGEST {
            return Err(wrong("it is too large"));
        }
        let text = std::str::from_utf8(file).map_err(|_| wrong("it is no text"))?;
        let mut lines = text
            .lines()
            .map(|line| line.strip_suffix('\r').unwrap_or(line));
        let mut line = || lines.next().unwrap_or_default();
        if text.trim_start().starts_with('<') {
            return Err(wrong("it looks like a web page"));
        }
        if !line().starts_with(UNTRUSTED) {
            return Err(wrong("it does not begin with an untrusted comment"));
        }
        let bytes = codec::base64::decode(line()).unwrap_or_default();
        let (Some((kind, rest)), 74) = (bytes.split_first_chunk(), bytes.len()) else {
            return Err(wrong("its second line is no signature"));
        };
        let hashed = match kind {
            b"ED" => true,
            b"Ed" if of == Of::Stream => {
                return Err(Error::plain(
                    "it is of the old kind, minisign's -l or signify's, which wants the whole file in memory: sign it anew by `minisign -S -H`",
                ));
            }
            b"Ed" => false,
            _ => return Err(wrong("it is of a kind not known here")),
        };
        let (number, of_file) = rest.split_first_chunk().expect("there are 72 bytes");
        let comment = line()
            .strip_prefix(TRUSTED)
            .filter(|comment| comment.len() <= MOST_COMMENT);
        let comment = comment.ok_or_else(|| wrong("its third line is no trusted comment"))?;
        let of_comment = codec::base64::decode(line()).and_then(|bytes| bytes.try_into().ok());
        let of_comment = of_comment.ok_or_else(|| wrong("its trusted comment is not signed"))?;
        Ok(Signature {
            hashed,
            number: *number,
            key: [0; 32],
            of_file: of_file.try_into().expect("64 are left"),
            comment: comment.to_owned(),
            of_comment,
        })
    }
}
