//! What `Content-Encoding` says was done to a body, and gzip taken off again.

use std::io::{self, BufReader, Chain, Cursor, Read};

use crate::codec::gzip::{Gunzip, MAGIC};

/// What a body comes as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// Packed by gzip, on its way or for good: the label does not say which.
    Gzip,
    /// Something nobody here undoes.
    Other(String),
}

/// Those that IANA lists beside gzip. Anything else names no coding: stores send `aws-chunked` or a character set.
const KNOWN: [&str; 9] = [
    "aes128gcm",
    "br",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "pack200-gzip",
    "zstd",
];

impl Coding {
    /// By the header's value, empty for none.
    pub fn of(header: &str) -> Self {
        let names = header
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase());
        let named = names.filter_map(|name| match &*name {
            "gzip" | "x-gzip" => Some("gzip".to_owned()),
            "x-compress" => Some("compress".to_owned()),
            name => KNOWN.contains(&name).then(|| name.to_owned()),
        });
        let named: Vec<_> = named.collect();
        match named.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Coding::Identity,
            ["gzip"] => Coding::Gzip,
            _ => Coding::Other(named.join(", ")),
        }
    }
}

/// A body without the gzip around it that `Content-Encoding` told of; as it is if it told of none, or is wrong.
pub struct Undone<R>(State<R>);

type Begun<R> = Chain<Cursor<Vec<u8>>, R>;

enum State<R> {
    /// Nothing is read yet.
    Labelled(R),
    Gzip(Box<Gunzip<BufReader<Begun<R>>>>),
    Plain(Begun<R>),
    Failed,
}

impl<R: Read> Undone<R> {
    /// Reads nothing yet.
    pub fn new(coding: &Coding, body: R) -> Self {
        Undone(match coding {
            Coding::Gzip => State::Labelled(body),
            Coding::Identity | Coding::Other(_) => State::Plain(Cursor::default().chain(body)),
        })
    }
}

/// By the first bytes.
fn begin<R: Read>(mut body: R) -> io::Result<State<R>> {
    let mut start = Vec::new();
    body.by_ref()
        .take(MAGIC.len() as u64)
        .read_to_end(&mut start)?;
    let is_gzip = start == MAGIC;
    let whole = Cursor::new(start).chain(body);
    Ok(match is_gzip {
        true => State::Gzip(Box::new(Gunzip::new(BufReader::with_capacity(
            64 << 10,
            whole,
        )))),
        false => State::Plain(whole),
    })
}

impl<R: Read> Read for Undone<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.0 {
                State::Gzip(packed) => return packed.read(into),
                State::Plain(plain) => return plain.read(into),
                State::Labelled(_) | State::Failed => {}
            }
            match std::mem::replace(&mut self.0, State::Failed) {
                State::Labelled(body) => self.0 = begin(body)?,
                _ => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::gzip::pack;

    #[test]
    fn only_codings_count() {
        for (header, coding) in [
            ("", "identity"),
            ("identity", "identity"),
            ("aws-chunked", "identity"),
            (",chunked", "identity"),
            (",gzip, chunked", "gzip"),
            ("none", "identity"),
            ("UTF-8", "identity"),
            (" , ", "identity"),
            ("gzip", "gzip"),
            ("x-gzip", "gzip"),
            ("GZIP, aws-chunked", "gzip"),
            ("gzip, gzip", "gzip, gzip"),
            ("br", "br"),
            ("Deflate", "deflate"),
            ("zstd,x-gzip", "zstd, gzip"),
        ] {
            let wanted = match coding {
                "identity" => Coding::Identity,
                "gzip" => Coding::Gzip,
                other => Coding::Other(other.to_owned()),
            };
            assert_eq!(Coding::of(header), wanted, "{header}");
        }
    }

    #[test]
    fn gzip_comes_off_where_it_is() {
        let packed = pack(b"content").expect("memory");
        for (label, body, wanted) in [
            ("gzip", &packed[..], Some(&b"content"[..])),
            ("gzip", b"content", Some(b"content")),
            ("gzip", b"", Some(b"")),
            ("gzip", b"\x1f", Some(b"\x1f")),
            ("gzip", &packed[..12], None),
            ("", &packed, Some(&packed)),
            ("br", &packed, Some(&packed)),
        ] {
            let mut undone = Vec::new();
            let read = Undone::new(&Coding::of(label), body).read_to_end(&mut undone);
            assert_eq!(read.is_ok(), wanted.is_some(), "{label} {body:?}");
            assert!(
                wanted.is_none_or(|wanted| wanted == undone),
                "{label} {body:?}"
            );
        }
    }
}
