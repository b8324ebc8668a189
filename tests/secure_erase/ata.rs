//! ATA disks: a model of the security and sanitize states of ACS-4, around what a real one says of itself.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::disk::secure_erase::ata::erase;
use ironlet::disk::secure_erase::ata_security_state::Security;
use ironlet::disk::secure_erase::scsi::Wire;
use ironlet::sys::scsi::{Answer, Data};

use super::scsi::{UNKNOWN, answer};
use super::{drive, ends};

/// QEMU 7.2 ide-hd to a command it does not know, recorded through SG_IO on Linux 6.1: libata puts error 04h and
/// status 41h where fixed format has neither.
const ABORTED: &str = "70 00 0b 00 00 00 00 0a 04 41 40 00 00 00 00 00 80 00";
/// The same from an adapter that knows descriptors.
const ABORTED_WELL: &str = "72 0b 00 00 00 00 00 0e 09 0c 00 04 00 00 00 00 00 00 00 00 40 51";
const LOST: Answer = Answer {
    status: 0,
    sense: Vec::new(),
    lost: 3 << 16,
    took: Duration::ZERO,
};

#[derive(Clone)]
struct State {
    words: [u8; 512],
    password: Option<&'static str>,
    prepared: bool,
    erased: bool,
    /// Commands, enhanced erases as 1f4.
    told: Vec<u16>,
    /// Upper byte of the count and the block, for each question how a sanitize is.
    sanitize: Vec<(u8, u16)>,
}

struct Model {
    state: Mutex<State>,
    /// Erases that do not work, by command, and how that is said.
    broken: Vec<(u16, Answer)>,
    /// An erase that ends well but keeps the password.
    forgetful: bool,
    aborted: &'static str,
}

// Word 128.
const ENABLED: u8 = 1 << 1;
const LOCKED: u8 = 1 << 2;
const FROZEN: u8 = 1 << 3;
const EXPIRED: u8 = 1 << 4;
const ENHANCED: u8 = 1 << 5;

impl State {
    fn flag(&mut self, flag: u8, on: bool) {
        self.words[256] = if on {
            self.words[256] | flag
        } else {
            self.words[256] & !flag
        };
        self.seal();
    }

    /// The checksum of the last word, as the disk keeps it.
    fn seal(&mut self) {
        let sum = self.words[..511]
            .iter()
            .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        self.words[511] = sum.wrapping_neg();
    }

    fn is(&self, flag: u8) -> bool {
        self.words[256] & flag != 0
    }
}

impl Wire for Model {
    fn send(&self, command: &[u8], data: Data, _: Duration) -> io::Result<Answer> {
        let mut state = self.state.lock().expect("no panic");
        let state = &mut *state;
        assert_eq!((command[0], command.len()), (0x85, 16));
        let given = match &data {
            Data::Out(bytes) => {
                let end = bytes[2..34]
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(32);
                String::from_utf8_lossy(&bytes[2..2 + end]).into_owned()
            }
            _ => String::new(),
        };
        let right = state.password == Some(given.as_str());
        let prepared = std::mem::take(&mut state.prepared);
        let mode = matches!(&data, Data::Out(bytes) if bytes[0] & 2 != 0);
        let code = u16::from(command[14]) | u16::from(mode) << 8;
        if code != 0xec && !(code == 0xb4 && command[4] == 0) {
            state.told.push(code);
        }
        let (frozen, locked) = (state.is(FROZEN), state.is(LOCKED));
        let done = match (code, data) {
            (0xec, Data::In(bytes)) => {
                bytes.copy_from_slice(&state.words);
                return Ok(answer(""));
            }
            (0xf1, _) if !frozen && !locked => {
                assert_eq!(given, "");
                state.password = Some("");
                state.flag(ENABLED, true);
                true
            }
            (0xf2, _) if !frozen && right => {
                state.flag(LOCKED, false);
                true
            }
            (0xf3, _) if !frozen => {
                state.prepared = true;
                true
            }
            (0xf4 | 0x1f4, _) if !frozen && right && prepared => {
                if let Some((_, answer)) = self.broken.iter().find(|(mode, _)| *mode == code) {
                    return Ok(answer.clone());
                }
                state.erased = true;
                state.flag(ENABLED, self.forgetful);
                true
            }
            (0xf6, _) if !frozen && !locked && right => {
                state.flag(ENABLED, false);
                true
            }
            (0xb4, _) if !state.sanitize.is_empty() && !locked => {
                let (count, block) = state.sanitize[0];
                match command[4] {
                    0 if state.sanitize.len() > 1 => drop(state.sanitize.remove(0)),
                    0 => {}
                    // "BkEr", and one failure may be given up.
                    0x12 => assert_eq!(command[6..13], [0x10, 0x42, 0x72, 0, 0x45, 0, 0x6b]),
                    other => panic!("sanitize {other:#x}"),
                }
                let [high, low] = block.to_be_bytes();
                let registers = [
                    0x09, 0x0c, 1, 0, count, 0, 0, low, 0, high, 0, 0, 0x40, 0x50,
                ];
                let mut answer = answer("72 01 00 1d 00 00 00 0e");
                answer.sense.extend(registers);
                return Ok(answer);
            }
            _ => false,
        };
        Ok(answer(if done {
            "72 01 00 1d 00 00 00 0e 09 0c 00 00 00 00 00 00 00 00 00 00 40 50"
        } else {
            self.aborted
        }))
    }
}

/// The SSD as it was reported, but with these flags and not frozen unless they say so.
fn samsung(flags: u8) -> Model {
    let mut words: [u8; 512] = drive("samsung-870-qvo.words");
    words[256] = 1 | ENHANCED | flags;
    let mut state = State {
        words,
        password: None,
        prepared: false,
        erased: false,
        told: Vec::new(),
        sanitize: Vec::new(),
    };
    state.seal();
    Model {
        state: Mutex::new(state),
        broken: Vec::new(),
        forgetful: false,
        aborted: ABORTED,
    }
}

fn with(mut model: Model, change: impl FnOnce(&mut Model, &mut State)) -> Model {
    let mut state = model.state.lock().expect("no panic").clone();
    change(&mut model, &mut state);
    state.seal();
    model.state = Mutex::new(state);
    model
}

#[test]
#[rustfmt::skip]
fn every_security_state_has_its_end() {
    let late = || Answer { took: Duration::from_secs(3600), ..answer(ABORTED) };
    let sanitizes = |state: &mut State, count: &[(u8, u16)]| {
        state.words[119] |= 0x90;
        state.sanitize = count.to_vec();
    };
    let plain = |model: &mut Model, state: &mut State| { let _ = model; state.words[256] &= !ENHANCED; };
    for (case, model, told, erased, enabled, kind, words) in [
        ("enhanced", samsung(0), &[0xf1, 0xf3, 0x1f4][..], true, false, "done", "ATA security erase, enhanced"),
        ("normal", with(samsung(0), plain), &[0xf1, 0xf3, 0xf4], true, false, "done", "ATA security erase"),
        ("frozen", samsung(FROZEN), &[], false, false, "not started", "frozen"),
        ("expired", with(samsung(ENABLED | LOCKED | EXPIRED), |_, s| s.password = Some("")), &[], false, true, "not started", "power cycle"),
        ("left by us", with(samsung(ENABLED | LOCKED), |_, s| s.password = Some("")), &[0xf2, 0xf3, 0x1f4], true, false, "done", "enhanced"),
        ("left by an old hdparm", with(samsung(ENABLED | LOCKED), |_, s| s.password = Some("NULL")), &[0xf2, 0xf2, 0xf3, 0x1f4], true, false, "done", "enhanced"),
        ("somebody's", with(samsung(ENABLED | LOCKED), |_, s| s.password = Some("s3cret")), &[0xf2, 0xf2], false, true, "not started", "somebody has set a password"),
        ("open, old hdparm's", with(samsung(ENABLED), |_, s| s.password = Some("NULL")), &[0xf3, 0x1f4, 0xf3, 0x1f4], true, false, "done", "enhanced"),
        ("enhanced refused", with(samsung(0), |m, _| m.broken = vec![(0x1f4, answer(ABORTED))]), &[0xf1, 0xf3, 0x1f4, 0xf3, 0xf4], true, false, "done", "ATA security erase"),
        ("both refused", with(samsung(0), |m, _| m.broken = vec![(0x1f4, answer(ABORTED_WELL)), (0xf4, answer(ABORTED))]),
            &[0xf1, 0xf3, 0x1f4, 0xf3, 0xf4, 0xf6], false, false, "not started", "status 0x51, error 0x04"),
        ("failed late", with(samsung(0), |m, _| m.broken = vec![(0x1f4, late())]), &[0xf1, 0xf3, 0x1f4, 0xf6], false, false, "unknown", "aborted"),
        ("reset", with(samsung(0), |m, _| m.broken = vec![(0x1f4, LOST)]), &[0xf1, 0xf3, 0x1f4, 0xf6], false, false, "unknown", "silent for too long"),
        ("forgetful", with(samsung(0), |m, _| m.forgetful = true), &[0xf1, 0xf3, 0x1f4, 0xf6], true, false, "unknown", "password is still set"),
        ("frozen, sanitize", with(samsung(FROZEN), |_, s| sanitizes(s, &[(0, 0), (0x40, 0x8000), (0x80, 0)])), &[0xb4], false, false, "done", "ATA sanitize, block erase"),
        ("sanitize ends badly", with(samsung(FROZEN), |_, s| sanitizes(s, &[(0, 0), (0x40, 0x8000), (0, 0)])), &[0xb4], false, false, "unknown", "neither"),
        ("sanitize under way", with(samsung(0), |_, s| sanitizes(s, &[(0x40, 1), (0x40, 2), (0x80, 0)])), &[], false, false, "done", "begun earlier"),
    ] {
        let attempt = erase(&model, "/dev/sda", &Clock::fake(), &mut |_| ());
        ends(case, &attempt, kind, words);
        let state = model.state.lock().expect("no panic");
        assert_eq!(state.told, told, "{case}");
        assert_eq!((state.erased, state.is(ENABLED)), (erased, enabled), "{case}");
    }
}

/// Always the same answer.
struct Deaf(Answer, Option<[u8; 512]>);

impl Wire for Deaf {
    fn send(&self, command: &[u8], data: Data, _: Duration) -> io::Result<Answer> {
        match (data, &self.1) {
            (Data::In(bytes), Some(words)) if command[14] == 0xec => {
                bytes.copy_from_slice(words);
                Ok(answer(""))
            }
            _ => Ok(self.0.clone()),
        }
    }
}

#[test]
fn what_does_not_answer_is_left_to_be_overwritten() {
    for (case, disk) in [
        ("a SCSI disk", Deaf(answer(UNKNOWN), None)),
        ("a mute adapter", Deaf(LOST, None)),
        (
            "QEMU's",
            Deaf(answer(ABORTED), Some(drive("qemu-ide.words"))),
        ),
        ("zeros", Deaf(answer(""), Some([0; 512]))),
        ("ones", Deaf(answer(""), Some([0xff; 512]))),
    ] {
        let attempt = erase(&disk, "/dev/sda", &Clock::fake(), &mut |_| ());
        ends(case, &attempt, "unsupported", "/dev/sda");
    }
}

#[test]
fn what_disks_say_of_their_security() {
    let mut words: [u8; 512] = drive("samsung-870-qvo.words");
    let samsung = Security::parse(&words).expect("a real one");
    assert!(samsung.supported && samsung.frozen && samsung.enhanced);
    assert!(!samsung.enabled && !samsung.locked && !samsung.expired);
    assert_eq!(
        (samsung.minutes, samsung.sanitizes),
        ([Some(4), Some(8)], 0)
    );
    words[178] += 1;
    assert_eq!(Security::parse(&words), None, "its checksum is wrong");
    let qemu = Security::parse(&drive("qemu-ide.words")).expect("an ATA disk");
    assert!(!qemu.supported && qemu.sanitizes == 0);
}
