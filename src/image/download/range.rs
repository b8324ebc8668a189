//! Content-Range, ETag and Last-Modified: what to ask for, and whether an answer continues what is already there.

use crate::net::http::content_coding::Coding;

/// What a server calls one version of a content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// As sent, with its quotes.
    pub etag: Option<String>,
    /// Last-Modified, as sent.
    pub modified: Option<String>,
}

impl Identity {
    /// For If-Range: a strong entity tag (RFC 9110 §13.1.5 forbids a weak one), else the date.
    pub fn validator(&self) -> Option<&str> {
        let strong = |tag: &&str| tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"');
        let tag = self.etag.as_deref().filter(strong);
        tag.or(self.modified.as_deref())
    }

    /// Does anything differ that both name? A part may leave out what the whole said.
    fn differs(&self, other: &Identity) -> bool {
        let differ = |one: &Option<String>, two: &Option<String>| {
            one.as_ref()
                .zip(two.as_ref())
                .is_some_and(|(one, two)| one != two)
        };
        differ(&self.etag, &other.etag) || differ(&self.modified, &other.modified)
    }
}

/// A Content-Range: bytes `first` up to, not including, `end` of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub first: u64,
    /// The first byte after it.
    pub end: u64,
    /// Of the whole.
    pub total: u64,
}

impl Span {
    /// `bytes 0-9/10` (RFC 9110 §14.4). None for anything else: a part of an unknown total says too little.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (unit, rest) = text.trim().split_once(' ')?;
        let (bounds, total) = rest.trim().split_once('/')?;
        let (first, last) = bounds.split_once('-')?;
        let (first, last, total) = (number(first)?, number(last)?, number(total)?);
        (unit.eq_ignore_ascii_case("bytes") && first <= last && last < total).then_some(Span {
            first,
            end: last + 1,
            total,
        })
    }
}

/// What an answer brings, by its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which version it is.
    pub identity: Identity,
    /// None for the whole image.
    pub span: Option<Span>,
    /// Of the whole image, as far as it is said.
    pub length: Option<u64>,
    /// What was done to it; all numbers here are of what it became by that.
    pub coding: Coding,
}

impl Offer {
    /// Where in the image the body begins.
    pub fn first(&self) -> u64 {
        self.span.map_or(0, |span| span.first)
    }

    /// Where in the image the body ends; none for where the connection does.
    pub fn end(&self) -> Option<u64> {
        self.span.map_or(self.length, |span| Some(span.end))
    }

    /// Is this the same image, from byte `at` or from its first? If not, why.
    ///
    /// `known` is what this server called it before, none for a server not asked before: then only the
    /// length can tell, and the digest at the end.
    pub fn continues(
        &self,
        at: u64,
        length: Option<u64>,
        known: Option<&Identity>,
    ) -> Result<(), &'static str> {
        if length.is_some() && self.length != length {
            return Err("the image there has another length");
        }
        if known.is_some_and(|known| known.differs(&self.identity)) {
            return Err("the image there has changed meanwhile");
        }
        let same = |known: &Identity| {
            known.validator().is_some() && known.validator() == self.identity.validator()
        };
        match self.span {
            Some(span) if span.first == at => Ok(()),
            Some(_) => Err("the server sent another part than asked for"),
            None if at == 0 || known.is_some_and(same) => Ok(()),
            None => Err("the server sent no part but a whole image that may be another"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(etag: &str, modified: &str) -> Identity {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Identity {
            etag: some(etag),
            modified: some(modified),
        }
    }

    #[test]
    fn the_strongest_validator_is_used_and_a_weak_tag_never() {
        for (etag, modified, validator) in [
            ("\"a\"", "Mon", Some("\"a\"")),
            ("W/\"a\"", "Mon", Some("Mon")),
            ("W/\"a\"", "", None),
            ("a", "", None),
            ("\"", "", None),
            ("", "Mon", Some("Mon")),
            ("", "", None),
        ] {
            assert_eq!(identity(etag, modified).validator(), validator, "{etag}");
        }
    }

    #[test]
    fn a_content_range_is_whole_or_nothing() {
        let span = |first, end, total| Some(Span { first, end, total });
        for (text, parsed) in [
            ("bytes 5-9/10", span(5, 10, 10)),
            ("Bytes 0-0/1", span(0, 1, 1)),
            ("bytes 5-9/*", None),
            ("bytes */10", None),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes +5-9/10", None),
            ("bytes 5-9", None),
            ("lines 5-9/10", None),
            ("bytes 0-18446744073709551615/18446744073709551616", None),
            ("", None),
        ] {
            assert_eq!(Span::parse(text), parsed, "{text}");
        }
    }

    #[test]
    fn only_the_same_image_is_gone_on_with() {
        let part = "bytes 5-9/10";
        for (known, offered, span, length, wanted) in [
            ("\"a\"", "\"a\"", part, 10, true),
            ("\"a\"", "", part, 10, true),
            ("\"a\"", "\"b\"", part, 10, false),
            ("\"a\"", "\"a\"", "bytes 4-9/10", 10, false),
            ("\"a\"", "\"a\"", "bytes 5-9/11", 11, false),
            ("\"a\"", "\"a\"", "", 10, true),
            ("\"a\"", "\"a\"", "", 11, false),
            ("\"a\"", "\"b\"", "", 10, false),
            ("\"a\"", "", "", 10, false),
            ("W/\"a\"", "W/\"a\"", "", 10, false),
            ("another server", "\"b\"", part, 10, true),
            ("another server", "\"b\"", "", 10, false),
        ] {
            let known = (known != "another server").then(|| identity(known, ""));
            let offer = Offer {
                identity: identity(offered, ""),
                span: Span::parse(span),
                length: Some(length),
                coding: Coding::Identity,
            };
            let verdict = offer.continues(5, Some(10), known.as_ref());
            assert_eq!(verdict.is_ok(), wanted, "{known:?} {offer:?} {verdict:?}");
        }
    }
}
