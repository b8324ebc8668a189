//! The firmware's variables, as efivarfs shows them: a file each, four bytes of attributes before the data
//! (Documentation/filesystems/efivarfs.rst).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

use crate::error::{Context, Error, Result};
use crate::sys::immutable_flag;
use crate::system_root::{SystemRoot, names};

// UEFI 2.10, 3.3: EFI_GLOBAL_VARIABLE; BootOrder and Boot#### are its.
const GLOBAL: &str = "-8be4df61-93ca-11d2-aa0d-00e098032b8c";
// UEFI 2.10, 8.2: kept without power, seen by boot services and by a running system.
const ATTRIBUTES: [u8; 4] = [7, 0, 0, 0];
/// Firmware takes less in one variable; what is larger was never a boot entry.
const LONGEST: u64 = 64 << 10;

/// The global variables by name.
pub struct Variables {
    folder: PathBuf,
}

impl Variables {
    /// Those of a machine started by UEFI firmware, which may be changed if it is a ramdisk that runs there.
    pub fn open(host: &SystemRoot) -> Result<Self> {
        host.must_not_be_owned("boot entries")?;
        let folder = host.sys("firmware/efi/efivars");
        if names(&folder).is_empty() {
            let why = "the firmware's variables are not there: efivarfs is not mounted, not in this kernel \
                       (CONFIG_EFIVAR_FS), or the kernel does without runtime services (efi=runtime on its \
                       command line asks for them)";
            return Err(Error::plain(format!("{}: {why}", folder.display())));
        }
        Ok(Variables { folder })
    }

    /// Names of all variables, sorted.
    pub fn names(&self) -> Vec<String> {
        let files = names(&self.folder).into_iter();
        files
            .filter_map(|file| {
                // Some firmware and kernels write the digits of a GUID in capitals.
                let at = file.len().checked_sub(GLOBAL.len())?;
                let own = file.get(at..)?.eq_ignore_ascii_case(GLOBAL);
                own.then(|| file[..at].to_owned())
            })
            .collect()
    }

    /// The data of a variable; none if there is no such variable.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.read_any(&format!("{name}{GLOBAL}"))
    }

    /// The same of anybody's: `name` has its vendor's GUID behind it.
    pub fn read_any(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(self.folder.join(name))?
                .take(LONGEST + 1)
                .read_to_end(&mut bytes)?;
            match bytes.len() as u64 {
                // One that was begun and not written.
                0 => Err(ErrorKind::NotFound.into()),
                1..4 => Err(io::Error::other("it has no attributes")),
                4..=LONGEST => Ok(bytes.split_off(ATTRIBUTES.len())),
                _ => Err(io::Error::other("it is larger than any boot entry")),
            }
        };
        match read() {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading the variable {name}")),
        }
    }

    /// Makes or replaces a variable: the firmware does either wholly or not at all.
    pub fn write(&self, name: &str, data: &[u8]) -> io::Result<()> {
        let (path, bytes) = (self.path(name), [&ATTRIBUTES, data].concat());
        let new = !path.exists();
        if !new {
            self.release(name);
        }
        let outcome = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .and_then(|mut file| {
                // All of it in one call, for that is one call of the firmware.
                match file.write(&bytes)? {
                    count if count == bytes.len() => (),
                    _ => return Err(ErrorKind::StorageFull.into()),
                }
                // There a file is as long as its variable; a plain one keeps the end of what it held.
                match file.metadata()?.len() > bytes.len() as u64 {
                    true => file.set_len(bytes.len() as u64),
                    false => Ok(()),
                }
            });
        if outcome.is_err() && new {
            // The name was made before the variable was refused.
            let _ = fs::remove_file(&path);
        }
        outcome
    }

    /// Removes a variable; it need not be there.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.release(name);
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Lets a variable be changed. Where that fails, so does the change, and says why.
    fn release(&self, name: &str) {
        if let Ok(file) = File::open(self.path(name)) {
            let _ = immutable_flag::clear_immutable(&file);
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{GLOBAL}"))
    }
}

/// What the firmware's refusal means, and what to try.
pub fn explained(error: io::Error) -> Error {
    let advice = match error.kind() {
        ErrorKind::StorageFull => {
            "the firmware's store of variables is full: the step clean_uefi_nvram removes boot entries no longer \
             needed; some firmware makes room only at the next start"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "the firmware lets no running system change its variables, or its setup has them locked"
        }
        ErrorKind::InvalidInput | ErrorKind::Unsupported => "the firmware takes no such variable",
        _ => "the firmware failed; an update of it may help, or a full power cycle",
    };
    Error::plain(format!("{error}: {advice}"))
}
