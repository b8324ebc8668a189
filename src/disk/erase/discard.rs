//! Erasing by discarding: a disk is told that none of its bytes is needed any more.
//!
//! What it makes of that is its own affair, so samples are marked before and must read as zeros afterwards.

use crate::disk::erase::disk_progress::DiskProgress;
use crate::disk::erase::fill_pattern::Filling;
use crate::disk::erase::outcome_report::{Failure, State};
use crate::disk::erase::sample_readback::{Marks, Proof};
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::list::Disk;
use crate::error::{Error, Result};
use crate::units::GIB;

/// A command that takes minutes could not be seen.
const PIECE: u64 = GIB;

/// The method in words, and its proof. A disk that takes no discard holds what it held.
pub fn discard(
    disk: &Disk,
    open: impl Fn(&Disk) -> Result<ExclusiveDisk>,
    progress: &DiskProgress,
) -> Result<(String, Proof), Failure> {
    let not_started = |why: String| Failure {
        state: State::NotStarted,
        why,
    };
    if disk.discards == Some(false) {
        return Err(not_started("it cannot discard".into()));
    }
    let target = open(disk).map_err(|error| not_started(error.details().to_owned()))?;
    let unknown = |error: Error| Failure {
        state: State::Unknown,
        why: error.details().to_owned(),
    };
    let marks = Marks::set(&target).map_err(unknown)?;
    let size = target.size().0;
    let mut begun = false;
    let mut pieces = |secure| -> Result<()> {
        for at in (0..size).step_by(PIECE as usize) {
            let len = (size - at).min(PIECE);
            target.discard(at, len, secure)?;
            begun = true;
            progress.reach(at + len, size);
        }
        Ok(())
    };
    let method = match pieces(true) {
        Ok(()) => Ok("secure discard"),
        Err(error) => {
            log::info!("{error}; trying a plain discard");
            pieces(false).map(|()| "discard")
        }
    };
    let method = match method {
        Ok(method) => method,
        Err(error) if begun => return Err(unknown(error)),
        Err(error) => {
            marks.take_back(&target).map_err(unknown)?;
            return Err(not_started(error.details().to_owned()));
        }
    };
    target.flush().map_err(unknown)?;
    let proof = marks.samples.hold(&target, Filling::Zeros);
    Ok((method.to_owned(), proof.map_err(unknown)?))
}
