//! Files below a folder that no path, link or mount point in it leads out of: the kernel resolves every path as if that folder
//! were the root (openat2).

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::path::Path;

use super::checked;

// linux/openat2.h
const NO_XDEV: u64 = 0x01;
const NO_MAGICLINKS: u64 = 0x02;
const IN_ROOT: u64 = 0x10;

/// linux/openat2.h, struct open_how.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// The most bytes of an extended attribute and of the list of their names (linux/limits.h, XATTR_SIZE_MAX).
const LONGEST_ATTRIBUTE: usize = 64 << 10;

/// Attributes that speak of what is in a file: whoever writes it loses them.
const OF_CONTENT: [&CStr; 3] = [c"security.capability", c"security.ima", c"security.evm"];

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a FIFO or a socket.
    Special,
}

/// An open folder; as the root that [`Folder::below`] does not leave, or to change what is in it.
pub struct Folder(File);

impl Folder {
    /// By a path that is trusted.
    pub fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Folder)
    }

    /// The folder at `path`, links followed and `..` taken as if this were the root.
    pub fn below(&self, path: &str) -> io::Result<Self> {
        let path = CString::new(if path.is_empty() { "." } else { path })?;
        let how = OpenHow {
            flags: (libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64,
            mode: 0,
            resolve: IN_ROOT | NO_MAGICLINKS | NO_XDEV,
        };
        let (folder, size) = (self.0.as_raw_fd(), size_of::<OpenHow>());
        // SAFETY: a string that ends in NUL, and a struct of the size told; both live until the call returns.
        let opened = checked(unsafe {
            libc::syscall(libc::SYS_openat2, folder, path.as_ptr(), &how, size)
        })?;
        // SAFETY: the kernel just made this descriptor, and nobody else has it.
        Ok(Folder(unsafe { File::from_raw_fd(opened as _) }))
    }

    /// The names in it, at most `most`, in no order; those that are no text are left out.
    pub fn names(&self, most: usize) -> io::Result<Vec<String>> {
        let again = self.open_name(c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
        // SAFETY: an open folder of this process, which the stream takes over.
        let stream = unsafe { libc::fdopendir(again.into_raw_fd()) };
        if stream.is_null() {
            return Err(io::Error::last_os_error());
        }
        let mut names = Vec::new();
        while names.len() < most {
            // SAFETY: the stream is open until it is closed below.
            let entry = unsafe { libc::readdir(stream) };
            if entry.is_null() {
                break;
            }
            // SAFETY: the entry is valid until the next is read, and its name ends in NUL.
            let name = unsafe { CStr::from_ptr((*entry).d_name.as_ptr()) };
            if let Ok(name) = name.to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        // SAFETY: it was opened above and is not used any more.
        unsafe { libc::closedir(stream) };
        Ok(names)
    }

    /// What `name` is, a link not followed; none if there is no such name.
    pub fn kind(&self, name: &str) -> io::Result<Option<Kind>> {
        let name = name_of(name)?;
        // SAFETY: all zeros is a valid stat; it holds only numbers.
        let mut found: libc::stat = unsafe { std::mem::zeroed() };
        let (folder, flags) = (self.0.as_raw_fd(), libc::AT_SYMLINK_NOFOLLOW);
        // SAFETY: a string that ends in NUL, and a struct that the kernel fills; both live until the call returns.
        let asked = checked(unsafe { libc::fstatat(folder, name.as_ptr(), &mut found, flags) });
        match asked {
            Ok(_) => Ok(Some(match found.st_mode & libc::S_IFMT {
                libc::S_IFREG => Kind::File,
                libc::S_IFDIR => Kind::Folder,
                libc::S_IFLNK => Kind::Link,
                _ => Kind::Special,
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the link `name` leads.
    pub fn link(&self, name: &str) -> io::Result<String> {
        let name = name_of(name)?;
        let mut target = vec![0; libc::PATH_MAX as usize];
        let (folder, room) = (self.0.as_raw_fd(), target.len());
        // SAFETY: a string that ends in NUL, and memory of the length told; both live until the call returns.
        let len = checked(unsafe {
            libc::readlinkat(folder, name.as_ptr(), target.as_mut_ptr().cast(), room)
        })?;
        target.truncate(len as usize);
        String::from_utf8(target).map_err(io::Error::other)
    }

    /// Makes a folder, and opens it; its mode is this, whatever the umask. None: as the file system has it.
    pub fn make_folder(&self, name: &str, mode: Option<u32>) -> io::Result<Self> {
        let own = name_of(name)?;
        // SAFETY: a string that ends in NUL and lives until the call returns.
        checked(unsafe { libc::mkdirat(self.0.as_raw_fd(), own.as_ptr(), 0o700) })?;
        let made = self.open_name(&own, libc::O_RDONLY | libc::O_DIRECTORY)?;
        mode.map_or(Ok(()), |mode| set_mode(&made, mode))?;
        Ok(Folder(made))
    }

    /// A new file, which only root may read until it is given a mode; an error if the name is taken.
    pub fn create(&self, name: &str) -> io::Result<File> {
        self.open_name(
            &name_of(name)?,
            libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL,
        )
    }

    /// A regular file, for reading; whatever else has the name does not hold anybody up.
    pub fn open_file(&self, name: &str) -> io::Result<File> {
        self.open_name(&name_of(name)?, libc::O_RDONLY | libc::O_NONBLOCK)
    }

    fn open_name(&self, name: &CStr, flags: libc::c_int) -> io::Result<File> {
        let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let (folder, mode) = (self.0.as_raw_fd(), 0o600 as libc::c_uint);
        // SAFETY: a string that ends in NUL and lives until the call returns.
        let opened = checked(unsafe { libc::openat(folder, name.as_ptr(), flags, mode) })?;
        // SAFETY: the kernel just made this descriptor, and nobody else has it.
        Ok(unsafe { File::from_raw_fd(opened) })
    }

    /// Gives the file `from` the name `to`, in place of whatever has it.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (folder, from, to) = (self.0.as_raw_fd(), name_of(from)?, name_of(to)?);
        // SAFETY: two strings that end in NUL and live until the call returns.
        checked(unsafe { libc::renameat(folder, from.as_ptr(), folder, to.as_ptr()) }).map(drop)
    }

    /// Removes a file or a link, not what that leads to; a name nobody has is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.unlink(name, 0)
    }

    /// Removes an empty folder; a name nobody has is no error.
    pub fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.unlink(name, libc::AT_REMOVEDIR)
    }

    fn unlink(&self, name: &str, flags: libc::c_int) -> io::Result<()> {
        let name = name_of(name)?;
        // SAFETY: a string that ends in NUL and lives until the call returns.
        match checked(unsafe { libc::unlinkat(self.0.as_raw_fd(), name.as_ptr(), flags) }) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What was done to its names is on the disk when this returns.
    pub fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// One name, and no path.
fn name_of(name: &str) -> io::Result<CString> {
    match name {
        "" | "." | ".." => Err(io::ErrorKind::InvalidInput.into()),
        name if name.contains('/') => Err(io::ErrorKind::InvalidInput.into()),
        name => Ok(CString::new(name)?),
    }
}

/// Sets the permissions of an open file or folder.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::fchmod(file.as_raw_fd(), mode as libc::mode_t) }).map(drop)
}

/// Gives one file the extended attributes of another: labels of SELinux, access lists, and whatever does not speak of its content.
pub fn copy_attributes(from: &File, to: &File) -> io::Result<()> {
    let (from, to) = (from.as_raw_fd(), to.as_raw_fd());
    let mut names = vec![0; LONGEST_ATTRIBUTE];
    // SAFETY: memory of the length told, which lives until the call returns.
    let len = checked(unsafe { libc::flistxattr(from, names.as_mut_ptr().cast(), names.len()) });
    let len = match len {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => return Ok(()),
        len => len? as usize,
    };
    let mut value = vec![0; LONGEST_ATTRIBUTE];
    for name in names[..len].split_inclusive(|byte| *byte == 0) {
        let name = CStr::from_bytes_with_nul(name).map_err(io::Error::other)?;
        if OF_CONTENT.contains(&name) {
            continue;
        }
        let (room, place) = (value.len(), value.as_mut_ptr());
        // SAFETY: a string that ends in NUL, and memory of the length told; both live until the call returns.
        let len = checked(unsafe { libc::fgetxattr(from, name.as_ptr(), place.cast(), room) })?;
        // SAFETY: as above; the kernel just filled `len` bytes.
        checked(unsafe {
            libc::fsetxattr(to, name.as_ptr(), value.as_ptr().cast(), len as usize, 0)
        })?;
    }
    Ok(())
}
