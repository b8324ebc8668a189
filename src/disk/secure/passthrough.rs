//! ATA commands inside SCSI ones: ATA PASS-THROUGH (16), SAT-3 12.2.2, which libata and SAS adapters know.

use std::io;
use std::time::Duration;

use super::scsi::{QUESTION, Wire, end as scsi_end};
use super::sense::Registers;
use super::{End, unsent};
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
    // Table 147: protocol, from bit 1 on: 3 moves no data, 4 reads and 5 writes by programmed I/O. Byte 2: bit 5
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

/// How a command ended, by the disk's registers where they came back.
pub fn end(answer: io::Result<Answer>) -> End {
    let answer = match answer {
        Ok(answer) if answer.lost == 0 => answer,
        Ok(answer) => return scsi_end(Ok(answer)),
        Err(error) => return unsent(error),
    };
    let Some(Registers { error, status, .. }) = Registers::parse(&answer.sense) else {
        return scsi_end(Ok(answer));
    };
    // ACS-4 6.2: bit 0 is an error, bit 5 a device fault; 6.3: error bit 2 is "aborted".
    match status & 0x21 {
        0 => End::Good,
        1 if error & 1 << 2 != 0 => End::Refused(format!(
            "it refused (status {status:#04x}, error {error:#04x})"
        )),
        _ => End::Bad(format!(
            "it failed (status {status:#04x}, error {error:#04x})"
        )),
    }
}
