//! Orders: what a machine without Ironic is to do, in a document in Ironic's own words that a web server or the boot medium has.
//!
//! ```text
//!  place ─▶ location: which documents may be there ─▶ source: the first that is, with its signature
//!        ─▶ document: JSON or INI to fields ─▶ fields ─▶ Order: an image request, a node, a config drive
//! ```
//!
//! What comes out is what Ironic's own words come to elsewhere; who does it is `agent`.

mod disks;
pub mod document;
pub mod drive;
pub mod facts;
pub mod fields;
pub mod image_fields;
pub mod location;
pub mod machine_names;
pub mod reader;
pub mod source;
mod words;

use std::path::PathBuf;

use crate::image::Request;
use crate::image::layout::config_drive;
use crate::steps::node::Node;
use crate::units::Bytes;
pub use machine_names::Names;
pub use source::{Found, Source, Unready};
pub use words::{ERASES, Erase, THENS, Then};

/// What one machine is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The image, without its config drive.
    pub request: Request,
    /// The config drive, as far as it is here.
    pub drive: Option<drive::Drive>,
    /// Hints, skip list and capabilities.
    pub node: Node,
    /// The disk, where a person named one and gave no hints.
    pub disk: Option<PathBuf>,
    /// What goes first.
    pub erase: Erase,
    /// What comes last.
    pub then: Then,
    /// Rises with every order for the same machine.
    pub serial: Option<u64>,
    /// Bytes a second that the image is fetched at, at the most.
    pub rate: Option<Bytes>,
    /// Read everything back at the end?
    pub readback: Option<bool>,
    /// Go on where no boot entry could be made?
    pub ignore_bootloader_failure: Option<bool>,
}

impl Order {
    /// The same with its config drive, which is all here by now.
    pub fn with_drive(mut self, drive: Option<config_drive::Source>) -> Self {
        self.request.drive = drive;
        self
    }
}
