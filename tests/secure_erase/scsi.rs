//! SCSI and SAS disks, and sense data.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::disk::secure_erase::scsi::{Wire, erase};
use ironlet::disk::secure_erase::scsi_sense::{Registers, Sense};
use ironlet::sys::scsi::{Answer, Data};

use super::ends;

/// QEMU 7.2 scsi-hd to a command it does not know, recorded through SG_IO on Linux 6.1.
pub const UNKNOWN: &str = "70 00 05 00 00 00 00 0a 00 00 00 00 20 00 00 00 00 00";
const NEWS: &str = "70 00 06 00 00 00 00 0a 00 00 00 00 29 00 00 00 00 00";
/// SBC-4: sanitize in progress, 8000h of 10000h; sanitize failed.
const HALF: &str = "70 00 02 00 00 00 00 0a 00 00 00 00 04 1b 00 80 80 00";
const FAILED: &str = "72 03 31 03 00 00 00 00";
const READY: &str = "";

pub fn hex(digits: &str) -> Vec<u8> {
    let byte = |digits| u8::from_str_radix(digits, 16).expect("hex digits");
    digits.split_whitespace().map(byte).collect()
}

pub fn answer(sense: &str) -> Answer {
    Answer {
        status: if sense.is_empty() { 0 } else { 2 },
        sense: hex(sense),
        ..Answer::default()
    }
}

struct Model {
    /// The sanitize actions it says it knows.
    knows: &'static [u8],
    /// What it answers to TEST UNIT READY, one after the other; the last stays.
    ready: Mutex<Vec<&'static str>>,
    /// What it answers to SANITIZE.
    answers: Mutex<Vec<&'static str>>,
    told: Mutex<Vec<u8>>,
}

impl Wire for Model {
    fn send(&self, command: &[u8], data: Data, _: Duration) -> io::Result<Answer> {
        Ok(answer(match (command[0], data) {
            (0x00, Data::None) => {
                let mut ready = self.ready.lock().expect("no panic");
                if ready.len() > 1 {
                    ready.remove(0)
                } else {
                    ready[0]
                }
            }
            (0xa3, Data::In(bytes)) => {
                assert_eq!(command[1..4], [0x0c, 2, 0x48]);
                bytes[1] = if self.knows.contains(&command[5]) {
                    3
                } else {
                    1
                };
                if self.knows.is_empty() {
                    UNKNOWN
                } else {
                    READY
                }
            }
            (0x48, data) => {
                let overwrites = command[1] & 0x1f == 1;
                match data {
                    Data::Out(bytes) => {
                        assert!(overwrites && bytes.len() == usize::from(command[8]))
                    }
                    _ => assert!(!overwrites && command[8] == 0),
                }
                self.told.lock().expect("no panic").push(command[1]);
                let mut answers = self.answers.lock().expect("no panic");
                if answers.is_empty() {
                    READY
                } else {
                    answers.remove(0)
                }
            }
            _ => panic!("nobody sends {command:x?}"),
        }))
    }
}

#[test]
#[rustfmt::skip]
fn a_disk_that_knows_sanitize_is_sanitized() {
    for (case, knows, ready, answers, told, kind, words) in [
        ("qemu", &[][..], vec![READY], vec![], &[][..], "unsupported", "no command to erase itself"),
        ("block", &[1, 2, 3], vec![READY, HALF, READY], vec![], &[0xa2], "done", "SCSI sanitize, block erase"),
        ("crypto", &[1, 3], vec![NEWS, READY, HALF, READY], vec![], &[0xa3], "done", "cryptographic erase"),
        ("overwrite", &[1], vec![READY, HALF, READY], vec![NEWS], &[0xa1, 0xa1], "done", "overwrite"),
        ("refused once", &[1, 2], vec![READY, HALF, READY], vec![UNKNOWN], &[0xa2, 0xa1], "done", "overwrite"),
        ("refused", &[2], vec![READY], vec![UNKNOWN], &[0xa2], "not started", "illegal request (sense 5/20/00, invalid command)"),
        ("failed", &[2], vec![READY, HALF, FAILED], vec![], &[0xa2], "unknown", "sense 3/31/03, sanitize failed"),
        ("broke off", &[2], vec![READY], vec![FAILED], &[0xa2], "unknown", "medium error"),
        ("power came back", &[2], vec![HALF, HALF, READY], vec![], &[], "done", "begun earlier"),
    ] {
        let model = Model { knows, ready: Mutex::new(ready), answers: Mutex::new(answers), told: Mutex::default() };
        let mut seen = Vec::new();
        let attempt = erase(&model, "/dev/sda", &Clock::fake(), &mut |part| seen.push(part));
        assert_eq!(*model.told.lock().expect("no panic"), told, "{case}");
        ends(case, &attempt, kind, words);
        assert!(seen.iter().all(|part| *part == Some(500)), "{case}: {seen:?}");
    }
}

#[test]
fn a_disk_that_never_ends_is_given_up() {
    for forever in [HALF, "72 02 04 01 00 00 00 00"] {
        let ready = Mutex::new(vec![READY, forever]);
        let model = Model {
            knows: &[2],
            ready,
            answers: Mutex::default(),
            told: Mutex::default(),
        };
        let attempt = erase(&model, "/dev/sda", &Clock::fake(), &mut |_| ());
        ends(forever, &attempt, "unknown", "/dev/sda");
    }
}

#[test]
fn sense_data_of_both_formats_and_cut_short() {
    // sg3_utils, inhex/descriptor_sense.hex and fixed_sense.hex; the others as above.
    let descriptors =
        "72 01 03 02 80 00 00 4c 00 0a 80 00 11 22 33 44 55 66 77 bb 02 06 00 00 80 01 01 00";
    let fixed = "f0 00 03 00 00 12 34 0a 00 00 00 00 11 00 77 80 01 98";
    for (bytes, key, code, progress) in [
        (descriptors, 1, 0x0302, None),
        (fixed, 3, 0x1100, None),
        (HALF, 2, 0x041b, Some(500)),
        (
            "72 02 04 1b 00 00 00 08 02 06 00 00 80 40 00 00",
            2,
            0x041b,
            Some(250),
        ),
        ("70 00 02", 2, 0, None),
    ] {
        assert_eq!(
            Sense::parse(&hex(bytes)),
            Some(Sense {
                key,
                code,
                progress
            }),
            "{bytes}"
        );
    }
    // From a kernel log (a USB bridge after SMART): registers come back.
    let registers = "72 01 00 1d 00 00 00 0e 09 0c 00 00 00 00 00 00 00 4f 00 c2 e0 50";
    let expected = Registers {
        error: 0,
        count: 0,
        block: 0x00c2_4f00,
        status: 0x50,
    };
    assert_eq!(Registers::parse(&hex(registers)), Some(expected));
    for bytes in [descriptors, fixed, HALF, registers] {
        let bytes = hex(bytes);
        for length in 0..bytes.len() {
            let _ = (
                Sense::parse(&bytes[..length]),
                Registers::parse(&bytes[..length]),
            );
        }
    }
}
