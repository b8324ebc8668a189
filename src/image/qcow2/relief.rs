//! Room in a full stash: tables that are still to come are read out of turn.

use std::collections::BTreeMap;
use std::io::Read;

use log::info;

use super::claims::{Claim, Use};
use super::decoder::Decoder;
use super::header::invalid;
use crate::error::{Error, Kind, Result};
use crate::image::sink::Sink;
use crate::image::source::{Algorithm, Digest, Hashing};

/// Tables read ahead at once: 64 GiB in clusters of 4 KiB.
const MOST: usize = 32 << 10;

/// Tables that were read before they passed.
#[derive(Default)]
pub struct Ahead {
    /// By where they are in the image.
    tables: BTreeMap<u64, Digest>,
    /// No further table will claim anything.
    pub all_known: bool,
}

impl Ahead {
    fn read(&mut self, at: u64, table: &[u8]) -> Result<()> {
        if self.tables.len() >= MOST {
            return Err(invalid(format!(
                "more than {MOST} of its tables come too late; 'qemu-img convert' puts it in order"
            )));
        }
        self.tables.insert(at, digest(table)?);
        Ok(())
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

impl<R: Read, S: Sink> Decoder<'_, R, S> {
    /// Reads tables ahead, nearest first, until the stash is half empty; what nobody claims although
    /// all are known leaves it. False if there is no room still.
    pub(super) fn relieve(&mut self) -> Result<bool> {
        loop {
            let mut maps = self.claims.maps();
            maps.retain(|claim| !self.ahead.tables.contains_key(&claim.at));
            if maps.is_empty() {
                self.ahead.all_known = true;
                let needed = self.begun.iter().map(|claim| claim.at).min();
                let needed = needed.unwrap_or(self.image.at());
                self.stash.forget(needed - needed % self.header.cluster());
                return Ok(self.stash.has_room());
            }
            for claim in maps {
                if !self.stash.is_crowded() {
                    return Ok(true);
                }
                let mut table = vec![0; self.needed(&claim) as usize];
                let Some(aside) = &mut self.aside else {
                    return Ok(false);
                };
                if self.ahead.have_passed() {
                    info!(
                        "tables of the qcow2 image come late: reading them out of turn, from byte {}",
                        claim.at
                    );
                }
                aside.read(claim.at, &mut table)?;
                self.ahead.read(claim.at, &table)?;
                self.deliver(claim.what, &table)?;
            }
        }
    }

    /// How many bytes of the table are looked at.
    pub(super) fn needed(&self, claim: &Claim) -> u64 {
        match claim.what {
            Use::Level1 => self.header.level1.len,
            _ => claim.len,
        }
    }
}
