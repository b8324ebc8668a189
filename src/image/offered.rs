//! What the servers of an image have, asked for once and as for a deploy. Nothing is written.

use std::io::Read;

use crate::error::{Error, Result};
use crate::image::decode::format::Format;
use crate::image::decode::packing::Packing;
use crate::image::decode::qcow2::header::{MAGIC, disk_size};
use crate::image::download::retry_policy::{Failure, Then};
use crate::image::layout::config_drive;
use crate::image::verify::digest::is_page;
use crate::image::verify::expected::Expected;
use crate::image::{Request, Tools, fetcher, fetcher_beside};
use crate::net::http::content_coding::Coding;
use crate::secret::redacted;
use crate::units::Bytes;

/// Of the beginning of an image, what is looked at here: more than the header of qcow2.
const HEAD: u64 = 512;

/// What the first place has that has anything.
pub struct Offered {
    /// In bytes, as served; as far as that is said.
    pub length: Option<u64>,
    /// What of a disk it takes, where that can be told by now.
    pub takes: Option<Bytes>,
}

/// What the first place that has the image offers; its checksum is there, too, and it begins as one that is taken.
pub fn offered(request: &Request, tools: &Tools) -> Result<Offered, Failure> {
    let fetcher = fetcher(request, tools)?;
    Expected::fetch(request, &fetcher)?;
    let mut first = None;
    for url in &request.urls {
        match fetcher.ask(url, None) {
            Ok(mut served) => {
                let length = served.offer.length;
                let mut takes = None;
                // What comes packed by its server is another matter there.
                if served.offer.coding == Coding::Identity {
                    let mut head = Vec::new();
                    let looked = served.body.by_ref().take(HEAD).read_to_end(&mut head);
                    looked.map_err(Error::from)?;
                    if is_page(&head) {
                        let why = format!("GET {}: what is there is a web page", redacted(url));
                        return Err(Failure::download(why, Then::End));
                    }
                    request.format.look(&mut (&head[..]).chain(served.body))?;
                    takes = on_disk(&request.format, &head, length).map(Bytes);
                }
                return Ok(Offered { length, takes });
            }
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    let none = || Failure::download("no place of the image is named", Then::End);
    Err(first.unwrap_or_else(none))
}

/// An error unless the config drive is where it is to be fetched, and whole.
pub fn drive_offered(
    source: &config_drive::Source,
    request: &Request,
    tools: &Tools,
) -> Result<(), Failure> {
    let fetcher = fetcher_beside(&fetcher(request, tools)?, tools)?;
    let image = request.urls.first().map_or("", |url| url);
    source.load(&fetcher, image).map(drop)
}

/// The bytes that an image of this format, of so many bytes and with that beginning, has on a disk; none where that shows only later.
fn on_disk(format: &Format, head: &[u8], length: Option<u64>) -> Option<u64> {
    match format {
        Format::Raw => length,
        Format::Packed(_) | Format::Archived(_) => None,
        _ if head.starts_with(MAGIC) => disk_size(head),
        _ if Packing::begun_by(head).is_some() => None,
        _ => length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_image_takes_is_told_by_its_beginning() {
        let mut qcow2 = vec![0; 512];
        qcow2[..4].copy_from_slice(MAGIC);
        qcow2[24..32].copy_from_slice(&(8u64 << 30).to_be_bytes());
        let gzip = [0x1f, 0x8b, 8, 0];
        for (format, head, expected) in [
            (Format::Raw, &qcow2[..], Some(7)),
            (Format::Raw, b"", Some(7)),
            (Format::Qcow2, &qcow2, Some(8 << 30)),
            (Format::Qcow2, &qcow2[..30], None),
            (Format::MaybePacked, &gzip, None),
            (Format::MaybePacked, b"\xeb\x63\x90", Some(7)),
        ] {
            assert_eq!(on_disk(&format, head, Some(7)), expected, "{format:?}");
        }
        assert_eq!(on_disk(&Format::Raw, b"", None), None);
    }
}
