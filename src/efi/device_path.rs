//! Device paths (UEFI 2.10, 10.3): nodes of a type, a subtype, a length and data. Made for a file on a
//! partition; told in the words of efibootmgr, which patterns of operators are written for.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::codec::{hex, uuid};
use crate::efi::load_option::{to_utf16, utf16};

/// How a partition is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The signature in the boot record.
    Mbr([u8; 4]),
    /// The partition's own GUID, as it lies on the disk.
    Gpt([u8; 16]),
}

/// A partition of a disk; in sectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardDrive {
    /// As the table counts it.
    pub number: u32,
    /// In sectors.
    pub start: u64,
    /// In sectors.
    pub sectors: u64,
    /// Which partition, whatever the disk is called.
    pub signature: Signature,
}

const HARDWARE: u8 = 1;
const ACPI: u8 = 2;
const MESSAGING: u8 = 3;
const MEDIA: u8 = 4;
const BIOS: u8 = 5;
const END: u8 = 0x7f;

/// The path of the file `file`, whose folders are parted by `\`, on a partition.
pub fn to_file(drive: &HardDrive, file: &str) -> Vec<u8> {
    // UEFI 2.10, table 10.45: 1 and 1 for an MBR and its 32-bit signature, 2 and 2 for a GPT and a GUID.
    let (mut signature, kind) = ([0; 16], drive.signature);
    let kind = match kind {
        Signature::Mbr(own) => {
            signature[..4].copy_from_slice(&own);
            1
        }
        Signature::Gpt(own) => {
            signature = own;
            2
        }
    };
    let mut data = drive.number.to_le_bytes().to_vec();
    data.extend(drive.start.to_le_bytes());
    data.extend(drive.sectors.to_le_bytes());
    data.extend(signature);
    data.extend([kind, kind]);
    let mut path = node(MEDIA, 1, &data);
    path.extend(node(MEDIA, 4, &to_utf16(file).collect::<Vec<_>>()));
    path.extend(node(END, 0xff, &[]));
    path
}

fn node(kind: u8, subtype: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + data.len()).unwrap_or(u16::MAX);
    let mut node = vec![kind, subtype];
    node.extend(length.to_le_bytes());
    node.extend(data);
    node
}

/// Type and subtype of a node, and its text. There, `%` and a letter stand for data from the byte that two
/// digits tell: see [`field`].
#[rustfmt::skip]
static FORMS: &[(u8, u8, &str)] = &[
    (HARDWARE, 1, "Pci(%b01,%b00)"),
    (HARDWARE, 2, "PcCard(%b00)"),
    (HARDWARE, 3, "MemoryMapped(%d00,%q04,%q12)"),
    (HARDWARE, 4, "VenHw(%g00%h16)"),
    (HARDWARE, 5, "Ctrl(%d00)"),
    (HARDWARE, 6, "BMC(%B00,%q01)"),
    (MESSAGING, 1, "Ata(%B00,%B01,%W02)"),
    (MESSAGING, 2, "SCSI(%W00,%W02)"),
    (MESSAGING, 3, "Fibre(%q04,%q12)"),
    (MESSAGING, 4, "I1394(%q04)"),
    (MESSAGING, 5, "USB(%B00,%B01)"),
    (MESSAGING, 10, "VenMsg(%g00%h16)"),
    (MESSAGING, 11, "MAC(%m00,%B32)"),
    (MESSAGING, 12, "IPv4(%r04,%W12,%o14,%r00,%r15,%r19)"),
    (MESSAGING, 13, "IPv6(%v16,%W36,%B38,%v00,%v40,%B39)"),
    (MESSAGING, 15, "UsbClass(%w00,%w02,%B05,%B06)"),
    (MESSAGING, 16, "UsbWwid(%w02,%w04,%W00,%u06)"),
    (MESSAGING, 17, "Unit(%B00)"),
    (MESSAGING, 18, "Sata(%W00,%W02,%W04)"),
    (MESSAGING, 19, "iSCSI(%s14,%W12,%q04)"),
    (MESSAGING, 20, "Vlan(%W00)"),
    (MESSAGING, 22, "SAS(%q04,%q12,%W20)"),
    (MESSAGING, 23, "NVMe(%d00,%e04)"),
    (MESSAGING, 24, "Uri(%s00)"),
    (MESSAGING, 25, "UFS(%B00,%b01)"),
    (MESSAGING, 26, "SD(%B00)"),
    (MESSAGING, 29, "eMMC(%B00)"),
    (MEDIA, 2, "CDROM(%D00,%q04,%q12)"),
    (MEDIA, 3, "VenMedia(%g00%h16)"),
    (MEDIA, 4, "File(%u00)"),
    (MEDIA, 5, "Media(%g00)"),
    (MEDIA, 6, "FvFile(%g00)"),
    (MEDIA, 7, "FvVol(%g00)"),
    (MEDIA, 8, "Offset(%q04,%q12)"),
    (MEDIA, 9, "Ramdisk(%q00,%q08,%W32,%g16)"),
    (BIOS, 1, "BBS(%t00,%s04,%w02)"),
];

/// The same of an ACPI node, by its first four bytes: the compressed name of a device.
static DEVICES: &[(u32, &str)] = &[
    (0x0604_41d0, "Floppy(%d04)"),
    (0x0a03_41d0, "PciRoot(%d04)"),
    (0x0a05_41d0, "AcpiContainer()"),
    (0x0a06_41d0, "AcpiContainer()"),
    (0x0a08_41d0, "PcieRoot(%d04)"),
];

/// The same of a partition, by the kind of its signature.
const PARTITIONS: &[&str] = &[
    "HD(%D00,0,%x20,%q04,%q12)",
    "HD(%D00,MBR,%d20,%q04,%q12)",
    "HD(%D00,GPT,%g20,%q04,%q12)",
];

/// Type, subtype and data of each node up to the end, or to the first one that is broken. Those of type 0x7f part one
/// path from the next.
pub fn nodes(mut path: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    std::iter::from_fn(move || {
        let [kind, subtype, low, high, rest @ ..] = path else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([*low, *high])).checked_sub(4)?;
        let (data, rest) = rest.split_at_checked(length)?;
        path = rest;
        // The end of one path among several is 1.
        (*kind != END || *subtype == 1).then_some((*kind, *subtype, data))
    })
}

/// All nodes of [`nodes`], in words.
pub fn text(path: &[u8]) -> String {
    let mut text = String::new();
    for (kind, subtype, data) in nodes(path) {
        if kind == END {
            text.push(',');
            continue;
        }
        if !text.is_empty() && !text.ends_with(',') {
            text.push('/');
        }
        let told = form(kind, subtype, data).and_then(|form| fill(form, data));
        let raw = || format!("Path({kind},{subtype},{})", hex::encode(data));
        text += &told.unwrap_or_else(raw);
    }
    text
}

fn form(kind: u8, subtype: u8, data: &[u8]) -> Option<&'static str> {
    match (kind, subtype) {
        (ACPI, 1 | 2) => {
            let id = u32::from_le_bytes(*data.first_chunk()?);
            let device = DEVICES.iter().find(|(own, _)| *own == id);
            Some(device.map_or("Acpi(%d00,%d04)", |(_, form)| form))
        }
        (MEDIA, 1) => PARTITIONS.get(usize::from(*data.get(37)?)).copied(),
        _ => {
            let mut forms = FORMS.iter();
            let found = forms.find(|(own, sub, _)| (*own, *sub) == (kind, subtype));
            found.map(|(_, _, form)| *form)
        }
    }
}

/// None if the data ends before the form does.
fn fill(form: &str, data: &[u8]) -> Option<String> {
    let mut parts = form.split('%');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (letter, at) = (part.chars().next()?, part.get(1..3)?.parse().ok()?);
        text += &field(letter, data.get(at..)?)?;
        text += part.get(3..)?;
    }
    Some(text)
}

fn field(letter: char, data: &[u8]) -> Option<String> {
    let number = |size: usize| {
        let bytes = data.get(..size)?.iter().rev();
        Some(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let digits = |size| Some(format!("{:#x}", number(size)?));
    let decimal = |size| Some(number(size)?.to_string());
    Some(match letter {
        // Numbers of 1, 2, 4 and 8 bytes: small letters for hexadecimal digits.
        'b' => digits(1)?,
        'w' => digits(2)?,
        'd' => digits(4)?,
        'q' => digits(8)?,
        'B' => decimal(1)?,
        'W' => decimal(2)?,
        'D' => decimal(4)?,
        'g' => uuid::text(&uuid::swapped(*data.first_chunk()?)),
        // Text of one or two bytes a character.
        's' => {
            let text = data.split(|byte| *byte == 0).next()?;
            String::from_utf8_lossy(text).into_owned()
        }
        'u' => utf16(data).split('\0').next()?.to_owned(),
        // Bytes: a further field of all the rest if there is one, 6, 8 parted by dashes, 16.
        'h' if data.is_empty() => String::new(),
        'h' => format!(",{}", hex::encode(data)),
        'm' => hex::encode(data.get(..6)?),
        'e' => {
            let bytes = data.get(..8)?.chunks(1);
            let bytes: Vec<_> = bytes.map(|byte| hex::encode(byte).to_uppercase()).collect();
            bytes.join("-")
        }
        'x' => hex::encode(data.get(..16)?),
        'r' => Ipv4Addr::from(*data.first_chunk::<4>()?).to_string(),
        'v' => format!("[{}]", Ipv6Addr::from(*data.first_chunk::<16>()?)),
        'o' if data.first()? == &0 => "DHCP".to_owned(),
        'o' => "Static".to_owned(),
        // UEFI 2.10, table 10.54: what a BIOS would boot from.
        't' => match number(2)? {
            kind @ 1..=6 => {
                ["Floppy", "HD", "CDROM", "PCMCIA", "USB", "Network"][kind as usize - 1].to_owned()
            }
            kind => kind.to_string(),
        },
        _ => return None,
    })
}
