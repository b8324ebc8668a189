//! How far an order is carried out: what of it is done, and is not done again while the order and what it names stay the same.

use crate::disk::Disk;
use crate::disk::select::seen_disks::same;
use crate::image::layout::config_drive;
use crate::image::{self, Receipt, Request, Tools};

/// Of one document; another one begins at the beginning.
#[derive(Default)]
pub(super) struct Progress {
    document: Vec<u8>,
    /// What was to be erased is.
    pub is_erased: bool,
    written: Option<Written>,
}

/// An image that is on a disk.
struct Written {
    disk: Disk,
    drive: Option<config_drive::Source>,
    receipt: Receipt,
}

impl Progress {
    /// From now on of `document`: is that another one than before?
    pub fn is_of_another(&mut self, document: &[u8]) -> bool {
        if self.document == document {
            return false;
        }
        *self = Progress {
            document: document.to_vec(),
            ..Progress::default()
        };
        true
    }

    /// The receipt of the image, if it is on `disk` as it is ordered now. Where nobody can tell whether a checksum that is a file
    /// still says the same, what was written stays.
    pub fn written(&self, request: &Request, disk: &Disk, tools: &Tools) -> Option<Receipt> {
        let written = self.written.as_ref()?;
        let drive = match (&written.drive, &request.drive) {
            (Some(before), Some(now)) => before.is_same(now),
            (before, now) => before.is_none() && now.is_none(),
        };
        if !drive || !same(&written.disk, disk) {
            return None;
        }
        let now = image::expected(request, tools);
        let is_it = now.map_or(true, |expected| expected == written.receipt.verified);
        is_it.then(|| written.receipt.clone())
    }

    /// The image is on the disk.
    pub fn wrote(&mut self, request: &Request, disk: &Disk, receipt: &Receipt) {
        self.written = Some(Written {
            disk: disk.clone(),
            drive: request.drive.clone(),
            receipt: receipt.clone(),
        });
    }
}
