//! An image to deploy, and what to deploy it with.

use std::path::Path;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::disk::select::write_permit::Permit;
use ironlet::image::decode::format::Format;
use ironlet::image::download::retry_policy::RetryPolicy;
use ironlet::image::verify::checksum::Checksum;
use ironlet::image::verify::digest::{Algorithm, Hashing};
use ironlet::image::{Layout, Request, Tools};
use ironlet::net::http::client::Timeouts;
use ironlet::system_root::SystemRoot;
use ironlet::work_progress::WorkProgress;

/// The image that has these bytes, as they are served at `url`.
pub fn order(url: String, bytes: &[u8], format: Format) -> Request {
    let digest = Hashing::new(bytes, Algorithm::Sha256).finish();
    let digest = digest.expect("memory can be read");
    request(vec![url], Checksum::Digest(digest), format)
}

pub fn request(urls: Vec<String>, checksum: Checksum, format: Format) -> Request {
    Request {
        id: "image".into(),
        urls,
        checksum: Some(checksum),
        signature: None,
        format,
        authorization: None,
        proxies: Default::default(),
        layout: Layout::Bytes,
        drive: None,
    }
}

/// On a clock of its own, with a second for everything and a quarter of one for a read.
pub fn tools(permitted: &Path, retries: u32) -> Tools {
    let (second, clock) = (Duration::from_secs(1), Clock::fake());
    Tools {
        trust: Default::default(),
        timeouts: Timeouts {
            connect: second,
            read: second / 4,
        },
        patience: RetryPolicy {
            retries,
            interval: second,
            limit: None,
        },
        permit: Permit::new(&SystemRoot::new("/"), vec![permitted.to_owned()]),
        readback: false,
        rate: None,
        gauge: WorkProgress::new(clock.clone()),
        clock,
    }
}
