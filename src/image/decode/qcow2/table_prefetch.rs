//! Makes room in a full stash: tables that are still to come are read out of turn, by random access to the image.

use std::io::Read;

use log::info;

use crate::error::Result;
use crate::image::decode::qcow2::awaited_ranges::{PendingRange, Use};
use crate::image::decode::qcow2::decoder::Decoder;
use crate::image::write::sink::Sink;

impl<R: Read, S: Sink> Decoder<'_, R, S> {
    /// Reads tables ahead, nearest first, until the stash is half empty; what nobody claims although
    /// all are known leaves it. False if there is no room still.
    pub(super) fn relieve(&mut self) -> Result<bool> {
        loop {
            let mut maps = self.claims.maps();
            maps.retain(|claim| !self.ahead.holds(claim.at));
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
    pub(super) fn needed(&self, claim: &PendingRange) -> u64 {
        match claim.what {
            Use::Level1 => self.header.level1.len,
            _ => claim.len,
        }
    }
}
