//! SCSI commands to a disk (SG_IO), and ATA commands inside them.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::null_mut;
use std::time::Duration;

use super::checked;

/// What a command moves.
pub enum Data<'a> {
    /// Nothing.
    None,
    /// From the disk.
    In(&'a mut [u8]),
    /// To the disk.
    Out(&'a [u8]),
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// SAM-5, status codes: 0 is good, 2 says that there is sense data.
    pub status: u8,
    /// At most 64 bytes; empty if there is none.
    pub sense: Vec<u8>,
    /// What the adapter and its driver say; 0 unless the command was lost on the way.
    pub lost: u32,
    /// As the kernel measured it.
    pub took: Duration,
}

/// struct sg_io_hdr of scsi/sg.h.
#[repr(C)]
struct Header {
    interface: i32,
    direction: i32,
    command_length: u8,
    sense_room: u8,
    pieces: u16,
    length: u32,
    data: *mut c_void,
    command: *const u8,
    sense: *mut u8,
    timeout_ms: u32,
    flags: u32,
    id: i32,
    own: *mut c_void,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_length: u8,
    host_status: u16,
    driver_status: u16,
    residue: i32,
    duration: u32,
    info: u32,
}

/// Sends `command` and waits for its end, at most for `patience`: then the kernel resets the disk.
pub fn send(disk: &File, command: &[u8], data: Data, patience: Duration) -> io::Result<Answer> {
    // scsi/sg.h
    const SG_IO: libc::Ioctl = 0x2285;
    const SG_DXFER_NONE: i32 = -1;
    const SG_DXFER_TO_DEV: i32 = -2;
    const SG_DXFER_FROM_DEV: i32 = -3;
    // SPC-4 4.5: sense data is at most 252 bytes long.
    let mut sense = [0; 252];
    let (direction, address, length) = match data {
        Data::None => (SG_DXFER_NONE, null_mut(), 0),
        Data::In(bytes) => (SG_DXFER_FROM_DEV, bytes.as_mut_ptr(), bytes.len()),
        // The kernel only reads what goes to a disk.
        Data::Out(bytes) => (SG_DXFER_TO_DEV, bytes.as_ptr().cast_mut(), bytes.len()),
    };
    let mut header = Header {
        interface: i32::from(b'S'),
        direction,
        command_length: u8::try_from(command.len()).map_err(io::Error::other)?,
        sense_room: sense.len() as u8,
        pieces: 0,
        length: u32::try_from(length).map_err(io::Error::other)?,
        data: address.cast(),
        command: command.as_ptr(),
        sense: sense.as_mut_ptr(),
        timeout_ms: u32::try_from(patience.as_millis()).unwrap_or(u32::MAX),
        flags: 0,
        id: 0,
        own: null_mut(),
        status: 0,
        masked_status: 0,
        message_status: 0,
        sense_length: 0,
        host_status: 0,
        driver_status: 0,
        residue: 0,
        duration: 0,
        info: 0,
    };
    // SAFETY: the header has the layout of the ioctl; it, the command, the sense buffer and the data, each as
    // long as the header says, live until the call returns, and only the buffers borrowed alone are written to.
    checked(unsafe { libc::ioctl(disk.as_raw_fd(), SG_IO, &mut header) })?;
    // scsi/sg.h: this driver status only says that there is sense data.
    const DRIVER_SENSE: u16 = 0x08;
    let written = usize::from(header.sense_length).min(sense.len());
    Ok(Answer {
        status: header.status,
        sense: sense[..written].to_vec(),
        lost: u32::from(header.host_status) << 16 | u32::from(header.driver_status & !DRIVER_SENSE),
        took: Duration::from_millis(u64::from(header.duration)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_layout_has_its_size() {
        assert_eq!(size_of::<Header>(), 88);
        assert_eq!(std::mem::offset_of!(Header, status), 64);
    }

    #[test]
    fn what_is_no_disk_takes_no_command() {
        let file = File::open("/dev/null").expect("it is always there");
        let patience = Duration::from_secs(1);
        assert!(send(&file, &[0; 6], Data::None, patience).is_err());
    }
}
