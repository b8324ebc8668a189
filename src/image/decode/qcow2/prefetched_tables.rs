//! Tables that were read before they passed: which, and whether they are the same when they do pass.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result};
use crate::image::decode::qcow2::header::invalid;
use crate::image::verify::digest::{Algorithm, Digest, Hashing};

/// Tables read ahead at once: 64 GiB in clusters of 4 KiB.
const MOST: usize = 32 << 10;

/// Tables that were read before they passed.
#[derive(Default)]
pub struct PrefetchedTables {
    /// By where they are in the image.
    tables: BTreeMap<u64, Digest>,
    /// No further table will claim anything.
    pub all_known: bool,
}

impl PrefetchedTables {
    pub fn read(&mut self, at: u64, table: &[u8]) -> Result<()> {
        if self.tables.len() >= MOST {
            return Err(invalid(format!(
                "more than {MOST} of its tables come too late; 'qemu-img convert' puts it in order"
            )));
        }
        self.tables.insert(at, digest(table)?);
        Ok(())
    }

    /// Whether the table at byte `at` was read.
    pub fn holds(&self, at: u64) -> bool {
        self.tables.contains_key(&at)
    }

    /// The `table` at byte `at` passes: was it read before? An error if it was another then.
    pub fn passes(&mut self, at: u64, table: &[u8]) -> Result<bool> {
        match self.tables.remove(&at) {
            None => Ok(false),
            Some(before) if before == digest(table)? => Ok(true),
            Some(_) => Err(Error::new(
                Kind::ImageDownloadError,
                format!(
                    "the server sent two different tables for byte {at} of the image; was it changed meanwhile? Nothing bootable was left on the disk"
                ),
            )),
        }
    }

    pub fn have_passed(&self) -> bool {
        self.tables.is_empty()
    }
}

fn digest(table: &[u8]) -> Result<Digest> {
    Hashing::new(table, Algorithm::Sha256).finish()
}
