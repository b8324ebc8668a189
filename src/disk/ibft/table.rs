//! The iSCSI Boot Firmware Table (iBFT, version 1.03): how the firmware reached the disk it boots from, for whoever connects that disk
//! again. Pure.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::disk::ibft::boot_disk::{self, BootDisk, Chap};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// What ACPI has before every table, and what the iBFT reserves.
const HEADER: usize = 48;
/// A table is as large as its strings, which are names.
pub const LARGEST: usize = 64 << 10;
const CONTROL: u8 = 1;
const INITIATOR: u8 = 2;
const TARGET: u8 = 4;
/// Flags of a block: it means something; the firmware booted by it.
const VALID: u8 = 1;
const SELECTED: u8 = 2;
/// RFC 7143, 4.2.7.1.
const LONGEST_NAME: usize = 223;
/// Where a table says 0; RFC 7143, 6.1.
const PORT: u16 = 3260;

/// The disks a table describes, those the firmware boots from first.
pub fn parse(table: &[u8]) -> Result<Vec<BootDisk>> {
    let wrong = |why: &str| Error::plain(format!("the firmware's iBFT {why}"));
    let length = table.get(4..8).and_then(|four| four.try_into().ok());
    let length = length.map_or(0, |four| u32::from_le_bytes(four) as usize);
    let table = table
        .get(..length)
        .filter(|table| (HEADER..=LARGEST).contains(&table.len()))
        .ok_or_else(|| wrong("is not as long as it says"))?;
    if !table.starts_with(b"iBFT") && !table.starts_with(b"IBFT") {
        return Err(wrong("does not begin with its name"));
    }
    if table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) != 0 {
        return Err(wrong("has a wrong checksum"));
    }
    if table[8] != 1 {
        return Err(wrong(&format!(
            "is of revision {}, which nobody here knows",
            table[8]
        )));
    }
    let control =
        block(table, HEADER).filter(|(kind, block)| *kind == CONTROL && block.len() >= 18);
    let (_, control) = control.ok_or_else(|| wrong("has no control structure"))?;
    let (mut initiator, mut targets) = (String::new(), Vec::new());
    // After its head and a place for extensions: where each block is.
    for at in control[8..].chunks_exact(2) {
        let at = usize::from(u16::from_le_bytes([at[0], at[1]]));
        let Some((kind, block)) =
            block(table, at).filter(|(_, block)| at > 0 && block[5] & VALID != 0)
        else {
            continue;
        };
        match kind {
            INITIATOR => initiator = text(table, block, 70).unwrap_or_default(),
            TARGET => targets.push(target(table, block)),
            _ => {}
        }
    }
    boot_disk::disks(&initiator, targets)
}

/// The kind of the block that begins there, and all of it.
fn block(table: &[u8], at: usize) -> Option<(u8, &[u8])> {
    let head = table.get(at..)?;
    let length = u16::from_le_bytes([*head.get(2)?, *head.get(3)?]);
    let block = head.get(..length.into())?;
    (block.len() >= 6).then(|| (block[0], block))
}

/// Was it booted from, and it.
fn target(table: &[u8], block: &[u8]) -> Option<(bool, BootDisk)> {
    let address = block
        .get(6..22)?
        .try_into()
        .ok()
        .map(Ipv6Addr::from_octets)?;
    let port = u16::from_le_bytes([*block.get(22)?, *block.get(23)?]);
    let pair = |name, secret| {
        let name = text(table, block, name)?;
        Some((name, Secret::new(text(table, block, secret)?)))
    };
    let chap = match block.get(32)? {
        0 => None,
        kind => {
            let (user, secret) = pair(38, 42)?;
            let back = match kind {
                2 => Some(pair(46, 50)?),
                _ => None,
            };
            Some(Chap { user, secret, back })
        }
    };
    let disk = BootDisk {
        initiator: String::new(),
        target: text(table, block, 34).filter(|name| is_name(name))?,
        portal: portal(address.to_canonical(), port)?,
        lun: lun(block.get(24..32)?),
        chap,
    };
    Some((block[5] & SELECTED != 0, disk))
}

/// The text whose length and place stand at `field` of the block.
fn text(table: &[u8], block: &[u8], field: usize) -> Option<String> {
    let two = |at: usize| Some(u16::from_le_bytes([*block.get(at)?, *block.get(at + 1)?]));
    let (length, at) = (two(field)?, usize::from(two(field + 2)?));
    let bytes = table.get(at..)?.get(..length.into())?;
    let bytes = bytes.split(|byte| *byte == 0).next()?;
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    (at >= HEADER && !text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

/// A name as a target or an initiator may have: one word.
pub fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(odd)
}

/// Where a target answers, if that is an address.
pub fn portal(address: IpAddr, port: u16) -> Option<SocketAddr> {
    let port = if port == 0 { PORT } else { port };
    (!address.is_unspecified() && !address.is_multicast()).then(|| SocketAddr::new(address, port))
}

/// As Linux numbers them: SAM-5's eight bytes, two by two, the first pair the lowest.
pub fn lun(bytes: &[u8]) -> u64 {
    let pairs = bytes.chunks_exact(2).rev();
    pairs.fold(0, |lun, pair| {
        lun << 16 | u64::from(u16::from_be_bytes([pair[0], pair[1]]))
    })
}
