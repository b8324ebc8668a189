//! An empty FAT file system.

use crate::disk::filesystem::fat::device::{Device, put};
use crate::disk::filesystem::fat::directory_entry;
use crate::disk::filesystem::fat::directory_entry::VOLUME;
use crate::disk::filesystem::fat::geometry::Shape;
use crate::error::{Context, Error, Result};
use crate::units::KIB;

/// Sectors of the first of 32 bits: the boot sector, the count of free clusters, and a copy of both.
const COPY: u64 = 6;

/// Makes an empty FAT file system over the first `size` bytes of `device`, in sectors of `sector` bytes: of 32
/// bits from 512 MiB on, else of 16 or 12. Of what was there before only clusters keep something, which belong
/// to no file.
pub fn format(device: &mut dyn Device, size: u64, sector: u16, label: &str, id: u32) -> Result<()> {
    let mut shape = Shape::plan(size, sector.into())?;
    let letters = |c: u8| (b' '..0x7f).contains(&c);
    if label.is_empty() || label.len() > shape.label.len() || !label.bytes().all(letters) {
        let label = label.escape_debug();
        let why = format!("'{label}' is no label of a FAT file system, which has 1 to 11 letters");
        return Err(Error::plain(why));
    }
    shape.label[..label.len()].copy_from_slice(label.as_bytes());
    shape.id = id;
    write(device, &shape, size).context("making a FAT file system")
}

/// Can there be one of `size` bytes?
pub fn check(size: u64, sector: u16) -> Result<()> {
    Shape::plan(size, sector.into()).map(drop)
}

fn write(device: &mut dyn Device, shape: &Shape, size: u64) -> Result<()> {
    let wide = shape.bits == 32;
    // Whatever is there begins with zeros: also a sector larger than what stands in it.
    let end = shape.data + if wide { shape.cluster } else { 0 };
    let zeros = vec![0; (64 * KIB) as usize];
    for at in (0..end).step_by(zeros.len()) {
        let count = (end - at).min(zeros.len() as u64);
        put(device, at, &zeros[..count as usize])?;
    }
    let mut label = [0; directory_entry::SLOT];
    label[..11].copy_from_slice(&shape.label);
    directory_entry::stamp(&mut label, VOLUME, 0, 0);
    put(device, if wide { shape.data } else { shape.root }, &label)?;
    // What stands for the two clusters that do not exist, and the end of the root folder's chain.
    let start: &[u8] = match shape.bits {
        12 => &[0xf8, 0xff, 0xff],
        16 => &[0xf8, 0xff, 0xff, 0xff],
        _ => &[
            0xf8, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f,
        ],
    };
    for copy in 0..shape.tables {
        put(device, shape.table + copy * shape.table_len, start)?;
    }
    let boot = boot_sector(shape, size);
    if wide {
        let mut info = [0; 512];
        info[..4].copy_from_slice(b"RRaA");
        info[484..488].copy_from_slice(b"rrAa");
        info[488..492].copy_from_slice(&(shape.clusters - 1).to_le_bytes());
        info[492] = 3; // after the root folder
        info[510..].copy_from_slice(&[0x55, 0xaa]);
        for first in [0, COPY] {
            put(device, (first + shape.info) * shape.sector, &info)?;
        }
        put(device, COPY * shape.sector, &boot)?;
    }
    put(device, 0, &boot)?;
    device.flush().map_err(Error::from)
}

fn boot_sector(shape: &Shape, size: u64) -> [u8; 512] {
    let mut boot = [0; 512];
    let mut field = |at: usize, bytes: &[u8]| boot[at..at + bytes.len()].copy_from_slice(bytes);
    let sectors = (size / shape.sector) as u32; // not more, or there would be no shape
    let table = (shape.table_len / shape.sector) as u32; // fewer than there are sectors
    let (short, wide) = (|n: u64| (n as u16).to_le_bytes(), shape.bits == 32);
    field(0, &[0xeb, if wide { 0x58 } else { 0x3c }, 0x90]);
    field(3, b"ironlet ");
    field(11, &short(shape.sector));
    field(13, &[(shape.cluster / shape.sector) as u8]);
    field(14, &short(shape.table / shape.sector));
    field(16, &[shape.tables as u8]);
    field(17, &short(shape.root_len / directory_entry::SLOT as u64));
    field(21, &[0xf8]); // a disk that stays
    field(24, &[63, 0, 255, 0]); // a geometry nobody asks for
    match u16::try_from(sectors) {
        Ok(few) if !wide => field(19, &few.to_le_bytes()),
        _ => field(32, &sectors.to_le_bytes()),
    }
    let rest = match wide {
        false => {
            field(22, &short(table.into()));
            36
        }
        true => {
            field(36, &table.to_le_bytes());
            field(44, &shape.root_cluster.to_le_bytes());
            field(48, &short(shape.info));
            field(50, &short(COPY));
            64
        }
    };
    field(rest, &[0x80, 0, 0x29]);
    field(rest + 3, &shape.id.to_le_bytes());
    field(rest + 7, &shape.label);
    field(rest + 18, format!("FAT{}   ", shape.bits).as_bytes());
    field(510, &[0x55, 0xaa]);
    boot
}
