//! Reads block maps, as `bmaptool create` writes them beside an image: which bytes of it are data, and the digest of each stretch of them.
//!
//! <https://github.com/yoctoproject/bmaptool>, versions 1.1 to 2 of the format; what it is without checksums vouches for nothing.

use std::fmt;
use std::ops::Range;

use crate::codec::hex;
use crate::codec::xml_elements::{Element, Elements};
use crate::error::{Error, Kind, Result};
use crate::image::verify::checksum::Wanted;
use crate::image::verify::digest::{Algorithm, Digest};
use crate::units::Bytes;

/// How what is wrong with one begins.
pub const UNUSABLE: &str = "the block map cannot be used: ";

/// A map of a raw image, whatever that is packed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockMap {
    size: u64,
    algorithm: Algorithm,
    ranges: Vec<Mapped>,
}

/// A stretch of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Of the image.
    pub bytes: Range<u64>,
    /// By the map's algorithm.
    pub digest: Box<[u8]>,
}

impl BlockMap {
    /// Is this file one? What else it may be are lines of digests.
    pub fn is_one(text: &str) -> bool {
        let first = Elements::of(text).find_map(Result::ok);
        first.is_some_and(|element| element.name == "bmap")
    }

    /// Of all of its file, in which only digests count that are `wanted`.
    pub fn parse(file: &[u8], wanted: Wanted) -> Result<Self> {
        Self::read(file, wanted).map_err(|error| {
            let why = format!("{UNUSABLE}{}", error.details());
            Error::new(Kind::ImageDownloadError, why)
        })
    }

    fn read(file: &[u8], wanted: Wanted) -> Result<Self> {
        let text = str::from_utf8(file).map_err(|_| Error::plain("it is no text"))?;
        let (mut version, mut sums, mut own) = ("", None, None);
        let (mut size, mut block_size, mut count, mut mapped) = (None, None, None, None);
        let mut blocks = Vec::new();
        let mut is_whole = false;
        for element in Elements::of(text) {
            let element = element?;
            let number = || element.number(element.text);
            match element.name {
                "bmap" => version = element.attribute("version").unwrap_or_default(),
                "ImageSize" => size = Some(number()?),
                "BlockSize" => block_size = Some(number()?),
                "BlocksCount" => count = Some(number()?),
                "MappedBlocksCount" => mapped = Some(number()?),
                "ChecksumType" => sums = Some(element.text.trim()),
                "BmapFileChecksum" | "BmapFileSHA1" => own = Some(element.text),
                "Range" => blocks.push(element),
                "/bmap" => is_whole = true,
                _ => {}
            }
        }
        match version.split_once('.') {
            Some(("1", "1" | "2" | "3" | "4") | ("2", _)) => {}
            _ => {
                return Err(Error::plain(format!(
                    "its version '{version:.20}' is none of 1.1 to 2"
                )));
            }
        }
        if !is_whole {
            return Err(Error::plain("it is cut short"));
        }
        own.map_or(Ok(()), |digits| self_digest(file, digits))?;
        let missing = |name| Error::plain(format!("it has no {name}"));
        let size = size.ok_or_else(|| missing("ImageSize"))?;
        let block_size = block_size.ok_or_else(|| missing("BlockSize"))?;
        let blocks_count = size
            .checked_add(block_size.saturating_sub(1))
            .and_then(|end| end.checked_div(block_size));
        if blocks_count.is_none() || count.is_some_and(|count| Some(count) != blocks_count) {
            return Err(Error::plain("size and blocks of its image do not agree"));
        }
        // Before 1.4 there was SHA-1 alone.
        let sums = sums.unwrap_or("sha1");
        let algorithm = Algorithm::named(sums).ok_or_else(|| {
            Error::plain(format!(
                "its digests are '{sums:.20}', of which nothing is known"
            ))
        })?;
        let ranges = blocks
            .iter()
            .map(|range| Mapped::read(range, algorithm, wanted, block_size, size));
        let ranges = ranges.collect::<Result<Vec<_>>>()?;
        let in_order = ranges.is_sorted_by(|one, other| one.bytes.end <= other.bytes.start);
        // Only those in order are no more than the image has.
        let found = || -> u64 {
            let lengths = ranges
                .iter()
                .map(|range| range.bytes.end - range.bytes.start);
            lengths.map(|length| length.div_ceil(block_size)).sum()
        };
        if !in_order || mapped.is_some_and(|mapped| mapped != found()) {
            return Err(Error::plain(
                "its ranges are out of order, or not all are there",
            ));
        }
        Ok(BlockMap {
            size,
            algorithm,
            ranges,
        })
    }

    /// Of the image it is of.
    pub fn size(&self) -> Bytes {
        Bytes(self.size)
    }

    /// What made its digests.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The stretches of data, in order; what is between them is of no meaning.
    pub fn ranges(&self) -> &[Mapped] {
        &self.ranges
    }
}

/// As it is told once all of it is verified.
impl fmt::Display for BlockMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, name) = (self.ranges.len(), self.algorithm.name());
        write!(f, "{count} ranges of a block map by {name}")
    }
}

impl Mapped {
    fn read(
        range: &Element,
        algorithm: Algorithm,
        wanted: Wanted,
        block: u64,
        size: u64,
    ) -> Result<Self> {
        let digits = range.attribute("chksum").or(range.attribute("sha1"));
        let digits = digits.ok_or_else(|| {
            Error::plain("it has no checksums, so it vouches for nothing: bmaptool create makes one with them")
        })?;
        let digest = Digest::new(algorithm, digits)?;
        if !wanted.counts(algorithm) {
            let name = algorithm.name();
            return Err(Error::plain(format!(
                "its digests are {name}, which does not count here; {name}: before the URL asks for it"
            )));
        }
        let text = range.text.trim();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (range.number(first)?, range.number(last)?);
        let end = last.checked_add(1).and_then(|end| end.checked_mul(block));
        match (first.checked_mul(block), end) {
            (Some(start), Some(end)) if first <= last && start < size && end - block < size => {
                Ok(Mapped {
                    bytes: start..end.min(size),
                    digest: digest.bytes().into(),
                })
            }
            _ => Err(Error::plain(format!(
                "its range '{text:.50}' is none of the image"
            ))),
        }
    }
}

/// The file's digest of itself, in which its own digits are zeros.
fn self_digest(file: &[u8], digits: &str) -> Result<()> {
    let digits = digits.trim();
    let broken = || Error::plain("it is not as it was made: it is not what its own checksum is of");
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|one| one.digits() == digits.len())
        .ok_or_else(broken)?;
    let at = file
        .windows(digits.len())
        .position(|part| part == digits.as_bytes())
        .ok_or_else(broken)?;
    let zeros = vec![b'0'; digits.len()];
    let whole = [&file[..at], &zeros, &file[at + zeros.len()..]].concat();
    match hex::encode(&algorithm.of(&whole)).eq_ignore_ascii_case(digits) {
        true => Ok(()),
        false => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7"; // of 4,096 zeros

    fn map(version: &str, ranges: &str) -> String {
        format!(
            "<?xml version=\"1.0\" ?>\n<!-- <Range> 7 </Range> -->\n<bmap version=\"{version}\">\n<ImageSize> 9000 </ImageSize>\
             <BlockSize> 4096 </BlockSize>\n<BlocksCount> 3 </BlocksCount><ChecksumType> sha256 </ChecksumType>\
             <BlockMap>{ranges}</BlockMap></bmap>\n"
        )
    }

    fn range(blocks: &str) -> String {
        format!("<Range chksum=\"{ZEROS}\"> {blocks} </Range>")
    }

    #[test]
    fn what_is_mapped_is_known_to_the_byte() {
        for (blocks, expected) in [
            ("0", [(0, 4096)]),
            ("0-1", [(0, 8192)]),
            ("2", [(8192, 9000)]),
            ("0-2", [(0, 9000)]),
        ] {
            let text = map("2.0", &range(blocks));
            assert!(BlockMap::is_one(&text));
            let typed = text.replace("<bmap ", "<!DOCTYPE bmap SYSTEM \"bmap.dtd\"><bmap ");
            assert!(BlockMap::is_one(&typed));
            assert!(BlockMap::parse(typed.as_bytes(), Wanted::Any).is_ok());
            let map = BlockMap::parse(text.as_bytes(), Wanted::Any).expect(blocks);
            let found: Vec<_> = map
                .ranges()
                .iter()
                .map(|range| (range.bytes.start, range.bytes.end))
                .collect();
            assert_eq!(
                (&found[..], map.size()),
                (&expected[..], Bytes(9000)),
                "{blocks}"
            );
        }
    }

    #[test]
    fn what_vouches_for_nothing_or_contradicts_itself_is_refused() {
        let good = map("1.4", &range("0"));
        for (text, words) in [
            (map("1.0", ""), "version '1.0'"),
            (map("3.0", ""), "version '3.0'"),
            (map("2.0", "<Range> 0 </Range>"), "no checksums"),
            (map("2.0", &range("3")), "none of the image"),
            (map("2.0", &range("1-0")), "none of the image"),
            (
                map("2.0", &range("0-18446744073709551615")),
                "none of the image",
            ),
            (map("2.0", &range("-1")), "no number"),
            (map("2.0", &(range("1") + &range("1"))), "out of order"),
            (map("2.0", &(range("1") + &range("0"))), "out of order"),
            // Together more than a number holds.
            (
                map("2.0", &(range("0-18446744073709551614").repeat(2)))
                    .replace(" 4096 ", " 1 ")
                    .replace(" 9000 ", " 18446744073709551615 ")
                    .replace(" 3 ", " 18446744073709551615 ")
                    .replace(
                        "<BlockMap>",
                        "<MappedBlocksCount> 2 </MappedBlocksCount><BlockMap>",
                    ),
                "out of order",
            ),
            (
                map("2.0", "<Range chksum=\"abc\"> 0 </Range>"),
                "64 hexadecimal",
            ),
            (
                good.replace("<bmap ", "<!DOCTYPE bmap [<!ENTITY a \"0\">]><bmap "),
                "its DOCTYPE declares something itself",
            ),
            (good.replace("</bmap>", ""), "cut short"),
            (good.replace("</bmap>", "<!-- "), "cut short"),
            (good.replace(" 9000 ", " 9000000 "), "do not agree"),
            (good.replace(" 4096 ", " 0 "), "do not agree"),
            (
                good.replace("<BlockSize> 4096 </BlockSize>", ""),
                "no BlockSize",
            ),
            (good.replace("sha256 ", "sha3-256 "), "nothing is known"),
            (
                good.replace("<BlockMap>", "<MappedBlocksCount> 2 </MappedBlocksCount>"),
                "not all",
            ),
            (
                good.replace(
                    "<BlockMap>",
                    &format!("<BmapFileChecksum> {ZEROS} </BmapFileChecksum>"),
                ),
                "not as it was made",
            ),
            (
                good.replace("<BlockMap>", "<BmapFileChecksum></BmapFileChecksum>"),
                "not as it was made",
            ),
        ] {
            let error = BlockMap::parse(text.as_bytes(), Wanted::Any).expect_err(&text);
            assert!(error.details().contains(words), "{words}: {error}");
        }
        let error = BlockMap::parse(good.as_bytes(), Wanted::Only(Algorithm::Sha512));
        assert!(
            error
                .expect_err("another one")
                .details()
                .contains("sha256, which does not count")
        );
        assert!(BlockMap::is_one("<!DOCTYPE bmap [ ]><bmap/>"));
        for text in [
            "",
            "<html><body>",
            "<!DOCTYPE html><html>",
            "0123  image.raw",
            "<",
            "<bmap",
        ] {
            assert!(!BlockMap::is_one(text), "{text}");
        }
    }
}
