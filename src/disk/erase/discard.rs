//! Erasing by discarding: a disk is told that none of its bytes is needed any more.
//!
//! What it makes of that is its own affair, so samples are marked before and must read as zeros afterwards.

use super::filling::Filling;
use super::proof::{Marks, Proof};
use crate::disk::erase::disk_progress::DiskProgress;
use crate::disk::target::Target;
use crate::error::Result;
use crate::units::GIB;

/// A command that takes minutes could not be seen.
const PIECE: u64 = GIB;

/// The method in words, and its proof.
pub fn discard(target: &Target, progress: &DiskProgress) -> Result<(String, Proof)> {
    let size = target.size().0;
    let marks = Marks::set(target)?;
    let method = match pieces(target, size, true, progress) {
        Ok(()) => "secure discard",
        Err(error) => {
            log::info!("{error}; trying a plain discard");
            pieces(target, size, false, progress)?;
            "discard"
        }
    };
    target.flush()?;
    let proof = marks.samples.hold(target, Filling::Zeros)?;
    Ok((method.to_owned(), proof))
}

fn pieces(target: &Target, size: u64, secure: bool, progress: &DiskProgress) -> Result<()> {
    for at in (0..size).step_by(PIECE as usize) {
        let len = (size - at).min(PIECE);
        target.discard(at, len, secure)?;
        progress.reach(at + len, size);
    }
    Ok(())
}
