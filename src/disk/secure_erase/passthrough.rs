//! ATA commands inside SCSI ones: ATA PASS-THROUGH (16) of SAT-3, which libata and SAS adapters know.

use std::io;
use std::time::Duration;

use crate::disk::secure_erase::End;
use crate::disk::secure_erase::scsi::{QUESTION, Wire, end as scsi_end};
use crate::disk::secure_erase::scsi_sense::{ABORTED, NO_SENSE, RECOVERED, Registers, Sense};
use crate::sys::scsi::{Answer, Data};

/// What is not named here is zero.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    pub code: u8,
    pub feature: u16,
    pub count: u16,
    pub block: u64,
    /// Are feature and count 16, the block address 48 bits wide?
    pub extended: bool,
    pub patience: Duration,
}

impl Default for Command {
    fn default() -> Self {
        Command {
            code: 0,
            feature: 0,
            count: 0,
            block: 0,
            extended: false,
            patience: QUESTION,
        }
    }
}

/// One block of 512 bytes, or none.
pub enum Move<'a> {
    Nothing,
    In(&'a mut [u8; 512]),
    Out(&'a [u8; 512]),
}

/// Sends `command`. The registers come back as sense data unless a block was read.
pub fn run(disk: &dyn Wire, command: &Command, data: Move) -> io::Result<Answer> {
    // Protocol, from bit 1 on: 3 moves no data, 4 reads and 5 writes by programmed I/O. Byte 2: bit 5
    // asks for the registers, bit 3 is the direction, 2 counts in blocks, 1 has the number of them in count.
    let (protocol, flags, count, data) = match data {
        Move::Nothing => (3, 0x20, command.count, Data::None),
        Move::In(bytes) => (4, 0x0e, 1, Data::In(bytes)),
        Move::Out(bytes) => (5, 0x26, 1, Data::Out(bytes)),
    };
    let block = command.block.to_le_bytes();
    let ([feature_high, feature], [count_high, count]) =
        (command.feature.to_be_bytes(), count.to_be_bytes());
    let command_block = [
        0x85,
        protocol << 1 | u8::from(command.extended),
        flags,
        feature_high,
        feature,
        count_high,
        count,
        block[3],
        block[0],
        block[4],
        block[1],
        block[5],
        block[2],
        // Bit 6 says that blocks are counted.
        0x40,
        command.code,
        0,
    ];
    disk.send(&command_block, data, command.patience)
}

/// How a command ended.
pub fn end(answer: io::Result<Answer>) -> End {
    let answer = match answer {
        Ok(answer) if answer.lost == 0 && answer.status != 0 => answer,
        other => return scsi_end(other),
    };
    let registers = Registers::parse(&answer.sense);
    // ACS-4 6.2 and 6.3: status bit 0 is an error, bit 5 a device fault; error bit 2 is "aborted".
    let failed = registers.is_some_and(|registers| registers.status & 0x21 != 0);
    match Sense::parse(&answer.sense).map(|sense| sense.key) {
        // What was asked for comes back as an error that is none.
        Some(NO_SENSE | RECOVERED) if !failed => End::Good,
        Some(ABORTED) if registers.is_none_or(|registers| registers.error & 1 << 2 != 0) => {
            End::Refused(aborted(&answer))
        }
        _ => scsi_end(Ok(answer)),
    }
}

fn aborted(answer: &Answer) -> String {
    let registers = Registers::parse(&answer.sense);
    let numbers = registers.map(|r| format!(" (status {:#04x}, error {:#04x})", r.status, r.error));
    format!("it aborted the command{}", numbers.unwrap_or_default())
}
