//! A disk's own long self-test, by commands: ATA SMART, NVMe Device Self-test, SCSI SEND DIAGNOSTIC. Nothing on the disk is changed.

use std::fs::OpenOptions;
use std::time::Duration;

use log::info;

use crate::disk::burnin::Means;
use crate::disk::list::Disk;
use crate::disk::secure_erase::nvme::Controller;
use crate::disk::secure_erase::passthrough::{self, Move};
use crate::disk::secure_erase::scsi::{self, QUESTION, Wire};
use crate::disk::secure_erase::{End, State, wait};
use crate::error::{Error, Result};
use crate::sys::nvme;
use crate::sys::scsi::Data;
use crate::system_root::attribute;

// ACS-4 7.46, SMART: its features, and the signature that its block address has above the lowest byte.
const SMART: u8 = 0xb0;
const SMART_SIGNATURE: u64 = 0x00c2_4f00;
const READ_DATA: u16 = 0xd0;
const EXECUTE_OFFLINE: u16 = 0xd4;
const ENABLE: u16 = 0xd8;
/// Extended, in the background.
const EXTENDED: u64 = 2;
// NVMe 1.4c, 5.7 and 5.14.1.6.
const DEVICE_SELF_TEST: u8 = 0x14;
const GET_LOG_PAGE: u8 = 0x02;
const SELF_TEST_LOG: u32 = 0x06;
const SELF_TEST_LOG_BYTES: usize = 564;
// SPC-4 6.42 and 7.3.20.
const SEND_DIAGNOSTIC: u8 = 0x1d;
const LOG_SENSE: u8 = 0x4d;
const SELF_TEST_RESULTS: u8 = 0x10;

/// Has `disk` test itself and waits for the end; in words, what it did. An error if it failed, or has no such test.
pub fn run(disk: &Disk, means: &Means) -> Result<String> {
    let file = OpenOptions::new().read(true).open(&disk.path)?;
    let mut tell = |done: Option<u32>| {
        let done = done.map_or_else(String::new, |done| format!(", {} % done", done / 10));
        info!("{} tests itself{done}", disk.name);
    };
    let namespace = || {
        let block = means.host.sys("block").join(disk.kernel());
        attribute(block.join("nsid")).and_then(|id| id.parse().ok())
    };
    let nvme = disk.transport.as_deref() == Some("nvme");
    let words = match disk.identity.vendor.as_deref() {
        _ if nvme => "NVMe",
        Some("ATA") => "SMART",
        _ if disk.hctl.is_some() => "SCSI",
        _ => return Err(Error::plain("it has no self-test that could be asked for")),
    };
    let doing = |error: Error| {
        Error::plain(format!(
            "its extended self-test ({words}): {}",
            error.details()
        ))
    };
    let own: u32 = namespace().unwrap_or(u32::MAX);
    let started = match words {
        "NVMe" => start_nvme(&file, own),
        "SMART" => start_ata(&file),
        _ => start_scsi(&file),
    };
    started.map_err(doing)?;
    info!("{} tests itself", disk.name);
    let mut ask = || match words {
        "NVMe" => state_of_nvme(&file),
        "SMART" => state_of_ata(&file),
        _ => state_of_scsi(&file),
    };
    wait(means.clock, &mut tell, &mut ask).map_err(doing)?;
    Ok(format!(", and passed its extended self-test ({words})"))
}

fn good(end: End) -> Result<()> {
    match end {
        End::Good => Ok(()),
        End::Refused(why) | End::Bad(why) => Err(Error::plain(why)),
    }
}

/// Begins it on an ATA disk.
pub fn start_ata(disk: &dyn Wire) -> Result<()> {
    let smart = |feature, low| passthrough::Command {
        code: SMART,
        feature,
        block: SMART_SIGNATURE | low,
        ..passthrough::Command::default()
    };
    // On where it was on already.
    let _ = passthrough::run(disk, &smart(ENABLE, 0), Move::Nothing);
    let begun = passthrough::run(disk, &smart(EXECUTE_OFFLINE, EXTENDED), Move::Nothing);
    good(passthrough::end(begun))
}

/// How far it is there.
pub fn state_of_ata(disk: &dyn Wire) -> Result<State> {
    let mut data = [0; 512];
    let command = passthrough::Command {
        code: SMART,
        feature: READ_DATA,
        block: SMART_SIGNATURE,
        ..passthrough::Command::default()
    };
    good(passthrough::end(passthrough::run(
        disk,
        &command,
        Move::In(&mut data),
    )))?;
    // ACS-4 table 141: the status in the upper half, tenths that remain in the lower.
    let status = data[363];
    Ok(match status >> 4 {
        0 => State::Good,
        15 => State::Busy(Some(1000 - u32::from(status & 15).min(10) * 100)),
        1 | 2 => State::Bad("it was interrupted".to_owned()),
        code => State::Bad(format!(
            "it failed with status {code} ({})",
            ATA_FAILURES.get(code as usize - 3).unwrap_or(&"reserved")
        )),
    })
}

/// Status 3 to 8.
const ATA_FAILURES: [&str; 6] = [
    "it could not be completed",
    "unknown element",
    "electrical element",
    "servo element",
    "read element",
    "handling damage",
];

/// Begins it on an NVMe namespace.
pub fn start_nvme(controller: &dyn Controller, namespace: u32) -> Result<()> {
    let command = nvme::Command {
        opcode: DEVICE_SELF_TEST,
        namespace,
        dwords: [2, 0],
        patience: QUESTION,
    };
    match controller.admin(&command, &mut [])? {
        0 => Ok(()),
        // NVMe 1.4c figure 129: command specific status 1Dh.
        0x11d => Err(Error::plain("another one is running")),
        status => Err(Error::plain(format!(
            "it is refused with status {status:#x}"
        ))),
    }
}

/// How far it is there.
pub fn state_of_nvme(controller: &dyn Controller) -> Result<State> {
    let mut log = [0; SELF_TEST_LOG_BYTES];
    let command = nvme::Command {
        opcode: GET_LOG_PAGE,
        namespace: u32::MAX,
        // The number of dwords, counted from zero, above the page.
        dwords: [
            SELF_TEST_LOG | (SELF_TEST_LOG_BYTES as u32 / 4 - 1) << 16,
            0,
        ],
        patience: Duration::from_secs(60),
    };
    match controller.admin(&command, &mut log)? {
        0 => {}
        status => {
            return Err(Error::plain(format!(
                "its log is refused with status {status:#x}"
            )));
        }
    }
    if log[0] & 15 != 0 {
        return Ok(State::Busy(Some(u32::from(log[1] & 0x7f) * 10)));
    }
    // The newest result comes first.
    Ok(match log[4] & 15 {
        0 => State::Good,
        15 => State::Bad("it left no result".to_owned()),
        code @ 1..=4 => State::Bad(format!("it was interrupted (code {code})")),
        code => State::Bad(format!("it failed with code {code}, in segment {}", log[5])),
    })
}

/// Begins it on a SCSI disk.
pub fn start_scsi(disk: &dyn Wire) -> Result<()> {
    // Self-test code 2: background extended.
    let command = [SEND_DIAGNOSTIC, 2 << 5, 0, 0, 0, 0];
    good(scsi::end(disk.send(&command, Data::None, QUESTION)))
}

/// How far it is there.
pub fn state_of_scsi(disk: &dyn Wire) -> Result<State> {
    let mut page = [0; 404];
    let [high, low] = (page.len() as u16).to_be_bytes();
    // Page control 1: cumulative values.
    let command = [
        LOG_SENSE,
        0,
        1 << 6 | SELF_TEST_RESULTS,
        0,
        0,
        0,
        0,
        high,
        low,
        0,
    ];
    good(scsi::end(disk.send(
        &command,
        Data::In(&mut page),
        QUESTION,
    )))?;
    // Header of four bytes; the newest result is the first parameter: code and result are its fifth byte.
    Ok(match page[8] & 15 {
        0 => State::Good,
        15 => State::Busy(None),
        1 | 2 => State::Bad("it was interrupted".to_owned()),
        code => State::Bad(format!(
            "it failed with result {code}, in segment {}",
            page[9]
        )),
    })
}
