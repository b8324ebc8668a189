//! Asks a disk itself who it is, where the kernel has not: ATA drives behind USB bridges and old adapters, and SCSI disks
//! whose vital product data the kernel passed over. Reads only.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use crate::sys::scsi::{Data, send};

/// A disk that is asleep takes some seconds to wake.
const PATIENCE: Duration = Duration::from_secs(10);

/// The 512 bytes of IDENTIFY DEVICE; none from a disk that is no ATA drive, or behind a bridge that lets no ATA command
/// through. The error is of one that could not be asked.
pub fn identify(disk: &Path) -> io::Result<Option<Vec<u8>>> {
    // SAT-3 12.2.3, ATA PASS-THROUGH (12), which more bridges know than the longer one: protocol 4 reads; byte 2 says from
    // the disk, in blocks, as many as byte 4 counts. ACS-3 7.12: ECh is IDENTIFY DEVICE.
    let command = [0xa1, 4 << 1, 0x0e, 0, 1, 0, 0, 0, 0, 0xec, 0, 0];
    let answer = ask(disk, &command, 512)?;
    // Some bridges say that it worked and send nothing.
    Ok(answer.filter(|bytes| bytes.iter().any(|byte| *byte != 0)))
}

/// A page of vital product data, header and all; none if the disk has no such page.
pub fn page(disk: &Path, code: u8) -> io::Result<Option<Vec<u8>>> {
    // SPC-4 6.6: INQUIRY, byte 1 asks for the page in byte 2. Old disks know lengths of one byte only.
    const LENGTH: u8 = 254;
    let answer = ask(disk, &[0x12, 1, code, 0, LENGTH, 0], usize::from(LENGTH))?;
    // Disks that know no pages send what they send without one.
    Ok(answer.filter(|bytes| bytes.get(1) == Some(&code)))
}

fn ask(disk: &Path, command: &[u8], length: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(disk) {
        Ok(file) => file,
        // It has gone, or this is no machine but a picture of one.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; length];
    match send(&file, command, Data::In(&mut bytes), PATIENCE) {
        Ok(answer) if answer.lost != 0 => Err(io::Error::other(format!(
            "the command was lost on its way ({:#x})",
            answer.lost
        ))),
        // SAM-5, status codes: whatever else it says, it says that it does not tell.
        Ok(answer) => Ok((answer.status == 0).then_some(bytes)),
        Err(error) if speaks_no_scsi(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// ENOTTY and EINVAL are how the kernel says that this device takes no SCSI commands.
fn speaks_no_scsi(error: &io::Error) -> bool {
    const ENOTTY: i32 = 25;
    error.raw_os_error() == Some(ENOTTY)
        || matches!(
            error.kind(),
            ErrorKind::InvalidInput | ErrorKind::Unsupported
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_disk_tells_nothing_and_what_is_not_there_neither() {
        for path in ["/dev/null", "/nonexistent/disk"] {
            let path = Path::new(path);
            assert!(matches!(identify(path), Ok(None)), "{}", path.display());
            assert!(matches!(page(path, 0x83), Ok(None)), "{}", path.display());
        }
    }
}
