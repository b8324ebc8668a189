//! What to write, and what to write it with: given by whoever orders an image, read by all of the main path.

use crate::clock::Clock;
use crate::disk::select::write_permit::Permit;
use crate::gauge::Gauge;
use crate::image::decode::format::Format;
use crate::image::download::patience::Patience;
use crate::image::layout::{Layout, config_drive};
use crate::image::verify::checksum::Checksum;
use crate::net::http::client::Timeouts;
use crate::net::http::proxy::Proxies;
use crate::net::tls::trust::Trust;
use crate::secret::Secret;

/// What to write.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name it goes by in messages.
    pub id: String,
    /// The same image at several places; at least one.
    pub urls: Vec<String>,
    pub checksum: Checksum,
    pub format: Format,
    /// A complete Authorization header value.
    pub authorization: Option<Secret>,
    pub proxies: Proxies,
    pub layout: Layout,
    pub drive: Option<config_drive::Source>,
}

/// What to write it with.
#[derive(Clone)]
pub struct Tools {
    pub trust: Trust,
    pub timeouts: Timeouts,
    pub patience: Patience,
    pub permit: Permit,
    /// Read everything back at the end?
    pub readback: bool,
    pub clock: Clock,
    /// Told how far the image has come.
    pub gauge: Gauge,
}
