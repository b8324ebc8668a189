//! Tries the methods of erasing one disk, the best first, and says when the next one may be tried.

use log::{debug, info, warn};

use crate::disk::boot_sector;
use crate::disk::erase::discard::discard;
use crate::disk::erase::disk_progress::DiskProgress;
use crate::disk::erase::fill_pattern::Filling;
use crate::disk::erase::outcome_report::{Failure, Receipt, State};
use crate::disk::erase::overwrite::{Missed, Pass, writers};
use crate::disk::erase::sample_readback::{Marks, Proof, Samples};
use crate::disk::erase::{Means, Order, is_nvme};
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::list::Disk;
use crate::disk::secure_erase::Attempt;
use crate::error::{Error, Result};

type Outcome = Result<Receipt, Failure>;

/// All of the disk: by its own method, where that fails and it is allowed by a discard or by overwriting it.
pub fn erase(disk: &Disk, order: &Order, means: &Means, progress: &DiskProgress) -> Outcome {
    let failure = match own_method(disk, order, means, progress) {
        Own::Done(receipt) => return Ok(receipt),
        Own::Absent(why) => return overwrite(disk, order, means, progress, why, State::NotStarted),
        Own::Failed(failure) => failure,
    };
    let Failure { mut state, mut why } = failure;
    if order.discard {
        warn!("{}: {why}; discarding it", disk.name);
        match discard(disk, |disk| open(disk, means), progress) {
            Ok((method, proof)) => {
                return Ok(Receipt {
                    method,
                    proof: proof.to_string(),
                    instead_of: Some(why),
                });
            }
            Err(failure) => {
                why = format!("{why}; {}", failure.why);
                if failure.state == State::Unknown {
                    state = State::Unknown;
                }
            }
        }
    }
    if !order.fall_back {
        why +=
            "; overwriting it instead is not allowed ([deploy]continue_if_disk_secure_erase_fails)";
        return Err(Failure { state, why });
    }
    warn!("{}: {why}; overwriting it", disk.name);
    overwrite(disk, order, means, progress, Some(why), state)
}

/// All of an NVMe disk by its own method; of others, and where that fails, what says that it holds something.
pub fn express(disk: &Disk, order: &Order, means: &Means, progress: &DiskProgress) -> Outcome {
    let own = match is_nvme(disk) {
        true => own_method(disk, order, means, progress),
        false => Own::Absent(None),
    };
    let (instead_of, before) = match own {
        Own::Done(receipt) => return Ok(receipt),
        Own::Absent(why) => (why, State::NotStarted),
        Own::Failed(Failure { why, state }) => {
            warn!("{}: {why}; erasing only its metadata", disk.name);
            (Some(why), state)
        }
    };
    match (means.metadata)(disk) {
        Ok(()) => Ok(Receipt {
            method: "metadata only".to_owned(),
            proof: match before {
                State::NotStarted => "none: the rest of the disk is as it was",
                _ => "none: nobody knows what is left of the rest of the disk",
            }
            .to_owned(),
            instead_of,
        }),
        Err(error) => {
            let mut why = error.details().to_owned();
            if let Some(own) = instead_of {
                why = format!("{own}; erasing only its metadata failed, too: {why}");
            }
            let state = State::Unknown;
            Err(Failure { state, why })
        }
    }
}

/// What came of asking a disk to erase itself.
enum Own {
    Done(Receipt),
    /// It cannot, which is nobody's failure; why, unless nobody asked.
    Absent(Option<String>),
    Failed(Failure),
}

fn own_method(disk: &Disk, order: &Order, means: &Means, progress: &DiskProgress) -> Own {
    if is_nvme(disk) && !order.nvme {
        return Own::Absent(None);
    }
    let failed = |state, error: &Error| {
        let why = error.details().to_owned();
        Own::Failed(Failure { state, why })
    };
    let marked = open(disk, means).and_then(|target| Marks::set(&target));
    // A locked disk takes no marks; it may still erase itself.
    let unmarked = |error: &Error| {
        info!(
            "nothing will prove that {} erases itself: {error}",
            disk.name
        )
    };
    let marks = marked.inspect_err(unmarked).ok();
    let mut tell = |done: Option<u32>| {
        if let Some(done) = done {
            progress.reach(done.into(), 1000);
        }
    };
    let attempt = (means.own)(disk, &mut tell);
    let refusal = match &attempt {
        Attempt::Unsupported(why) => Some(why.as_str()),
        Attempt::NotStarted(error) => Some(error.details()),
        Attempt::Done(_) | Attempt::Unknown(_) => None,
    };
    // What is not started holds what it held: its tables, too.
    if let (Some(why), Some(marks)) = (refusal, &marks)
        && let Err(error) = open(disk, means).and_then(|target| marks.take_back(&target))
    {
        let why = format!("{why}; {}", error.details());
        let state = State::Unknown;
        return Own::Failed(Failure { state, why });
    }
    let method = match attempt {
        Attempt::Done(method) => method,
        // Upstream, too, takes it for a failure of an NVMe disk alone.
        Attempt::Unsupported(why) if !is_nvme(disk) => return Own::Absent(Some(why)),
        Attempt::Unsupported(why) => {
            let state = State::NotStarted;
            return Own::Failed(Failure { state, why });
        }
        Attempt::NotStarted(error) => return failed(State::NotStarted, &error),
        Attempt::Unknown(error) => return failed(State::Unknown, &error),
    };
    let Some(marks) = marks else {
        return Own::Done(Receipt {
            method,
            proof: "none but the word of the disk, which took no marks before".to_owned(),
            instead_of: None,
        });
    };
    match open(disk, means).and_then(|target| marks.are_gone(&target)) {
        Ok(proof) => Own::Done(Receipt {
            method,
            proof: proof.to_string(),
            instead_of: None,
        }),
        Err(error) => {
            let why = format!("{method} ended well, but {}", error.details());
            let state = State::Unknown;
            Own::Failed(Failure { state, why })
        }
    }
}

/// All passes, and the proof of the last. `before` is what is known of the disk, and why it is not erased by a
/// better method.
fn overwrite(
    disk: &Disk,
    order: &Order,
    means: &Means,
    progress: &DiskProgress,
    better: Option<String>,
    before: State,
) -> Outcome {
    let failed = |state, why: &str| {
        let why = match &better {
            Some(better) => format!("{better}; overwriting it failed, too: {why}"),
            None => why.to_owned(),
        };
        Err(Failure { state, why })
    };
    if order.passes() == 0 {
        let why = "it can only be overwritten, and neither passes of random bytes \
            ([deploy]shred_random_overwrite_iterations) nor one of zeros (shred_final_overwrite_with_zeros) are wanted";
        return failed(before, why);
    }
    let target = match open(disk, means) {
        Ok(target) => target,
        Err(error) => return failed(before, error.details()),
    };
    match passes(&target, order, progress) {
        Ok(proof) => {
            if let Err(error) = target.reread_partitions() {
                debug!("{} is overwritten, but {error}", disk.name);
            }
            Ok(Receipt {
                method: method(order),
                proof: proof.to_string(),
                instead_of: better,
            })
        }
        Err(error) => failed(State::Unknown, error.details()),
    }
}

fn passes(target: &ExclusiveDisk, order: &Order, progress: &DiskProgress) -> Result<Proof> {
    let random = (0..order.random).map(|_| Filling::random());
    let zeros = order.zeros.then_some(Ok(Filling::Zeros));
    let mut missed: Option<Missed> = None;
    let mut last = Filling::Zeros;
    // A power cut leaves nothing that starts half erased. A bad sector the passes meet again.
    let _ = boot_sector::clear(target).and_then(|()| target.flush());
    for (pass, filling) in (1..).zip(random.chain(zeros)) {
        last = filling?;
        let what = match last {
            Filling::Zeros => "zeros",
            Filling::Random(_) => "random bytes",
        };
        let (name, count) = (target.path().display(), order.passes());
        info!("{name}: pass {pass} of {count}, {what}");
        let pass = Pass {
            size: target.size().0,
            filling: last,
            write: &|bytes, at| target.write_at(bytes, at),
            told: &|count| progress.advance(count),
        };
        if let Some(more) = pass.run(writers(order.at_once)) {
            let gave_up = more.gave_up;
            missed = Some(more.and(missed));
            if gave_up {
                break;
            }
        }
        target.flush()?;
    }
    match missed {
        Some(missed) => Err(Error::plain(missed)),
        None => Samples::of(target.size().0)?.hold(target, last),
    }
}

/// `overwriting: 1 × random bytes, zeros`
fn method(order: &Order) -> String {
    let random = (order.random > 0).then(|| format!("{} × random bytes", order.random));
    let zeros = order.zeros.then(|| "zeros".to_owned());
    let passes: Vec<_> = random.into_iter().chain(zeros).collect();
    format!("overwriting: {}", passes.join(", "))
}

fn open(disk: &Disk, means: &Means) -> Result<ExclusiveDisk> {
    ExclusiveDisk::open(&disk.path, means.permit)
}
