//! ATA: SECURITY ERASE UNIT, the way upstream erases; SANITIZE where that is missing, frozen or refused.

use std::time::Duration;

use crate::clock::Clock;
use crate::disk::secure_erase::ata_security_state::{IDENTIFY, Security};
use crate::disk::secure_erase::passthrough::{Command, Move, end, run};
use crate::disk::secure_erase::scsi::Wire;
use crate::disk::secure_erase::scsi_sense::Registers;
use crate::disk::secure_erase::{Attempt, End, State, finish, meanwhile, of};
use crate::error::{Error, Result};

// ACS-4 annex B: command codes.
const SANITIZE_DEVICE: u8 = 0xb4;
const IDENTIFY_DEVICE: u8 = 0xec;
const SECURITY_SET_PASSWORD: u8 = 0xf1;
const SECURITY_UNLOCK: u8 = 0xf2;
const SECURITY_ERASE_PREPARE: u8 = 0xf3;
const SECURITY_ERASE_UNIT: u8 = 0xf4;
const SECURITY_DISABLE_PASSWORD: u8 = 0xf6;

/// An erase wants a password to be set. It is the empty one, which upstream sets by today's hdparm; an hdparm
/// before 9.51 took upstream's "NULL" at its word.
const PASSWORDS: [&str; 2] = ["", "NULL"];

/// Words, the bit that says it is known, feature, passes, and the signature in the block address (ACS-4, BLOCK
/// ERASE EXT, CRYPTO SCRAMBLE EXT and OVERWRITE EXT, whose lower 32 bits are the pattern).
const SANITIZES: [(&str, u16, u16, u16, u64); 3] = [
    ("ATA sanitize, block erase", 1 << 15, 0x12, 0, 0x426b_4572),
    (
        "ATA sanitize, crypto scramble",
        1 << 13,
        0x11,
        0,
        0x4372_7970,
    ),
    (
        "ATA sanitize, overwrite",
        1 << 14,
        0x14,
        1,
        0x4f57_0000_0000,
    ),
];

const FROZEN: &str = "its firmware lock is on (security frozen), as the machine's firmware leaves it at boot: power cycle \
    the machine, have it sleep and wake, or look for a security freeze setting in its firmware";
const EXPIRED: &str = "too many wrong passwords were tried: power cycle the machine";
const LOCKED: &str = "somebody has set a password on it: unlock it, or erase it with its PSID";

/// Has an ATA disk erase itself by the best command it has: sanitize, else security erase (ACS-4).
pub fn erase(
    disk: &dyn Wire,
    name: &str,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> Attempt {
    let Some(before) = identify(disk) else {
        return Attempt::Unsupported(format!("{name} does not answer IDENTIFY DEVICE"));
    };
    // A status that does not come back through the adapter would never tell the end.
    let status = match before.sanitizes {
        0 => None,
        _ => sanitize_status(disk).ok(),
    };
    if matches!(status, Some(State::Busy(_))) {
        let words = "ATA sanitize, begun earlier";
        return finish(name, words, clock, tell, &mut || sanitize_status(disk));
    }
    if !before.supported && status.is_none() {
        return Attempt::Unsupported(format!("{name} has no command to erase itself"));
    }
    let mut refusals = Vec::new();
    if before.supported {
        match by_security(disk, name, before, clock, tell) {
            Ok(attempt) => return attempt,
            Err(why) => refusals.push(format!("ATA security erase: {why}")),
        }
    }
    let has =
        |(_, bit, _, _, _): &&(_, u16, _, _, _)| status.is_some() && before.sanitizes & bit != 0;
    for (words, _, feature, passes, signature) in SANITIZES.iter().filter(has) {
        let command = Command {
            code: SANITIZE_DEVICE,
            feature: *feature,
            // Bit 4: should it fail, somebody may give it up.
            count: 1 << 4 | passes,
            block: *signature,
            extended: true,
            ..Command::default()
        };
        match end(run(disk, &command, Move::Nothing)) {
            End::Good => return finish(name, words, clock, tell, &mut || sanitize_status(disk)),
            End::Refused(why) => refusals.push(format!("{words}: {why}")),
            End::Bad(why) => return Attempt::Unknown(of(name, words, Error::plain(why))),
        }
    }
    let why = Error::plain(refusals.join("; "));
    Attempt::NotStarted(of(name, "it did not erase itself", why))
}

/// Err says why nothing has changed.
fn by_security(
    disk: &dyn Wire,
    name: &str,
    before: Security,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> Result<Attempt, String> {
    if before.frozen {
        return Err(FROZEN.to_owned());
    }
    let mut passwords = PASSWORDS.to_vec();
    if before.locked {
        let opens = |password: &&str| {
            secret(disk, SECURITY_UNLOCK, password, 0);
            identify(disk).is_some_and(|now| !now.locked)
        };
        let known = match before.expired {
            true => return Err(EXPIRED.to_owned()),
            false => PASSWORDS.into_iter().find(opens),
        };
        passwords = vec![known.ok_or(LOCKED)?];
    } else if !before.enabled {
        passwords.truncate(1);
        if let End::Refused(why) | End::Bad(why) =
            secret(disk, SECURITY_SET_PASSWORD, passwords[0], 0)
        {
            return Err(format!("setting a password: {why}{}", release(disk)));
        }
    }
    let mut refusals = Vec::new();
    for enhanced in [true, false] {
        let words = match enhanced {
            true if !before.enhanced => continue,
            true => "ATA security erase, enhanced",
            false => "ATA security erase",
        };
        for password in &passwords {
            let estimate = before.minutes[usize::from(enhanced)];
            match unit(disk, password, enhanced, estimate, clock, tell) {
                End::Good => return Ok(checked(disk, name, words)),
                End::Refused(why) => refusals.push(format!("{words}: {why}")),
                End::Bad(why) => {
                    let why = Error::plain(format!("{why}{}", release(disk)));
                    return Ok(Attempt::Unknown(of(name, words, why)));
                }
            }
        }
    }
    Err(format!("{}{}", refusals.join("; "), release(disk)))
}

/// The erase itself.
fn unit(
    disk: &dyn Wire,
    password: &str,
    enhanced: bool,
    estimate: Option<u32>,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> End {
    let prepare = Command {
        code: SECURITY_ERASE_PREPARE,
        ..Command::default()
    };
    if let End::Refused(why) | End::Bad(why) = end(run(disk, &prepare, Move::Nothing)) {
        return End::Refused(why);
    }
    let expected = estimate.map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
    let command = Command {
        code: SECURITY_ERASE_UNIT,
        // Disks are wrong by as much; when this is over the kernel resets them.
        patience: match expected {
            Some(expected) => 2 * expected + Duration::from_secs(2 * 3600),
            None => Duration::from_secs(24 * 3600),
        },
        ..Command::default()
    };
    // ACS-4, SECURITY ERASE UNIT: bit 0 of the first word says whose password it is, here the user's, bit 1
    // that it is an enhanced erase.
    let data = block(password, u16::from(enhanced) << 1);
    let started = clock.elapsed();
    let ended = meanwhile(
        clock,
        || run(disk, &command, Move::Out(&data)),
        || {
            // No disk tells how far it is; what it said it would need is the best there is.
            let passed = clock.elapsed().saturating_sub(started).as_secs() * 1000;
            let part = |all: Duration| (passed / all.as_secs().max(1)).min(990) as u32;
            tell(expected.map(part));
        },
    );
    let answer = ended.and_then(|answer| answer);
    let took = answer.as_ref().map_or(Duration::ZERO, |answer| answer.took);
    match end(answer) {
        // A disk that ran into a bad end says the same as one that never began; only the time tells.
        End::Refused(why) if took > AT_ONCE => End::Bad(why),
        end => end,
    }
}

/// Within this time a disk refuses; what takes longer has begun.
const AT_ONCE: Duration = Duration::from_secs(5);

/// An erase that ended well has removed the password, too.
fn checked(disk: &dyn Wire, name: &str, words: &str) -> Attempt {
    match identify(disk) {
        Some(after) if !after.enabled => Attempt::Done(words.to_owned()),
        Some(_) => {
            let why = format!(
                "it says it ended well, but its password is still set{}",
                release(disk)
            );
            Attempt::Unknown(of(name, words, Error::plain(why)))
        }
        None => {
            let why = "it says it ended well, but no longer answers IDENTIFY DEVICE";
            Attempt::Unknown(of(name, words, Error::plain(why)))
        }
    }
}

/// Leaves no password behind, so that the disk can be overwritten; if one stays, which.
fn release(disk: &dyn Wire) -> String {
    for password in PASSWORDS {
        match identify(disk) {
            Some(now) if !now.enabled => return String::new(),
            Some(now) if now.locked => drop(secret(disk, SECURITY_UNLOCK, password, 0)),
            _ => {}
        }
        secret(disk, SECURITY_DISABLE_PASSWORD, password, 0);
    }
    match identify(disk) {
        Some(now) if !now.enabled => String::new(),
        _ => "; a password is still set, maybe the empty one: `hdparm --security-disable NULL` takes that away"
            .to_owned(),
    }
}

/// A command that carries a password.
fn secret(disk: &dyn Wire, code: u8, password: &str, first: u16) -> End {
    let command = Command {
        code,
        ..Command::default()
    };
    end(run(disk, &command, Move::Out(&block(password, first))))
}

/// ACS-4, SECURITY SET PASSWORD and the others: a word of flags, then the password in 32 bytes, zeros behind it.
fn block(password: &str, first: u16) -> [u8; IDENTIFY] {
    let mut bytes = [0; IDENTIFY];
    bytes[..2].copy_from_slice(&first.to_le_bytes());
    bytes[2..2 + password.len()].copy_from_slice(password.as_bytes());
    bytes
}

fn identify(disk: &dyn Wire) -> Option<Security> {
    let mut bytes = [0; IDENTIFY];
    let command = Command {
        code: IDENTIFY_DEVICE,
        ..Command::default()
    };
    match end(run(disk, &command, Move::In(&mut bytes))) {
        End::Good => Security::parse(&bytes),
        End::Refused(_) | End::Bad(_) => None,
    }
}

/// Err where the answer does not come through, or says nothing.
fn sanitize_status(disk: &dyn Wire) -> Result<State> {
    let command = Command {
        code: SANITIZE_DEVICE,
        extended: true,
        ..Command::default()
    };
    let answer = run(disk, &command, Move::Nothing)?;
    let registers = Registers::parse(&answer.sense);
    match end(Ok(answer)) {
        End::Good => {}
        // ACS-4, SANITIZE STATUS EXT: a failed sanitize is told as an error.
        End::Refused(why) => {
            let what_to_try = "power cycle it and try again, or replace it";
            return Ok(State::Bad(format!("it failed ({why}): {what_to_try}")));
        }
        End::Bad(why) => return Err(Error::plain(why)),
    }
    let told = "the adapter does not pass on what the disk says of its sanitize";
    let Registers { count, block, .. } = registers.ok_or_else(|| Error::plain(told))?;
    // Bits 13–15 of the count: frozen, goes on, ended well. The lower 16 bits of the block are 65536ths.
    Ok(match count >> 13 {
        flags if flags & 0b010 != 0 => State::Busy(Some((block & 0xffff) as u32 * 1000 / 65536)),
        flags if flags & 0b100 != 0 => State::Good,
        _ => State::Bad("it says neither that it goes on nor that it ended well".to_owned()),
    })
}
