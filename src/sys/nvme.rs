//! Admin commands to an NVMe controller, through the disk that is one of its namespaces.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::block::{ALIGNMENT, Aligned};
use super::checked;

/// One admin command; what is not named here is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// NVM Express base specification, admin command set.
    pub opcode: u8,
    /// The namespace; all ones mean every one.
    pub namespace: u32,
    /// Command dwords 10 and 11.
    pub dwords: [u32; 2],
    /// After this the kernel takes the controller for dead and resets it.
    pub patience: Duration,
}

/// struct nvme_admin_cmd of linux/nvme_ioctl.h.
#[repr(C)]
#[derive(Default)]
struct Passthrough {
    opcode: u8,
    flags: u8,
    reserved: u16,
    namespace: u32,
    dwords_2_3: [u32; 2],
    metadata: u64,
    address: u64,
    metadata_length: u32,
    length: u32,
    dwords_10_15: [u32; 6],
    timeout_ms: u32,
    result: u32,
}

/// Sends `command`, which fills `data`, at most a page, and waits for its end. The answer is the controller's status:
/// 0 is success, else the status code in bits 0–7 and its type in bits 8–10.
pub fn admin(disk: &File, command: &Command, data: &mut [u8]) -> io::Result<u16> {
    // linux/nvme_ioctl.h: NVME_IOCTL_ADMIN_CMD _IOWR('N', 0x41, struct nvme_admin_cmd)
    const NVME_IOCTL_ADMIN_CMD: libc::Ioctl = 0xc048_4e41u32 as libc::Ioctl;
    let [ten, eleven] = command.dwords;
    // Some controllers send a page whatever was asked for (libnvme issue 684): it must be ours to the end.
    let mut page = Aligned::new(ALIGNMENT);
    let room = page
        .get_mut(..data.len())
        .ok_or(io::ErrorKind::InvalidInput)?;
    let mut request = Passthrough {
        opcode: command.opcode,
        namespace: command.namespace,
        // No data has no address.
        address: match data.is_empty() {
            true => 0,
            false => room.as_mut_ptr() as u64,
        },
        length: room.len() as u32,
        dwords_10_15: [ten, eleven, 0, 0, 0, 0],
        timeout_ms: u32::try_from(command.patience.as_millis()).unwrap_or(u32::MAX),
        ..Passthrough::default()
    };
    // SAFETY: the structure has the layout of the ioctl and lives until it returns; what is written
    // to `address` stays within the page that begins there, which lives as long.
    let status =
        checked(unsafe { libc::ioctl(disk.as_raw_fd(), NVME_IOCTL_ADMIN_CMD, &mut request) })?;
    data.copy_from_slice(room);
    // nvme_submit_user_cmd answers the status field; the bits above 10 ask for no retry and offer more.
    Ok((status & 0x7ff) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_layout_has_its_size() {
        assert_eq!(size_of::<Passthrough>(), 72);
        assert_eq!(std::mem::offset_of!(Passthrough, dwords_10_15), 40);
    }

    #[test]
    fn what_is_no_controller_takes_no_command() {
        let file = File::open("/dev/null").expect("it is always there");
        assert!(admin(&file, &Command::default(), &mut []).is_err());
    }
}
