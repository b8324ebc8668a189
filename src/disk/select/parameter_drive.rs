//! Tells the drive on which Ironic hands over parameters from a disk of the machine's own.

use std::fs::File;
use std::io::Read;

use crate::disk::list::Disk;

/// Is it the drive on which Ironic hands over parameters: a FAT file system labelled `ir-vfd-dev`?
/// Only drives with a medium that can be taken out are looked at.
pub fn holds_parameters(disk: &Disk) -> bool {
    let mut sector = [0; 512];
    let read = |sector: &mut [u8]| File::open(&disk.path)?.read_exact(sector);
    disk.removable && read(&mut sector).is_ok() && is_parameter_volume(&sector)
}

fn is_parameter_volume(boot_sector: &[u8; 512]) -> bool {
    const LABEL: &[u8] = b"IR-VFD-DEV";
    // Microsoft FAT specification 1.03, section 3.1: BS_VolLab stands at 43 (FAT12, FAT16) or 71 (FAT32).
    [43, 71]
        .iter()
        .any(|at| boot_sector[*at..at + LABEL.len()].eq_ignore_ascii_case(LABEL))
}
