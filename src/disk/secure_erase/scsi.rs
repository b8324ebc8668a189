//! SCSI and SAS: SANITIZE, where a disk says it knows it.
//!
//! FORMAT UNIT is not used instead: it need not erase anything (SBC-4), takes as long as overwriting, and
//! a disk it was interrupted on is of no use until it has been formatted again.

use std::io;
use std::time::Duration;

use crate::clock::Clock;
use crate::disk::secure_erase::scsi_sense::{
    DATA_PROTECT, ILLEGAL_REQUEST, SANITIZE_FAILED, SANITIZING, Sense, UNIT_ATTENTION,
};
use crate::disk::secure_erase::{Attempt, End, State, finish, of, unsent};
use crate::error::{Error, Result};
use crate::sys::scsi::{Answer, Data};

/// What takes SCSI commands: a disk, or what a test recorded of one.
pub trait Wire: Sync {
    /// Sends one command and waits at most `patience`. An error if it never reached the disk; what the disk made of it is in the answer.
    fn send(&self, command: &[u8], data: Data, patience: Duration) -> io::Result<Answer>;
}

// SPC-4 and SBC-4: operation codes.
const TEST_UNIT_READY: u8 = 0x00;
const REQUEST_SENSE: u8 = 0x03;
const SANITIZE: u8 = 0x48;
const MAINTENANCE_IN: u8 = 0xa3;

/// Words and service action (SBC-4, SANITIZE).
const METHODS: [(&str, u8); 3] = [
    ("SCSI sanitize, block erase", 0x02),
    ("SCSI sanitize, cryptographic erase", 0x03),
    ("SCSI sanitize, overwrite", 0x01),
];
const OVERWRITE: u8 = 0x01;

/// For all that does not take the time an erasure takes.
pub const QUESTION: Duration = Duration::from_secs(60);

/// Has a SCSI disk erase itself by SANITIZE (SBC-4).
pub fn erase(
    disk: &dyn Wire,
    name: &str,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> Attempt {
    let earlier = ready(disk);
    if matches!(earlier, Ok(State::Busy(_))) {
        let words = "SCSI sanitize, begun earlier";
        return finish(name, words, clock, tell, &mut || ready(disk));
    }
    let methods: Vec<_> = METHODS.iter().filter(|m| knows(disk, m.1)).collect();
    if methods.is_empty() {
        return Attempt::Unsupported(format!("{name} has no command to erase itself"));
    }
    let mut refusals = Vec::new();
    for (words, action) in methods {
        // At once with bit 7; with bit 5 somebody may give it up should it fail.
        let parameters: &[u8] = match *action {
            // One pass of a pattern of four bytes, zeros.
            OVERWRITE => &[1, 0, 0, 4, 0, 0, 0, 0],
            _ => &[],
        };
        let (first, length) = (action | 1 << 7 | 1 << 5, parameters.len() as u8);
        let command = [SANITIZE, first, 0, 0, 0, 0, 0, 0, length, 0];
        match end(ask(disk, &command, || match parameters {
            [] => Data::None,
            some => Data::Out(some),
        })) {
            End::Good => return finish(name, words, clock, tell, &mut || ready(disk)),
            End::Refused(why) => refusals.push(format!("{words}: {why}")),
            End::Bad(why) => return Attempt::Unknown(of(name, words, Error::plain(why))),
        }
    }
    if let Ok(State::Bad(why)) = earlier {
        refusals.push(why);
    }
    let why = Error::plain(refusals.join("; "));
    Attempt::NotStarted(of(name, "it refused to erase itself", why))
}

/// Is it done with a sanitize, and how did that end?
fn ready(disk: &dyn Wire) -> Result<State> {
    let answer = ask(disk, &[TEST_UNIT_READY, 0, 0, 0, 0, 0], || Data::None)?;
    if answer.status == 0 && answer.lost == 0 {
        return Ok(State::Good);
    }
    match Sense::parse(&answer.sense) {
        Some(sense) if sense.code == SANITIZING => {
            let told = || {
                requested(disk)
                    .filter(|sense| sense.code == SANITIZING)?
                    .progress
            };
            Ok(State::Busy(sense.progress.or_else(told)))
        }
        Some(sense) if sense.code == SANITIZE_FAILED => Ok(State::Bad(format!(
            "{sense}: until a sanitize succeeds it does nothing else; power cycle it and try again, or replace it"
        ))),
        Some(sense) => Err(Error::plain(sense)),
        None => Err(Error::plain(lost(&answer))),
    }
}

/// The sense data it has now, where a command carried none about the progress.
fn requested(disk: &dyn Wire) -> Option<Sense> {
    let mut bytes = [0; 252];
    let command = [REQUEST_SENSE, 0, 0, 0, bytes.len() as u8, 0];
    let answer = disk.send(&command, Data::In(&mut bytes), QUESTION).ok()?;
    Sense::parse(&bytes).filter(|_| answer.status == 0 && answer.lost == 0)
}

/// Does it know the sanitize `action`, in the standard's way?
fn knows(disk: &dyn Wire, action: u8) -> bool {
    let mut bytes = [0; 64];
    let length = bytes.len() as u8;
    // SPC-4, REPORT SUPPORTED OPERATION CODES: about one command and service action.
    let command = [
        MAINTENANCE_IN,
        0x0c,
        2,
        SANITIZE,
        0,
        action,
        0,
        0,
        0,
        length,
        0,
        0,
    ];
    for _ in 0..ATTENTIONS {
        match disk.send(&command, Data::In(&mut bytes), QUESTION) {
            // 3 is "as the standard has it".
            Ok(answer) if !attention(&answer) => {
                return answer.status == 0 && answer.lost == 0 && bytes[1] & 0b111 == 3;
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}

/// How often a disk may say that something has happened to it, instead of doing what it was asked.
const ATTENTIONS: u32 = 4;

/// Sends a command that `data` goes with, again while the disk only has news.
fn ask<'a>(disk: &dyn Wire, command: &[u8], data: impl Fn() -> Data<'a>) -> io::Result<Answer> {
    let mut answer = disk.send(command, data(), QUESTION)?;
    for _ in 1..ATTENTIONS {
        if !attention(&answer) {
            break;
        }
        answer = disk.send(command, data(), QUESTION)?;
    }
    Ok(answer)
}

fn attention(answer: &Answer) -> bool {
    Sense::parse(&answer.sense).is_some_and(|sense| sense.key == UNIT_ATTENTION)
}

/// How a command that changes something ended.
pub fn end(answer: io::Result<Answer>) -> End {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return unsent(error),
    };
    match Sense::parse(&answer.sense) {
        _ if answer.lost == 0 && answer.status == 0 => End::Good,
        Some(sense) if matches!(sense.key, ILLEGAL_REQUEST | DATA_PROTECT | UNIT_ATTENTION) => {
            End::Refused(sense.to_string())
        }
        Some(sense) => End::Bad(sense.to_string()),
        // SAM-5, status codes: busy, reservation conflict, task set full.
        None if answer.lost == 0 && matches!(answer.status, 0x08 | 0x18 | 0x28) => {
            End::Refused(format!(
                "it is busy, or another machine has reserved it (status {:#04x})",
                answer.status
            ))
        }
        None => End::Bad(lost(&answer)),
    }
}

/// An answer without a reason.
fn lost(answer: &Answer) -> String {
    // scsi/scsi_status.h: DID_TIME_OUT, in the upper half.
    let why = match answer.lost >> 16 {
        3 => "it was silent for too long, and was reset",
        _ => "the command was lost or cut short",
    };
    format!(
        "{why} (status {:#04x}, adapter {:#010x})",
        answer.status, answer.lost
    )
}
