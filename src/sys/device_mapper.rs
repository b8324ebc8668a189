//! The device mapper: volumes of the kernel's own over other block devices (linux/dm-ioctl.h).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use super::checked;

/// struct dm_ioctl, and room for one target behind it: struct dm_target_spec and its words.
const HEAD: usize = 312;
const TARGET: usize = 40;
/// What a target's words may take.
const WORDS: usize = 4096;

/// Where volumes are made.
pub struct Control(File);

impl Control {
    /// `path`: /dev/mapper/control, which is there once the kernel knows the device mapper.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map(Control)
    }

    /// Makes a volume without a table; `uuid` says whose it is. The error is ResourceBusy where there is one of either name.
    pub fn create(&self, name: &str, uuid: &str) -> io::Result<()> {
        self.call(3, name, uuid, None)
    }

    /// Has a volume be `sectors` of 512 bytes of one target, from now on.
    pub fn load(&self, name: &str, sectors: u64, target: &str, words: &str) -> io::Result<()> {
        self.call(9, name, "", Some((sectors, target, words)))?;
        // DM_DEV_SUSPEND without the flag that suspends: takes the new table.
        self.call(6, name, "", None)
    }

    /// Takes a volume away that nobody has open.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.call(4, name, "", None)
    }

    fn call(
        &self,
        command: u8,
        name: &str,
        uuid: &str,
        table: Option<(u64, &str, &str)>,
    ) -> io::Result<()> {
        // _IOWR(0xfd, command, struct dm_ioctl)
        let request = (0xc138_fd00u32 | u32::from(command)) as libc::Ioctl;
        let mut message = vec![0u8; HEAD + TARGET + WORDS];
        let length = message.len() as u32;
        let mut put = |at: usize, bytes: &[u8], room: usize| {
            let fits = bytes.len() < room;
            let into = message.get_mut(at..at + bytes.len()).filter(|_| fits);
            into.map(|into| into.copy_from_slice(bytes))
                .ok_or(io::ErrorKind::InvalidInput)
        };
        put(0, &4u32.to_le_bytes(), 5)?; // version 4.0.0
        put(12, &length.to_le_bytes(), 5)?;
        put(16, &(HEAD as u32).to_le_bytes(), 5)?;
        put(48, name.as_bytes(), 128)?;
        put(176, uuid.as_bytes(), 129)?;
        if let Some((sectors, target, words)) = table {
            put(20, &1u32.to_le_bytes(), 5)?;
            put(HEAD + 8, &sectors.to_le_bytes(), 9)?;
            put(HEAD + 24, target.as_bytes(), 16)?;
            put(HEAD + TARGET, words.as_bytes(), WORDS)?;
        }
        // SAFETY: the kernel reads and writes no more than data_size says, which is the length of `message`.
        checked(unsafe { libc::ioctl(self.0.as_raw_fd(), request, message.as_mut_ptr()) }).map(drop)
    }
}
