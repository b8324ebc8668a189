//! What to write, and what to write it with: given by whoever orders an image, read by all of the main path.

use crate::clock::Clock;
use crate::disk::select::write_permit::Permit;
use crate::image::decode::format::Format;
use crate::image::download::retry_policy::RetryPolicy;
use crate::image::layout::{Layout, config_drive};
use crate::image::verify::checksum::Checksum;
use crate::image::verify::image_signature::ImageSignature;
use crate::net::http::client::Timeouts;
use crate::net::http::proxy::Proxies;
use crate::net::tls::trust_settings::Trust;
use crate::secret::Secret;
use crate::units::Bytes;
use crate::work_progress::WorkProgress;

/// What to write.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name it goes by in messages.
    pub id: String,
    /// The same image at several places; at least one.
    pub urls: Vec<String>,
    /// What its bytes as served must hash to; none where they are signed.
    pub checksum: Option<Checksum>,
    /// Whose signature they must have, if anybody's.
    pub signature: Option<ImageSignature>,
    /// What its bytes are.
    pub format: Format,
    /// A complete Authorization header value.
    pub authorization: Option<Secret>,
    /// Of the image and its checksum file.
    pub proxies: Proxies,
    /// What it is to the disk.
    pub layout: Layout,
    /// The config drive, if there is one.
    pub drive: Option<config_drive::Source>,
}

/// What to write it with.
#[derive(Clone)]
pub struct Tools {
    /// Whom servers have to be.
    pub trust: Trust,
    /// Per connection and per read.
    pub timeouts: Timeouts,
    /// How often and how long to try.
    pub patience: RetryPolicy,
    /// Which disks may be written.
    pub permit: Permit,
    /// Read everything back at the end?
    pub readback: bool,
    /// Bytes a second that are fetched at the most, all connections of a download together; none as fast as it goes.
    pub rate: Option<Bytes>,
    /// For pauses, deadlines and durations.
    pub clock: Clock,
    /// Told how far the image has come.
    pub gauge: WorkProgress,
}
