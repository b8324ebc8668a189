//! NVMe: Format NVM with a secure erase, the way upstream erases; Sanitize where that is missing or refused.

use std::io;
use std::time::Duration;

use crate::clock::Clock;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::secure_erase::nvme_identify::namespaces;
use crate::disk::secure_erase::nvme_identify::{
    Controller as Abilities, IDENTIFY, Namespace, SANITIZE_STATUS, Sanitize,
};
use crate::disk::secure_erase::{Attempt, End, State, finish, meanwhile, of, unsent};
use crate::error::{Context, Error, Result};
use crate::sys::nvme::Command;

/// What takes admin commands: a controller, or what a test recorded of one.
pub trait Controller: Sync {
    /// The status the command ended with; 0 is success.
    fn admin(&self, command: &Command, data: &mut [u8]) -> io::Result<u16>;
}

// NVMe 1.4c, opcodes of admin commands.
const GET_LOG_PAGE: u8 = 0x02;
const IDENTIFY_COMMAND: u8 = 0x06;
const FORMAT: u8 = 0x80;
const SANITIZE: u8 = 0x84;

const ALL: u32 = u32::MAX;

/// One way to erase.
struct Method {
    words: &'static str,
    command: Command,
}

// NVMe 1.4c, Format NVM: Secure Erase Settings, bits 9–11 of dword 10.
const FORMATS: [(&str, u32); 2] = [
    ("NVMe format, cryptographic erase", 2 << 9),
    ("NVMe format, user data erase", 1 << 9),
];

/// Words, the bit of the capabilities, command dword 10 (NVMe 1.4c, Sanitize): the action; bit 3, should it fail,
/// somebody may give it up; bits 4–7, the passes. What does not rely on a key comes first.
const SANITIZES: [(&str, u8, u32); 3] = [
    ("NVMe sanitize, block erase", 1 << 1, 2 | 1 << 3),
    ("NVMe sanitize, cryptographic erase", 1, 4 | 1 << 3),
    ("NVMe sanitize, overwrite", 1 << 2, 3 | 1 << 3 | 1 << 4),
];

/// Erases the namespace `namespace`, known as `name`. `others` holds all disks that share its controller, for
/// a command that reaches them as well, or says why they must not be reached.
pub fn erase(
    controller: &dyn Controller,
    name: &str,
    namespace: u32,
    others: &dyn Fn() -> Result<Vec<ExclusiveDisk>>,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> Attempt {
    let able = match identify(controller, CONTROLLER, 0) {
        Ok(bytes) => Abilities::parse(&bytes),
        Err(error) => {
            return Attempt::Unsupported(format!("{name} does not say what it can: {error}"));
        }
    };
    let mut last = Sanitize::Never;
    if able.sanitizes != 0 {
        let action;
        (last, action) = match sanitize_status(controller) {
            Ok(status) => status,
            Err(error) => {
                return Attempt::NotStarted(of(name, "asking for its last sanitize", error));
            }
        };
        if let Sanitize::Busy(_) = last {
            // Begun before the power was cut, or by somebody else: it goes on whatever is done here.
            let words = format!("{}, begun earlier", action_words(action));
            return finish(name, &words, clock, tell, &mut || sanitized(controller));
        }
    }
    let methods = match methods(controller, &able, last, namespace) {
        Ok(methods) => methods,
        Err(error) => return Attempt::NotStarted(of(name, "choosing how to erase it", error)),
    };
    if methods.is_empty() {
        return Attempt::Unsupported(format!(
            "{name} can be neither formatted nor, with the namespaces it has, sanitized by its controller"
        ));
    }
    // A sanitize is only chosen where there is no other namespace.
    let reaches_all = able.format_reaches_all || able.erase_reaches_all;
    let held = reaches_all.then(|| hold_all(controller, &able, others));
    let _held = match held.transpose() {
        Ok(held) => held,
        Err(error) => {
            let doing = "erasing it erases all disks of its controller";
            return Attempt::NotStarted(of(name, doing, error));
        }
    };
    let mut refusals = Vec::new();
    for Method { words, command } in methods {
        let end = meanwhile(
            clock,
            || end(controller.admin(&command, &mut [])),
            || tell(formatted(controller, namespace)),
        );
        match end {
            Ok(End::Good) if command.opcode == SANITIZE => {
                return finish(name, words, clock, tell, &mut || sanitized(controller));
            }
            Ok(End::Good) => return Attempt::Done(words.to_owned()),
            Ok(End::Refused(why)) => refusals.push(format!("{words}: {why}")),
            Ok(End::Bad(why)) => return Attempt::Unknown(of(name, words, Error::plain(why))),
            Err(error) => return Attempt::NotStarted(of(name, words, error.into())),
        }
    }
    if last == Sanitize::Failed {
        refusals.push(FAILED.to_owned());
    }
    let why = Error::plain(refusals.join("; "));
    Attempt::NotStarted(of(name, "it refused to erase itself", why))
}

/// The other disks of the controller; an error if it has namespaces that are none of them: what is detached here
/// may be another machine's.
fn hold_all(
    controller: &dyn Controller,
    able: &Abilities,
    others: &dyn Fn() -> Result<Vec<ExclusiveDisk>>,
) -> Result<Vec<ExclusiveDisk>> {
    let held = others()?;
    // One too old to list its namespaces has a single one.
    let all = every_namespace(controller, able).map_or(0, |all| all.len());
    match all > held.len() + 1 {
        false => Ok(held),
        true => Err(Error::plain(format!(
            "it has {all} namespaces, and this machine shows {} of them: is another one using the rest? If not, \
             attach them (`nvme attach-ns`) or delete them (`nvme delete-ns`)",
            held.len() + 1
        ))),
    }
}

const FAILED: &str = "its last sanitize failed, and until one succeeds it does nothing else: power cycle the machine \
    and try again, leave the failure mode with `nvme sanitize --sanact=1`, or replace the disk";

/// The ways this controller has, the one to be tried first first.
fn methods(
    controller: &dyn Controller,
    able: &Abilities,
    last: Sanitize,
    namespace: u32,
) -> Result<Vec<Method>> {
    let mut methods = Vec::new();
    // A controller whose sanitize failed refuses to format.
    if able.formats && last != Sanitize::Failed {
        let same = Namespace::parse(&identify(controller, NAMESPACE, namespace)?).same_format;
        let everyone = able.format_reaches_all && !able.no_broadcast;
        let formats = FORMATS.iter().skip(usize::from(!able.cryptographic));
        methods.extend(formats.map(|(words, erase)| Method {
            words,
            command: Command {
                opcode: FORMAT,
                // Some controllers that can only format all namespaces want to be told so.
                namespace: if everyone { ALL } else { namespace },
                dwords: [same | erase, 0],
                // 30 TB at 1 GB/s take eight hours; the kernel resets a controller when this is over.
                patience: Duration::from_secs(12 * 3600),
            },
        }));
    }
    if able.sanitizes != 0 {
        // Sanitize erases the whole subsystem: also namespaces nobody here can see.
        let alone = every_namespace(controller, able)? == [namespace];
        let has = |(_, bit, _): &&(_, u8, _)| alone && able.sanitizes & bit != 0;
        methods.extend(
            SANITIZES
                .iter()
                .filter(has)
                .map(|(words, _, action)| Method {
                    words,
                    command: Command {
                        opcode: SANITIZE,
                        dwords: [*action, 0],
                        patience: QUESTION,
                        ..Command::default()
                    },
                }),
        );
    }
    Ok(methods)
}

/// Also those that are attached to no controller, or to another one.
fn every_namespace(controller: &dyn Controller, able: &Abilities) -> Result<Vec<u32>> {
    let list = match able.manages_namespaces {
        true => ALLOCATED,
        false => ACTIVE,
    };
    Ok(namespaces(&identify(controller, list, 0)?))
}

fn sanitized(controller: &dyn Controller) -> Result<State> {
    Ok(match sanitize_status(controller)?.0 {
        Sanitize::Busy(done) => State::Busy(Some(done)),
        Sanitize::Good => State::Good,
        Sanitize::Failed => State::Bad(format!("it failed: {FAILED}")),
        other => State::Bad(format!(
            "it is not known how it ended: its state is {other:?}"
        )),
    })
}

fn action_words(action: u8) -> &'static str {
    let named = SANITIZES
        .iter()
        .find(|(_, _, code)| code & 0b111 == u32::from(action));
    named.map_or("NVMe sanitize of an unknown kind", |(words, _, _)| words)
}

/// What questions get: the kernel resets a controller that is silent for longer, and with it an erasure.
const QUESTION: Duration = Duration::from_secs(600);

// NVMe 1.4c, Identify: what it is about.
const NAMESPACE: u32 = 0x00;
const CONTROLLER: u32 = 0x01;
const ACTIVE: u32 = 0x02;
const ALLOCATED: u32 = 0x10;

fn identify(controller: &dyn Controller, what: u32, namespace: u32) -> Result<[u8; IDENTIFY]> {
    let mut bytes = [0; IDENTIFY];
    let command = Command {
        opcode: IDENTIFY_COMMAND,
        namespace,
        dwords: [what, 0],
        patience: QUESTION,
    };
    ask(controller, &command, &mut bytes)
        .with_context(|| format!("asking for identity {what:#04x}"))?;
    Ok(bytes)
}

fn sanitize_status(controller: &dyn Controller) -> Result<(Sanitize, u8)> {
    // NVMe 1.4c, Get Log Page: page 81h, from bit 16 on its length in dwords, less one.
    const SANITIZE_LOG: u32 = 0x81 | (SANITIZE_STATUS as u32 / 4 - 1) << 16;
    let mut bytes = [0; SANITIZE_STATUS];
    let command = Command {
        opcode: GET_LOG_PAGE,
        namespace: ALL,
        dwords: [SANITIZE_LOG, 0],
        patience: QUESTION,
    };
    ask(controller, &command, &mut bytes).context("asking how its sanitize is")?;
    Ok(Sanitize::parse(&bytes))
}

fn formatted(controller: &dyn Controller, namespace: u32) -> Option<u32> {
    let bytes = identify(controller, NAMESPACE, namespace).ok()?;
    Namespace::parse(&bytes).formatted
}

fn ask(controller: &dyn Controller, command: &Command, bytes: &mut [u8]) -> Result<()> {
    match end(controller.admin(command, bytes)) {
        End::Good => Ok(()),
        End::Refused(why) | End::Bad(why) => Err(Error::plain(why)),
    }
}

/// Statuses that say nothing was done, and what to look at. NVMe 1.4c, Status Field: the code
/// type in bits 8–10, the code below.
#[rustfmt::skip]
const REFUSALS: &[(u16, &str)] = &[
    (0x001, "it does not know the command"),
    (0x002, "a field of the command is not to its liking"),
    (0x00b, "it does not know the namespace"),
    (0x00c, "commands came in a wrong order"),
    (0x015, "it denies it: is it locked by a password or a TCG Opal policy? Revert it with the PSID on its label"),
    (0x01c, FAILED),
    (0x01d, "a sanitize is under way"),
    (0x020, "the namespace is write-protected"),
    (0x023, "a lockdown of its commands forbids it"),
    (0x082, "the namespace is not ready"),
    (0x083, "somebody has reserved the namespace"),
    (0x084, "a format is under way"),
    (0x10a, "it does not know the format"),
    (0x10b, "new firmware waits for a reset: power cycle the machine"),
    (0x110, "new firmware waits for a reset: power cycle the machine"),
    (0x111, "new firmware waits for a reset: power cycle the machine"),
    (0x123, "its persistent memory region is in use"),
    (0x286, "access is denied: is it locked by a password or a TCG Opal policy? Revert it with the PSID on its label"),
];

fn end(answer: io::Result<u16>) -> End {
    match answer {
        Ok(0) => End::Good,
        Ok(status) => match REFUSALS.iter().find(|(code, _)| *code == status) {
            Some((_, words)) => End::Refused(format!("status {status:#05x}, {words}")),
            None => End::Bad(format!("it ended with status {status:#05x}")),
        },
        // What the kernel cancels when it resets a controller.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            End::Bad("it was silent for too long, and was reset: is it failing?".to_owned())
        }
        Err(error) => unsent(error),
    }
}
